package api

import (
	"context"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// owned is what the stores hold of one account. Handlers look into no store but
// through it: what is another account's is not found, in the same words as what
// never was. Whose a thing is never changes, so it may be looked at first and
// acted upon then.
type owned struct {
	projects project.Store
	log      export.Log
	hooks    Hooks
	account  string
}

// of is what the caller's account owns.
func (s *server) of(c *call) owned {
	return owned{s.Projects, s.Deliveries, s.Hooks, c.caller.Account}
}

func (o owned) project(ctx context.Context, id string) (project.Project, error) {
	p, err := o.projects.Get(ctx, id)
	if err == nil && p.Account != o.account {
		return project.Project{}, project.ErrNotFound
	}
	return p, err
}

func (o owned) list(ctx context.Context, page project.Page) (found []project.Project, next string, err error) {
	page.Account = o.account
	return o.projects.List(ctx, page)
}

func (o owned) create(ctx context.Context, p project.Project, dests []project.Destination, idem *project.Idempotency) (project.Project, error) {
	p.Account = o.account
	p, _, err := o.projects.Create(ctx, p, dests, idem)
	return p, err
}

func (o owned) deliveries(ctx context.Context, page export.Page) (found []export.Delivery, next string, err error) {
	page.Account = o.account
	return o.log.Deliveries(ctx, page)
}

func (o owned) delivery(ctx context.Context, id string) (export.Delivery, error) {
	d, err := o.log.Delivery(ctx, id)
	if err == nil && d.Account != o.account {
		return export.Delivery{}, export.ErrNoDelivery
	}
	return d, err
}

// logged is a delivery with its attempts.
func (o owned) logged(ctx context.Context, id string) (export.Delivery, []export.Attempt, error) {
	d, err := o.delivery(ctx, id)
	if err != nil {
		return d, nil, err
	}
	attempts, err := o.log.Attempts(ctx, id)
	return d, attempts, err
}

// redeliver sends a delivery again, to another target if there is one.
func (o owned) redeliver(ctx context.Context, id, target string, at time.Time) (export.Delivery, error) {
	if d, err := o.delivery(ctx, id); err != nil {
		return d, err
	}
	if target != "" {
		return o.hooks.RedeliverTo(ctx, id, target)
	}
	return o.log.Redeliver(ctx, id, at)
}

func (o owned) cancel(ctx context.Context, id string, at time.Time) (export.Delivery, error) {
	if d, err := o.delivery(ctx, id); err != nil {
		return d, err
	}
	return o.log.Cancel(ctx, id, at)
}

func (o owned) endpoints(ctx context.Context, since time.Time, after string, limit int) (found []export.Endpoint, next string, err error) {
	return o.log.Endpoints(ctx, o.account, since, after, limit)
}

func (o owned) endpoint(ctx context.Context, id string, since time.Time) (export.Endpoint, error) {
	e, err := o.log.Endpoint(ctx, id, since)
	if err == nil && e.Account != o.account {
		return export.Endpoint{}, export.ErrNoEndpoint
	}
	return e, err
}

func (o owned) setEndpoint(ctx context.Context, id string, state export.EndpointState, reason string, at time.Time) error {
	if _, err := o.endpoint(ctx, id, at); err != nil {
		return err
	}
	_, err := o.hooks.SetEndpoint(ctx, id, state, reason)
	return err
}

func (o owned) beginRecovery(ctx context.Context, f export.Filter, at time.Time) (export.Recovery, error) {
	f.Account = o.account
	return o.log.BeginRecovery(ctx, export.NewRecovery(f, at))
}

func (o owned) recovery(ctx context.Context, id string) (export.Recovery, error) {
	r, err := o.log.Recovery(ctx, id)
	if err == nil && r.Filter.Account != o.account {
		return export.Recovery{}, export.ErrNoRecovery
	}
	return r, err
}

func (o owned) test(ctx context.Context, t export.Trial) (export.Delivery, export.Attempt, error) {
	t.Account = o.account
	return o.hooks.Test(ctx, t)
}
