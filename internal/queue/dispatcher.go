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
	// PerGroup is how many of one group run at once, 0 for no cap. Jobs without a
	// group are one group.
	PerGroup int
}

// Dispatcher runs the jobs of a store from memory, where it holds every
// unfinished one: about 300 bytes each, so that a backlog of a million takes
// 300 MB. What a job is about stays in the store.
//
// Kinds share nothing: each has its own memory behind its own mutex. A mutex
// rather than a goroutine that owns the state, because Add must never wait for
// anybody, and because what is done under it is always a few steps on maps and
// heaps: neither the store nor a worker is ever called with it held.
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
		k.Workers = max(1, k.Workers)
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
