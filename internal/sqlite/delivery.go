package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// deliveryColumns are those of deliveryFields, in their order.
const deliveryColumns = `id, message_id, account, project, export, position, main, ordered, type, event, exported, connection, target, grp,
	endpoint, content_type, headers, timeout, schedule, deadline, droppable, remaining, state, attempts, failures, last_status, message,
	created_at, next_at, receipt, sealed, body`

func deliveryFields(d *export.Delivery) []any {
	return []any{&d.ID, (*messageID)(d), &d.Account, &d.Project, &d.Export, &d.Position, &d.Main, &d.Ordered, &d.Type, &d.Event, &d.Exported,
		&d.Connection, &d.Target, (*groupColumn)(d), &d.Endpoint, (*mediaType)(&d.ContentType), (*fields)(&d.Headers), &d.Timeout,
		(*delays)(&d.Schedule), (*stamp)(&d.Deadline), &d.Droppable, &d.Remaining, &d.State, &d.Attempts, &d.Failures, &d.LastStatus, &d.Message,
		(*stamp)(&d.CreatedAt), (*stamp)(&d.NextAt), (*receipt)(&d.Receipt), (*content)(&d.Sealed), (*content)(&d.Body)}
}

func scanDelivery(r row) (d export.Delivery, err error) {
	err = r.Scan(deliveryFields(&d)...)
	if errors.Is(err, sql.ErrNoRows) {
		return d, export.ErrNoDelivery
	}
	return d, err
}

const deliveryQuery = "SELECT " + deliveryColumns + " FROM delivery WHERE id = ?"

// Delivery returns one; see export.Store.
func (db *DB) Delivery(ctx context.Context, id string) (_ export.Delivery, err error) {
	defer wrap(&err, "get delivery %s", id)
	return one(ctx, db.reads, scanShown, entryQuery, id)
}

// interrupted is the error of an attempt that was found open.
const interrupted = "The server stopped before the answer was recorded"

// End writes how a rendering ended and takes the first step of its exports; see
// export.Store.
func (db *DB) End(ctx context.Context, o project.Outcome, step export.Step) (err error) {
	defer wrap(&err, "end project %s", o.ID)
	if !o.Status.Ended() {
		return fmt.Errorf("%q is no end", o.Status)
	}
	return db.writer.do(ctx, func(tx *transaction) error {
		n, err := tx.exec(`UPDATE project SET status = ?, message = ?, result_file = ?, result_sha256 = ?, result_thumbnail = ?,
			result_duration = ?, result_size = ?, result_width = ?, result_height = ?, warnings = ?, ended_at = ? WHERE id = ? AND status IN ('pending', 'running')`,
			o.Status, o.Message, o.Result.File, o.Result.SHA256, o.Result.Thumbnail,
			o.Result.Duration, o.Result.Size, o.Result.Width, o.Result.Height, document{o.Warnings}, stamp(o.EndedAt), o.ID)
		if err != nil {
			return err
		}
		if n == 0 { // it ended already, or it does not exist
			_, err := tx.project(o.ID)
			return err
		}
		if err := tx.removeJob(project.Render, o.ID); err != nil {
			return err
		}
		return tx.take(o.ID, step)
	})
}

// take writes one step of a project's pipeline.
func (tx *transaction) take(projectID string, step export.Step) error {
	for _, d := range step.Settled {
		if err := tx.settle(projectID, d); err != nil {
			return err
		}
	}
	if step.Endpoint != nil {
		if err := tx.setEndpoint(*step.Endpoint); err != nil {
			return err
		}
	}
	for _, d := range step.Deliveries {
		if err := tx.emit(d, ""); err != nil {
			return err
		}
	}
	return nil
}

// emit inserts a delivery and its job. onConflict says what becomes of one that
// is there already.
func (tx *transaction) emit(d export.Delivery, onConflict string) error {
	n, err := tx.exec(insert("delivery", deliveryColumns)+onConflict, deliveryFields(&d)...)
	if err != nil || n == 0 || d.NextAt.IsZero() {
		return err
	}
	return tx.addJob(d.Job(), d.ID, d.Group, d.NextAt, false)
}

