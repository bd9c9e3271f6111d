package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/reelhook/reelhook/internal/export"
)

// entry is a delivery as its row has it, and whether an attempt of it is open.
type entry struct {
	export.Delivery
	open bool
}

// hasOpen tells whether an attempt of the delivery d is open.
const hasOpen = "EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = d.id AND a.number = d.attempts + 1)"

// entryColumns are those of scanEntry; lineColumns leave the body out, which is
// then not read either.
var (
	entryColumns = deliveryColumns + ", " + hasOpen
	lineColumns  = strings.TrimSuffix(deliveryColumns, "body") + "x'', " + hasOpen
)

func scanEntry(r row) (e entry, err error) {
	err = r.Scan(append(deliveryFields(&e.Delivery), &e.open)...)
	if errors.Is(err, sql.ErrNoRows) {
		return e, export.ErrNoDelivery
	}
	return e, err
}

// show is the delivery as it is seen from outside.
func (e entry) show() export.Delivery {
	if e.open {
		e.Attempts++
		if !e.State.Final() {
			e.State = export.Running
		}
	}
	return e.Delivery
}

func scanShown(r row) (export.Delivery, error) {
	e, err := scanEntry(r)
	return e.show(), err
}

var (
	entryQuery = "SELECT " + entryColumns + " FROM delivery d WHERE d.id = ?"
	lineQuery  = "SELECT " + lineColumns + " FROM delivery d WHERE d.id = ?"
)

// pageQuery reads the last of the deliveries of a query for ids.
func pageQuery(ids string) string {
	return "SELECT " + lineColumns + " FROM delivery d WHERE d.id IN (" + ids + " ORDER BY 1 DESC LIMIT :limit) ORDER BY d.id DESC"
}

// Deliveries returns a page of the log; see export.Log. A cursor that no page
// gave is export.ErrNoDelivery.
func (db *DB) Deliveries(ctx context.Context, page export.Page) (_ []export.Delivery, next string, err error) {
	defer wrap(&err, "list deliveries")
	limit := max(page.Limit, 1)
	s := span{low: idAt(page.From), high: endAt(page.To), tests: true}
	if page.After != "" {
		if !isDelivery(page.After) {
			return nil, "", fmt.Errorf("not a cursor: %q: %w", page.After, export.ErrNoDelivery)
		}
		s.high = min(s.high, page.After)
	}
	found, err := all(ctx, db.reads, scanShown, pageQuery(chosen(page.Filter)),
		append(filterArgs(page.Filter, s), sql.Named("limit", limit+1))...)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	return found[:limit], found[limit-1].ID, nil
}

func isDelivery(id string) bool {
	text, ok := strings.CutPrefix(id, "dlv_")
	_, err := ulid.ParseStrict(text)
	return ok && err == nil
}

// span is a range of ids, the high end not in it. Ids rise with the time they
// were made at, so a span of time is one of ids. Tests, which belong to no movie
// and no endpoint, are in it or not.
type span struct {
	low, high string
	tests     bool
}

// idAt is what no id of that millisecond or a later one is below.
func idAt(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	var id ulid.ULID
	_ = id.SetTime(uint64(min(max(t.UnixMilli(), 0), int64(ulid.MaxTime())))) // within what can be set
	return "dlv_" + id.String()
}

// endAt is idAt for the end of a span: the zero time is none.
func endAt(t time.Time) string {
	if t.IsZero() {
		return "~" // behind every id
	}
	return idAt(t)
}

// Redeliver makes a delivery due at once; see export.Log.
func (db *DB) Redeliver(ctx context.Context, id string, at time.Time) (_ export.Delivery, err error) {
	defer wrap(&err, "redeliver %s", id)
	return db.changeDelivery(ctx, id, func(tx *transaction, e entry) error { return tx.redeliver(e, at) })
}

// Cancel ends a delivery; see export.Log.
func (db *DB) Cancel(ctx context.Context, id string, at time.Time) (_ export.Delivery, err error) {
	defer wrap(&err, "cancel %s", id)
	return db.changeDelivery(ctx, id, func(tx *transaction, e entry) error { return tx.cancel(e, at) })
}

// changeDelivery changes one delivery, which fn is given without its body, and
// returns it as it stands then.
func (db *DB) changeDelivery(ctx context.Context, id string, fn func(*transaction, entry) error) (export.Delivery, error) {
	return change(ctx, db.writer, func(tx *transaction) (d export.Delivery, err error) {
		e, err := one(always, tx.stmts, scanEntry, lineQuery, id)
		if err != nil {
			return d, err
		}
		if err := fn(tx, e); err != nil {
			return d, err
		}
		return one(always, tx.stmts, scanShown, entryQuery, id)
	})
}

// redeliver makes a delivery due. One that others wait for is still at its first
// attempt.
func (tx *transaction) redeliver(e entry, at time.Time) error {
	if e.open {
		return export.ErrBusy
	}
	if tx.shut[e.Endpoint] {
		return export.ErrNotEnabled
	}
	state := export.Retrying
	if e.Remaining > 0 {
		state = export.Pending
	}
	deadline := e.Deadline
	if !deadline.IsZero() {
		deadline = at.Add(e.Timeout)
	}
	if _, err := tx.exec("UPDATE delivery SET state = ?, failures = 0, message = '', next_at = ?, deadline = ? WHERE id = ?",
		state, stamp(at), stamp(deadline), e.ID); err != nil {
		return err
	}
	return tx.replaceJob(e.Job(), e.ID, e.Group, at, state == export.Retrying)
}

func (tx *transaction) cancel(e entry, at time.Time) error {
	if e.State.Final() {
		return export.ErrFinal
	}
	if _, err := tx.exec("UPDATE delivery SET state = 'cancelled', message = 'Cancelled', next_at = NULL WHERE id = ?", e.ID); err != nil {
		return err
	}
	switch {
	case e.Remaining > 0:
		return tx.replaceJob(e.Job(), e.ID, e.Group, at, false)
	case e.open: // the job goes when the attempt is closed, or finds that a crash left it open
		return nil
	}
	return tx.removeJob(e.Job(), e.ID)
}
