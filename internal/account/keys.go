package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"time"
)

// prefix tells people and secret scanners what a key is for.
const prefix = "rhk_"

// randomLength in characters of 62 kinds is 238 bits.
const randomLength = 40

const base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewKey makes a key: rhk_ and 40 random letters and digits. It is the only time
// the key is seen; keep its hash.
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

// HashKey is what is kept of a key and looked up when one is shown.
func HashKey(key string) Hash { return sha256.Sum256([]byte(key)) }

// String is enough to tell hashes apart, no more.
func (h Hash) String() string { return "sha256:" + hex.EncodeToString(h[:4]) + "…" }

// Keys are the keys that may call. It does not change, so any number of
// goroutines may use it.
type Keys struct {
	hashes map[Hash]bool
}

// Load reads the keys in the store. The fixed key, when not empty, works as well
// and is not stored. When there is no key at all one is made, stored as a hash,
// and returned as made: show it now, it cannot be shown again.
func Load(ctx context.Context, store Store, fixed string, now time.Time) (keys *Keys, made string, err error) {
	stored, err := store.KeyHashes(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("read API keys: %w", err)
	}
	keys = &Keys{hashes: map[Hash]bool{}}
	for _, h := range stored {
		keys.hashes[h] = true
	}
	if fixed = strings.TrimSpace(fixed); fixed != "" {
		keys.hashes[HashKey(fixed)] = true
	}
	if len(keys.hashes) > 0 {
		return keys, "", nil
	}
	made = NewKey()
	if err := store.AddKeyHash(ctx, HashKey(made), now); err != nil {
		return nil, "", fmt.Errorf("store the first API key: %w", err)
	}
	keys.hashes[HashKey(made)] = true
	return keys, made, nil
}

// Valid tells whether a key may call.
//
// The lookup need not take constant time: what is compared is the SHA-256 of
// the guess. How far it got tells of the hash, and nobody can choose guesses by
// their hash, nor come back from a hash to a key.
func (k *Keys) Valid(key string) bool { return key != "" && k.hashes[HashKey(key)] }

// String counts the keys, so that no log line shows more.
func (k *Keys) String() string { return fmt.Sprintf("%d API keys", len(k.hashes)) }

// GoString is String, for %#v.
func (k *Keys) GoString() string { return k.String() }

// LogValue is String, for slog.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
