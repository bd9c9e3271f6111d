package exporttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// ahead is how much of a file may have been read that was not let through yet:
// what a carrier and the kernel may keep in memory.
const ahead = 16 << 20

// streams has a server that takes nothing for a while in the midst of a file that
// is larger than what may be kept.
func streams(u *suite) error {
	c, all := newCargo(3*ahead), u.to(fresh("stream.mp4"))
	if u.Parallel { // what goes through cannot be seen
		_, err := u.arrives(all, c)
		return err
	}
	through, all, err := u.before(all)
	if err != nil {
		return err
	}
	through.holdAfter(1 << 20)
	waited := time.AfterFunc(500*time.Millisecond, through.heal)
	defer waited.Stop()
	var most atomic.Int64
	c.reading = func(at int64) {
		if kept := at - through.forwarded(); kept > most.Load() {
			most.Store(kept)
		}
	}
	_, err = u.arrives(all, c)
	if kept := most.Load(); kept > ahead {
		err = errors.Join(err, fmt.Errorf("%d bytes were read that the server had not taken, more than %d", kept, ahead))
	}
	return err
}

// halfHasNoName looks at the folder while the file is half read, and whenever the
// carrier says how far it is.
func halfHasNoName(u *suite) error {
	all, c := u.to(fresh("half.mp4")), newCargo(large)
	var mu sync.Mutex
	var seen bool
	var wrong error
	look := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		if n <= 0 || n >= c.size || wrong != nil {
			return
		}
		if err := u.absent(all); err != nil {
			wrong = fmt.Errorf("before it was complete: %w", err)
		}
		seen = seen || slices.ContainsFunc(u.names(all), func(name string) bool { return strings.Contains(name, c.part) })
	}
	var once sync.Once
	c.sent = look
	c.reading = func(at int64) {
		if at > c.size/2 {
			once.Do(func() { look(at) })
		}
	}
	if _, err := u.arrives(all, c); err != nil || wrong != nil {
		return errors.Join(err, wrong)
	}
	if u.Renames && !seen {
		return errors.New("no file whose name holds Parcel.Part was there before it was complete")
	}
	return nil
}

// endsWithContext cancels in the midst of a file.
func endsWithContext(u *suite) error {
	all, c := u.to(fresh("cancelled.mp4")), newCargo(large)
	stop := func() {}
	if !u.Parallel {
		through, way, err := u.before(all)
		if err != nil {
			return err
		}
		all, stop = way, func() { through.holdAfter(0) }
	}
	ctx, cancel := context.WithCancel(u.ctx)
	defer cancel()
	var once sync.Once
	c.reading = func(at int64) {
		if at < c.size/2 {
			return
		}
		once.Do(func() {
			stop()
			cancel()
			<-time.After(200 * time.Millisecond) // a carrier may need so long to see it
		})
	}
	f, err := u.ends(ctx, all, c)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"timeout", "reset", "error"}, f.Class) || f.Permanent {
		return fmt.Errorf("not a passing fault of the class timeout, reset or error: %+v", *f)
	}
	return u.absent(all)
}

// ends makes a try that must fail by itself soon after ctx did.
func (u *suite) ends(ctx context.Context, all map[string]any, c *cargo) (*export.Fault, error) {
	type result struct {
		f   *export.Fault
		err error
	}
	over := make(chan result, 1)
	go func() {
		_, f, err := u.carry(ctx, all, c)
		over <- result{f, err}
	}()
	<-ctx.Done()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil, fmt.Errorf("it did not end within %v of its context", soon)
	case r := <-over:
		if r.err == nil && r.f == nil {
			return nil, errors.New("it succeeded")
		}
		return r.f, r.err
	}
}
