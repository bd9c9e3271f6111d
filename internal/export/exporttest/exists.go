package exporttest

import (
	"bytes"
	"errors"
	"fmt"
	"path"

	"github.com/reelhook/reelhook/internal/export"
)

// old is a file that was there before; those that are carried are longer.
var old = []byte("an older file")

// still holds that a file is the one that was there before.
func (u *suite) still(at string) error {
	got, err := u.Read(at)
	if err == nil && !bytes.Equal(got, old) {
		err = fmt.Errorf("%d other bytes", len(got))
	}
	if err != nil {
		return fmt.Errorf("what was there before, %q, is no longer: %w", at, err)
	}
	return nil
}

func uniqueName(u *suite) error {
	file := fresh("taken.mp4")
	all := u.policy(file, export.Unique)
	u.Write(file, old)
	ext := path.Ext(file)
	for n := range 2 {
		r, err := u.arrives(all, newCargo(1000+int64(n)))
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("%s-%d%s", file[:len(file)-len(ext)], n+1, ext); path.Base(r.Path) != want {
			return fmt.Errorf("it became %q, not %q", r.Path, want)
		}
	}
	return u.still(file)
}

func failLeaves(u *suite) error {
	file, c := fresh("kept.mp4"), newCargo(1000)
	all := u.policy(file, export.Fail)
	u.Write(file, old)
	_, f, err := u.carry(u.ctx, all, c)
	switch {
	case err != nil:
		return err
	case f == nil:
		return errors.New("it was carried")
	case f.Class != "exists" || !f.Permanent:
		return fmt.Errorf("not a permanent fault of the class exists: %+v", *f)
	}
	return errors.Join(u.still(file), u.tidy(all, c))
}

func nothingThere(u *suite) error {
	for _, policy := range []string{export.Unique, export.Fail, export.Overwrite, "Fail"} {
		all := u.policy(fresh("free.mp4"), policy)
		r, err := u.arrives(all, newCargo(1000))
		if err != nil {
			return fmt.Errorf("%s: %w", policy, err)
		}
		if path.Base(r.Path) != all["file"] {
			return fmt.Errorf("%s: it became %q, not %q", policy, r.Path, all["file"])
		}
	}
	return nil
}
