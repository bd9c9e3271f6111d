package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// workFunc is a Worker.
type workFunc func(ctx context.Context, job Job) error

func (f workFunc) Work(ctx context.Context, job Job) error { return f(ctx, job) }

// run is one call of a worker.
type run struct {
	Key    string
	At     time.Duration // since the start
	Faults int
}

// rig is a dispatcher over a fake store, running in the bubble of a test.
type rig struct {
	*Dispatcher
	store *fakeStore
	begin time.Time
	stop  func()
	log   *lockedBuffer

	mu   sync.Mutex
	runs []run
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// rigUp starts a dispatcher of one kind, "work". Set is for what differs from
// the standard.
func rigUp(t *testing.T, store *fakeStore, k KindOptions, work workFunc, set ...func(*Options)) *rig {
	t.Helper()
	r := &rig{store: store, begin: time.Now(), log: &lockedBuffer{}}
	k.Worker = workFunc(func(ctx context.Context, job Job) error {
		r.mu.Lock()
		r.runs = append(r.runs, run{job.Key, time.Since(r.begin), job.Faults})
		r.mu.Unlock()
		if time.Now().Before(job.RunAt) {
			t.Errorf("%s ran %v early", job.Key, time.Until(job.RunAt))
		}
		return work(ctx, job)
	})
	o := Options{Store: store, Kinds: map[Kind]KindOptions{"work": k}, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	for _, f := range set {
		f(&o)
	}
	r.Dispatcher = New(o)
	store.added = r.Add
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (r *rig) ran() []run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]run(nil), r.runs...)
}

func (r *rig) keys() (keys []string) {
	for _, run := range r.ran() {
		keys = append(keys, run.Key)
	}
	return keys
}

func nothing(context.Context, Job) error { return nil }

// takes is work that takes a while.
func takes(d time.Duration) workFunc {
	return func(context.Context, Job) error {
		<-time.After(d)
		return nil
	}
}

func check(t *testing.T, what string, got, want any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// checkDone tells that every one of n jobs ran once and left the store.
func (r *rig) checkDone(t *testing.T, n int) {
	t.Helper()
	times := map[string]int{}
	for _, key := range r.keys() {
		times[key]++
		if times[key] == 2 {
			t.Errorf("%s ran twice", key)
		}
	}
	check(t, "jobs that ran", len(times), n)
	check(t, "jobs left", len(r.store.unfinished()), 0)
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 1}, takes(time.Millisecond))
		now := time.Now()
		synctest.Wait()
		r.store.insert(append(some(3, "a", now), some(2, "b", now)...)...)
		r.store.insert(Job{Kind: "work", Key: "older", Group: "b", RunAt: now.Add(-time.Second)})
		r.store.insert(some(1, "c", now.Add(1500*time.Microsecond))...)
		pass(time.Second)
		// Groups take turns; within one the earliest goes first.
		check(t, "order", r.keys(), []string{"a-0", "older", "a-1", "b-0", "c-0", "a-2", "b-1"})
		check(t, "jobs left", len(r.store.unfinished()), 0)
	})
}

// TestNeighbours has 49 groups that answer and one that hangs: nobody else may
// notice it, neither with few jobs nor with more than memory holds.
func TestNeighbours(t *testing.T) {
	for _, backlog := range []int{10, 2000} {
		t.Run(fmt.Sprintf("%d jobs that hang", backlog), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				latest := time.Duration(0)
				r := rigUp(t, newFakeStore(), KindOptions{Workers: 16, PerGroup: 4}, func(_ context.Context, job Job) error {
					if job.Group == "hangs" {
						<-time.After(15 * time.Second)
						return nil
					}
					mu.Lock()
					defer mu.Unlock()
					latest = max(latest, time.Since(job.RunAt))
					return nil
				})
				synctest.Wait()
				r.store.insert(some(backlog, "hangs", time.Now())...)
				for round := range 20 {
					for g := range 49 {
						r.store.insert(Job{Kind: "work", Key: fmt.Sprint(g, ".", round), Group: fmt.Sprint(g), RunAt: time.Now()})
					}
					pass(500 * time.Millisecond)
				}
				check(t, "runs of the healthy", len(r.ran())-4, 49*20)
				check(t, "their longest wait", latest, 0*time.Second)
			})
		})
	}
}

