package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/seal"
)

var (
	_ connection.Store = (*DB)(nil)
	_ seal.Store       = (*DB)(nil)
)

// shownColumns are those of a connection in a list.
const shownColumns = "account, id, type, created_at, updated_at, shown"

func shownFields(c *connection.Sealed) []any {
	return []any{&c.Account, &c.ID, &c.Type, (*stamp)(&c.CreatedAt), (*stamp)(&c.UpdatedAt), &c.Shown}
}

// Connections returns an account's connections; see connection.Store.
func (db *DB) Connections(ctx context.Context, account string) (_ []connection.Sealed, err error) {
	defer wrap(&err, "list connections")
	return all(ctx, db.reads, func(r row) (c connection.Sealed, err error) {
		err = r.Scan(shownFields(&c)...)
		return c, err
	}, "SELECT "+shownColumns+" FROM connection WHERE account = ? ORDER BY id", account)
}

// Connection returns one; see connection.Store.
func (db *DB) Connection(ctx context.Context, account, id string) (_ connection.Sealed, err error) {
	defer wrap(&err, "get connection %s", id)
	return one(ctx, db.reads, func(r row) (c connection.Sealed, err error) {
		err = r.Scan(append(shownFields(&c), (*content)(&c.Sealed))...)
		if errors.Is(err, sql.ErrNoRows) {
			err = connection.ErrNotFound
		}
		return c, err
	}, "SELECT "+shownColumns+", sealed FROM connection WHERE account = ? AND id = ?", account, id)
}

// PutConnection keeps one; see connection.Store.
func (db *DB) PutConnection(ctx context.Context, c connection.Sealed) (err error) {
	defer wrap(&err, "put connection %s", c.ID)
	return db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec(insert("connection", shownColumns+", sealed")+` ON CONFLICT (account, id) DO UPDATE SET
			type = excluded.type, updated_at = excluded.updated_at, shown = excluded.shown, sealed = excluded.sealed`,
			c.Account, c.ID, c.Type, stamp(c.CreatedAt), stamp(c.UpdatedAt), string(c.Shown), content(c.Sealed))
		return err
	})
}

// DeleteConnection removes one; see connection.Store.
func (db *DB) DeleteConnection(ctx context.Context, account, id string) (err error) {
	defer wrap(&err, "delete connection %s", id)
	return db.writer.do(ctx, func(tx *transaction) error {
		n, err := tx.exec("DELETE FROM connection WHERE account = ? AND id = ?", account, id)
		if err == nil && n == 0 {
			err = connection.ErrNotFound
		}
		return err
	})
}

// sealedText is what the text of a signing key begins with that is sealed; base64
// follows. Older releases stored the key itself.
const sealedText = "sealed:"

// boxTables are where boxes are kept, by purpose. read takes an id, a prefix twice
// and a limit; write the next box, the old one and the id. Signing keys are few,
// and read whole.
var boxTables = []struct{ purpose, read, write string }{
	{seal.Connection,
		"SELECT account || '/' || id, sealed FROM connection" + boxesBehind("account || '/' || id"),
		"UPDATE connection SET sealed = ? WHERE sealed = ? AND account || '/' || id = ?"},
	{seal.Delivery, "SELECT id, sealed FROM delivery" + boxesBehind("id"), "UPDATE delivery SET sealed = ? WHERE sealed = ? AND id = ?"},
	{seal.Project, "SELECT id, sealed FROM project" + boxesBehind("id"), "UPDATE project SET sealed = ? WHERE sealed = ? AND id = ?"},
	{seal.Signing, "SELECT id, text FROM signing_key WHERE id > ? AND text LIKE '" + sealedText + "%' ORDER BY id",
		"UPDATE signing_key SET text = ? WHERE text = ? AND id = ?"},
}

func boxesBehind(id string) string {
	return " WHERE " + id + " > ? AND length(sealed) > 0 AND substr(sealed, 1, length(?)) <> ? ORDER BY " + id + " LIMIT ?"
}

// maxBoxes is how many bytes of boxes are read at a time, the last one aside.
const maxBoxes = 4 << 20

var errFull = errors.New("that is enough")

// Boxes returns what is sealed; see seal.Store.
func (db *DB) Boxes(ctx context.Context, prefix []byte, after seal.Box, limit int) (found []seal.Box, err error) {
	defer wrap(&err, "find what is sealed")
	size := 0
	for _, table := range boxTables {
		from := ""
		switch {
		case table.purpose < after.Purpose:
			continue
		case table.purpose == after.Purpose:
			from = after.ID
		}
		args := []any{from, content(prefix), content(prefix), limit - len(found)}
		if table.purpose == seal.Signing {
			args = args[:1]
		}
		_, err := all(ctx, db.reads, func(r row) (struct{}, error) {
			b, err := scanBox(r, table.purpose)
			if err != nil || bytes.HasPrefix(b.Sealed, prefix) {
				return struct{}{}, err
			}
			found = append(found, b)
			if size += len(b.Sealed); size >= maxBoxes || len(found) >= limit {
				return struct{}{}, errFull
			}
			return struct{}{}, nil
		}, table.read, args...)
		if errors.Is(err, errFull) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Replace puts boxes in the places of others; see seal.Store.
func (db *DB) Replace(ctx context.Context, old, next []seal.Box) (err error) {
	defer wrap(&err, "replace %d boxes", len(old))
	return db.writer.do(ctx, func(tx *transaction) error {
		for i := range old {
			if err := tx.replace(old[i], next[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *transaction) replace(old, next seal.Box) error {
	for _, table := range boxTables {
		if table.purpose == old.Purpose {
			_, err := tx.exec(table.write, boxValue(next), boxValue(old), old.ID)
			return err
		}
	}
	return fmt.Errorf("there is nothing sealed for %q", old.Purpose)
}

// scanBox reads a box. What is no base64 is a box that does not open.
func scanBox(r row, purpose string) (seal.Box, error) {
	b := seal.Box{Purpose: purpose}
	if err := r.Scan(&b.ID, &b.Sealed); err != nil || purpose != seal.Signing {
		return b, err
	}
	sealed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(b.Sealed), sealedText))
	if err == nil {
		b.Sealed = sealed
	}
	return b, nil
}

// boxValue is a box in its column.
func boxValue(b seal.Box) any {
	if b.Purpose == seal.Signing {
		return sealedText + base64.StdEncoding.EncodeToString(b.Sealed)
	}
	return content(b.Sealed)
}

// HostKey returns the fingerprint that is remembered of the SSH server at an
// address, and whether there is one.
func (db *DB) HostKey(ctx context.Context, address string) (fingerprint string, ok bool, err error) {
	defer wrap(&err, "find the host key of %s", address)
	fingerprint, err = one(ctx, db.reads, scanValue[string], "SELECT fingerprint FROM host_key WHERE address = ?", address)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return fingerprint, err == nil, err
}

// Remember keeps the fingerprint of an address. The first one stays.
func (db *DB) Remember(ctx context.Context, address, fingerprint string) (err error) {
	defer wrap(&err, "remember the host key of %s", address)
	return db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec(insert("host_key", "address, fingerprint, first_at")+" ON CONFLICT (address) DO NOTHING",
			address, fingerprint, stamp(time.Now()))
		return err
	})
}
