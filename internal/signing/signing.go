// Package signing keeps the rings of keys that the webhooks of inline endpoints
// are signed with, one for each account: the current key of each kind, and the
// ones before it for as long as receivers take to change over. It must not know
// HTTP or SQL, nor what is signed.
package signing

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/reelhook/reelhook/webhook"
)

// Kind is which signature a key makes, as the specification marks it.
type Kind string

// The kinds: V1 is HMAC-SHA256 with a secret that the receiver holds too, V1a is
// ed25519 with a private key, for receivers that are given the public one.
const (
	V1  Kind = "v1"
	V1a Kind = "v1a"
)

// Key is a key with its text. It shows itself redacted however it is printed,
// logged or marshalled, unless it lies in a field that is not exported: fmt
// cannot ask it there.
type Key struct {
	// ID is no secret: key_ and a ULID or, for a key set by flag, key_ and a hash
	// that stays the same while the key does.
	ID   string
	Kind Kind
	// Text is whsec_ or whsk_ and base64.
	Text string
	// CreatedAt is zero for a key set by flag. ExpiresAt is when it signs no more,
	// zero for the current key, which signs until there is another.
	CreatedAt, ExpiresAt time.Time
}

// PublicKey is the half of a V1a key that receivers verify with.
type PublicKey struct {
	ID string
	// Text is whpk_ and base64.
	Text                 string
	CreatedAt, ExpiresAt time.Time // as in Key
}

// Store keeps keys, each of an account: "" is the default one, and the server's
// own. What a method says is of the keys of the account it is given; those of
// others it leaves alone. Its errors hold no text of a key.
type Store interface {
	// SigningKeys returns all keys, the newest first and of two made at once the one
	// with the later id, also those that have expired and are not removed yet.
	SigningKeys(ctx context.Context, account string) ([]Key, error)
	// AddSigningKeys keeps the next keys, at most one of a kind, in one transaction
	// and durable when it returns. The other keys of their kinds expire when the
	// overlap ends or, if that is earlier, when they would have anyway. Those for
	// which that is not after the next key's CreatedAt are removed: every one, if
	// overlapEnds is zero or past.
	AddSigningKeys(ctx context.Context, account string, next []Key, overlapEnds time.Time) error
	// EndOverlap removes the keys that have an ExpiresAt, and tells how many of
	// them had not expired at the given time.
	EndOverlap(ctx context.Context, account string, at time.Time) (ended int, err error)
	// EnsureSigningKeys keeps a candidate for each kind that has no current key,
	// and returns all keys as SigningKeys does.
	EnsureSigningKeys(ctx context.Context, account string, candidates []Key) ([]Key, error)
}

// newKey makes a key of a kind.
func newKey(kind Kind, at time.Time) Key {
	text := webhook.NewSecret
	if kind == V1a {
		text = webhook.NewPrivateKey
	}
	id := "key_" + ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
	return Key{ID: id, Kind: kind, Text: text(), CreatedAt: at}
}

// signer reads the key; its errors hold nothing of it.
func (k Key) signer() (webhook.Signer, error) {
	if k.Kind == V1a {
		return webhook.ParsePrivateKey(k.Text)
	}
	return webhook.ParseSecret(k.Text)
}

// current tells that the key will sign until there is another.
func (k Key) current() bool { return k.ExpiresAt.IsZero() }

func (k Key) expired(now time.Time) bool { return !k.current() && !now.Before(k.ExpiresAt) }

// String names the key without its text.
func (k Key) String() string { return fmt.Sprintf("%s (%s, redacted)", k.ID, k.Kind) }

// Format is String for every verb: %d would print the fields.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// LogValue is String, for slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String, also for JSON.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
