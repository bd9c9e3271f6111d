package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Tester is a leaf that can be tried out, and whose deliveries can be sent to
// another address.
type Tester interface {
	// Sample makes the delivery of a made-up event to a destination. An error, best
	// a Refusal, is for the client.
	Sample(event string, dest Destination, failed bool) (Delivery, error)
	// Readdress is a delivery to another address, or a Refusal.
	Readdress(d Delivery, target string) (Delivery, error)
	// DryRun goes as far as an attempt can without sending: it resolves, connects
	// and shakes hands, and says what headers would be sent.
	DryRun(ctx context.Context, d Delivery, a Attempt) Attempt
}

func (p *Pipeline) tester() Tester { return p.Leaves[Webhook].(Tester) }

// RedeliverTo sends what a delivery sent to another address, as a delivery of
// its own under the same message id. A Refusal tells why the address cannot be
// used.
func (p *Pipeline) RedeliverTo(ctx context.Context, id, target string) (Delivery, error) {
	d, err := p.Store.Delivery(ctx, id)
	if err != nil {
		return d, err
	}
	if d.Type != Webhook {
		return d, Refusal("Only webhooks can be sent to another address; leave it out to try this one again where it was to go")
	}
	again, err := p.tester().Readdress(d, target)
	if err != nil {
		return d, err
	}
	message := again.MessageID
	again = again.begin(p.Now())
	again.MessageID, again.Connection = message, "" // what a connection adds is not for others
	if d.Account != "" {
		again.Endpoint = EndpointOf(d.Account, again.Target)
	}
	again.Main, again.Remaining, again.Attempts, again.Failures, again.LastStatus, again.Message = false, 0, 0, 0, 0, ""
	return again, p.Store.Emit(ctx, again)
}

// testPatience is how long after its timeout a test is taken to be lost in a crash.
const testPatience = time.Minute

// Trial is a webhook that is tried out: an address, or the id of an account's
// connection.
type Trial struct {
	Account, Endpoint, Connection string
	// Event is one of Events. Failed has the rendering end badly, where it is of its
	// end. Dry goes as far as can be without sending, and nothing is logged.
	Event       string
	Failed, Dry bool
}

// Test sends a made-up event once and returns how it went. It is logged like any
// other attempt but does not count in its endpoint's health. ErrFinal when it was
// cancelled before it was sent.
func (p *Pipeline) Test(ctx context.Context, t Trial) (Delivery, Attempt, error) {
	dest, err := p.tried(ctx, t)
	if err != nil {
		return Delivery{}, Attempt{}, err
	}
	d, err := p.tester().Sample(t.Event, dest, t.Failed)
	if err != nil {
		return d, Attempt{}, err
	}
	now := p.Now()
	d = d.begin(now)
	d.Account, d.Connection = t.Account, dest.Connection
	d.Event, d.Type, d.Endpoint, d.Schedule, d.NextAt = t.Event, Webhook, "", nil, time.Time{}
	if t.Dry {
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

// tried is the destination of a trial.
func (p *Pipeline) tried(ctx context.Context, t Trial) (Destination, error) {
	if t.Connection == "" {
		return WebhookTo(t.Endpoint), nil
	}
	dest, err := p.connection(ctx, t.Account, t.Connection)
	if err == nil && dest.Type != Webhook {
		err = Refusal(fmt.Sprintf("Connection '%s' is no webhook but of type %s; POST /v2/connections/%s/test tries it out", cut(t.Connection), dest.Type, cut(t.Connection)))
	}
	return dest, err
}

// connection is a destination that names a connection and nothing else.
func (p *Pipeline) connection(ctx context.Context, account, id string) (Destination, error) {
	name, err := json.Marshal(id)
	if err != nil {
		return Destination{}, err
	}
	s := stop{Destination: Destination{Settings: Settings{"id": name}}}
	if err := p.resolve(ctx, account, &s); err != nil {
		return s.Destination, err
	}
	if s.refused == nil && s.Type == "" {
		s.refused = Refusal(fmt.Sprintf("Unknown connection '%s'", cut(id)))
	}
	return s.Destination, s.refused
}

// Probed is how trying a connection out went.
type Probed struct {
	Type, Target string
	Peer         Peer
	// Steps that were begun, in order. All went well but, with a Fault, the last.
	Steps []string
	Fault *Fault
	Took  time.Duration
}

// probePatience bounds trying out a connection.
const probePatience = time.Minute

// Probe really uses an account's connection: it connects, logs in, writes a small
// file and removes it, or sends a test mail. Webhooks are tried out by Test. The
// error, if a Refusal, is for the client.
func (p *Pipeline) Probe(ctx context.Context, account, id string) (Probed, error) {
	dest, err := p.connection(ctx, account, id)
	if err != nil {
		return Probed{}, err
	}
	leaf, ok := p.Leaves[dest.Type].(bearer)
	switch {
	case dest.Type == Webhook:
		return Probed{}, Refusal(fmt.Sprintf("Connection '%s' is a webhook; POST /v2/webhooks/test tries it out", cut(id)))
	case !ok:
		return Probed{}, p.unserved(stop{Destination: dest})
	}
	now := p.Now()
	w := way{Pipeline: p, project: project.Project{ID: "sample0000000000", FileKey: "probe/" + now.UTC().Format("2006-01-02") + "-00000.mp4", CreatedAt: now}}
	dest.Settings = w.fill(stop{Destination: dest})
	r := Probed{Type: dest.Type}
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	ctx, trace := safehttp.WithTrace(ctx)
	plan, err := leaf.Plan(dest.Settings)
	if err == nil {
		r.Target = plan.Target
		err = leaf.Carrier.Probe(ctx, dest.Settings, func(step string) { r.Steps = append(r.Steps, step) })
	}
	r.Peer, r.Took = peerOf(trace.Record()), p.Now().Sub(now)
	if err == nil {
		return r, nil
	}
	var fault *Fault
	if !errors.As(err, &fault) {
		fault = &Fault{Step: StepSettings, Class: "error", Message: err.Error(), Permanent: true}
	}
	r.Fault = fault
	return r, nil
}

// SetEndpoint enables, pauses or disables an endpoint by hand and returns it, or
// ErrNoEndpoint when nothing was ever sent to it.
func (p *Pipeline) SetEndpoint(ctx context.Context, id string, state EndpointState, reason string) (Endpoint, error) {
	now := p.Now()
	e, err := p.Store.Endpoint(ctx, id, now)
	if err != nil {
		return e, err
	}
	c := EndpointChange{ID: id, Account: e.Account, URL: e.URL, Group: e.Group, State: state, Reason: reason, At: now}
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
