// Package account is who may call, and what: API keys, kept only as hashes, each
// with a role and of an account. It must not know HTTP or SQL, nor what there is
// to be done in an account.
package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Default is the name of the account that is stored as "": there always is one,
// and its admins look after the keys of all.
const Default = "default"

// maxName is how long the name of an account may be.
const maxName = 64

// Refusal is why keys cannot be changed as was asked, and what to do, in words
// for who asked.
type Refusal string

func (r Refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return Refusal(fmt.Sprintf(format, args...)) }

// ParseName reads the name of an account as it is stored: 1 to 64 letters a-z,
// digits and hyphens, "" for the default account. What cannot be one is a Refusal.
func ParseName(text string) (string, error) {
	switch {
	case text == Default:
		return "", nil
	case text == "" || len(text) > maxName || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return "", refuse("The name of an account is 1 to %d of the characters a-z, 0-9 and -, not '%.80s'", maxName, text)
	}
	return text, nil
}

// ShowName is the name of an account as people read and write it.
func ShowName(stored string) string {
	if stored == "" {
		return Default
	}
	return stored
}

// Hash is what is kept of a key. Keys are long and random, so one SHA-256 is
// enough: there is nothing to guess.
type Hash [sha256.Size]byte

// HashKey is what is kept of a key and looked up when one is shown.
func HashKey(key string) Hash { return sha256.Sum256([]byte(key)) }

// String is enough to tell hashes apart, no more.
func (h Hash) String() string { return "sha256:" + hex.EncodeToString(h[:4]) + "…" }

// Key is what is known of an API key.
type Key struct {
	// ID is no secret: key_ and a ULID, of keys from before there were roles the
	// start of their hash, and key_fixed for the one set by flag.
	ID   string
	Hash Hash
	// Account is whose it is, "" the default one's.
	Account string
	Role    Role
	// Name says to people what it is for.
	Name      string
	CreatedAt time.Time
	// ExpiresAt is when it may call no more, zero for never.
	ExpiresAt time.Time
}

func (k Key) expired(now time.Time) bool { return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) }

// outlasts tells whether it may call at least as long as another.
func (k Key) outlasts(other Key) bool {
	return k.ExpiresAt.IsZero() || !other.ExpiresAt.IsZero() && !k.ExpiresAt.Before(other.ExpiresAt)
}

// Caller is who calls: a key's account and role, and the key's id.
type Caller struct {
	Account string
	Role    Role
	Key     string
}

// LooksAfter tells whether the keys of an account are the caller's business,
// given the role: its own account's are and, for the default account, all.
func (c Caller) LooksAfter(account string) bool { return c.Account == "" || c.Account == account }

// ErrNoKey is returned for a key that does not exist, or is none of the caller's
// business.
var ErrNoKey = errors.New("API key not found")

// Store keeps API keys. Its changes are durable when they return.
type Store interface {
	// Keys returns all of them, in the order they were made and of two made at once
	// by id, also those that have expired.
	Keys(ctx context.Context) ([]Key, error)
	// AddKey keeps one more. One whose ID or Hash is known is an error.
	AddKey(ctx context.Context, k Key) error
	// RevokeKey removes a key of an account, or ErrNoKey.
	RevokeKey(ctx context.Context, account, id string) error
}
