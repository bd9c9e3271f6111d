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
const deliveryColumns = `id, message_id, project, export, position, type, event, target, grp, content_type, timeout, schedule,
	remaining, state, attempts, failures, last_status, message, created_at, next_at, body`

func deliveryFields(d *export.Delivery) []any {
	return []any{&d.ID, &d.MessageID, &d.Project, &d.Export, &d.Position, &d.Type, &d.Event, &d.Target, &d.Group,
		&d.ContentType, &d.Timeout, document{&d.Schedule}, &d.Remaining, &d.State, &d.Attempts, &d.Failures,
		&d.LastStatus, &d.Message, (*stamp)(&d.CreatedAt), (*stamp)(&d.NextAt), (*content)(&d.Body)}
}

func scanDelivery(r row) (d export.Delivery, err error) {
	err = r.Scan(deliveryFields(&d)...)
	if errors.Is(err, sql.ErrNoRows) {
		return d, export.ErrNoDelivery
	}
	return d, err
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
		n, err := tx.exec(`UPDATE project SET status = ?, message = ?, result_file = ?, result_duration = ?, result_size = ?,
			result_width = ?, result_height = ?, warnings = ?, ended_at = ? WHERE id = ? AND status IN ('pending', 'running')`,
			o.Status, o.Message, o.Result.File, o.Result.Duration, o.Result.Size,
			o.Result.Width, o.Result.Height, document{o.Warnings}, stamp(o.EndedAt), o.ID)
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
	if step.Delivery == nil {
		return nil
	}
	d := *step.Delivery
	if _, err := tx.exec(insert("delivery", deliveryColumns), deliveryFields(&d)...); err != nil {
		return err
	}
	err := tx.settle(d.Project, project.Destination{Export: d.Export, Position: d.Position, Type: d.Type,
		Status: string(d.State), Delivery: d.ID})
	if err != nil {
		return err
	}
	return tx.addJob(export.Deliver, d.ID, d.Group, d.NextAt)
}

// OpenAttempt opens the next attempt of a delivery; see export.Store.
func (db *DB) OpenAttempt(ctx context.Context, id string, at time.Time) (_ export.Delivery, _ export.Attempt, err error) {
	defer wrap(&err, "open attempt of %s", id)
	type opened struct {
		d export.Delivery
		a export.Attempt
	}
	o, err := change(ctx, db.writer, func(tx *transaction) (opened, error) {
		d, err := one(always, tx.stmts, scanDelivery, "SELECT "+deliveryColumns+" FROM delivery WHERE id = ?", id)
		if err != nil || d.State == export.Delivered || d.State == export.Failed {
			return opened{d: d}, err
		}
		d.State = export.Running
		d.Attempts++
		a := export.Attempt{Delivery: id, Number: d.Attempts, StartedAt: stored(at), Result: export.Open}
		return opened{d, a}, tx.open(d, a)
	})
	return o.d, o.a, err
}

// open writes a delivery's new attempt.
func (tx *transaction) open(d export.Delivery, a export.Attempt) error {
	if a.Number > 1 {
		_, err := tx.exec("UPDATE attempt SET result = ?, ended_at = ?, error = ? WHERE delivery = ? AND result = ?",
			export.Unknown, stamp(a.StartedAt), interrupted, d.ID, export.Open)
		if err != nil {
			return err
		}
	}
	if _, err := tx.exec("UPDATE delivery SET state = ?, attempts = ? WHERE id = ?", d.State, d.Attempts, d.ID); err != nil {
		return err
	}
	if _, err := tx.exec(insert("attempt", attemptColumns), attemptFields(&a)...); err != nil {
		return err
	}
	return tx.mirror(d)
}

// CloseAttempt closes an attempt and takes the next step; see export.Store.
func (db *DB) CloseAttempt(ctx context.Context, d export.Delivery, a export.Attempt, step export.Step) (err error) {
	defer wrap(&err, "close attempt %d of %s", a.Number, d.ID)
	return db.writer.do(ctx, func(tx *transaction) error {
		if err := tx.closeAttempt(d.ID, a); err != nil {
			return err
		}
		_, err := tx.exec("UPDATE delivery SET state = ?, failures = ?, last_status = ?, message = ?, next_at = ? WHERE id = ?",
			d.State, d.Failures, d.LastStatus, d.Message, stamp(d.NextAt), d.ID)
		if err != nil {
			return err
		}
		if err := tx.mirror(d); err != nil {
			return err
		}
		if err := tx.removeJob(export.Deliver, d.ID); err != nil {
			return err
		}
		if !d.NextAt.IsZero() {
			if err := tx.addJob(export.Deliver, d.ID, d.Group, d.NextAt); err != nil {
				return err
			}
		}
		return tx.take(d.Project, step)
	})
}
