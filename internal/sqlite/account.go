package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

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

func scanHash(r row) (h account.Hash, err error) {
	b, err := scanValue[[]byte](r)
	if err == nil && copy(h[:], b) != len(h) {
		err = fmt.Errorf("a hash of %d bytes", len(b))
	}
	return h, err
}
