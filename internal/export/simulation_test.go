package export_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
)

var simulationRuns = flag.Int("simulation.runs", 60, "how many worlds TestSimulation lives through")

// TestSimulation lets the pipeline and the dispatcher, as they are, live for weeks
// of their time among endpoints of all characters, full disks, crashes and
// operators. What must hold is looked at all the time and when all is quiet.
func TestSimulation(t *testing.T) {
	runs(t, *simulationRuns)
	var sum counts
	rapid.Check(t, func(r *rapid.T) {
		s := newSimulation(drawSimPlan(r))
		synctest.Test(t, func(*testing.T) { s.run(s.acts) })
		s.report(r)
		sum.add(s.count)
	})
	t.Logf("%d movies, %d deliveries, %d attempts (%d of them to the tick, %d of uploads), %d crashes and stops that broke off %d, %d full disks, %.0f days",
		sum.movies, sum.deliveries, sum.attempts, sum.punctual, sum.carried, sum.crashes, sum.lost, sum.broken, sum.took.Hours()/24)
}

// runs sets how often rapid checks until the test ends.
func runs(t *testing.T, n int) {
	checks := flag.Lookup("rapid.checks").Value
	before := checks.String()
	t.Cleanup(func() { _ = checks.Set(before) })
	_ = checks.Set(strconv.Itoa(n))
}

func newSimulation(p simPlan) *simulation {
	return &simulation{simPlan: p, seen: map[string]string{}, charged: map[string]int{}, taken: map[string]int{}, again: map[string]int{}, tries: map[string]int{},
		late: func(export.Delivery, time.Time, time.Duration) {}}
}

func (s *simulation) report(r *rapid.T) {
	if len(s.problems) > 0 {
		r.Fatalf("%d problems:\n%s", len(s.problems), strings.Join(s.problems[:min(20, len(s.problems))], "\n"))
	}
}

// simPlan is what a simulation is made of; the rest follows from Seed.
type simPlan struct {
	Seed                       uint64
	Workers, Reserve, PerGroup int
	Characters                 []character
	Movies, Crashes, Full      int
	// Orders are what an operator does.
	Orders         int
	Span           time.Duration
	Latency, Sweep time.Duration
}

func drawSimPlan(r *rapid.T) (p simPlan) {
	p.Seed = rapid.Uint64().Draw(r, "seed")
	p.Workers = rapid.IntRange(1, 40).Draw(r, "workers")
	p.Reserve = rapid.IntRange(0, p.Workers/2).Draw(r, "reserve")
	p.PerGroup = rapid.IntRange(1, 8).Draw(r, "per group")
	p.Characters = rapid.SliceOfN(rapid.Custom(func(r *rapid.T) character {
		return character{rapid.SampledFrom(sorts).Draw(r, "sort"), rapid.IntRange(1, 6).Draw(r, "n"),
			rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, time.Hour, 30 * time.Hour}).Draw(r, "asks")}
	}), 1, 50).Draw(r, "endpoints")
	p.Movies = rapid.IntRange(1, 120).Draw(r, "movies")
	p.Crashes = rapid.IntRange(0, 6).Draw(r, "crashes")
	p.Full = rapid.IntRange(0, 3).Draw(r, "full disks")
	p.Orders = rapid.IntRange(0, 40).Draw(r, "orders")
	p.Span = rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 24 * time.Hour, 14 * 24 * time.Hour}).Draw(r, "span")
	p.Latency = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 20 * time.Millisecond}).Draw(r, "latency")
	// A sweep would hide that a job was lost.
	p.Sweep = rapid.SampledFrom([]time.Duration{10_000 * time.Hour, time.Hour}).Draw(r, "sweep")
	return p
}

// counts say how much was simulated.
type counts struct {
	movies, deliveries, attempts, punctual, carried, crashes, lost, broken int
	took                                                                   time.Duration
}

func (c *counts) add(o counts) {
	c.movies += o.movies
	c.deliveries += o.deliveries
	c.attempts += o.attempts
	c.punctual += o.punctual
	c.carried += o.carried
	c.crashes += o.crashes
	c.lost += o.lost
	c.broken += o.broken
	c.took += o.took
}

// simulation is the world of one plan.
type simulation struct {
	simPlan
	m       *memory
	process *process
	dice    *rand.Rand
	// hands are what runs outside the queue.
	hands  sync.WaitGroup
	broken atomic.Bool
	// healed is when the disk had room again, in nanoseconds.
	healed atomic.Int64

	mu       sync.Mutex
	problems []string
	count    counts
	// seen is what was sent, charged what walked the schedule since it was last
	// redelivered, taken how often its receiver took it, again how often it was
	// redelivered, tries how often a carrier set out; all by delivery, or by its mark
	// where that is all that is known.
	seen                         map[string]string
	charged, taken, again, tries map[string]int
	// late is told of every attempt how late it is.
	late func(d export.Delivery, due time.Time, by time.Duration)
}

func (s *simulation) Helper() {}

func (s *simulation) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem(format, args...)
}

