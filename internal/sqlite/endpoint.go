package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// endpointColumns are those of endpointFields, in their order.
const endpointColumns = `id, url, grp, state, reason, changed_at, first_at, last_success, last_failure, failing_since, failures,
	last_status, last_error, account`

func endpointFields(e *export.Endpoint) []any {
	return []any{&e.ID, &e.URL, &e.Group, &e.State, &e.Reason, (*stamp)(&e.ChangedAt), (*stamp)(&e.FirstAt), (*stamp)(&e.LastSuccess),
		(*stamp)(&e.LastFailure), (*stamp)(&e.FailingSince), &e.Failures, &e.LastStatus, &e.LastError, &e.Account}
}

func scanEndpoint(r row) (e export.Endpoint, err error) {
	err = r.Scan(endpointFields(&e)...)
	if errors.Is(err, sql.ErrNoRows) {
		return e, export.ErrNoEndpoint
	}
	return e, err
}

// Endpoints returns a page of endpoints; see export.Log. The cursor is the id
// of the last.
func (db *DB) Endpoints(ctx context.Context, account string, since time.Time, after string, limit int) (_ []export.Endpoint, next string, err error) {
	defer wrap(&err, "list endpoints")
	limit = max(limit, 1)
	found, err := all(ctx, db.reads, scanEndpoint,
		"SELECT "+endpointColumns+" FROM endpoint WHERE id > ? AND account = ? ORDER BY id LIMIT ?", after, account, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].ID
	}
	return found, next, db.addFigures(ctx, since, found)
}

// Endpoint returns one; see export.Log.
func (db *DB) Endpoint(ctx context.Context, id string, since time.Time) (_ export.Endpoint, err error) {
	defer wrap(&err, "get endpoint %s", id)
	e, err := one(ctx, db.reads, scanEndpoint, "SELECT "+endpointColumns+" FROM endpoint WHERE id = ?", id)
	if err != nil {
		return e, err
	}
	found := []export.Endpoint{e}
	err = db.addFigures(ctx, since, found)
	return found[0], err
}

// Failing returns the endpoints whose last attempt did not succeed; see
// export.Store.
func (db *DB) Failing(ctx context.Context) (_ []export.Endpoint, err error) {
	defer wrap(&err, "list failing endpoints")
	return all(ctx, db.reads, scanEndpoint, "SELECT "+endpointColumns+" FROM endpoint WHERE failures > 0 ORDER BY id")
}

const (
	// heldQuery counts in the index delivery_trouble.
	heldQuery = `SELECT value, (SELECT count(*) FROM delivery d WHERE d.endpoint = value AND d.state = 'held' AND ` + indexed + `)
		FROM json_each(?)`
	trafficQuery = `SELECT endpoint, succeeded, refused, unknown, latency
		FROM json_each(?) CROSS JOIN traffic ON endpoint = value AND hour >= ?`
)

// addFigures adds to endpoints what is counted elsewhere: what is held, and the
// traffic of the hour of since and those after it.
func (db *DB) addFigures(ctx context.Context, since time.Time, to []export.Endpoint) error {
	ids, byID := make([]string, len(to)), make(map[string]*export.Endpoint, len(to))
	for i := range to {
		ids[i] = to[i].ID
		byID[to[i].ID] = &to[i]
	}
	// Added while they are read: a month of many endpoints is many rows.
	_, err := all(ctx, db.reads, func(r row) (none struct{}, err error) {
		var id string
		var t export.Traffic
		if err = r.Scan(append([]any{&id}, trafficFields(&t)...)...); err == nil {
			byID[id].Traffic.Add(t)
		}
		return none, err
	}, trafficQuery, document{ids}, stamp(since.Truncate(time.Hour)))
	if err != nil {
		return err
	}
	_, err = all(ctx, db.reads, func(r row) (none struct{}, err error) {
		var id string
		var held int
		if err = r.Scan(&id, &held); err == nil {
			byID[id].Held = held
		}
		return none, err
	}, heldQuery, document{ids})
	return err
}

// SetEndpoint changes a known endpoint; see export.Log.
func (db *DB) SetEndpoint(ctx context.Context, c export.EndpointChange, tell ...export.Delivery) (_ bool, err error) {
	defer wrap(&err, "set endpoint %s", c.ID)
	return change(ctx, db.writer, func(tx *transaction) (bool, error) {
		state, err := one(always, tx.stmts, scanValue[export.EndpointState], "SELECT state FROM endpoint WHERE id = ?", c.ID)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return false, export.ErrNoEndpoint
		case err != nil || state == c.State:
			return false, err
		}
		return true, tx.take("", export.Step{Endpoint: &c, Deliveries: tell})
	})
}

// setEndpoint writes a decision about an endpoint, which need not be known yet.
// Whatever it is, the endpoint starts anew.
func (tx *transaction) setEndpoint(c export.EndpointChange) error {
	_, err := tx.exec(insert("endpoint", "id, url, grp, state, reason, changed_at, first_at, failures, last_status, last_error, account")+`
		ON CONFLICT (id) DO UPDATE SET url = excluded.url, grp = excluded.grp, state = excluded.state, reason = excluded.reason,
			changed_at = excluded.changed_at, failing_since = NULL, failures = 0`,
		c.ID, c.URL, c.Group, c.State, c.Reason, stamp(c.At), stamp(c.At), 0, 0, "", c.Account)
	if err != nil {
		return err
	}
	tx.onCommit(func() {
		if c.State == export.Enabled {
			delete(tx.shut, c.ID)
		} else {
			tx.shut[c.ID] = true
		}
	})
	return nil
}

// loadShut reads the endpoints that are not enabled.
func (db *DB) loadShut(ctx context.Context) error {
	return db.writer.do(ctx, func(tx *transaction) error {
		found, err := all(always, tx.stmts, scanValue[string], "SELECT id FROM endpoint WHERE state <> 'enabled'")
		tx.onCommit(func() {
			for _, id := range found {
				tx.shut[id] = true
			}
		})
		return err
	})
}
