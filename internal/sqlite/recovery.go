package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// recovery is one with the delivery that it has come to.
type recovery struct {
	export.Recovery
	cursor string
}

// recoveryColumns are those of fields, in their order.
const recoveryColumns = "id, filter, total, done, cursor, created_at, ended_at"

func (r *recovery) fields() []any {
	return []any{&r.ID, document{&r.Filter}, &r.Total, &r.Done, &r.cursor, (*stamp)(&r.CreatedAt), (*stamp)(&r.EndedAt)}
}

func scanRecovery(r row) (rec recovery, err error) {
	err = r.Scan(rec.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return rec, export.ErrNoRecovery
	}
	return rec, err
}

const recoveryQuery = "SELECT " + recoveryColumns + " FROM recovery WHERE id = ?"

// left is the span of what is still to be sent. What is made after the recovery
// began is none of its business.
func (r *recovery) left() span {
	s := span{low: idAt(r.From), high: min(endAt(r.To), idAt(r.CreatedAt.Add(time.Millisecond)))}
	if r.cursor != "" {
		s.low = max(s.low, r.cursor+" ") // behind it, and before every longer one
	}
	return s
}

// Recovery returns one; see export.Log.
func (db *DB) Recovery(ctx context.Context, id string) (_ export.Recovery, err error) {
	defer wrap(&err, "get recovery %s", id)
	r, err := one(ctx, db.reads, scanRecovery, recoveryQuery, id)
	return r.Recovery, err
}

// BeginRecovery stores a recovery and its job; see export.Log. It counts beside
// the writer, so that nobody waits while it goes through a long outage.
func (db *DB) BeginRecovery(ctx context.Context, r export.Recovery) (_ export.Recovery, err error) {
	defer wrap(&err, "begin recovery %s", r.ID)
	if len(r.States) == 0 {
		r.States = []export.State{export.Failed, export.Held}
	}
	rec := recovery{Recovery: r}
	rec.Total, err = one(ctx, db.reads, scanValue[int], "SELECT count(*) FROM ("+chosen(r.Filter)+")", filterArgs(r.Filter, rec.left())...)
	if err != nil {
		return r, err
	}
	return rec.Recovery, db.writer.do(ctx, func(tx *transaction) error {
		if _, err := tx.exec(insert("recovery", recoveryColumns), rec.fields()...); err != nil {
			return err
		}
		return tx.addJob(export.Recover, r.ID, "", r.CreatedAt, false)
	})
}

// GoOn carries a recovery on; see export.Log.
func (db *DB) GoOn(ctx context.Context, id string, limit int, at time.Time) (_ export.Recovery, err error) {
	defer wrap(&err, "go on with recovery %s", id)
	return change(ctx, db.writer, func(tx *transaction) (export.Recovery, error) {
		r, err := one(always, tx.stmts, scanRecovery, recoveryQuery, id)
		if err != nil || !r.EndedAt.IsZero() {
			return r.Recovery, err
		}
		if err := tx.goOnWith(&r, max(limit, 1), at); err != nil {
			return r.Recovery, err
		}
		_, err = tx.exec("UPDATE recovery SET done = ?, cursor = ?, ended_at = ? WHERE id = ?", r.Done, r.cursor, stamp(r.EndedAt), id)
		return r.Recovery, err
	})
}

// nextQuery reads the first of the deliveries of a query for ids.
func nextQuery(ids string) string {
	return "SELECT " + lineColumns + " FROM delivery d WHERE d.id IN (" + ids + " ORDER BY 1 LIMIT :limit) ORDER BY d.id"
}

// goOnWith redelivers the next of a recovery's deliveries.
func (tx *transaction) goOnWith(r *recovery, limit int, at time.Time) error {
	next, err := all(always, tx.stmts, scanEntry, nextQuery(chosen(r.Filter)),
		append(filterArgs(r.Filter, r.left()), sql.Named("limit", limit+1))...)
	if err != nil {
		return err
	}
	for _, e := range next[:min(limit, len(next))] {
		switch err := tx.redeliver(e, at); {
		case err == nil:
			r.Done++
		case !errors.Is(err, export.ErrBusy) && !errors.Is(err, export.ErrNotEnabled):
			return err
		}
		r.cursor = e.ID
	}
	if len(next) > limit {
		return nil
	}
	r.EndedAt = stored(at)
	return tx.removeJob(export.Recover, r.ID)
}
