package signing

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// Rings are the rings of all accounts. The secrets of one account, V1, sign for
// no other: whoever holds one could sign what looks like theirs. The V1a keys,
// of which receivers hold nothing but the public halves, are the server's and
// sign for every account. They may be used by many goroutines.
type Rings struct {
	server *Ring
	// kinds are those that the accounts beside the default one have keys of.
	kinds   []Kind
	loading sync.Mutex // one at a time, so that no ring is made twice
	loaded  sync.Map   // of accounts, *Ring
}

// Load makes the ring of the default account, with the keys that were given and
// the stored ones of the other kinds. A kind that has none gets its first key,
// which is durable when Load returns; otherwise nothing is written. The errors
// hold nothing of a key.
func Load(ctx context.Context, o Options) (*Rings, error) {
	given, err := o.given()
	if err != nil {
		return nil, err
	}
	server := &Ring{store: o.Store, now: o.Now, kinds: o.kinds()}
	if server.now == nil {
		server.now = time.Now
	}
	if err := server.load(ctx, given); err != nil {
		return nil, err
	}
	all := &Rings{server: server, kinds: slices.DeleteFunc(o.kinds(), func(k Kind) bool { return k == V1a })}
	all.loaded.Store("", server)
	return all, nil
}

// Of is the ring of an account. Its first use reads it from the store, where the
// first use ever puts the account's first secret.
func (a *Rings) Of(ctx context.Context, account string) (*Ring, error) {
	if r, ok := a.loaded.Load(account); ok {
		return r.(*Ring), nil
	}
	a.loading.Lock()
	defer a.loading.Unlock()
	if r, ok := a.loaded.Load(account); ok {
		return r.(*Ring), nil
	}
	r := &Ring{store: a.server.store, account: account, now: a.server.now, kinds: a.kinds, server: a.server}
	if err := r.load(ctx, nil); err != nil {
		return nil, fmt.Errorf("account %s: %w", account, err)
	}
	a.loaded.Store(account, r)
	return r, nil
}

// Signers are those of an account's ring; see Ring.Signers.
func (a *Rings) Signers(ctx context.Context, account string) ([]webhook.Signer, error) {
	r, err := a.Of(ctx, account)
	if err != nil {
		return nil, err
	}
	return r.Signers(), nil
}

// Secrets are those of an account's ring; see Ring.Secrets.
func (a *Rings) Secrets(ctx context.Context, account string) ([]Key, error) {
	r, err := a.Of(ctx, account)
	if err != nil {
		return nil, err
	}
	return r.Secrets(), nil
}

// Public are the V1a keys for the receivers of every account; see Ring.Public.
func (a *Rings) Public() []PublicKey { return a.server.Public() }

// Rotate makes new keys of an account; see Ring.Rotate.
func (a *Rings) Rotate(ctx context.Context, account string, kinds []Kind, overlap time.Duration) ([]Key, error) {
	r, err := a.Of(ctx, account)
	if err != nil {
		return nil, err
	}
	return r.Rotate(ctx, kinds, overlap)
}

// EndOverlap has only the current keys of an account sign; see Ring.EndOverlap.
func (a *Rings) EndOverlap(ctx context.Context, account string) (int, error) {
	r, err := a.Of(ctx, account)
	if err != nil {
		return 0, err
	}
	return r.EndOverlap(ctx)
}
