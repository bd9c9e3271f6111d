package export

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/reelhook/reelhook/internal/queue"
)

// recoverBatch is how many deliveries a recovery sets going in one transaction:
// others that write wait for no longer than that takes.
const recoverBatch = 200

// NewRecovery names a recovery of what a filter chooses.
func NewRecovery(f Filter, now time.Time) Recovery {
	return Recovery{ID: newID("rec_", now), Filter: f, CreatedAt: now}
}

// Recoverer is the queue.Worker of Recover jobs.
type Recoverer struct {
	Log Log
	// Logger gets one line when a recovery is through.
	Logger *slog.Logger
	Now    func() time.Time
}

// Work sets the deliveries of a recovery going, batch by batch. A crash between
// two batches loses and repeats none.
func (r Recoverer) Work(ctx context.Context, job queue.Job) error {
	for ctx.Err() == nil {
		rec, err := r.Log.GoOn(context.WithoutCancel(ctx), job.Key, recoverBatch, r.Now())
		switch {
		case errors.Is(err, ErrNoRecovery):
			return nil
		case err != nil:
			return err
		case !rec.EndedAt.IsZero():
			r.Logger.InfoContext(ctx, "recovered", "recovery", rec.ID, "deliveries", rec.Done, "of", rec.Total)
			return nil
		}
	}
	return context.Cause(ctx)
}
