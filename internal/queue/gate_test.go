package queue

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// retries makes n jobs of a group that are not the first try of their work.
func retries(n int, group string, runAt time.Time) []Job {
	jobs := some(n, group, runAt)
	for i := range jobs {
		jobs[i].Key, jobs[i].Retry = fmt.Sprintf("%s-r%d", group, i), true
	}
	return jobs
}

// fakeGate says of every group what it is told to say.
type fakeGate struct {
	mu    sync.Mutex
	says  Allowance
	asked int
}

func (g *fakeGate) Gate(string, time.Time) Allowance {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	return g.says
}

func (g *fakeGate) say(a Allowance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.says = a
}

func (g *fakeGate) times() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

var (
	shut = Allowance{All: 9}
	open = Allowance{All: 9, Retries: 9}
)

// TestShutGate holds back a thousand retries, and none of the first tries, until
// the group is reopened.
func TestShutGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &fakeGate{says: shut}
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 4, PerGroup: 2, Gate: gate.Gate}, takes(time.Second))
		r.store.insert(retries(1000, "a", time.Now())...)
		r.store.insert(some(3, "a", time.Now().Add(time.Minute))...)
		pass(time.Hour)
		check(t, "first tries ran at", r.times(), []time.Duration{time.Minute, time.Minute, time.Minute + time.Second})
		check(t, "depth", r.Depth("work"), Depth{Held: 1000, Gated: 1000})
		if n := gate.times(); n > 12 {
			t.Errorf("asked %d times", n)
		}
		gate.say(open)
		r.Reopen("work", "a")
		r.Reopen("work", "unknown")
		r.Reopen("unknown", "a")
		pass(time.Hour)
		r.checkDone(t, 1003)
	})
}

// TestGateUntil has gates that say when to ask them again: at that time they are,
// and not at any other; one whose time has passed is asked now and then.
func TestGateUntil(t *testing.T) {
	for _, tc := range []struct {
		name  string
		until time.Duration
		asked int
	}{
		{"to come", time.Minute, 3},
		{"passed", -time.Minute, 600},
		{"now", 0, 600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, asked := time.Now(), 0
				gate := func(_ string, now time.Time) Allowance {
					if asked++; now.Sub(begin) >= time.Minute {
						return open
					}
					return Allowance{All: 1, Until: begin.Add(tc.until)}
				}
				r := rigUp(t, newFakeStore(), KindOptions{Workers: 4, Gate: gate}, nothing)
				synctest.Wait()
				r.store.insert(retries(2, "a", time.Now())...)
				pass(time.Hour)
				for _, run := range r.ran() {
					if late := run.At - time.Minute; late < 0 || late > 100*time.Millisecond {
						t.Errorf("%s ran %v late", run.Key, late)
					}
				}
				r.checkDone(t, 2)
				if asked < tc.asked || asked > tc.asked+3 {
					t.Errorf("asked %d times, want about %d", asked, tc.asked)
				}
			})
		})
	}
}

// TestGateAfterJob has a gate that opens with the first success of the group.
func TestGateAfterJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &fakeGate{says: Allowance{All: 4, Retries: 1}}
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 4, Gate: gate.Gate}, func(context.Context, Job) error {
			<-time.After(time.Second)
			gate.say(open)
			return nil
		})
		synctest.Wait()
		r.store.insert(retries(4, "a", time.Now())...)
		pass(time.Hour)
		check(t, "retries ran at", r.times(), []time.Duration{0, time.Second, time.Second, time.Second})
	})
}

// TestBounds has each bound hold for jobs that never end, and no more than it.
func TestBounds(t *testing.T) {
	all := Allowance{All: 99, Retries: 99}
	for _, tc := range []struct {
		name          string
		kind          KindOptions
		gate          Allowance
		groups        int
		firsts, again int // how many run of ten of each in each group
	}{
		{"a quarter of a group is kept", KindOptions{Workers: 99, PerGroup: 8}, all, 1, 2, 6},
		{"rounded down", KindOptions{Workers: 99, PerGroup: 7}, all, 1, 1, 6},
		{"which of three is none", KindOptions{Workers: 99, PerGroup: 3}, all, 1, 0, 3},
		{"and of one", KindOptions{Workers: 99, PerGroup: 1}, all, 1, 0, 1},
		{"workers are kept", KindOptions{Workers: 12, Reserve: 5}, all, 1, 5, 7},
		{"of all groups", KindOptions{Workers: 12, Reserve: 5}, all, 4, 5, 7},
		{"but one is left to retries", KindOptions{Workers: 6, Reserve: 9}, all, 3, 5, 1},
		{"the only one too", KindOptions{Workers: 1, Reserve: 1}, all, 1, 0, 1},
		{"slow start", KindOptions{Workers: 99, PerGroup: 8}, Allowance{All: 3, Retries: 2}, 1, 1, 2},
		{"slow start of each group", KindOptions{Workers: 99, PerGroup: 8}, Allowance{All: 3, Retries: 1}, 4, 8, 4},
		{"no more retries than all", KindOptions{Workers: 99}, Allowance{All: 3, Retries: 9}, 1, 0, 3},
		{"first tries always", KindOptions{Workers: 99}, Allowance{All: 0, Retries: 9}, 2, 2, 0},
		{"also without bounds", KindOptions{Workers: 99}, Allowance{All: math.MinInt, Retries: math.MinInt}, 2, 2, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := time.Now()
			k := tc.kind
			k.Gate = func(string, time.Time) Allowance { return tc.gate }
			m := newMemory(k)
			for g := range tc.groups {
				for _, job := range append(retries(10, fmt.Sprint(g), now.Add(-time.Second)), some(10, fmt.Sprint(g), now)...) {
					m.offer(job, now)
				}
			}
			firsts, again := 0, 0
			for it := m.next(now); it != nil; it = m.next(now) {
				if it.job.Retry {
					again++
				} else {
					firsts++
				}
			}
			check(t, "first tries", firsts, tc.firsts)
			check(t, "retries", again, tc.again)
		})
	}
}

