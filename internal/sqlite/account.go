package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

// webhookSecret is the name of the secret that webhooks are signed with.
const webhookSecret = "webhook"

// KeyHashes returns the hashes of all API keys; see account.Store.
func (db *DB) KeyHashes(ctx context.Context) (_ []account.Hash, err error) {
	defer wrap(&err, "list API keys")
	return all(ctx, db.reads, scanHash, "SELECT hash FROM api_key ORDER BY created_at, hash")
}

// AddKeyHash keeps the hash of one more API key; see account.Store.
func (db *DB) AddKeyHash(ctx context.Context, h account.Hash, at time.Time) (err error) {
	defer wrap(&err, "add API key")
	return db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec(insert("api_key", "hash, created_at")+" ON CONFLICT (hash) DO NOTHING", h[:], stamp(at))
		return err
	})
}

// Secret returns what webhooks are signed with, "" before there is one. It is
// never part of an error.
func (db *DB) Secret(ctx context.Context) (_ string, err error) {
	defer wrap(&err, "read secret %s", webhookSecret)
	s, err := one(ctx, db.reads, scanValue[string], secretQuery, webhookSecret)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return s, err
}

// EnsureSecret keeps candidate as the signing secret unless there is one, and
// returns the one that counts: the first stays, for receivers know it.
func (db *DB) EnsureSecret(ctx context.Context, candidate string, at time.Time) (_ string, err error) {
	defer wrap(&err, "keep secret %s", webhookSecret)
	return change(ctx, db.writer, func(tx *transaction) (string, error) {
		_, err := tx.exec(insert("secret", "name, value, created_at")+" ON CONFLICT (name) DO NOTHING",
			webhookSecret, candidate, stamp(at))
		if err != nil {
			return "", err
		}
		return one(always, tx.stmts, scanValue[string], secretQuery, webhookSecret)
	})
}

const secretQuery = "SELECT value FROM secret WHERE name = ?"

func scanHash(r row) (h account.Hash, err error) {
	b, err := scanValue[[]byte](r)
	if err == nil && copy(h[:], b) != len(h) {
		err = fmt.Errorf("a hash of %d bytes", len(b))
	}
	return h, err
}
