package app

import (
	"context"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	exportwebhook "github.com/reelhook/reelhook/internal/export/webhook"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/seal"
	"github.com/reelhook/reelhook/internal/signing"
)

// exports builds the pipeline behind a rendering and its destinations.
func (a *App) exports(ctx context.Context, s *secrets, meters *meters, files blob.Store, fileURL func(string) string) (*export.Pipeline, error) {
	hooks := exportwebhook.New(exportwebhook.Options{
		Policy:   a.policy(a.AllowHTTPEndpoints),
		Keys:     s.rings.Signers,
		Identity: identity(s.vault),
		Timeout:  a.WebhookTimeout,
		Schedule: a.WebhookRetries,
		Version:  a.Version,
		RootCAs:  a.RootCAs,
		Proxy:    a.EgressProxy,
		PerHost:  DeliverPerEndpoint,
	})
	o := export.Options{
		Store: a.db, Projects: a.db, Leaves: map[string]export.Leaf{export.Webhook: a.faulty(hooks)}, FileURL: fileURL, Log: a.Log,
		Carriers: s.carriers, Files: files, Connections: s.vault, Keys: s.masters.Keys, Budget: a.ExportBudget,
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

// secrets is what is kept sealed, and whoever needs it.
type secrets struct {
	masters  *masters
	rings    *signing.Rings
	carriers map[string]export.Carrier
	vault    *connection.Vault
}

// secrets opens what is sealed.
func (a *App) secrets(ctx context.Context) (s *secrets, err error) {
	s = &secrets{carriers: a.carriers()}
	if s.masters, err = a.masterKeys(); err != nil {
		return nil, err
	}
	store := sealedKeys{a.db, s.masters.Keys}
	if s.rings, err = signing.Load(ctx, signing.Options{Store: store, Given: a.WebhookSecrets, Kinds: a.Signatures}); err != nil {
		return nil, fmt.Errorf("load the signing keys: %w", err)
	}
	s.vault, err = a.vault(s.masters.Keys, s.carriers)
	return s, err
}

// conceal takes the secrets out of a movie's document.
func (s *secrets) conceal(id string, document []byte) (shown, sealed []byte) {
	shown, hidden := movie.Hide(document)
	if hidden == nil {
		return shown, nil
	}
	return shown, s.masters.Seal(seal.Project, id, hidden)
}

// announced tells the operator when keys change.
type announced struct {
	*signing.Rings
	exports *export.Pipeline
}

// Rotate is the rings'.
func (r announced) Rotate(ctx context.Context, account string, kinds []signing.Kind, overlap time.Duration) ([]signing.Key, error) {
	keys, err := r.Rings.Rotate(ctx, account, kinds, overlap)
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
