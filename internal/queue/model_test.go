package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// What a run of the model does, and how an attempt in it may go.
const (
	doAdd = iota
	doPass
	doStop
	doCrash
	doBreakStore
	doMendStore
	doEnd

	goWell = iota - doEnd - 1
	goWrong
	goPanic
	goSnooze
	goReplace
	goReplaceWrong
	goEnd
)

type modelStep struct {
	Do         int
	Key, Group int
	Retry      bool
	Delay      time.Duration
}

type modelAttempt struct {
	How        int
	Takes, Off time.Duration
}

type modelPlan struct {
	Options  Options
	Kind     KindOptions
	Steps    []modelStep
	Attempts []modelAttempt
	ReadTime time.Duration
	// Shut is for how long the gate of each group lets no retry start, and then
	// for how long it does.
	Shut time.Duration
}

// gate opens and shuts by the clock.
func (p modelPlan) gate(_ string, now time.Time) Allowance {
	if p.Shut == 0 {
		return Allowance{All: 2, Retries: 2}
	}
	period := now.UnixNano() / int64(p.Shut)
	until := time.Unix(0, (period+1)*int64(p.Shut))
	if period%2 == 0 {
		return Allowance{All: 2, Retries: 2, Until: until}
	}
	return Allowance{All: 1, Until: until}
}

func drawPlan(t *rapid.T) (p modelPlan) {
	ms := func(most int) *rapid.Generator[time.Duration] {
		return rapid.Map(rapid.IntRange(0, most), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
	}
	// A sweep would hide that a job was lost, no sweep that one was taken twice.
	p.Options.Sweep = rapid.SampledFrom([]time.Duration{10000 * time.Hour, 700 * time.Millisecond}).Draw(t, "sweep")
	p.Kind.Workers = rapid.IntRange(1, 4).Draw(t, "workers")
	p.Kind.PerGroup = rapid.IntRange(0, 2).Draw(t, "per group")
	p.Kind.Reserve = rapid.IntRange(0, 4).Draw(t, "reserve")
	p.Shut = ms(3000).Draw(t, "shut")
	p.ReadTime = ms(900).Draw(t, "read time")
	p.Attempts = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) modelAttempt {
		return modelAttempt{rapid.IntRange(0, goEnd-1).Draw(t, "how"), ms(2000).Draw(t, "takes"), 10*time.Millisecond + ms(3000).Draw(t, "off")}
	}), 1, 12).Draw(t, "attempts")
	p.Steps = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) modelStep {
		// Most steps add jobs or let time pass.
		do := rapid.SampledFrom([]int{doAdd, doAdd, doAdd, doAdd, doAdd, doAdd, doPass, doPass, doStop, doCrash, doBreakStore, doMendStore}).Draw(t, "do")
		return modelStep{do, rapid.IntRange(0, 24).Draw(t, "key"), rapid.IntRange(0, 4).Draw(t, "group"), rapid.Bool().Draw(t, "retry"), ms(4000).Draw(t, "delay")}
	}), 1, 80).Draw(t, "steps")
	return p
}

// model is the world of one plan: the store, the process of now, and what its
// workers saw.
type model struct {
	modelPlan
	t     *testing.T
	store *fakeStore
	// broken makes the store fail, calm every attempt succeed.
	broken, calm atomic.Bool

	process *process
	stop    func()

	mu       sync.Mutex
	attempts int
	running  map[string]bool
	added    map[int64]bool // row IDs that must have a good end
	good     map[int64]bool // row IDs whose worker returned nil or that it replaced
}

// process is a dispatcher and its hand on the store, which a crash takes away.
type process struct {
	*fakeStore
	crashed atomic.Bool
}

var errCrashed = errors.New("the process is gone")

func (p *process) Jobs(ctx context.Context, kind Kind, after Job, limit int) ([]Job, error) {
	if p.crashed.Load() {
		return nil, errCrashed
	}
	return p.fakeStore.Jobs(ctx, kind, after, limit)
}

func (p *process) Finish(ctx context.Context, id int64) error {
	if p.crashed.Load() {
		return errCrashed
	}
	return p.fakeStore.Finish(ctx, id)
}

func (p *process) Postpone(ctx context.Context, id int64, runAt time.Time, faults int) error {
	if p.crashed.Load() {
		return errCrashed
	}
	return p.fakeStore.Postpone(ctx, id, runAt, faults)
}

