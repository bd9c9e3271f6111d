package exporttest

import (
	"errors"
	"fmt"
	"slices"
)

var probing = []rule{{"probe leaves nothing", probeLeavesNothing}}

func probeLeavesNothing(u *suite) error {
	all := u.to(fresh("probed.mp4"))
	if u.Read != nil && !u.Flat && !u.Fixed { // nobody else writes to a folder of its own
		all["remote-path"] = fresh("probed")
		if _, err := u.arrives(u.with(map[string]any{"remote-path": all["remote-path"], "file": "there.mp4"}), newCargo(10)); err != nil {
			return err
		}
	}
	var before []string
	if u.Read != nil {
		before = u.names(all)
	} else {
		u.Delivered()
	}
	went, f, err := u.probe(all)
	switch {
	case err != nil:
		return err
	case f != nil:
		return fmt.Errorf("good settings failed: %+v", *f)
	case len(went) == 0:
		return errors.New("it named no step")
	case u.Read == nil:
		if n := u.Delivered(); n != 1 {
			return fmt.Errorf("%d messages arrived, not 1", n)
		}
		return nil
	}
	after := u.names(all)
	slices.Sort(before)
	slices.Sort(after)
	if !slices.Equal(before, after) {
		return fmt.Errorf("there was %q, now there is %q", before, after)
	}
	return nil
}

// faulty are the rules of one fault: a try says what it is, and so does a probe.
func faulty(name string, want Fault) []rule {
	carry := func(u *suite) error {
		c := newCargo(large)
		_, f, err := u.carry(u.ctx, want.settings(u), c)
		switch {
		case err != nil:
			return err
		case f == nil:
			return errors.New("it succeeded")
		case f.Step != want.Step || f.Class != want.Class || f.Permanent != want.Permanent:
			return fmt.Errorf("want step %s, class %s, permanent %t: got %+v", want.Step, want.Class, want.Permanent, *f)
		}
		return nil
	}
	probe := func(u *suite) error {
		_, f, err := u.probe(want.settings(u))
		switch {
		case err != nil:
			return err
		case f == nil && want.Class == "space":
			return nil // what a probe writes may still find room
		case f == nil:
			return errors.New("the probe succeeded")
		case f.Step != want.Step || f.Class != want.Class:
			return fmt.Errorf("want step %s, class %s: got %+v", want.Step, want.Class, *f)
		}
		return nil
	}
	return []rule{{name, carry}, {name + ", probed", probe}}
}

func (f Fault) settings(u *suite) map[string]any {
	all := f.Settings(u.t)
	if _, ok := all["file"]; !ok && u.Read != nil && !u.Fixed {
		all["file"] = fresh("fault.mp4")
	}
	return all
}
