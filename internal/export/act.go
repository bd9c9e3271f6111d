package export

import (
	"context"
	"time"
)

// Tester is a leaf that can be tried out, and whose deliveries can be sent to
// another address.
type Tester interface {
	// Sample makes the delivery of a made-up event to an address. An error, best a
	// Refusal, is for the client.
	Sample(event, target string, failed bool) (Delivery, error)
	// Readdress is a delivery to another address, or a Refusal.
	Readdress(d Delivery, target string) (Delivery, error)
	// DryRun goes as far as an attempt can without sending: it resolves, connects
	// and shakes hands, and says what headers would be sent.
	DryRun(ctx context.Context, d Delivery, a Attempt) Attempt
}

func (p *Pipeline) tester() Tester { return p.Leaves[webhookType].(Tester) }

// RedeliverTo sends what a delivery sent to another address, as a delivery of
// its own under the same message id. A Refusal tells why the address cannot be
// used.
func (p *Pipeline) RedeliverTo(ctx context.Context, id, target string) (Delivery, error) {
	d, err := p.Store.Delivery(ctx, id)
	if err != nil {
		return d, err
	}
	again, err := p.tester().Readdress(d, target)
	if err != nil {
		return d, err
	}
	message := again.MessageID
	again = again.begin(p.Now())
	again.MessageID = message
	again.Main, again.Remaining, again.Attempts, again.Failures, again.LastStatus, again.Message = false, 0, 0, 0, 0, ""
	return again, p.Store.Emit(ctx, again)
}

// testPatience is how long after its timeout a test is taken to be lost in a crash.
const testPatience = time.Minute

// Test sends a made-up event once and returns how it went. It is logged like any
// other attempt but does not count in its endpoint's health. With dry nothing is
// sent and nothing logged. ErrFinal when it was cancelled before it was sent.
func (p *Pipeline) Test(ctx context.Context, event, target string, failed, dry bool) (Delivery, Attempt, error) {
	d, err := p.tester().Sample(event, target, failed)
	if err != nil {
		return d, Attempt{}, err
	}
	now := p.Now()
	d = d.begin(now)
	d.Event, d.Type, d.Endpoint, d.Schedule, d.NextAt = event, webhookType, "", nil, time.Time{}
	if dry {
		a := p.tester().DryRun(ctx, d, Attempt{Delivery: d.ID, Number: 1, StartedAt: now, Result: Open})
		a.EndedAt = p.Now()
		return d, a, nil
	}
	d.NextAt = now.Add(d.Timeout + testPatience) // its job is for a crash meanwhile
	if err := p.Store.Emit(ctx, d); err != nil {
		return d, Attempt{}, err
	}
	d, a, err := p.Store.OpenAttempt(ctx, d.ID, now)
	switch {
	case err != nil:
		return d, a, err
	case a.Number == 0: // somebody cancelled it that very moment
		return d, a, ErrFinal
	}
	ctx = context.WithoutCancel(ctx) // once begun it is recorded, as all are
	a = p.attempt(ctx, d, a)
	d = d.after(a, 0)
	d.NextAt = time.Time{}
	if d.State != Delivered {
		d.State = Failed
	}
	if err := p.Store.CloseAttempt(ctx, d, a, Step{}); err != nil {
		return d, a, err
	}
	p.report(ctx, d, a)
	return d, a, nil
}

// SetEndpoint enables, pauses or disables an endpoint by hand and returns it, or
// ErrNoEndpoint when nothing was ever sent to it.
func (p *Pipeline) SetEndpoint(ctx context.Context, id string, state EndpointState, reason string) (Endpoint, error) {
	now := p.Now()
	e, err := p.Store.Endpoint(ctx, id, now)
	if err != nil {
		return e, err
	}
	c := EndpointChange{ID: id, URL: e.URL, Group: e.Group, State: state, Reason: reason, At: now}
	changed, err := p.Store.SetEndpoint(ctx, c, p.telling(c.news())...)
	if err != nil {
		return e, err
	}
	if changed {
		p.health.forget(id)
		p.told(ctx, c.news())
	}
	if state == Enabled { // whoever says so knows more than the breaker
		p.breaker.reset(e.Group)
		p.Reopen(e.Group)
	}
	return p.Store.Endpoint(ctx, id, now)
}
