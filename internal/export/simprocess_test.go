package export_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var (
	errCrashed = errors.New("the process is gone")
	errDisk    = errors.New("the disk is full")
)

// tolerance is how late an attempt may be that nothing stands in the way of.
const tolerance = 250 * time.Millisecond

// process is a pipeline and its dispatcher on a store that outlives them. A crash
// takes its hand off the store, at any moment.
type process struct {
	*memory
	s        *simulation
	pipeline *export.Pipeline
	jobs     *queue.Dispatcher
	started  time.Time
	stop     func()
	ended    chan struct{}

	guard sync.RWMutex
	dead  bool

	mu      sync.Mutex
	total   load
	groups  map[string]*load
	sending map[string]bool
}

// load is what runs, and until when something stood in the way of others.
type load struct {
	running, retrying        int
	full, retriesFull        bool
	fullUntil, retriesBehind time.Time
}

// passes notes that until now it was as it was.
func (l *load) passes(now time.Time) {
	if l.full {
		l.fullUntil = later(l.fullUntil, now)
	}
	if l.retriesFull {
		l.retriesBehind = later(l.retriesBehind, now)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *simulation) start() {
	p := &process{memory: s.m, s: s, started: time.Now(), ended: make(chan struct{}), groups: map[string]*load{}, sending: map[string]bool{}}
	leaf := receivers{s, p}
	quiet := slog.New(slog.DiscardHandler)
	p.pipeline = export.New(export.Options{
		Store: p, Projects: p, Leaves: map[string]export.Leaf{"webhook": leaf, "ftp": leaf}, PerGroup: s.PerGroup,
		Carriers: map[string]export.Carrier{"sftp": carriers{s, p}, "email": carriers{s, p}}, Files: files{"a.mp4": "movie"}, Budget: simBudget,
		FileURL: func(key string) string { return key }, Log: quiet,
	})
	p.jobs = queue.New(queue.Options{Store: p, Sweep: s.Sweep, Kinds: map[queue.Kind]queue.KindOptions{
		export.Deliver:  {Worker: p, Workers: s.Workers, Reserve: s.Reserve, PerGroup: s.PerGroup, Gate: p.pipeline.Gate},
		export.Transfer: {Worker: p, Workers: s.Workers/2 + 1, PerGroup: s.PerGroup},
		export.Recover:  {Worker: export.Recoverer{Log: p, Logger: quiet, Now: time.Now}, Workers: 1},
	}})
	s.m.mu.Lock()
	s.m.onJob = func(j queue.Job) { p.jobs.Add(j) }
	s.m.mu.Unlock()
	if err := p.pipeline.Load(context.Background()); err != nil {
		s.Errorf("load: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	var all sync.WaitGroup
	all.Go(func() { _ = p.jobs.Run(ctx) })
	all.Go(func() { p.keep(ctx) })
	go func() { all.Wait(); close(p.ended) }()
	s.process = p
}

// keep runs Keep for a moment now and then: every second would take long.
func (p *process) keep(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Minute):
			moment, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
			p.pipeline.Keep(moment)
			cancel()
		}
	}
}

// crash ends a process in the middle of whatever it does.
func (p *process) crash() {
	p.guard.Lock()
	p.dead = true
	p.guard.Unlock()
	p.stop()
}

func (p *process) crashed() bool {
	p.guard.RLock()
	defer p.guard.RUnlock()
	return p.dead
}

func (p *process) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sending) > 0
}

// do makes a change to the store, if the process lives and the disk has room.
func (p *process) do(change func() error) error {
	<-time.After(p.s.Latency)
	p.guard.RLock()
	defer p.guard.RUnlock()
	switch {
	case p.dead:
		return errCrashed
	case p.s.broken.Load():
		return errDisk
	}
	return change()
}

func (p *process) End(ctx context.Context, o project.Outcome, step export.Step) error {
	return p.do(func() error { return p.memory.End(ctx, o, step) })
}

func (p *process) Emit(ctx context.Context, d ...export.Delivery) error {
	return p.do(func() error { return p.memory.Emit(ctx, d...) })
}

func (p *process) Advance(ctx context.Context, d export.Delivery, step export.Step) error {
	return p.do(func() error { return p.memory.Advance(ctx, d, step) })
}

func (p *process) Tally(ctx context.Context, tallies []export.Tally) error {
	return p.do(func() error { return p.memory.Tally(ctx, tallies) })
}

func (p *process) SetEndpoint(ctx context.Context, c export.EndpointChange, tell ...export.Delivery) (changed bool, err error) {
	err = p.do(func() error { changed, err = p.memory.SetEndpoint(ctx, c, tell...); return err })
	return changed, err
}

