package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// gatePlan is jobs of a few groups and what their gates say over time.
type gatePlan struct {
	Kind  KindOptions
	Jobs  []gateJob
	Gates [3][]gatePeriod
}

type gateJob struct {
	Group       int
	Retry       bool
	After       time.Duration // since the start, when it is added
	Wait, Takes time.Duration
}

// gatePeriod is an answer and for how long it holds. Untold, the gate does not
// know when it will change, and the group is reopened then.
type gatePeriod struct {
	All, Retries int
	Lasts        time.Duration
	Untold       bool
}

func drawGatePlan(t *rapid.T) (p gatePlan) {
	// Coarse times, so that things happen together.
	tick := func(t *rapid.T, least, most int, label string) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, label)) * 50 * time.Millisecond
	}
	p.Kind.Workers = rapid.IntRange(1, 8).Draw(t, "workers")
	p.Kind.Reserve = rapid.IntRange(0, 5).Draw(t, "reserve")
	p.Kind.PerGroup = rapid.IntRange(0, 6).Draw(t, "per group")
	p.Jobs = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gateJob {
		return gateJob{rapid.IntRange(0, 2).Draw(t, "group"), rapid.Bool().Draw(t, "retry"),
			tick(t, 0, 60, "after"), tick(t, 0, 40, "wait"), tick(t, 0, 60, "takes")}
	}), 1, 60).Draw(t, "jobs")
	for g := range p.Gates {
		p.Gates[g] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gatePeriod {
			return gatePeriod{rapid.IntRange(0, 5).Draw(t, "all"), rapid.IntRange(0, 4).Draw(t, "retries"), tick(t, 1, 40, "lasts"), rapid.Bool().Draw(t, "untold")}
		}), 0, 6).Draw(t, "gate")
	}
	return p
}

// gateModel is the world of one plan: what of its jobs may run by now, and runs.
type gateModel struct {
	gatePlan
	t     *testing.T
	begin time.Time

	mu   sync.Mutex
	jobs []*gateRun
}

// gateRun is what became of a job.
type gateRun struct {
	gateJob
	due, started, ended time.Duration // since the start; -1 for not yet
}

// tally counts jobs that run.
type tally struct{ all, retries int }

// says is the answer of a group's gate, which in the end is open.
func (m *gateModel) says(group int, at time.Duration) (a Allowance, untold bool) {
	end := time.Duration(0)
	for _, p := range m.Gates[group] {
		if end += p.Lasts; at < end {
			a = Allowance{All: p.All, Retries: p.Retries}
			if !p.Untold {
				a.Until = m.begin.Add(end)
			}
			return a, p.Untold
		}
	}
	return Allowance{All: 3, Retries: 2}, false
}

func (m *gateModel) gate(group string, now time.Time) Allowance {
	a, _ := m.says(int(group[0]-'0'), now.Sub(m.begin))
	return a
}

// running counts what runs of all jobs and of each group.
func (m *gateModel) running() (all tally, groups [3]tally) {
	for _, j := range m.jobs {
		if j.started < 0 || j.ended >= 0 {
			continue
		}
		for _, n := range []*tally{&all, &groups[j.Group]} {
			n.all++
			if j.Retry {
				n.retries++
			}
		}
	}
	return all, groups
}

// bounds are the most that may run at once: of all jobs, and of a group before
// its gate is asked.
func (m *gateModel) bounds() (all, group tally) {
	all = tally{m.Kind.Workers, max(1, m.Kind.Workers-m.Kind.Reserve)}
	group = tally{1000, 1000}
	if n := m.Kind.PerGroup; n > 0 {
		group = tally{n, n - n/4}
	}
	return all, group
}

