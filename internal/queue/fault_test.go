package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestFaults lets a job fail for a day, by error and by panic.
func TestFaults(t *testing.T) {
	for name, fault := range map[string]func() error{
		"error": func() error { return errors.New("broken pipe") },
		"panic": func() error { panic("broken pipe") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mended atomic.Bool
				r := rigUp(t, newFakeStore(), KindOptions{Workers: 1}, func(_ context.Context, job Job) error {
					if job.Key == "bad" && !mended.Load() {
						return fault()
					}
					return nil
				})
				r.store.insert(Job{Kind: "work", Key: "bad", RunAt: time.Now()}, Job{Kind: "work", Key: "good", RunAt: time.Now()})
				pass(24 * time.Hour)
				runs := r.ran()
				check(t, "the other job", runs[1], run{Key: "good"})
				runs = append(runs[:1], runs[2:]...)
				for i := range runs[1:] {
					most := min(time.Second<<min(i, 6), time.Minute)
					if d := runs[i+1].At - runs[i].At; d > most || d < most*3/4 {
						t.Errorf("pause %d is %v", i+1, d)
					}
					check(t, "faults", runs[i+1].Faults, i+1)
				}
				if n := len(runs); n < 1440 {
					t.Errorf("%d runs in a day", n)
				}
				check(t, "row", r.store.unfinished()[0].Faults, len(runs))
				mended.Store(true)
				pass(time.Minute)
				check(t, "jobs left", len(r.store.unfinished()), 0)
				if log := r.log.String(); !strings.Contains(log, "broken pipe") || (name == "panic") != strings.Contains(log, "fault_test.go") {
					t.Errorf("log: %.1000s", log)
				}
			})
		})
	}
}

// TestStoreFaults has a store that fails for ten minutes: nothing is lost, and
// no work is done twice only because its record failed.
func TestStoreFaults(t *testing.T) {
	for _, op := range []string{"finish", "postpone", "jobs"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFakeStore()
				var fails atomic.Bool
				fails.Store(true)
				store.fail = func(called string) error {
					if fails.Load() && called == op {
						return errStore
					}
					return nil
				}
				ahead := store.insert(some(3, "before", time.Now())...)
				r := rigUp(t, store, KindOptions{Workers: 2, PerGroup: 1}, func(_ context.Context, job Job) error {
					if op == "postpone" && job.Faults == 0 {
						return errors.New("once")
					}
					return nil
				})
				pass(time.Second)
				store.insert(some(5, "a", time.Now())...)
				pass(10 * time.Minute)
				want := 5 + len(ahead)
				if op == "jobs" { // what is announced needs no reading
					want = len(ahead)
				}
				check(t, "rows while it fails", len(store.unfinished()), want)
				fails.Store(false)
				pass(10 * time.Minute)
				check(t, "rows after", len(store.unfinished()), 0)
				times := 1
				if op == "postpone" {
					times = 2
				}
				check(t, "runs", len(r.ran()), times*8)
				if op != "jobs" && !strings.Contains(r.log.String(), errStore.Error()) {
					t.Error("nothing in the log")
				}
			})
		})
	}
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		var causes []error
		r := rigUp(t, store, KindOptions{Workers: 4}, func(ctx context.Context, job Job) error {
			<-ctx.Done()
			<-time.After(10 * time.Second)
			switch job.Key {
			case "a-0":
				return nil
			case "a-1":
				return Snooze(time.Hour)
			case "a-2":
				causes = append(causes, context.Cause(ctx))
			}
			return ctx.Err()
		})
		begin := stored(time.Now())
		store.insert(some(6, "a", time.Now())...)
		store.insert(some(1, "later", time.Now().Add(time.Minute+5*time.Second))...)
		pass(time.Minute)
		stopped := time.Now()
		r.stop()
		check(t, "the stop took", time.Since(stopped), 10*time.Second)
		check(t, "causes", causes, []error{ErrStopping}, cmpopts.EquateErrors())
		check(t, "runs", len(r.ran()), 4)
		var rows []run
		for _, j := range store.unfinished() {
			rows = append(rows, run{j.Key, j.RunAt.Sub(begin), j.Faults})
		}
		check(t, "rows", rows, []run{{"a-2", 0, 0}, {"a-3", 0, 0}, {"a-4", 0, 0}, {"a-5", 0, 0},
			{"later-0", time.Minute + 5*time.Second, 0}, {"a-1", time.Hour + time.Minute + 10*time.Second, 0}})
		store.insert(some(1, "after", time.Now())...)
		pass(time.Hour)
		check(t, "runs after the stop", len(r.ran()), 4)
		if err := r.Run(t.Context()); err == nil {
			t.Error("a second Run is no error")
		}

		again := rigUp(t, store, KindOptions{Workers: 4}, nothing)
		pass(2 * time.Hour)
		again.checkDone(t, 7)
	})
}

// TestStale has a page of the store read, then the job in it done and gone,
// before the page arrives.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		store.slow = func() { <-time.After(5 * time.Second) }
		r := rigUp(t, store, KindOptions{Workers: 10}, takes(time.Second), func(o *Options) { o.Sweep = 6 * time.Second })
		pass(10 * time.Second)
		for range 100 {
			store.insert(Job{Kind: "work", Key: fmt.Sprint(time.Since(r.begin)), RunAt: time.Now()})
			pass(700 * time.Millisecond)
		}
		pass(time.Minute)
		r.checkDone(t, 100)
	})
}

// TestSweep has rows that nobody told the dispatcher of.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		r := rigUp(t, store, KindOptions{Workers: 10}, nothing)
		synctest.Wait()
		store.added = func(...Job) {}
		store.insert(some(3*256, "a", time.Now())...)
		store.insert(some(10, "b", time.Now().Add(90*time.Second))...)
		pass(time.Minute)
		check(t, "runs after a minute", len(r.ran()), 3*256)
		pass(time.Minute)
		r.checkDone(t, 3*256+10)
		before := store.pages()
		pass(time.Hour)
		check(t, "pages read in an idle hour", store.pages()-before, 60)
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		first := rigUp(t, store, KindOptions{Workers: 2}, func(ctx context.Context, _ Job) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
				return nil
			}
		})
		store.insert(some(50, "a", time.Now())...)
		store.insert(some(50, "b", time.Now().Add(time.Hour))...)
		pass(10*time.Second + time.Millisecond)
		first.stop()
		var want []string
		for _, j := range store.unfinished() {
			want = append(want, j.Key)
		}
		check(t, "rows left", len(want), 80)
		second := rigUp(t, store, KindOptions{Workers: 1}, nothing)
		pass(2 * time.Hour)
		check(t, "what the second ran", second.keys(), want)
		check(t, "jobs left", len(store.unfinished()), 0)
	})
}

// TestRecorded has a worker whose store removed the job with its record: nothing
// is written twice, and the job does not come again.
func TestRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		var finished atomic.Int32
		store.fail = func(op string) error {
			if op == "finish" {
				finished.Add(1)
			}
			return nil
		}
		r := rigUp(t, store, KindOptions{Workers: 1}, func(_ context.Context, job Job) error {
			if err := store.Finish(t.Context(), job.ID); err != nil {
				return err
			}
			return fmt.Errorf("done: %w", ErrRecorded)
		})
		store.insert(some(3, "a", time.Now())...)
		pass(time.Hour)
		r.checkDone(t, 3)
		check(t, "calls of Finish", finished.Load(), int32(3))
	})
}
