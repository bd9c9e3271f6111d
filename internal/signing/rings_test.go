package signing_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/signing"
)

// TestAccounts: each has a secret of its own, made at its first use and kept; the
// key pair is the server's.
func TestAccounts(t *testing.T) {
	for _, c := range []struct {
		name          string
		o             signing.Options
		server, other string
		stored        int
	}{
		{"both kinds", signing.Options{}, "v1 v1a", "v1 v1a", 1},
		{"only secrets", signing.Options{Kinds: []signing.Kind{signing.V1}}, "v1", "v1", 1},
		{"only key pairs", signing.Options{Kinds: []signing.Kind{signing.V1a}}, "v1a", "v1a", 0},
		{"a secret set by flag is the default account's", signing.Options{Given: []string{secret1, secret2}}, "v1 v1a v1", "v1 v1a", 1},
		{"a key pair set by flag is everyone's", signing.Options{Given: []string{private1}}, "v1 v1a", "v1 v1a", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &memory{}
			c.o.Store = store
			all := loadAll(t, c.o)
			server := of(t, all, "")
			if len(store.others) != 0 {
				t.Errorf("before it is used: %v", store.others)
			}
			acme, zebra := of(t, all, "acme"), of(t, all, "zebra")
			if signatures(server) != c.server || signatures(acme) != c.other || signatures(zebra) != c.other || len(store.of("acme")) != c.stored {
				t.Errorf("sign %q, %q and %q; stored %v", signatures(server), signatures(acme), signatures(zebra), store.of("acme"))
			}
			for _, k := range append(server.Secrets(), acme.Secrets()...) {
				if verifies(t, zebra, t0, k) {
					t.Errorf("the secret %s of another account verifies", k)
				}
			}
			if got := all.Public(); !slices.Equal(got, acme.Public()) || !slices.Equal(got, server.Public()) {
				t.Errorf("public keys %v, of acme %v", got, acme.Public())
			}
			again := of(t, loadAll(t, c.o), "acme")
			if !slices.Equal(again.Secrets(), acme.Secrets()) {
				t.Errorf("after a restart %v, before %v", again.Secrets(), acme.Secrets())
			}
		})
	}
}

// TestOnlyKeyPairs: who has no secret has nothing to rotate.
func TestOnlyKeyPairs(t *testing.T) {
	all := loadAll(t, signing.Options{Store: &memory{}, Kinds: []signing.Kind{signing.V1a}})
	_, err := all.Rotate(t.Context(), "acme", nil, 0)
	if _, ok := errors.AsType[signing.Refusal](err); !ok || !strings.Contains(err.Error(), "the server's key alone") {
		t.Error(err)
	}
	if ended, err := all.EndOverlap(t.Context(), "acme"); ended != 0 || err != nil {
		t.Errorf("%d, %v", ended, err)
	}
}

// TestServersKeyChanges: a key pair that the server rotates signs for accounts
// whose rings are in use, and so does the end of the one before.
func TestServersKeyChanges(t *testing.T) {
	c := &clock{t0}
	store := &memory{}
	all := loadAll(t, signing.Options{Store: store, Now: c.now})
	acme, old := of(t, all, "acme"), store.keys[slices.IndexFunc(store.keys, func(k signing.Key) bool { return k.Kind == signing.V1a })]
	made, err := all.Rotate(t.Context(), "", []signing.Kind{signing.V1a}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got := signatures(acme); got != "v1 v1a v1a" || !verifies(t, acme, c.at, old) || !verifies(t, acme, c.at, made[0]) {
		t.Errorf("in the overlap %s", got)
	}
	c.at = t0.Add(time.Hour)
	if got := signatures(acme); got != "v1 v1a" || verifies(t, acme, c.at, old) || !verifies(t, acme, c.at, made[0]) {
		t.Errorf("then %s", got)
	}
}

// TestFirstUses: many at once are one, and one that fails is no hindrance.
func TestFirstUses(t *testing.T) {
	store := &memory{}
	all := loadAll(t, signing.Options{Store: store})
	store.write = errors.New("disk full")
	if _, err := all.Signers(t.Context(), "acme"); !errors.Is(err, store.write) || !strings.Contains(err.Error(), "account acme") {
		t.Error(err)
	}
	if _, err := all.Secrets(t.Context(), "acme"); !errors.Is(err, store.write) {
		t.Error(err)
	}
	store.write = nil
	rings := make([]*signing.Ring, 16)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() { rings[i], _ = all.Of(t.Context(), "acme") })
	}
	wg.Wait()
	if rings = slices.Compact(rings); len(rings) != 1 || rings[0] == nil || len(store.of("acme")) != 1 {
		t.Errorf("%v, stored %v", rings, store.others)
	}
}

// Signers is called for every attempt.
func TestSignersOfAccountsAreShared(t *testing.T) {
	all := loadAll(t, signing.Options{Store: &memory{}})
	for _, account := range []string{"", "acme"} {
		if _, err := all.Rotate(t.Context(), account, nil, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = all.Signers(ctx, "acme") }); n > 1 {
		t.Errorf("%v allocations", n) // of the account's name, to look it up
	}
	if s, err := all.Signers(ctx, "acme"); err != nil || len(s) != 4 || cap(s) != 4 {
		t.Errorf("%d signers with room for %d, %v", len(s), cap(s), err)
	}
}