func (m *model) start() {
	p := &process{fakeStore: m.store}
	o, k := m.Options, m.Kind
	k.Worker = workFunc(func(ctx context.Context, job Job) error { return m.work(ctx, p, job) })
	k.Gate = m.gate
	o.Store, o.Kinds = p, map[Kind]KindOptions{"work": k}
	d := New(o)
	m.store.mu.Lock()
	m.store.added = d.Add
	m.store.mu.Unlock()
	ctx, cancel := context.WithCancel(m.t.Context())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()
	m.process = p
	m.stop = func() {
		cancel()
		if err := <-done; err != nil {
			m.t.Errorf("Run: %v", err)
		}
	}
}

// work makes an attempt as the plan has it, and looks at what must always hold.
func (m *model) work(ctx context.Context, p *process, job Job) error {
	m.mu.Lock()
	a := m.Attempts[m.attempts%len(m.Attempts)]
	m.attempts++
	if m.running[job.Key] {
		m.t.Errorf("two at once for %s", job.Key)
	}
	m.running[job.Key] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.running, job.Key)
	}()
	row, there := m.store.row(job.ID)
	if !there {
		m.t.Errorf("job %d of %s ran, but is gone", job.ID, job.Key)
	}
	if early := time.Until(row.RunAt); early > 0 {
		m.t.Errorf("job %d of %s ran %v early", job.ID, job.Key, early)
	}
	if row.Faults != job.Faults {
		m.t.Errorf("job %d of %s has %d faults, its row %d", job.ID, job.Key, job.Faults, row.Faults)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(a.Takes):
	}
	if m.calm.Load() {
		a.How = goWell
	}
	return m.outcome(p, a, job)
}

func (m *model) outcome(p *process, a modelAttempt, job Job) error {
	switch a.How {
	case goWrong:
		return errors.New("wrong")
	case goPanic:
		panic("wrong")
	case goSnooze:
		return Snooze(a.Off)
	case goReplace, goReplaceWrong:
		if p.crashed.Load() || m.broken.Load() {
			return errStore
		}
		m.isGood(job)
		m.store.replace(job, time.Now().Add(a.Off))
		<-time.After(a.Takes / 2)
		if a.How == goReplaceWrong {
			return errors.New("wrong after the record")
		}
		return nil
	}
	m.isGood(job)
	return nil
}

func (m *model) isGood(job Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.good[job.ID] = true
}

func (m *model) step(s modelStep) {
	switch s.Do {
	case doAdd:
		jobs := m.store.insert(Job{Kind: "work", Key: fmt.Sprint(s.Key), Group: "abcd"[:s.Group], Retry: s.Retry, RunAt: time.Now().Add(s.Delay - time.Second)})
		for _, j := range jobs {
			m.added[j.ID] = true
		}
	case doPass:
		pass(s.Delay)
	case doStop, doCrash:
		m.process.crashed.Store(s.Do == doCrash)
		m.stop()
		m.start()
	case doBreakStore, doMendStore:
		m.broken.Store(s.Do == doBreakStore)
	}
}

// TestModel runs plans of adding jobs, failing, breaking the store, stopping and
// crashing. Whatever happens, no key is worked on twice at a time, nothing runs
// early or after it is gone, and in the end every job was done.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := drawPlan(rt)
		ok := t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runModel(t, plan) })
		})
		if !ok {
			rt.Fatalf("failed with %+v", plan)
		}
	})
}

func runModel(t *testing.T, plan modelPlan) {
	m := &model{modelPlan: plan, t: t, store: newFakeStore(), running: map[string]bool{}, added: map[int64]bool{}, good: map[int64]bool{}}
	m.store.slow = func() { <-time.After(plan.ReadTime) }
	m.store.fail = func(string) error {
		if m.broken.Load() {
			return errStore
		}
		return nil
	}
	m.start()
	for _, s := range plan.Steps {
		m.step(s)
	}
	m.broken.Store(false)
	m.calm.Store(true)
	pass(time.Hour)
	m.stop()
	for _, j := range m.store.unfinished() {
		t.Errorf("never done: %+v", j)
	}
	for id := range m.added {
		if !m.good[id] {
			t.Errorf("job %d has no good end", id)
		}
	}
}
