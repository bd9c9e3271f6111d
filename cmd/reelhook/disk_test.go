package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/reelhook/reelhook/internal/api"
)

// disk is where a trial keeps its data folder, and can be full.
type disk interface {
	// full leaves the running process no byte, room undoes it.
	full() error
	room() error
	// fault is what faultEnv must be for it to work when nothing else is wanted.
	fault() string
	io.Closer
}

// newDisk makes the disk of a plan and puts the process on it. Where no file
// system may be mounted, a limit stands in for a small one, and the plan says so.
func newDisk(plan *plan, folder string, p *process) disk {
	p.data = filepath.Join(folder, "data")
	if plan.full == tmpfsDisk {
		unmount, err := mountSmall(folder)
		if err == nil {
			return smallDisk{filler: filepath.Join(folder, "filler"), unmount: unmount}
		}
		plan.full = limitDisk
	}
	if plan.full == limitDisk {
		return &limitedDisk{process: p}
	}
	return wideDisk{}
}

// wideDisk is never full.
type wideDisk struct{}

func (wideDisk) full() error   { return nil }
func (wideDisk) room() error   { return nil }
func (wideDisk) fault() string { return "" }
func (wideDisk) Close() error  { return nil }

// smallDisk is a file system of its own.
type smallDisk struct {
	filler  string
	unmount func() error
}

func (d smallDisk) full() error {
	f, err := os.OpenFile(d.filler, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	return nil // the last error is why it is full
}

func (d smallDisk) room() error {
	if err := os.Remove(d.filler); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (smallDisk) fault() string  { return "" }
func (d smallDisk) Close() error { return d.unmount() }

// limitedDisk has the process forbid itself to write; see obey.
type limitedDisk struct {
	*process
	isFull bool
}

func (d *limitedDisk) full() error {
	d.isFull = true
	_, err := fmt.Fprintln(d.in, fullWord)
	return err
}

// room may come too late for a process that has died, and then is not needed.
func (d *limitedDisk) room() error {
	if d.isFull {
		d.isFull = false
		_, _ = fmt.Fprintln(d.in, roomWord)
	}
	return nil
}

func (*limitedDisk) fault() string { return "nowhere 0" }
func (*limitedDisk) Close() error  { return nil }

// fillUp leaves a life no byte to write, sees that work is refused, and makes
// room again, unless it is to die before: that is what early means here.
func (t *trial) fillUp(ctx context.Context, l life) error {
	if err := t.awaitServing(ctx); err != nil {
		return err
	}
	<-time.After(l.after)
	if err := t.disk.full(); err != nil {
		return err
	}
	err := retry(ctx, func() error {
		_, err := t.client(fmt.Sprint("probe-", t.probes)).Submit(ctx, []byte(`{"scenes":[{"elements":[{"type":"image"}]}]}`))
		var refused *api.Failure
		switch {
		case err == nil:
			t.probes++
			return errors.New("it takes work")
		case !errors.As(err, &refused) || refused.Status != 503:
			return fmt.Errorf("want it refused with 503: %w", err)
		}
		return nil
	})
	if err != nil || l.early {
		return err
	}
	return t.disk.room()
}