func TestSlots(t *testing.T) {
	for _, tc := range []struct{ workers, perGroup, groups, want, wantPerGroup int }{
		{8, 2, 6, 8, 2},
		{8, 3, 2, 6, 3},
		{8, 0, 1, 8, 8},
		{2, 5, 3, 2, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			now, most := map[string]int{}, map[string]int{}
			count := func(name string, d int) {
				now[name] += d
				most[name] = max(most[name], now[name])
			}
			r := rigUp(t, newFakeStore(), KindOptions{Workers: tc.workers, PerGroup: tc.perGroup}, func(_ context.Context, job Job) error {
				defer func() { mu.Lock(); count("all", -1); count(job.Group, -1); mu.Unlock() }()
				mu.Lock()
				count("all", 1)
				count(job.Group, 1)
				mu.Unlock()
				<-time.After(time.Second)
				return nil
			})
			want := map[string]int{"all": tc.want}
			for g := range tc.groups {
				group := []string{"", "a", "b", "c", "d", "e"}[g]
				want[group] = tc.wantPerGroup
				r.store.insert(some(20, group, time.Now())...)
			}
			pass(time.Hour)
			r.checkDone(t, 20*tc.groups)
			check(t, "most at once", most["all"], want["all"])
			for g, n := range want {
				if most[g] > n {
					t.Errorf("group %q: %d at once, want at most %d", g, most[g], n)
				}
			}
		})
	}
}

// TestTime has jobs due all over a day and looks at when each of them runs.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 4}, nothing, func(o *Options) { o.Sweep = 1000 * time.Hour })
		synctest.Wait()
		due := map[string]time.Duration{}
		for i := range 1500 {
			d := time.Duration(i*7919%86400) * time.Second
			key := fmt.Sprint(i)
			due[key] = d
			r.store.insert(Job{Kind: "work", Key: key, Group: fmt.Sprint(i % 7), RunAt: r.begin.Add(d)})
		}
		pass(25 * time.Hour)
		r.checkDone(t, 1500)
		for _, run := range r.ran() {
			if late := run.At - due[run.Key]; late < 0 || late > 250*time.Millisecond {
				t.Errorf("%s ran %v late", run.Key, late)
			}
		}
		p := r.pools["work"]
		if len(p.held)+len(p.groups)+len(p.turns)+len(p.waiting) > 0 {
			t.Errorf("memory is not empty: %+v", p.memory)
		}
	})
}

