// Package account is who may call: API keys, kept only as hashes. It must not
// know HTTP or SQL.
package account

import (
	"context"
	"crypto/sha256"
	"time"
)

// Hash is what is kept of a key. Keys are long and random, so one SHA-256 is
// enough: there is nothing to guess.
type Hash [sha256.Size]byte

// Store keeps hashes of API keys.
type Store interface {
	// KeyHashes returns all of them.
	KeyHashes(ctx context.Context) ([]Hash, error)
	// AddKeyHash keeps one more, durable when it returns; a known one is no error.
	AddKeyHash(ctx context.Context, h Hash, at time.Time) error
}
