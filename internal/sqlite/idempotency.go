package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

// keyLife is how long an idempotency key is remembered.
const keyLife = 24 * time.Hour

// recall returns the project that a key was first used for, "" when it is new.
func (tx *transaction) recall(idem project.Idempotency, at time.Time) (string, error) {
	type use struct {
		project string
		hash    []byte
	}
	first, err := one(always, tx.stmts, func(r row) (u use, err error) {
		err = r.Scan(&u.project, &u.hash)
		return u, err
	}, "SELECT project, body_hash FROM idempotency WHERE key = ? AND created_at > ?", idem.Key, stamp(at.Add(-keyLife)))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", err
	case !bytes.Equal(first.hash, idem.BodyHash[:]):
		return "", project.ErrConflict
	}
	return first.project, nil
}

// remember keeps the use of a key and forgets some that are too old: each use
// clears away more than it adds, so the table stays small without a sweeper.
func (tx *transaction) remember(idem project.Idempotency, id string, at time.Time) error {
	_, err := tx.exec(insert("idempotency", "key, body_hash, project, created_at")+
		` ON CONFLICT (key) DO UPDATE SET body_hash = excluded.body_hash, project = excluded.project, created_at = excluded.created_at`,
		idem.Key, idem.BodyHash[:], id, stamp(at))
	if err != nil {
		return err
	}
	_, err = tx.exec(`DELETE FROM idempotency WHERE key IN
		(SELECT key FROM idempotency WHERE created_at <= ? ORDER BY created_at LIMIT 8)`, stamp(at.Add(-keyLife)))
	return err
}
