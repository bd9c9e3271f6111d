package app

import (
	"context"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	exportwebhook "github.com/reelhook/reelhook/internal/export/webhook"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/signing"
)

// exports builds the pipeline behind a rendering and its destinations.
func (a *App) exports(ctx context.Context, ring *signing.Ring, meters *meters, fileURL func(string) string) (*export.Pipeline, error) {
	hooks := exportwebhook.New(exportwebhook.Options{
		Policy:   a.policy(a.AllowHTTPEndpoints),
		Keys:     ring.Signers,
		Timeout:  a.WebhookTimeout,
		Schedule: a.WebhookRetries,
		Version:  a.Version,
		RootCAs:  a.RootCAs,
		Proxy:    a.EgressProxy,
		PerHost:  DeliverPerEndpoint,
	})
	o := export.Options{
		Store: a.db, Projects: a.db, Leaves: map[string]export.Leaf{"webhook": a.faulty(hooks)}, FileURL: fileURL, Log: a.Log,
		Reopen:   func(group string) { a.jobs.Reopen(export.Deliver, group) },
		PerGroup: DeliverPerEndpoint, DisableAfter: a.DisableAfter, Observe: meters.observe, Count: meters.count,
	}
	if a.OperatorWebhook != "" {
		o.Tell = func(e export.OperatorEvent) (export.Delivery, error) { return hooks.Operator(a.OperatorWebhook, e) }
		if _, err := o.Tell(export.OperatorEvent{}); err != nil {
			return nil, fmt.Errorf("the operator's webhook: %w", err)
		}
	}
	p := export.New(o)
	return p, p.Load(ctx)
}

// policy is where strangers' URLs may lead.
func (a *App) policy(http bool) safehttp.Policy {
	return safehttp.Policy{AllowNetworks: a.AllowNetworks, AllowHosts: a.AllowHosts, AllowHTTP: http}
}

// announced tells the operator when keys change.
type announced struct {
	*signing.Ring
	exports *export.Pipeline
}

// Rotate is the ring's.
func (r announced) Rotate(ctx context.Context, kinds []signing.Kind, overlap time.Duration) ([]signing.Key, error) {
	keys, err := r.Ring.Rotate(ctx, kinds, overlap)
	if err != nil {
		return nil, err
	}
	err = r.exports.Announce(ctx, export.OperatorEvent{Type: export.SecretRotated, At: time.Now(),
		Reason: fmt.Sprintf("The old keys sign along for %v", overlap)})
	if err != nil { // the keys are changed all the same: who is told otherwise changes them again
		r.exports.Log.ErrorContext(ctx, "the operator was not told of new keys", "error", err)
	}
	return keys, nil
}
