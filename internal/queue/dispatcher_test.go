package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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
		if len(p.held)+len(p.groups)+len(p.turns)+len(p.passed)+len(p.waiting)+len(p.alarms)+len(p.oldest) > 0 {
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

// TestYoungestRowWins hears of the rows of one key in the wrong order.
func TestYoungestRowWins(t *testing.T) {
	now := time.Now()
	m := newMemory(KindOptions{Workers: 4})
	for _, id := range []int64{2, 1} {
		m.offer(Job{ID: id, Key: "k", RunAt: now}, now)
	}
	it := m.next(now)
	check(t, "the first", it.job.ID, int64(2))
	for _, id := range []int64{4, 3} {
		m.offer(Job{ID: id, Key: "k", RunAt: now}, now)
	}
	check(t, "the next", it.next.ID, int64(4))
}
