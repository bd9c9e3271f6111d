package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/seal"
	"github.com/reelhook/reelhook/internal/signing"
)

// sealedMark is what the text of a signing key begins with where it is stored
// sealed. Those of older releases are stored as they are, and read too.
const sealedMark = "sealed:"

// sealedKeys is a signing.Store whose texts are sealed.
type sealedKeys struct {
	signing.Store
	keys *seal.Keys
}

func (s sealedKeys) conceal(keys []signing.Key) []signing.Key {
	sealed := make([]signing.Key, len(keys))
	for i, k := range keys {
		k.Text = sealedMark + base64.StdEncoding.EncodeToString(s.keys.Seal(seal.Signing, k.ID, []byte(k.Text)))
		sealed[i] = k
	}
	return sealed
}

func (s sealedKeys) reveal(keys []signing.Key, err error) ([]signing.Key, error) {
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		text, ok := strings.CutPrefix(k.Text, sealedMark)
		if !ok {
			continue
		}
		sealed, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("the stored key %s is damaged", k.ID)
		}
		plain, err := s.keys.Open(seal.Signing, k.ID, sealed)
		if err != nil {
			return nil, fmt.Errorf("open the stored key %s: %w", k.ID, err)
		}
		keys[i].Text = string(plain)
	}
	return keys, nil
}

// SigningKeys is the store's; see signing.Store.
func (s sealedKeys) SigningKeys(ctx context.Context, account string) ([]signing.Key, error) {
	return s.reveal(s.Store.SigningKeys(ctx, account))
}

// AddSigningKeys is the store's; see signing.Store.
func (s sealedKeys) AddSigningKeys(ctx context.Context, account string, next []signing.Key, overlapEnds time.Time) error {
	return s.Store.AddSigningKeys(ctx, account, s.conceal(next), overlapEnds)
}

// EnsureSigningKeys is the store's; see signing.Store.
func (s sealedKeys) EnsureSigningKeys(ctx context.Context, account string, candidates []signing.Key) ([]signing.Key, error) {
	return s.reveal(s.Store.EnsureSigningKeys(ctx, account, s.conceal(candidates)))
}
