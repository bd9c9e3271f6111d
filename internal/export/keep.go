package export

import (
	"context"
	"log/slog"
	"time"
)

const (
	tallyEvery = time.Second
	cleanEvery = time.Minute
	// cleanBatch is how many deliveries are removed in one transaction, and
	// cleanPause what others get between two.
	cleanBatch = 100
	cleanPause = 50 * time.Millisecond
)

// Load takes in what the last process knew of failing endpoints. It is called
// before any work.
func (p *Pipeline) Load(ctx context.Context) error {
	failing, err := p.Store.Failing(ctx)
	p.health.remember(failing)
	return err
}

// Keep writes down every second what was counted at the endpoints, until ctx
// ends. A crash loses the last second of statistics, nothing else.
func (p *Pipeline) Keep(ctx context.Context) {
	tick := time.NewTicker(tallyEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.tally(ctx)
			p.breaker.forget(p.Now())
		case <-ctx.Done():
			p.tally(context.WithoutCancel(ctx))
			return
		}
	}
}

func (p *Pipeline) tally(ctx context.Context) {
	tallies := p.health.take()
	if len(tallies) == 0 {
		return
	}
	if err := p.Store.Tally(ctx, tallies); err != nil {
		p.health.putBack(tallies)
		p.Log.ErrorContext(ctx, "endpoint statistics are not written yet", "error", err)
	}
}

// Cleaner is a log that can be made smaller. Each call is one transaction.
type Cleaner interface {
	// Clean removes up to limit of the oldest final deliveries made before a time,
	// with their attempts; their destinations keep their last state. It also
	// removes older traffic and recoveries.
	Clean(ctx context.Context, before time.Time, limit int) (removed int, err error)
	// Size is how many bytes the database holds, free space not counted.
	Size(ctx context.Context) (int64, error)
	// Shrink gives some free space back to the disk.
	Shrink(ctx context.Context) error
}

// Retention keeps a log within bounds.
type Retention struct {
	Cleaner
	// Age is how long a final delivery is kept, Bytes how large the database may
	// grow before the oldest go earlier; 0 is no bound.
	Age   time.Duration
	Bytes int64
	Log   *slog.Logger
	Now   func() time.Time
}

// Run cleans every minute, a little at a time, until ctx ends.
func (r Retention) Run(ctx context.Context) {
	for {
		if removed, err := r.clean(ctx); err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "the delivery log was not cleaned", "error", err)
		} else if removed > 0 {
			r.Log.InfoContext(ctx, "cleaned the delivery log", "deliveries", removed)
		}
		if !pause(ctx, cleanEvery) {
			return
		}
	}
}

// clean removes what is too old, then what is too much.
func (r Retention) clean(ctx context.Context) (removed int, err error) {
	for ctx.Err() == nil {
		n, err := r.batch(ctx)
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
		if err := r.Shrink(ctx); err != nil {
			return removed, err
		}
		pause(ctx, cleanPause)
	}
	return removed, ctx.Err()
}

func (r Retention) batch(ctx context.Context) (int, error) {
	if r.Age > 0 {
		if n, err := r.Clean(ctx, r.Now().Add(-r.Age), cleanBatch); n > 0 || err != nil {
			return n, err
		}
	}
	if r.Bytes == 0 {
		return 0, nil
	}
	size, err := r.Size(ctx)
	if err != nil || size <= r.Bytes {
		return 0, err
	}
	return r.Clean(ctx, r.Now(), cleanBatch)
}

// pause waits unless ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
