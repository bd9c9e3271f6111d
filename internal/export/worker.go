package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
	if until, closed := p.breaker.closed(job.Group, p.Now()); closed && !job.Retry && job.Kind != Transfer {
		return p.putOff(ctx, job.Key, until)
	}
	return p.try(ctx, job.Key)
}

// try makes the next attempt of a delivery, unless there is to be none.
func (p *Pipeline) try(ctx context.Context, id string) error {
	d, a, err := p.Store.OpenAttempt(ctx, id, p.Now())
	switch {
	case errors.Is(err, ErrNoDelivery):
		return nil // cleaned away, or never there
	case err != nil:
		return err
	case a.Number == 0:
		return p.advance(ctx, d)
	}
	stopping := ctx
	ctx = context.WithoutCancel(ctx)
	// Read before the attempt, so that nothing but the store's own CloseAttempt can keep
	// an attempt that was made from being recorded.
	next, err := p.rest(ctx, d)
	if err != nil {
		return fmt.Errorf("go on after delivery %s: %w", d.ID, err)
	}
	if d.Ordered { // it may take long, and goes on where it was
		a = p.attempt(stopping, d, a)
		if a.Result != Succeeded && stopping.Err() != nil {
			return context.Cause(stopping) // left open, as a crash would have left it
		}
		if now, err := p.rest(ctx, d); err == nil {
			next = now // the others went on meanwhile, and a connection may have changed
		}
	} else {
		a = p.attempt(ctx, d, a)
		p.breaker.observe(d.Group, a)
	}
	d = d.after(a, p.Jitter())
	var step Step
	if d.Remaining == 0 {
		step = next(d)
	}
	step.Endpoint = p.health.observe(d, a)
	events := news(d, a, step.Endpoint)
	step.Deliveries = append(step.Deliveries, p.telling(events...)...)
	if err := p.close(stopping, d, a, step); err != nil {
		return err
	}
	p.Observe(d, a)
	p.report(ctx, d, a)
	p.told(ctx, events...)
	return queue.ErrRecorded
}

// Gate tells the queue how many attempts of a group may be made.
func (p *Pipeline) Gate(group string, now time.Time) queue.Allowance {
	return p.breaker.gate(group, now)
}

// putOff has a first attempt wait for its group to be probed, and lets the
// destinations behind it go on.
func (p *Pipeline) putOff(ctx context.Context, id string, until time.Time) error {
	d, err := p.Store.Delivery(ctx, id)
	switch {
	case errors.Is(err, ErrNoDelivery):
		return nil
	case err != nil:
		return err
	case d.State == Running || d.State.Final(): // a crash may have left an attempt open, which this closes
		return p.try(ctx, id)
	case d.State != Pending:
		return p.advance(ctx, d)
	case d.Droppable:
		d.State, d.Message, d.NextAt = Cancelled, "Dropped: its host is not answering", time.Time{}
	default:
		d.State, d.Message, d.NextAt = Retrying, "Put off: its host is not answering, or asked for a pause", until
	}
	return p.goOn(ctx, d)
}

// advance takes the next step behind a delivery that is not to be attempted.
func (p *Pipeline) advance(ctx context.Context, d Delivery) error {
	if d.State.Final() && d.Remaining == 0 {
		return nil // nothing is left but its job
	}
	if d.State == Held {
		d.Message, d.NextAt = "Held: the endpoint is not enabled", time.Time{}
		if d.Droppable {
			d.State, d.Message = Cancelled, "Dropped: the endpoint is not enabled"
		}
	}
	return p.goOn(ctx, d)
}

// goOn writes a delivery's new state and takes the step behind it.
func (p *Pipeline) goOn(ctx context.Context, d Delivery) error {
	next, err := p.rest(ctx, d)
	if err != nil {
		return fmt.Errorf("go on after delivery %s: %w", d.ID, err)
	}
	step := next(d)
	d.Remaining = 0
	if err := p.Store.Advance(ctx, d, step); err != nil {
		return err
	}
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

// rest prepares the step behind a delivery, for when it stands as it then does.
func (p *Pipeline) rest(ctx context.Context, d Delivery) (func(Delivery) Step, error) {
	nothing := func(Delivery) Step { return Step{} }
	if d.Remaining == 0 {
		return nothing, nil
	}
	pr, err := p.Projects.Get(ctx, d.Project)
	if errors.Is(err, project.ErrNotFound) {
		return nothing, nil // purged: nobody is left to be told of its destinations
	}
	if err != nil {
		return nil, err
	}
	w, err := p.wayOf(ctx, pr)
	if err != nil {
		return nil, err
	}
	states, err := p.Projects.Destinations(ctx, pr.ID)
	if err != nil {
		return nil, err
	}
	return func(d Delivery) Step {
		return w.step(w.behind(d), overlay(states[pr.ID], d.Destination()))
	}, nil
}

// Destination is a delivery's own, as it stands.
func (d Delivery) Destination() project.Destination {
	status := string(d.State)
	if d.State == Delivered {
		status = Arrived(d.Type)
	}
	return project.Destination{Export: d.Export, Position: d.Position, Type: d.Type, Status: status,
		Attempts: d.Attempts, LastStatus: d.LastStatus, Message: d.Message, Delivery: d.ID, Receipt: d.Receipt}
}

// Arrived is what a destination of a type is called when all went well.
func Arrived(destinationType string) string {
	switch destinationType {
	case Webhook:
		return "delivered"
	case emailType:
		return "sent"
	}
	return "uploaded"
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