func TestSnooze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 3
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 2}, func(context.Context, Job) error {
			if left--; left >= 0 {
				return fmt.Errorf("not yet: %w", Snooze(90*time.Second))
			}
			return nil
		})
		r.store.insert(Job{Kind: "work", Key: "k", RunAt: time.Now(), Faults: 2})
		pass(time.Minute)
		check(t, "the row", r.store.unfinished(), []Job{{ID: 1, Kind: "work", Key: "k", RunAt: stored(r.begin.Add(90 * time.Second)), Faults: 2}})
		pass(time.Hour)
		check(t, "runs", r.ran(), []run{{"k", 0, 2}, {"k", 90 * time.Second, 2}, {"k", 180 * time.Second, 2}, {"k", 270 * time.Second, 2}})
		check(t, "jobs left", len(r.store.unfinished()), 0)
	})
}

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
				if log := r.log.String(); !strings.Contains(log, "broken pipe") || (name == "panic") != strings.Contains(log, "dispatcher_test.go") {
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

// TestReplaced is how a delivery goes: its worker's record of an attempt removes
// the row and inserts another, which must wait until that worker has returned.
func TestReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		atWork := 0
		r := rigUp(t, store, KindOptions{Workers: 8}, func(_ context.Context, job Job) error {
			if atWork++; atWork > 1 {
				t.Error("two at once for one key")
			}
			defer func() { atWork-- }()
			if _, there := store.row(job.ID); !there {
				t.Errorf("ran job %d, which is gone", job.ID)
			}
			if job.ID < 5 {
				store.replace(job, time.Now().Add(time.Duration(job.ID)*time.Second))
				store.added(job) // a late word of the old one
				<-time.After(2500 * time.Millisecond)
			}
			if job.ID == 2 {
				return errors.New("and then it failed")
			}
			return nil
		})
		store.insert(Job{Kind: "work", Key: "k", RunAt: time.Now()})
		pass(time.Hour)
		ms := time.Millisecond
		check(t, "runs", r.ran(), []run{{"k", 0, 0}, {"k", 2500 * ms, 0}, {"k", 5000 * ms, 0}, {"k", 8000 * ms, 0}, {"k", 12000 * ms, 0}})
		check(t, "jobs left", len(store.unfinished()), 0)

		// One that waits for its time is replaced too.
		old := store.insert(Job{Kind: "work", Key: "w", RunAt: time.Now().Add(time.Hour)})[0]
		store.replace(old, time.Now().Add(time.Minute))
		pass(2 * time.Hour)
		check(t, "runs", len(r.ran()), 6)
		check(t, "jobs left", len(store.unfinished()), 0)
	})
}

func TestDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 3}, takes(time.Minute), func(o *Options) { o.Sweep = time.Second })
		jobs := r.store.insert(append(some(5, "a", time.Now()), some(5, "later", time.Now().Add(time.Minute))...)...)
		r.Add(jobs...)
		r.Add(Job{ID: 99, Kind: "unknown", Key: "x"})
		for range 100 {
			pass(time.Second)
			var left []Job
			for _, j := range jobs {
				if _, there := r.store.row(j.ID); there {
					left = append(left, j)
				}
			}
			r.Add(left...)
		}
		pass(time.Hour)
		r.checkDone(t, 10)
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

// BenchmarkDispatch runs jobs through a worker that does nothing, added as they
// come and read from a backlog far larger than memory.
func BenchmarkDispatch(b *testing.B) {
	for _, tc := range []struct {
		name    string
		groups  int
		backlog bool
	}{{"added", 50, false}, {"backlog of 1 group", 1, true}, {"backlog of 50 groups", 50, true}} {
		b.Run(tc.name, func(b *testing.B) {
			store := newFakeStore()
			var left sync.WaitGroup
			left.Add(b.N)
			d := New(Options{Store: store, Kinds: map[Kind]KindOptions{"work": {Workers: 64, PerGroup: 16, Worker: workFunc(func(context.Context, Job) error {
				left.Done()
				return nil
			})}}})
			jobs := make([]Job, b.N)
			for i := range jobs {
				jobs[i] = Job{Kind: "work", Key: fmt.Sprint(i), Group: fmt.Sprint(i % tc.groups), RunAt: time.Now()}
			}
			if tc.backlog {
				store.insert(jobs...)
			}
			store.added = d.Add
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error)
			b.ResetTimer()
			go func() { done <- d.Run(ctx) }()
			if !tc.backlog {
				for ; len(jobs) > 0; jobs = jobs[min(64, len(jobs)):] {
					store.insert(jobs[:min(64, len(jobs))]...)
				}
			}
			left.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			b.ReportMetric(float64(store.read)/float64(b.N), "rows/job")
			cancel()
			<-done
		})
	}
}

// TestYoungestRowWins hears of the rows of one key in the wrong order.
func TestYoungestRowWins(t *testing.T) {
	now := time.Now()
	m := newMemory(0)
	for _, id := range []int64{2, 1} {
		m.offer(Job{ID: id, Key: "k", RunAt: now}, now)
	}
	it := m.next()
	check(t, "the first", it.job.ID, int64(2))
	for _, id := range []int64{4, 3} {
		m.offer(Job{ID: id, Key: "k", RunAt: now}, now)
	}
	check(t, "the next", it.next.ID, int64(4))
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
