package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// Work makes the next attempt of the delivery that a Deliver job names. An
// attempt once begun is finished and recorded even when ctx ends meanwhile: it
// is bounded by the delivery's own Timeout.
func (p *Pipeline) Work(ctx context.Context, job queue.Job) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d, a, err := p.Store.OpenAttempt(ctx, job.Key, p.Now())
	if errors.Is(err, ErrNoDelivery) {
		p.Log.ErrorContext(ctx, "a job names a delivery that does not exist", "delivery", job.Key)
		return nil
	}
	if err != nil {
		return err
	}
	if d.State == Delivered || d.State == Failed {
		return nil
	}
	stopping := ctx
	ctx = context.WithoutCancel(ctx)
	// Read before the attempt, so that nothing but the store's own CloseAttempt can keep
	// an attempt that was made from being recorded.
	next, err := p.rest(ctx, d)
	if err != nil {
		return fmt.Errorf("go on after delivery %s: %w", d.ID, err)
	}
	a = p.attempt(ctx, d, a)
	d = d.after(a, p.Jitter())
	if err := p.close(stopping, d, a, next()); err != nil {
		return err
	}
	p.report(ctx, d, a)
	return queue.ErrRecorded
}

// close records what came of an attempt, again and again until it is written or
// the process stops: coming back without the record would make the attempt anew.
func (p *Pipeline) close(ctx context.Context, d Delivery, a Attempt, step Step) error {
	for {
		err := p.Store.CloseAttempt(context.WithoutCancel(ctx), d, a, step)
		if err == nil {
			return nil
		}
		p.Log.ErrorContext(ctx, "an attempt is not recorded yet", "delivery", d.ID, "attempt", a.Number, "error", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(recordPause):
		}
	}
}

// recordPause is the wait between tries to record an attempt.
const recordPause = 2 * time.Second

func (p *Pipeline) attempt(ctx context.Context, d Delivery, a Attempt) Attempt {
	a = p.leaf(d).Attempt(ctx, d, a)
	a.EndedAt = p.Now()
	return a
}

// leaf finds who serves a delivery; a type that this version lost is retried
// like any failure, for the next version may have it again.
func (p *Pipeline) leaf(d Delivery) Leaf {
	if leaf, ok := p.Leaves[d.Type]; ok {
		return leaf
	}
	return nobody{}
}

type nobody struct{ Leaf }

func (nobody) Attempt(_ context.Context, d Delivery, a Attempt) Attempt {
	a.Result, a.Error = Refused, fmt.Sprintf("Destinations of type '%s' are not supported in this version", d.Type)
	return a
}

// rest prepares the step behind a delivery. Only the first attempt that closes
// moves the pipeline on: a delivery that has failed before did so already.
func (p *Pipeline) rest(ctx context.Context, d Delivery) (func() Step, error) {
	nothing := func() Step { return Step{} }
	if d.Remaining == 0 || d.Failures > 0 {
		return nothing, nil
	}
	pr, err := p.Projects.Get(ctx, d.Project)
	if errors.Is(err, project.ErrNotFound) {
		return nothing, nil // purged: nobody is left to be told of its destinations
	}
	if err != nil {
		return nil, err
	}
	m, err := movie.Parse(pr.Source)
	if err != nil {
		return nil, err
	}
	way := flatten(m.Exports)
	way = way[max(0, len(way)-d.Remaining):]
	o := project.Outcome{ID: pr.ID, Status: pr.Status, Message: pr.Message, Result: pr.Result,
		Warnings: pr.Warnings, EndedAt: pr.EndedAt}
	return func() Step { return p.step(pr, o, way) }, nil
}

// report writes the one line an attempt leaves in the log. The address is shown
// as its Group: paths and queries of endpoints are often secrets.
func (p *Pipeline) report(ctx context.Context, d Delivery, a Attempt) {
	attrs := []slog.Attr{
		slog.String("delivery", d.ID), slog.String("message", d.MessageID), slog.String("project", d.Project),
		slog.String("type", d.Type), slog.String("target", d.Group), slog.Int("attempt", a.Number),
		slog.String("result", string(a.Result)), slog.Int("status", a.Status),
		slog.Duration("latency", a.EndedAt.Sub(a.StartedAt)), slog.String("state", string(d.State)),
	}
	level := slog.LevelInfo
	if a.Result != Succeeded {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("class", a.Class), slog.String("error", d.Message))
	}
	if !d.NextAt.IsZero() {
		attrs = append(attrs, slog.Time("next", d.NextAt.UTC().Round(time.Millisecond)))
	}
	p.Log.LogAttrs(ctx, level, "attempt", attrs...)
}
