package signing

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// Ring is the keys in use for an account. It may be used by many goroutines.
type Ring struct {
	store   Store
	account string
	now     func() time.Time
	// kinds are those that sign; the keys of given are set by flag, the others are
	// stored.
	kinds, given []Kind
	// server is the ring whose V1a keys sign along, nil for that one itself.
	server *Ring

	changes sync.Mutex // one at a time: each reads back what it has written
	ready   atomic.Pointer[keyset]
}

// entry is a key that can sign.
type entry struct {
	Key
	signer webhook.Signer
	// rank is 0 for the current key of its kind.
	rank int
}

// keyset is the keys that sign until the first of its own expires, or those it
// shares are others. It does not change.
type keyset struct {
	own     []entry
	shared  *keyset          // nil for none
	keys    []entry          // own, and the V1a keys of shared
	signers []webhook.Signer // of keys
	until   time.Time        // zero for ever
}

// newKeyset leaves out the keys that have expired. Of each kind the current one
// comes first, then the others, for there are receivers that look at the first
// signature only.
func newKeyset(own []entry, shared *keyset, now time.Time) *keyset {
	s := &keyset{shared: shared}
	for _, k := range own {
		if k.expired(now) {
			continue
		}
		s.own = append(s.own, k)
		if !k.current() && (s.until.IsZero() || k.ExpiresAt.Before(s.until)) {
			s.until = k.ExpiresAt
		}
	}
	s.keys = slices.Clone(s.own)
	if shared != nil {
		s.keys = append(s.keys, slices.DeleteFunc(slices.Clone(shared.keys), func(k entry) bool { return k.Kind != V1a })...)
	}
	slices.SortStableFunc(s.keys, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Kind, b.Kind))
	})
	for _, k := range s.keys {
		s.signers = append(s.signers, k.signer)
	}
	s.signers = slices.Clip(s.signers) // whoever appends gets a copy
	return s
}

// load takes the keys that were given and the stored ones of the other kinds. A
// kind that has none gets its first key, which is durable when load returns;
// otherwise nothing is written. The errors hold nothing of a key.
func (r *Ring) load(ctx context.Context, given []entry) error {
	for _, k := range given {
		r.given = append(r.given, k.Kind)
	}
	stored, err := r.ensure(ctx)
	if err != nil {
		return err
	}
	return r.use(given, stored)
}

// isStored tells whether the keys of a kind are in the store.
func (r *Ring) isStored(kind Kind) bool {
	return slices.Contains(r.kinds, kind) && !slices.Contains(r.given, kind)
}

// ensure returns what is stored once each kind that is has its current key.
func (r *Ring) ensure(ctx context.Context) ([]Key, error) {
	if !slices.ContainsFunc(r.kinds, r.isStored) {
		return nil, nil
	}
	keys, err := r.store.SigningKeys(ctx, r.account)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	var candidates []Key
	for _, kind := range r.kinds {
		if r.isStored(kind) && !slices.ContainsFunc(keys, func(k Key) bool { return k.Kind == kind && k.current() }) {
			candidates = append(candidates, newKey(kind, r.time()))
		}
	}
	if len(candidates) == 0 {
		return keys, nil
	}
	if keys, err = r.store.EnsureSigningKeys(ctx, r.account, candidates); err != nil {
		return nil, fmt.Errorf("store the first signing keys: %w", err)
	}
	return keys, nil
}

// use has keys sign from now on.
func (r *Ring) use(given []entry, stored []Key) error {
	keys := slices.Clone(given)
	for _, k := range stored {
		if !r.isStored(k.Kind) {
			continue
		}
		signer, err := k.signer()
		if err != nil {
			return fmt.Errorf("the stored key %s cannot be used: %w", k.ID, err)
		}
		e := entry{Key: k, signer: signer}
		if !k.current() {
			e.rank = 1
		}
		keys = append(keys, e)
	}
	r.ready.Store(newKeyset(keys, r.shared(), r.now()))
	return nil
}

// shared is what signs along at this moment.
func (r *Ring) shared() *keyset {
	if r.server == nil {
		return nil
	}
	return r.server.valid()
}

// valid is the keys that sign at this moment.
func (r *Ring) valid() *keyset {
	s, shared := r.ready.Load(), r.shared()
	var now time.Time
	if !s.until.IsZero() {
		now = r.now()
	}
	if s.shared == shared && (s.until.IsZero() || now.Before(s.until)) {
		return s
	}
	next := newKeyset(s.own, shared, now)
	r.ready.CompareAndSwap(s, next) // or a change has come between, and stays
	return next
}

// Signers are the keys to sign an attempt with that is made now: the current
// ones first, V1 before V1a, then those that run out. There is always one. The
// slice is shared and must not be altered.
func (r *Ring) Signers() []webhook.Signer { return r.valid().signers }

// Public are the V1a keys for receivers to verify with, the current one first.
func (r *Ring) Public() []PublicKey {
	var keys []PublicKey
	for _, k := range r.valid().keys {
		if private, ok := k.signer.(webhook.PrivateKey); ok {
			keys = append(keys, PublicKey{k.ID, private.Public().String(), k.CreatedAt, k.ExpiresAt})
		}
	}
	return keys
}

// Secrets are the V1 keys with their texts, to be shown to receivers, the current
// one first.
func (r *Ring) Secrets() []Key {
	var keys []Key
	for _, k := range r.valid().keys {
		if k.Kind == V1 {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// String counts the keys, so that no log line shows more.
func (r *Ring) String() string { return fmt.Sprintf("%d signing keys", len(r.valid().keys)) }

// Format is String for every verb: a wrong one would print what is in the store.
func (r *Ring) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, r.String()) }

// LogValue is String, for slog.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// time is now as it can be stored.
func (r *Ring) time() time.Time { return r.now().UTC().Round(0) }

func count(keys []entry, kind Kind) int {
	n := 0
	for _, k := range keys {
		if k.Kind == kind {
			n++
		}
	}
	return n
}