func (p *process) GoOn(ctx context.Context, id string, limit int, at time.Time) (r export.Recovery, err error) {
	err = p.do(func() error { r, err = p.memory.GoOn(ctx, id, limit, at); return err })
	return r, err
}

func (p *process) Finish(ctx context.Context, id int64) error {
	return p.do(func() error { return p.memory.Finish(ctx, id) })
}

func (p *process) Postpone(ctx context.Context, id int64, runAt time.Time, faults int) error {
	return p.do(func() error { return p.memory.Postpone(ctx, id, runAt, faults) })
}

func (p *process) Jobs(ctx context.Context, kind queue.Kind, after queue.Job, limit int) (list []queue.Job, err error) {
	err = p.do(func() error { list, err = p.memory.Jobs(ctx, kind, after, limit); return err })
	return list, err
}

func (p *process) OpenAttempt(ctx context.Context, id string, at time.Time) (d export.Delivery, a export.Attempt, err error) {
	err = p.do(func() error {
		due, _ := p.memory.Delivery(ctx, id)
		d, a, err = p.memory.OpenAttempt(ctx, id, at)
		if err == nil && a.Number > 0 {
			p.punctual(ctx, d, later(due.NextAt, p.started), at)
		}
		return err
	})
	return d, a, err
}

func (p *process) CloseAttempt(ctx context.Context, d export.Delivery, a export.Attempt, step export.Step) error {
	return p.do(func() error {
		p.s.closes(d, a)
		return p.memory.CloseAttempt(ctx, d, a, step)
	})
}

type jobKey struct{}

// Work is the pipeline's, watched.
func (p *process) Work(ctx context.Context, job queue.Job) error {
	if job.Kind == export.Deliver {
		p.count(job, 1)
		defer p.count(job, -1)
	}
	return p.pipeline.Work(context.WithValue(ctx, jobKey{}, job), job)
}

func (p *process) count(job queue.Job, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	g := p.groups[job.Group]
	if g == nil {
		g = &load{}
		p.groups[job.Group] = g
	}
	p.look(job.Group, g, now) // as it is since the attempt was observed
	for _, l := range []*load{&p.total, g} {
		l.running += n
		if job.Retry {
			l.retrying += n
		}
	}
	p.look(job.Group, g, now)
	if p.total.running > p.s.Workers || g.running > p.s.PerGroup {
		p.s.Errorf("%d run at once, %d of %s", p.total.running, g.running, job.Group)
	}
}

// look notes what stands in the way of others now.
func (p *process) look(name string, g *load, now time.Time) {
	p.total.passes(now)
	g.passes(now)
	p.total.full = p.total.running >= p.s.Workers
	p.total.retriesFull = p.total.retrying >= p.s.Workers-p.s.Reserve
	allowed := p.pipeline.Gate(name, now)
	all := min(allowed.All, p.s.PerGroup)
	g.full = g.running >= all || p.total.retriesFull && g.running+1 >= all
	g.retriesFull = g.retrying >= min(allowed.Retries, p.s.PerGroup-p.s.PerGroup/4)
	if allowed.Until.After(now) {
		g.retriesBehind = later(g.retriesBehind, allowed.Until.Add(100*time.Millisecond)) // queue.lookAgain
	}
	p.total.passes(now)
	g.passes(now)
}

// punctual holds that an attempt is not late without a reason.
func (p *process) punctual(ctx context.Context, d export.Delivery, due, at time.Time) {
	late := at.Sub(due)
	job, ok := ctx.Value(jobKey{}).(queue.Job)
	if !ok || job.Kind == export.Transfer {
		return // a test, by hand, or what others may take the workers of for long
	}
	p.mu.Lock()
	g := *p.groups[job.Group]
	reasons := []time.Time{p.total.fullUntil, g.fullUntil, p.s.mended().Add(80 * time.Second)} // faults wait up to a minute
	if job.Retry {
		reasons = append(reasons, p.total.retriesBehind, g.retriesBehind)
	}
	p.mu.Unlock()
	if !job.Retry && d.Failures > 0 {
		p.s.Errorf("%s failed %d times and is no retry", d.ID, d.Failures)
	}
	excuse := slices.MaxFunc(reasons, time.Time.Compare)
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.late(d, due, late)
	switch {
	case late < -p.s.Latency:
		p.s.problem("%s is tried %v early", d.ID, -late)
	case late <= tolerance+2*p.s.Latency:
		p.s.count.punctual++
	case excuse.Before(due):
		p.s.problem("%s (%s, failed %d times) is %v late", d.ID, d.Group, d.Failures, late)
	}
}

// idle tells whether nothing is left to do.
func (m *memory) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.jobs) == 0
}

// ids of all deliveries, in order.
func (m *memory) ids() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.deliveries))
}