// work runs a job and looks at every bound.
func (m *gateModel) work(_ context.Context, job Job) error {
	var n int
	if _, err := fmt.Sscan(job.Key, &n); err != nil {
		return err
	}
	m.mu.Lock()
	j := m.jobs[n]
	if j.started >= 0 {
		m.t.Errorf("job %d ran twice", n)
	}
	j.started = time.Since(m.begin)
	if j.started < j.due {
		m.t.Errorf("job %d ran %v early", n, j.due-j.started)
	}
	m.checkBounds(n)
	m.mu.Unlock()
	if j.Takes > 0 {
		<-time.After(j.Takes)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	j.ended = time.Since(m.begin)
	return nil
}

// checkBounds is called when a job has started.
func (m *gateModel) checkBounds(n int) {
	j := m.jobs[n]
	all, groups := m.running()
	mostAll, most := m.bounds()
	a, _ := m.says(j.Group, j.started)
	most.all, most.retries = min(most.all, a.All), min(most.retries, a.Retries)
	if !j.Retry {
		most.all = max(1, most.all)
	}
	g := groups[j.Group]
	if all.all > mostAll.all || all.retries > mostAll.retries || g.all > most.all {
		m.t.Errorf("at %v with job %d (%+v): running %+v of %+v, in its group %+v of %+v", j.started, n, j.gateJob, all, mostAll, g, most)
	}
	if j.Retry && g.retries > most.retries {
		m.t.Errorf("at %v with retry %d: %d retries in its group, want at most %d", j.started, n, g.retries, most.retries)
	}
}

// checkIdle looks, when nothing moves, for a job that could run and does not.
func (m *gateModel) checkIdle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Since(m.begin)
	all, groups := m.running()
	mostAll, most := m.bounds()
	if all.all >= mostAll.all {
		return
	}
	kept := 0 // for a retry that has no worker
	if all.retries >= mostAll.retries {
		kept = 1
	}
	for n, j := range m.jobs {
		if j.started >= 0 || j.due > now {
			continue
		}
		a, _ := m.says(j.Group, now)
		g, slots := groups[j.Group], min(most.all, a.All)
		switch {
		case j.Retry && all.retries < mostAll.retries && g.all < slots && g.retries < min(most.retries, a.Retries):
			m.t.Errorf("at %v retry %d waits for nothing: %+v, all %+v, group %+v of %+v", now, n, j, all, g, a)
		case !j.Retry && g.all < max(1, slots-kept):
			m.t.Errorf("at %v first try %d waits for nothing: %+v, all %+v, group %+v of %+v", now, n, j, all, g, a)
		}
	}
}

// checkDepth counts one by one what Depth keeps a count of.
func (m *gateModel) checkDepth(d *Dispatcher) {
	p := d.pools["work"]
	p.mu.Lock()
	defer p.mu.Unlock()
	var want Depth
	now := time.Now()
	for _, it := range p.held {
		g := p.groups[it.job.Group]
		want.Held++
		switch {
		case it.running:
			want.Running++
		case it.at.After(now):
		case it.job.Retry && g.shut:
			want.Gated++
		default:
			want.Due++
			want.Oldest = max(want.Oldest, now.Sub(it.at))
		}
	}
	check(m.t, "depth", p.memory.depth(now), want)
}

// checkOrder looks for jobs that overtook one of their group and sort.
func (m *gateModel) checkOrder() {
	for n, a := range m.jobs {
		if a.started < 0 {
			m.t.Errorf("job %d never ran: %+v", n, a)
		}
		for k, b := range m.jobs {
			if a.Group == b.Group && a.Retry == b.Retry && a.due < b.due && a.After < b.started && b.started < a.started {
				m.t.Errorf("job %d, due %v, ran at %v; job %d, due %v, at %v", n, a.due, a.started, k, b.due, b.started)
			}
		}
	}
}

// TestGateModel runs plans of jobs and gates. No job runs early or beyond any
// bound, none waits that could run, within a group and sort the earliest goes
// first, and when the gates have opened everything runs.
func TestGateModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := drawGatePlan(rt)
		ok := t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runGateModel(t, plan) })
		})
		if !ok {
			rt.Fatalf("failed with %+v", plan)
		}
	})
}

func runGateModel(t *testing.T, plan gatePlan) {
	m := &gateModel{gatePlan: plan, t: t, begin: time.Now()}
	slices.SortStableFunc(m.Jobs, func(a, b gateJob) int { return int(a.After - b.After) })
	k := plan.Kind
	k.Gate, k.Worker = m.gate, workFunc(m.work)
	d := New(Options{Store: noStore{}, Kinds: map[Kind]KindOptions{"work": k}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()
	for _, j := range m.Jobs {
		m.passUntil(d, j.After)
		m.mu.Lock()
		n := len(m.jobs)
		m.jobs = append(m.jobs, &gateRun{j, j.After + j.Wait - time.Second, -1, -1})
		m.mu.Unlock()
		d.Add(Job{ID: int64(n + 1), Kind: "work", Key: fmt.Sprint(n), Group: fmt.Sprint(j.Group), Retry: j.Retry, RunAt: m.begin.Add(m.jobs[n].due)})
	}
	m.passUntil(d, time.Minute)
	pass(time.Hour)
	if depth := d.Depth("work"); depth != (Depth{}) {
		t.Errorf("left: %+v", depth)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	m.checkOrder()
}

// passUntil lets virtual time go by in small steps.
func (m *gateModel) passUntil(d *Dispatcher, at time.Duration) {
	for now := time.Since(m.begin); now < at; now += 50 * time.Millisecond {
		pass(50 * time.Millisecond)
		for g := range m.Gates {
			said, untold := m.says(g, now)
			if says, _ := m.says(g, now+50*time.Millisecond); untold && says != said {
				d.Reopen("work", fmt.Sprint(g))
			}
		}
		synctest.Wait()
		m.checkIdle()
		m.checkDepth(d)
	}
}
