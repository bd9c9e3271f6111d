package signing

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// How long the keys before a new one go on signing.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 30 * 24 * time.Hour
)

// maxKeys bounds the keys of a kind that sign at a time. With both kinds that is
// half the signatures that webhook.Verify looks at, in 1.2 kB of header.
const maxKeys = 8

// Refusal is why the keys cannot be changed as was asked, and what to do, in
// words for who asked.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Rotate makes new keys of the given kinds, of all that sign when there are none,
// and returns them. They are durable before they sign. What signed before goes on
// for the overlap or, if that is earlier, until it would have ended anyway; with
// an overlap of 0 only the new keys sign. Refusal is the error of what cannot be.
// A change that has begun is carried through, also when ctx ends.
func (r *Ring) Rotate(ctx context.Context, kinds []Kind, overlap time.Duration) ([]Key, error) {
	if len(kinds) == 0 {
		kinds = r.kinds
	}
	kinds = slices.Compact(slices.Sorted(slices.Values(kinds)))
	r.changes.Lock()
	defer r.changes.Unlock()
	if err := r.mayRotate(kinds, overlap); err != nil {
		return nil, err
	}
	now := r.time()
	var next []Key
	for _, kind := range kinds {
		next = append(next, newKey(kind, now))
	}
	ctx = context.WithoutCancel(ctx)
	if err := r.store.AddSigningKeys(ctx, r.account, next, now.Add(overlap)); err != nil {
		return nil, fmt.Errorf("store the new signing keys: %w", err)
	}
	if err := r.reload(ctx); err != nil {
		return nil, err
	}
	return next, nil
}

func (r *Ring) mayRotate(kinds []Kind, overlap time.Duration) error {
	if overlap < 0 || overlap > MaxOverlap {
		return Refusal(fmt.Sprintf("The overlap must be from 0 to 30 days, not %s", overlap))
	}
	keys := r.valid().own
	if len(kinds) == 0 {
		return Refusal("The webhooks of this account are signed with the server's key alone, which an admin of the default account rotates")
	}
	for _, kind := range kinds {
		switch {
		case kind == V1a && r.server != nil:
			return Refusal("The v1a key is the server's, for all accounts: an admin of the default account rotates it")
		case !slices.Contains(r.kinds, kind):
			return Refusal(fmt.Sprintf("No webhook is signed with a key of kind %.20q; there is %q", string(kind), r.kinds))
		case !r.isStored(kind):
			return Refusal(fmt.Sprintf("The %s key is set by --webhook-secret: put two values into it instead, "+
				"comma separated and the new one first, and take the old one out when receivers have changed over", kind))
		case overlap > 0 && count(keys, kind) >= maxKeys:
			return Refusal(fmt.Sprintf("%d keys of kind %s sign already, which is the most: "+
				"end their overlap first, or rotate with an overlap of 0", maxKeys, kind))
		}
	}
	return nil
}

// EndOverlap has only the current keys of the account sign from now on, and tells
// how many keys that ended. It is a Refusal when all keys were set by flag.
func (r *Ring) EndOverlap(ctx context.Context) (int, error) {
	r.changes.Lock()
	defer r.changes.Unlock()
	switch {
	case len(r.kinds) == 0:
		return 0, nil
	case !slices.ContainsFunc(r.kinds, r.isStored):
		return 0, Refusal("The keys are set by --webhook-secret: take the old values out of it instead. " +
			"To change over, put two values into it, comma separated and the new one first")
	}
	ctx = context.WithoutCancel(ctx)
	ended, err := r.store.EndOverlap(ctx, r.account, r.time())
	if err != nil {
		return 0, fmt.Errorf("remove the older signing keys: %w", err)
	}
	return ended, r.reload(ctx)
}

// reload uses what is stored now.
func (r *Ring) reload(ctx context.Context) error {
	stored, err := r.store.SigningKeys(ctx, r.account)
	if err != nil {
		return fmt.Errorf("the signing keys are changed, but could not be read back; they are used after the next change or start: %w", err)
	}
	given := slices.DeleteFunc(slices.Clone(r.valid().own), func(k entry) bool { return r.isStored(k.Kind) })
	return r.use(given, stored)
}
