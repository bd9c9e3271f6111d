package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/reelhook/reelhook/internal/account"
)

// keyColumns are those of keyFields, in their order.
const keyColumns = "id, hash, account, role, name, created_at, expires_at"

func keyFields(k *account.Key) []any {
	return []any{&k.ID, (*hash)(&k.Hash), &k.Account, (*role)(&k.Role), &k.Name, (*stamp)(&k.CreatedAt), (*stamp)(&k.ExpiresAt)}
}

// Keys returns all API keys; see account.Store.
func (db *DB) Keys(ctx context.Context) (_ []account.Key, err error) {
	defer wrap(&err, "list API keys")
	return all(ctx, db.reads, func(r row) (k account.Key, err error) {
		err = r.Scan(keyFields(&k)...)
		return k, err
	}, "SELECT "+keyColumns+" FROM api_key ORDER BY created_at, id")
}

// AddKey keeps one more API key; see account.Store.
func (db *DB) AddKey(ctx context.Context, k account.Key) (err error) {
	defer wrap(&err, "add API key")
	return db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec(insert("api_key", keyColumns), keyFields(&k)...)
		return err
	})
}

// RevokeKey removes an API key; see account.Store.
func (db *DB) RevokeKey(ctx context.Context, owner, id string) (err error) {
	defer wrap(&err, "revoke API key %s", id)
	return db.writer.do(ctx, func(tx *transaction) error {
		n, err := tx.exec("DELETE FROM api_key WHERE account = ? AND id = ?", owner, id)
		if err == nil && n == 0 {
			err = account.ErrNoKey
		}
		return err
	})
}

// hash is an account.Hash in a column.
type hash account.Hash

// Value makes it bytes.
func (h *hash) Value() (driver.Value, error) { return h[:], nil }

// Scan reads what Value made.
func (h *hash) Scan(src any) error {
	if b, ok := src.([]byte); !ok || len(b) != len(h) || copy(h[:], b) != len(h) {
		return fmt.Errorf("%T is no hash", src)
	}
	return nil
}

// role is an account.Role in a column.
type role account.Role

// Value is its name.
func (r *role) Value() (driver.Value, error) { return account.Role(*r).String(), nil }

// Scan reads what Value made.
func (r *role) Scan(src any) error {
	name, err := text(src)
	if err != nil {
		return err
	}
	read, err := account.ParseRole(name)
	*r = role(read)
	return err
}