func (s *simulation) problem(format string, args ...any) {
	s.problems = append(s.problems, time.Now().UTC().Format("01-02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (s *simulation) Fatal(args ...any)                 { s.Errorf("%s", fmt.Sprint(args...)) }
func (s *simulation) Fatalf(format string, args ...any) { s.Errorf(format, args...) }

func (s *simulation) mended() time.Time {
	if s.broken.Load() {
		return time.Now()
	}
	return time.Unix(0, s.healed.Load())
}

// begin looks at an attempt that is about to be made.
func (s *simulation) begin(p *process, d export.Delivery, a export.Attempt) {
	p.mu.Lock()
	twice := p.sending[d.ID]
	p.sending[d.ID] = true
	p.mu.Unlock()
	what := fmt.Sprintf("%s %s %s", d.MessageID, d.Target, d.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count.attempts++
	if s.seen[d.ID] == "" {
		s.seen[d.ID] = what
	}
	if twice || s.seen[d.ID] != what || d.State != export.Running || a.Number != d.Attempts {
		s.problem("%s is sent as %s, twice %v, first as %s", d.ID, what, twice, s.seen[d.ID])
	}
}

func (s *simulation) end(p *process, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sending, what)
}

func (s *simulation) arrived(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[what]++
}

// closes looks at what is to be recorded of an attempt.
func (s *simulation) closes(d export.Delivery, a export.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	proxied := a.Class == "proxy" && !d.Droppable && !d.Ordered && a.EndedAt.Sub(d.CreatedAt) < 7*24*time.Hour
	if a.Result != export.Succeeded && !proxied {
		s.charged[d.ID]++
	}
	if d.Failures != s.charged[d.ID] {
		s.problem("%s failed %d times, is charged %d", d.ID, s.charged[d.ID], d.Failures)
	}
	if d.Ordered {
		s.closesTransfer(d, a)
	}
	if d.NextAt.IsZero() {
		return
	}
	wait, delay := d.NextAt.Sub(a.EndedAt), 30*time.Second
	if !proxied {
		delay = d.Schedule[min(d.Failures, len(d.Schedule))-1]
	}
	asked := min(a.RetryAfter, 24*time.Hour)
	if wait < asked || wait != asked && (wait < delay*8/10-time.Microsecond || wait > delay*12/10+time.Microsecond) {
		s.problem("%s waits %v after failure %d, was asked for %v", d.ID, wait, d.Failures, a.RetryAfter)
	}
}

func (s *simulation) run(script func() []act) {
	began := time.Now()
	s.dice = rand.New(rand.NewPCG(s.Seed, 0))
	s.m = newMemory(s)
	s.m.lag = s.Latency
	s.m.onRedeliver = func(id string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.charged[id] = 0
		s.again[id]++
	}
	s.start()
	acts := script()
	slices.SortStableFunc(acts, func(a, b act) int { return int(a.at - b.at) })
	for _, a := range acts {
		<-time.After(a.at - time.Since(began))
		a.do()
	}
	s.mend()
	s.settle()
	s.process.stop()
	<-s.process.ended
	s.hands.Wait()
	s.count.took = time.Since(began)
	s.check()
}

// settle waits until nothing is left to do, twice: what was held at the last
// moment is sent again in between.
func (s *simulation) settle() {
	for range 2 {
		s.recover(export.Filter{States: []export.State{export.Held}})
		for wait := 0; !s.m.idle(); wait++ {
			if wait > 90*24*6 {
				s.Errorf("%d jobs are left after ninety days", len(s.m.jobs))
				return
			}
			<-time.After(10 * time.Minute)
		}
	}
}

// check looks at what is left once all is quiet.
func (s *simulation) check() {
	s.count.deliveries = len(s.m.deliveries)
	for id, d := range s.m.deliveries {
		if !d.State.Final() && (d.State != export.Held || !s.m.shut(d.Endpoint)) || d.Remaining != 0 || !d.NextAt.IsZero() {
			s.Errorf("left as %+v", d)
		}
		s.checkAttempts(id, d, s.m.attempts[id])
	}
	for id, pr := range s.m.projects {
		if !pr.Status.Ended() {
			s.Errorf("%s is %s", id, pr.Status)
		}
		s.checkServed(id)
	}
}

func (s *simulation) checkAttempts(id string, d export.Delivery, list []export.Attempt) {
	succeeded, unknown := 0, 0
	for i, a := range list {
		if a.Number != i+1 || a.Result == export.Open || i > 0 && a.StartedAt.Before(list[i-1].EndedAt) {
			s.Errorf("attempt %d of %s is %+v", i+1, id, a)
		}
		switch a.Result {
		case export.Succeeded:
			succeeded++
		case export.Unknown:
			unknown++
			if a.Class == "" {
				s.count.lost++
			}
		}
	}
	if d.Attempts != len(list) || d.State == export.Delivered && succeeded == 0 {
		s.Errorf("%s was tried %d times: %+v", id, len(list), d)
	}
	what := id
	if d.Ordered {
		what = mark(id)
	}
	if taken := s.taken[what]; taken > succeeded+unknown || succeeded > 1+s.again[id] || taken < succeeded {
		s.Errorf("%s was taken %d times: %d succeeded, %d unknown, redelivered %d times", id, taken, succeeded, unknown, s.again[id])
	}
}
