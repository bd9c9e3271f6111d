package exporttest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// breaking is for servers whose every connection goes through the proxy.
var breaking = []rule{
	{"goes on after a cut", goesOnAfterCut},
	{"ends when it stalls", endsWhenStalled},
}

// goesOnAfterCut cuts the connection in the middle of a file, and tries again.
func goesOnAfterCut(u *suite) error {
	c := newCargo(large)
	through, all, err := u.before(u.to(fresh("cut.mp4")))
	if err != nil {
		return err
	}
	through.cutAfter(c.size / 2)
	_, f, err := u.carry(u.ctx, all, c)
	switch {
	case err != nil:
		return err
	case f == nil:
		return errors.New("it succeeded, although only half of it was let through")
	case f.Permanent:
		return fmt.Errorf("a cut connection is a permanent fault: %+v", *f)
	}
	if err := u.absent(all); err != nil {
		return fmt.Errorf("after the cut: %w", err)
	}
	through.heal()
	if _, err = u.arrives(all, c); err != nil {
		return fmt.Errorf("the second try: %w", err)
	}
	return nil
}

// endsWhenStalled stops forwarding in the middle of a file.
func endsWhenStalled(u *suite) error {
	c := newCargo(large)
	through, all, err := u.before(u.to(fresh("stalled.mp4")))
	if err != nil {
		return err
	}
	through.holdAfter(c.size / 2)
	if err := u.timesOut(all, c); err != nil {
		return err
	}
	return u.absent(all)
}

// timesOut makes a try that gets nowhere.
func (u *suite) timesOut(all map[string]any, c *cargo) error {
	ctx, cancel := context.WithTimeout(u.ctx, 3*time.Second)
	defer cancel()
	f, err := u.ends(ctx, all, c)
	if err != nil {
		return err
	}
	if f.Class != "timeout" || f.Permanent {
		return fmt.Errorf("not a passing fault of the class timeout: %+v", *f)
	}
	return nil
}
