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
func (db *DB) SigningKeys(ctx context.Context, account string) (_ []signing.Key, err error) {
	defer wrap(&err, "list signing keys")
	return signingKeys(ctx, db.reads, account)
}

func signingKeys(ctx context.Context, s *statements, account string) ([]signing.Key, error) {
	return all(ctx, s, func(r row) (k signing.Key, err error) {
		err = r.Scan(signingFields(&k)...)
		return k, err
	}, "SELECT "+signingColumns+" FROM signing_key WHERE account = ? ORDER BY created_at DESC, id DESC", account)
}

// AddSigningKeys keeps the next keys and has the others run out; see
// signing.Store.
func (db *DB) AddSigningKeys(ctx context.Context, account string, next []signing.Key, overlapEnds time.Time) (err error) {
	defer wrap(&err, "add %d signing keys", len(next))
	return db.writer.do(ctx, func(tx *transaction) error {
		for _, k := range next {
			if err := tx.supersede(account, k, overlapEnds); err != nil {
				return err
			}
		}
		return nil
	})
}

// supersede puts a key of an account before the others of its kind.
func (tx *transaction) supersede(account string, next signing.Key, overlapEnds time.Time) error {
	at, ends := stamp(next.CreatedAt), stamp(overlapEnds)
	if overlapEnds.IsZero() { // NULL would be never
		ends = at
	}
	if _, err := tx.exec("UPDATE signing_key SET expires_at = min(coalesce(expires_at, ?), ?) WHERE account = ? AND kind = ?",
		ends, ends, account, next.Kind); err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM signing_key WHERE account = ? AND kind = ? AND expires_at <= ?", account, next.Kind, at); err != nil {
		return err
	}
	_, err := tx.exec(insert("signing_key", signingColumns+", account"), append(signingFields(&next), account)...)
	return err
}

// EndOverlap removes the keys that run out; see signing.Store.
func (db *DB) EndOverlap(ctx context.Context, account string, at time.Time) (_ int, err error) {
	defer wrap(&err, "end the overlap of signing keys")
	return change(ctx, db.writer, func(tx *transaction) (int, error) {
		ended, err := one(always, tx.stmts, scanValue[int], "SELECT count(*) FROM signing_key WHERE account = ? AND expires_at > ?",
			account, stamp(at))
		if err != nil {
			return 0, err
		}
		_, err = tx.exec("DELETE FROM signing_key WHERE account = ? AND expires_at IS NOT NULL", account)
		return ended, err
	})
}

// EnsureSigningKeys keeps candidates for the kinds that have no current key; see
// signing.Store.
func (db *DB) EnsureSigningKeys(ctx context.Context, account string, candidates []signing.Key) (_ []signing.Key, err error) {
	defer wrap(&err, "keep the first signing keys")
	return change(ctx, db.writer, func(tx *transaction) ([]signing.Key, error) {
		for _, k := range candidates {
			if _, err := tx.exec("INSERT INTO signing_key ("+signingColumns+`, account) SELECT ?, ?, ?, ?, ?, ?
				WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE account = ? AND kind = ? AND expires_at IS NULL)`,
				append(signingFields(&k), account, account, k.Kind)...); err != nil {
				return nil, err
			}
		}
		return signingKeys(always, tx.stmts, account)
	})
}
