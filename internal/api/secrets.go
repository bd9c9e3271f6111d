package api

import (
	"net/http"
	"slices"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/signing"
)

// Secrets is the reply to the calls about what an account's webhooks are signed
// with, as it is after the call. It holds secrets: it is never kept by a cache, nor logged.
type Secrets struct {
	Success bool     `json:"success"`
	Secrets []Secret `json:"secrets"`
	// PublicKeys are the halves that may be known of keys that receivers hold no
	// secret of.
	PublicKeys []PublicKey `json:"public_keys"`
	// Ended is how many keys the call ended, of end-overlap alone.
	Ended *int `json:"ended,omitempty"`
}

// Secret is one that sender and receivers share, the current one first.
type Secret struct {
	ID string `json:"id"`
	// Secret is whsec_ and base64.
	Secret string `json:"secret"`
	// CreatedAt is null for one that is set by flag, ExpiresAt for the current one.
	CreatedAt *string `json:"created_at"`
	ExpiresAt *string `json:"expires_at"`
}

// PublicKey is what receivers verify signatures of a version with.
type PublicKey struct {
	ID        string `json:"id"`
	Version   string `json:"version"`
	Algorithm string `json:"algorithm"`
	// Key is whpk_ and base64.
	Key       string  `json:"key"`
	CreatedAt *string `json:"created_at"`
	ExpiresAt *string `json:"expires_at"`
}

// PublicKeys is the reply to GET /.well-known/webhook-keys.
type PublicKeys struct {
	Keys []PublicKey `json:"keys"`
}

// RotateOrder is what POST /v2/webhooks/secret/rotate is told.
type RotateOrder struct {
	// Overlap is how long the keys before go on signing, such as 24h, which "" means.
	Overlap string `json:"overlap,omitempty"`
	// Kinds are v1 and v1a; none means those that are in use.
	Kinds []signing.Kind `json:"kinds,omitempty"`
}

// secrets is GET /v2/webhooks/secret.
func (s *server) secrets(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	return s.showSecrets(c)
}

// rotate is POST /v2/webhooks/secret/rotate.
func (s *server) rotate(c *call) (any, error) {
	var order RotateOrder
	if err := c.order(&order); err != nil {
		return nil, err
	}
	overlap := signing.DefaultOverlap
	if order.Overlap != "" {
		var err error
		if overlap, err = readDuration("overlap", order.Overlap, 0, signing.MaxOverlap); err != nil {
			return nil, err
		}
	}
	if c.caller.Account != "" && slices.Contains(order.Kinds, signing.V1a) {
		return nil, refuse(http.StatusForbidden, "The v1a key signs for all accounts; it needs an admin key of the account %s, and yours is of %s",
			account.Default, c.caller.Account)
	}
	if _, err := s.Signing.Rotate(c.Context(), c.caller.Account, order.Kinds, overlap); err != nil {
		return nil, unchanged(refused("", err))
	}
	return s.showSecrets(c)
}

// endOverlap is POST /v2/webhooks/secret/end-overlap.
func (s *server) endOverlap(c *call) (any, error) {
	if err := c.order(&struct{}{}); err != nil {
		return nil, err
	}
	ended, err := s.Signing.EndOverlap(c.Context(), c.caller.Account)
	if err != nil {
		return nil, unchanged(refused("", err))
	}
	reply, err := s.showSecrets(c)
	reply.Ended = &ended
	return reply, err
}

// publicKeys is GET /.well-known/webhook-keys, for receivers, who have no API key.
func (s *server) publicKeys(c *call) (any, error) {
	c.out.Header().Set("Cache-Control", "public, max-age=300") // in which a receiver learns of a new key
	return PublicKeys{s.showPublicKeys()}, nil
}

// showSecrets is what the caller's account signs with. The first look at it makes
// its first secret, which may fail.
func (s *server) showSecrets(c *call) (Secrets, error) {
	keys, err := s.Signing.Secrets(c.Context(), c.caller.Account)
	if err != nil {
		return Secrets{}, unchanged(refused("", err))
	}
	reply := Secrets{Success: true, Secrets: []Secret{}, PublicKeys: s.showPublicKeys()}
	for _, k := range keys {
		reply.Secrets = append(reply.Secrets, Secret{k.ID, k.Text, stampOrNull(k.CreatedAt), stampOrNull(k.ExpiresAt)})
	}
	return reply, nil
}

func (s *server) showPublicKeys() []PublicKey {
	shown := []PublicKey{}
	for _, k := range s.Signing.Public() {
		shown = append(shown, PublicKey{k.ID, string(signing.V1a), "ed25519", k.Text, stampOrNull(k.CreatedAt), stampOrNull(k.ExpiresAt)})
	}
	return shown
}