// Emit inserts deliveries; one that is there already is left alone. See
// export.Store.
func (db *DB) Emit(ctx context.Context, deliveries ...export.Delivery) (err error) {
	defer wrap(&err, "emit %d deliveries", len(deliveries))
	return db.writer.do(ctx, func(tx *transaction) error {
		for _, d := range deliveries {
			if err := tx.emit(d, " ON CONFLICT (id) DO NOTHING"); err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenAttempt opens the next attempt of a delivery; see export.Store.
func (db *DB) OpenAttempt(ctx context.Context, id string, at time.Time) (_ export.Delivery, _ export.Attempt, err error) {
	defer wrap(&err, "open attempt of %s", id)
	type opened struct {
		d export.Delivery
		a export.Attempt
	}
	o, err := change(ctx, db.writer, func(tx *transaction) (opened, error) {
		d, err := one(always, tx.stmts, scanDelivery, deliveryQuery, id)
		if err != nil {
			return opened{}, err
		}
		if tx.shut[d.Endpoint] && !d.State.Final() {
			d.State = export.Held
		}
		if d.State.Final() || d.State == export.Held {
			_, err := tx.interrupt(&d, stored(at))
			return opened{d: d}, err
		}
		a := export.Attempt{Delivery: id, StartedAt: stored(at), Result: export.Open}
		if err := tx.open(&d, &a); err != nil {
			return opened{}, err
		}
		d.State, d.Attempts = export.Running, a.Number
		return opened{d, a}, nil
	})
	return o.d, o.a, err
}

// open writes a delivery's new attempt. It has the number behind those that are
// closed, which is taken when a crash left one open.
func (tx *transaction) open(d *export.Delivery, a *export.Attempt) error {
	a.Number = d.Attempts + 1
	n, err := tx.exec(`INSERT INTO attempt (delivery, number, started_at, result, status, class, error, cut, retry_after, gone,
		address, tls, fingerprint, timing, request, headers, answer)
		VALUES (?, ?, ?, 'open', 0, '', '', 0, 0, 0, '', '', '', '', '', '', x'') ON CONFLICT DO NOTHING`,
		a.Delivery, a.Number, stamp(a.StartedAt))
	if err != nil || n > 0 {
		return err
	}
	switch found, err := tx.interrupt(d, a.StartedAt); {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("attempt %d is there but not open", a.Number)
	}
	return tx.open(d, a)
}

// interrupt closes an attempt that is found open: it may have arrived.
func (tx *transaction) interrupt(d *export.Delivery, at time.Time) (found bool, err error) {
	n, err := tx.exec("UPDATE attempt SET result = ?, ended_at = ?, error = ? WHERE delivery = ? AND number = ? AND result = 'open'",
		export.Unknown, stamp(at), interrupted, d.ID, d.Attempts+1)
	if err != nil || n == 0 {
		return false, err
	}
	d.Attempts++
	_, err = tx.exec("UPDATE delivery SET attempts = ? WHERE id = ?", d.Attempts, d.ID)
	return true, err
}

// CloseAttempt closes an attempt and takes the next step; see export.Store.
func (db *DB) CloseAttempt(ctx context.Context, d export.Delivery, a export.Attempt, step export.Step) (err error) {
	defer wrap(&err, "close attempt %d of %s", a.Number, d.ID)
	return db.writer.do(ctx, func(tx *transaction) error {
		if err := tx.closeAttempt(d.ID, a); err != nil {
			return err
		}
		d := d
		n, err := tx.exec(`UPDATE delivery SET state = ?, attempts = ?, failures = ?, remaining = ?, last_status = ?, message = ?, next_at = ?,
			receipt = ? WHERE id = ? AND (state <> 'cancelled' OR ? = 'delivered')`,
			d.State, a.Number, d.Failures, d.Remaining, d.LastStatus, d.Message, stamp(d.NextAt), receipt(d.Receipt), d.ID, d.State)
		if err != nil {
			return err
		}
		if n == 0 { // cancelled meanwhile
			d.NextAt = time.Time{}
			if d.Remaining > 0 { // those behind it go on with its job
				d.NextAt = a.EndedAt
			}
			if _, err := tx.exec("UPDATE delivery SET attempts = ?, remaining = ? WHERE id = ?", a.Number, d.Remaining, d.ID); err != nil {
				return err
			}
		}
		return tx.goOn(d, step)
	})
}

// Advance moves a delivery on without an attempt; see export.Store.
func (db *DB) Advance(ctx context.Context, d export.Delivery, step export.Step) (err error) {
	defer wrap(&err, "advance %s", d.ID)
	return db.writer.do(ctx, func(tx *transaction) error {
		d := d
		n, err := tx.exec(`UPDATE delivery SET state = ?, remaining = ?, message = ?, next_at = ?
			WHERE id = ? AND state NOT IN ('delivered', 'failed', 'cancelled')`, d.State, d.Remaining, d.Message, stamp(d.NextAt), d.ID)
		if err != nil {
			return err
		}
		if n == 0 { // final meanwhile
			d.NextAt = time.Time{}
			if _, err := tx.exec("UPDATE delivery SET remaining = ? WHERE id = ?", d.Remaining, d.ID); err != nil {
				return err
			}
		}
		return tx.goOn(d, step)
	})
}

// goOn replaces a delivery's job and takes the next step.
func (tx *transaction) goOn(d export.Delivery, step export.Step) error {
	var err error
	if d.NextAt.IsZero() {
		err = tx.removeJob(d.Job(), d.ID)
	} else {
		err = tx.replaceJob(d.Job(), d.ID, d.Group, d.NextAt, true)
	}
	if err != nil {
		return err
	}
	return tx.take(d.Project, step)
}
