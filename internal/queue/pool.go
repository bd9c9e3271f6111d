package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// pool runs the jobs of one kind.
type pool struct {
	kind  Kind
	store Store
	log   *slog.Logger
	// sweepEvery is Options.Sweep.
	sweepEvery time.Duration
	working    sync.WaitGroup

	// mu guards everything below. It is never held while the store or a worker is
	// called, but while the gate is.
	mu sync.Mutex
	memory
	// ctx is what workers get; nil when none may be started.
	ctx context.Context
	// timer calls tick at the time the next job is due or group looked at.
	timer *time.Timer
	at    time.Time
}

func newPool(kind Kind, k KindOptions, o Options) *pool {
	return &pool{
		kind: kind, store: o.Store, log: o.Log.With("kind", string(kind)), sweepEvery: o.Sweep,
		memory: newMemory(k),
	}
}

func (p *pool) start(working context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx = working
	p.step()
}

func (p *pool) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx = nil
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *pool) add(jobs []Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, job := range jobs {
		p.offer(job, now)
	}
	p.step()
}

func (p *pool) reopen(group string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.reopen(group)
	p.step()
}

func (p *pool) depth() Depth {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory.depth(time.Now())
}

func (p *pool) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Time{}
	p.step()
}

// step does whatever has become possible. It is called with mu held after every
// change of what is held or running.
func (p *pool) step() {
	if p.ctx == nil {
		return
	}
	now, ctx := time.Now(), p.ctx
	p.ripen(now)
	for it := p.next(now); it != nil; it = p.next(now) {
		p.working.Go(func() { p.work(ctx, it) })
	}
	p.arm()
}

func (p *pool) arm() {
	at := p.nextTime()
	if at.IsZero() || at.Equal(p.at) {
		return
	}
	p.at = at
	if p.timer == nil {
		p.timer = time.AfterFunc(time.Until(p.at), p.tick)
		return
	}
	p.timer.Reset(time.Until(p.at))
}

// work makes one attempt at a job and has the store record it. It keeps the
// worker's slot until the store has answered, so that a slow store slows the
// workers down.
func (p *pool) work(ctx context.Context, it *item) {
	if it.tries == 0 { // otherwise the attempt was made, only its record failed
		p.attempt(ctx, it)
	}
	err := p.record(context.WithoutCancel(ctx), it)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.release(it)
	switch {
	case it.next != nil: // the row recorded upon is gone
		p.offer(*it.next, now)
	case err != nil:
		it.tries++
		it.at = now.Add(pause(int(it.tries))).Round(0)
		p.admit(it, now)
	case it.outcome == again:
		p.offer(it.job, now)
	}
	p.step()
}

func (p *pool) attempt(ctx context.Context, it *item) {
	err := p.call(ctx, it.job)
	var s snooze
	switch {
	case err == nil:
		it.outcome = over
	case errors.Is(err, ErrRecorded): // the store has let it go already
	case errors.As(err, &s):
		it.outcome = again
		it.job.RunAt = time.Now().Add(time.Duration(s))
	case errors.Is(context.Cause(ctx), ErrStopping):
		it.outcome = untouched
	default:
		it.outcome = again
		it.job.Faults++
		it.job.RunAt = time.Now().Add(pause(it.job.Faults))
		p.log.ErrorContext(ctx, "job failed", "job", it.job.ID, "key", it.job.Key,
			"faults", it.job.Faults, "next", it.job.RunAt.UTC().Round(time.Millisecond), "error", err)
	}
}

// call runs the worker. A panic is a fault of this one job, not the end of all.
func (p *pool) call(ctx context.Context, job Job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.log.ErrorContext(ctx, "worker panicked", "job", job.ID, "key", job.Key, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = fmt.Errorf("worker panicked: %v", v)
		}
	}()
	return p.Worker.Work(ctx, job)
}

// record tells the store what came of an attempt.
func (p *pool) record(ctx context.Context, it *item) (err error) {
	switch it.outcome {
	case over:
		err = p.store.Finish(ctx, it.job.ID)
	case again:
		err = p.store.Postpone(ctx, it.job.ID, it.job.RunAt, it.job.Faults)
	}
	if err != nil {
		p.log.ErrorContext(ctx, "job not recorded", "job", it.job.ID, "key", it.job.Key, "tries", it.tries+1, "error", err)
	}
	return err
}

// pause is how long to wait after the nth failure in a row: from a second,
// doubling to a minute, less up to a quarter, so that what failed together is
// not tried again together.
func pause(n int) time.Duration {
	d := min(time.Second<<min(max(0, n-1), 6), time.Minute)
	return d - rand.N(d/4)
}
