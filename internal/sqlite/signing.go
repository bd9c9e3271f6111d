package sqlite

import (
	"context"
	"time"

	"github.com/reelhook/reelhook/internal/signing"
)

var _ signing.Store = (*DB)(nil)

// signingColumns are those of signingFields, in their order.
const signingColumns = "id, kind, text, created_at, expires_at"

func signingFields(k *signing.Key) []any {
	return []any{&k.ID, &k.Kind, &k.Text, (*stamp)(&k.CreatedAt), (*stamp)(&k.ExpiresAt)}
}

// SigningKeys returns what webhooks are signed with; see signing.Store.
func (db *DB) SigningKeys(ctx context.Context) (_ []signing.Key, err error) {
	defer wrap(&err, "list signing keys")
	return signingKeys(ctx, db.reads)
}

func signingKeys(ctx context.Context, s *statements) ([]signing.Key, error) {
	return all(ctx, s, func(r row) (k signing.Key, err error) {
		err = r.Scan(signingFields(&k)...)
		return k, err
	}, "SELECT "+signingColumns+" FROM signing_key ORDER BY created_at DESC, id DESC")
}

// AddSigningKeys keeps the next keys and has the others run out; see
// signing.Store.
func (db *DB) AddSigningKeys(ctx context.Context, next []signing.Key, overlapEnds time.Time) (err error) {
	defer wrap(&err, "add %d signing keys", len(next))
	return db.writer.do(ctx, func(tx *transaction) error {
		for _, k := range next {
			if err := tx.supersede(k, overlapEnds); err != nil {
				return err
			}
		}
		return nil
	})
}

// supersede puts a key before the others of its kind.
func (tx *transaction) supersede(next signing.Key, overlapEnds time.Time) error {
	at, ends := stamp(next.CreatedAt), stamp(overlapEnds)
	if overlapEnds.IsZero() { // NULL would be never
		ends = at
	}
	if _, err := tx.exec("UPDATE signing_key SET expires_at = min(coalesce(expires_at, ?), ?) WHERE kind = ?",
		ends, ends, next.Kind); err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM signing_key WHERE kind = ? AND expires_at <= ?", next.Kind, at); err != nil {
		return err
	}
	_, err := tx.exec(insert("signing_key", signingColumns), signingFields(&next)...)
	return err
}

// EndOverlap removes the keys that run out; see signing.Store.
func (db *DB) EndOverlap(ctx context.Context, at time.Time) (_ int, err error) {
	defer wrap(&err, "end the overlap of signing keys")
	return change(ctx, db.writer, func(tx *transaction) (int, error) {
		ended, err := one(always, tx.stmts, scanValue[int], "SELECT count(*) FROM signing_key WHERE expires_at > ?", stamp(at))
		if err != nil {
			return 0, err
		}
		_, err = tx.exec("DELETE FROM signing_key WHERE expires_at IS NOT NULL")
		return ended, err
	})
}

// EnsureSigningKeys keeps candidates for the kinds that have no current key; see
// signing.Store.
func (db *DB) EnsureSigningKeys(ctx context.Context, candidates []signing.Key) (_ []signing.Key, err error) {
	defer wrap(&err, "keep the first signing keys")
	return change(ctx, db.writer, func(tx *transaction) ([]signing.Key, error) {
		for _, k := range candidates {
			if _, err := tx.exec("INSERT INTO signing_key ("+signingColumns+`) SELECT ?, ?, ?, ?, ?
				WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE kind = ? AND expires_at IS NULL)`,
				append(signingFields(&k), k.Kind)...); err != nil {
				return nil, err
			}
		}
		return signingKeys(always, tx.stmts)
	})
}