// TestRetriesTakeTurns has the only retry worker wanted by the retries of three
// groups, of which one always has first tries too: all get it in turn, and first
// tries never wait for it.
func TestRetriesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 4, Reserve: 3, PerGroup: 3}, func(_ context.Context, job Job) error {
			if job.Retry {
				<-time.After(10 * time.Second)
				return nil
			}
			if late := time.Since(job.RunAt); job.Group != "busy" && late > 0 {
				t.Errorf("%s ran %v late", job.Key, late)
			}
			<-time.After(time.Second)
			return nil
		})
		synctest.Wait()
		for _, group := range []string{"a", "b", "busy"} {
			r.store.insert(retries(20, group, time.Now())...)
		}
		r.store.insert(some(10000, "busy", time.Now())...)
		for i := range 30 {
			r.store.insert(Job{Kind: "work", Key: fmt.Sprint("a-", i), Group: "a", RunAt: time.Now().Add(time.Duration(i) * 10 * time.Second)})
		}
		pass(5 * time.Minute)
		turns := map[string]int{}
		for _, key := range r.keys() {
			if group, _, again := strings.Cut(key, "-r"); again {
				turns[group]++
			}
		}
		for _, group := range []string{"a", "b", "busy"} {
			if n := turns[group]; n < 9 || n > 12 {
				t.Errorf("%d retries of %s in 31 turns", n, group)
			}
		}
	})
}

// TestHangingRetries has groups that hang fill every slot they can get: first
// tries of others run at once.
func TestHangingRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 16, Reserve: 4, PerGroup: 8}, func(_ context.Context, job Job) error {
			if job.Retry {
				<-time.After(15 * time.Second)
			} else if late := time.Since(job.RunAt); late > 0 {
				t.Errorf("%s ran %v late", job.Key, late)
			}
			return nil
		})
		for g := range 5 {
			r.store.insert(retries(50, fmt.Sprint("hangs", g), time.Now())...)
		}
		for i := range 100 {
			r.store.insert(some(4, fmt.Sprint("well", i), time.Now().Add(time.Duration(i)*time.Second))...)
		}
		pass(time.Hour)
		r.checkDone(t, 5*50+100*4)
	})
}

// TestRecordIsNotGated has a retry whose record fails, and its gate shut
// meanwhile: what was done is recorded all the same.
func TestRecordIsNotGated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, store, failures := &fakeGate{says: open}, newFakeStore(), 0
		store.fail = func(op string) error {
			if op == "finish" && failures < 3 {
				failures++
				return errStore
			}
			return nil
		}
		r := rigUp(t, store, KindOptions{Workers: 1, Gate: gate.Gate}, func(context.Context, Job) error {
			gate.say(Allowance{})
			return nil
		})
		store.insert(retries(1, "a", time.Now())...)
		pass(time.Minute)
		r.checkDone(t, 1)
		check(t, "depth", r.Depth("work"), Depth{})
	})
}

func TestDepth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := func(group string, _ time.Time) Allowance {
			if group == "cut off" {
				return shut
			}
			return open
		}
		r := rigUp(t, newFakeStore(), KindOptions{Workers: 3, PerGroup: 2, Gate: gate}, takes(time.Minute))
		synctest.Wait()
		r.store.insert(retries(7, "cut off", time.Now().Add(-time.Hour))...)
		r.store.insert(some(4, "a", time.Now())...)
		pass(time.Second)
		r.store.insert(some(5, "b", time.Now())...)
		r.store.insert(some(6, "c", time.Now().Add(time.Hour))...)
		pass(time.Second)
		check(t, "depth", r.Depth("work"), Depth{Held: 22, Due: 6, Gated: 7, Running: 3, Oldest: 2 * time.Second})
		check(t, "depth of another kind", r.Depth("unknown"), Depth{})
	})
}

// TestEmptiedGroup has the only job of a group that is parked or passed over
// replaced by one that is not due: what remembers the group must not mistake
// itself for the group that comes after it.
func TestEmptiedGroup(t *testing.T) {
	for _, tc := range []struct {
		name string
		gate Allowance
	}{{"passed over", open}, {"parked", Allowance{Until: time.Now().Add(time.Second)}}} {
		t.Run(tc.name, func(t *testing.T) {
			now, a := time.Now(), tc.gate
			m := newMemory(KindOptions{Workers: 2, Reserve: 1, Gate: func(group string, _ time.Time) Allowance {
				if group == "a" {
					return a
				}
				return open
			}})
			m.offer(Job{ID: 1, Key: "1", Group: "b", RunAt: now, Retry: true}, now)
			b := m.next(now)
			m.offer(Job{ID: 2, Key: "2", Group: "a", RunAt: now, Retry: true}, now)
			check(t, "nothing starts", m.next(now), (*item)(nil))
			m.offer(Job{ID: 3, Key: "2", Group: "a", RunAt: now.Add(time.Hour), Retry: true}, now)
			a = open
			m.offer(Job{ID: 4, Key: "4", Group: "a", RunAt: now}, now)
			it := m.next(now)
			m.release(b)
			now = now.Add(2 * time.Second)
			m.ripen(now)
			check(t, "nothing is left to start", m.next(now), (*item)(nil))
			m.release(it)
			check(t, "depth", m.depth(now), Depth{Held: 1})
			check(t, "groups", len(m.groups)+len(m.passed)+len(m.turns)+len(m.alarms), 0)
		})
	}
}
