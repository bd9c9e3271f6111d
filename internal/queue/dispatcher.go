package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what a dispatcher is made of. Store and Kinds are needed.
type Options struct {
	Store Store
	// Kinds are the kinds it runs. Jobs of others stay in the store.
	Kinds map[Kind]KindOptions
	// Log is told of faults; nil discards.
	Log *slog.Logger
	// Sweep is how often the due jobs of the store are read although all were
	// announced, a net against what nobody thought of; 0 means a minute.
	Sweep time.Duration
}

// KindOptions say how the jobs of one kind are run.
type KindOptions struct {
	Worker Worker
	// Workers is how many run at once, at least 1.
	Workers int
	// Reserve is how many of Workers are kept for first tries. At least one worker
	// is left to retries.
	Reserve int
	// PerGroup is how many of one group run at once, 0 for no cap; a quarter of it
	// is kept for first tries. Jobs without a group are one group.
	PerGroup int
	// Gate, when set, is asked how many jobs of a group may run: before each one is
	// started, and after one has ended if others wait. It is called with the pool's
	// mutex held: it must be quick and not call the dispatcher.
	Gate func(group string, now time.Time) Allowance
}

// Depth is how much work of one kind there is.
type Depth struct {
	// Held is how many jobs are unfinished: those that follow, and those whose
	// time has not come.
	Held int
	// Due is how many wait for a worker or for a slot of their group.
	Due int
	// Gated is how many retries are due, but held back by the gate of their group.
	Gated int
	// Running is how many are being worked on.
	Running int
	// Oldest is how long the first of the Due has been due.
	Oldest time.Duration
}

// Dispatcher runs the jobs of a store from memory, where it holds every
// unfinished one: about 300 bytes each, so that a backlog of a million takes
// 300 MB, and as much for each group that has a due or running one. What a job is
// about stays in the store.
//
// Kinds share nothing: each has its own memory behind its own mutex. A mutex
// rather than a goroutine that owns the state, because Add must never wait for
// anybody, and because what is done under it is always a few steps on maps and
// heaps: neither the store nor a worker is ever called with it held, only a Gate.
type Dispatcher struct {
	pools map[Kind]*pool
	ran   atomic.Bool
}

// New makes a dispatcher that does nothing before Run.
func New(o Options) *Dispatcher {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Sweep <= 0 {
		o.Sweep = time.Minute
	}
	d := &Dispatcher{pools: map[Kind]*pool{}}
	for kind, k := range o.Kinds {
		d.pools[kind] = newPool(kind, k, o)
	}
	return d
}

// Add hands over jobs whose rows are committed. It may be called from any
// goroutine and never waits for the store or a worker. Jobs that are known and
// jobs of kinds that are not run here are ignored. A job with the key of a known
// one but a higher ID takes its place; while that one is being worked on, it
// waits until its worker has returned.
func (d *Dispatcher) Add(jobs ...Job) {
	// Jobs of one kind mostly come together: one locking serves them.
	for len(jobs) > 0 {
		n := 1
		for n < len(jobs) && jobs[n].Kind == jobs[0].Kind {
			n++
		}
		if p := d.pools[jobs[0].Kind]; p != nil {
			p.add(jobs[:n])
		}
		jobs = jobs[n:]
	}
}

// Reopen asks the gate of a group again, because of something the dispatcher
// does not see, such as an operator's word. It may be called from any goroutine,
// but not from a gate.
func (d *Dispatcher) Reopen(kind Kind, group string) {
	if p := d.pools[kind]; p != nil {
		p.reopen(group)
	}
}

// Depth tells how much work of a kind there is. It is quick, however much.
func (d *Dispatcher) Depth(kind Kind) Depth {
	if p := d.pools[kind]; p != nil {
		return p.depth()
	}
	return Depth{}
}

// Run reads the unfinished jobs and runs jobs as they become due, until ctx
// ends. Then it starts none, ends the contexts of running workers with cause
// ErrStopping, waits until all have returned, and returns nil. A dispatcher runs
// once: a second call is an error.
func (d *Dispatcher) Run(ctx context.Context) error {
	if d.ran.Swap(true) {
		return errors.New("queue: a dispatcher runs once")
	}
	// Not a child of ctx: its end would be known by another cause.
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	var readers sync.WaitGroup
	for _, p := range d.pools {
		p.start(working)
		readers.Go(func() { p.read(ctx) })
	}
	<-ctx.Done()
	for _, p := range d.pools {
		p.stop()
	}
	stop(ErrStopping)
	readers.Wait()
	for _, p := range d.pools {
		p.working.Wait()
	}
	return nil
}
