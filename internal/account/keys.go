package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// prefix tells people and secret scanners what a key is for.
const prefix = "rhk_"

// randomLength in characters of 62 kinds is 238 bits.
const randomLength = 40

const base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// fixedID says nothing of the key: people choose weak ones.
const fixedID = "key_fixed"

// NewKey makes the text of a key: rhk_ and 40 random letters and digits. It is
// the only time the key is seen; keep its hash.
func NewKey() string {
	var b strings.Builder
	b.WriteString(prefix)
	for range randomLength {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(base62))))
		if err != nil {
			panic(err) // crypto/rand.Reader never fails
		}
		b.WriteByte(base62[n.Int64()])
	}
	return b.String()
}

// Options are what Keys are made from.
type Options struct {
	Store Store
	// Fixed is a key that is an admin of the default account and not stored, ""
	// for none.
	Fixed string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Keys are the keys that may call. They may be used by many goroutines, and what
// is changed counts for the next call.
type Keys struct {
	store Store
	now   func() time.Time
	// fixed is zero when there is none.
	fixed Key

	changes sync.Mutex // one at a time: each looks at all keys first
	known   atomic.Pointer[map[Hash]Key]
}

// Load reads the keys in the store. When no key is an admin of the default
// account one is made, stored as a hash, and returned as made: show it now, it
// cannot be shown again. So whoever was locked out starts the server anew.
func Load(ctx context.Context, o Options) (keys *Keys, made string, err error) {
	k := &Keys{store: o.Store, now: o.Now}
	if k.now == nil {
		k.now = time.Now
	}
	stored, err := o.Store.Keys(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("read API keys: %w", err)
	}
	known := map[Hash]Key{}
	for _, key := range stored {
		known[key.Hash] = key
	}
	if fixed := strings.TrimSpace(o.Fixed); fixed != "" {
		k.fixed = Key{ID: fixedID, Hash: HashKey(fixed), Role: Admin, Name: "--api-key"}
		known[k.fixed.Hash] = k.fixed // whatever it may be stored as
	}
	k.known.Store(&known)
	if k.lasting(Key{ExpiresAt: k.now().Add(1)}) {
		return k, "", nil
	}
	if _, made, err = k.add(ctx, Key{Role: Admin, Name: "made at the first start"}); err != nil {
		return nil, "", fmt.Errorf("store the first API key: %w", err)
	}
	return k, made, nil
}

// Caller tells whose a key is, and whether it may call at all: one that is not
// known, was revoked or has expired may not.
//
// The lookup need not take constant time: what is compared is the SHA-256 of
// the guess. How far it got tells of the hash, and nobody can choose guesses by
// their hash, nor come back from a hash to a key.
func (k *Keys) Caller(key string) (Caller, bool) {
	if key == "" {
		return Caller{}, false
	}
	found, ok := (*k.known.Load())[HashKey(key)]
	if !ok || found.expired(k.now()) {
		return Caller{}, false
	}
	return Caller{Account: found.Account, Role: found.Role, Key: found.ID}, true
}

// List returns the keys that a caller looks after, in the order they were made,
// those that have expired too.
func (k *Keys) List(c Caller) []Key {
	all := slices.Collect(maps.Values(*k.known.Load()))
	all = slices.DeleteFunc(all, func(key Key) bool { return !c.LooksAfter(key.Account) })
	slices.SortFunc(all, func(a, b Key) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return all
}

// replace has other keys known from now on.
func (k *Keys) replace(change func(known map[Hash]Key)) {
	next := maps.Clone(*k.known.Load())
	change(next)
	k.known.Store(&next)
}

// String counts the keys, so that no log line shows more.
func (k *Keys) String() string { return fmt.Sprintf("%d API keys", len(*k.known.Load())) }

// Format is String for every verb: a wrong one would print the hashes.
func (k *Keys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// LogValue is String, for slog.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
