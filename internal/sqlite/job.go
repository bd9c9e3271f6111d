package sqlite

import (
	"context"
	"math"
	"time"

	"github.com/reelhook/reelhook/internal/queue"
)

// Jobs returns a page of the unfinished jobs of a kind; see queue.Store.
func (db *DB) Jobs(ctx context.Context, kind queue.Kind, after queue.Job, limit int) (_ []queue.Job, err error) {
	defer wrap(&err, "list %s jobs", kind)
	runAt := int64(math.MinInt64)
	if after.ID != 0 {
		runAt = nanos(after.RunAt)
	}
	return all(ctx, db.reads, scanJob, `
		SELECT id, kind, key, grp, run_at, faults FROM job
		WHERE kind = ? AND (run_at, id) > (?, ?) ORDER BY run_at, id LIMIT ?`, kind, runAt, after.ID, limit)
}

// Finish removes a job; see queue.Store.
func (db *DB) Finish(ctx context.Context, id int64) (err error) {
	defer wrap(&err, "finish job %d", id)
	return db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec("DELETE FROM job WHERE id = ?", id)
		return err
	})
}

// Postpone moves a job; one already gone is no error. It is not announced: who
// postpones a job knows of it. See queue.Store.
func (db *DB) Postpone(ctx context.Context, id int64, runAt time.Time, faults int) (err error) {
	defer wrap(&err, "postpone job %d", id)
	return db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec("UPDATE job SET run_at = ?, faults = ? WHERE id = ?", stamp(runAt), faults, id)
		return err
	})
}

// addJob inserts a job, to be announced with the commit, unless there is one for
// the same work.
func (tx *transaction) addJob(kind queue.Kind, key, group string, runAt time.Time) error {
	// Without RETURNING, which makes SQLite keep the row in a table of its own.
	result, err := tx.stmts.exec(always, `INSERT INTO job (kind, key, grp, run_at, faults) VALUES (?, ?, ?, ?, 0)
		ON CONFLICT (kind, key) DO NOTHING`, kind, key, group, stamp(runAt))
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	tx.jobs = append(tx.jobs, queue.Job{ID: id, Kind: kind, Key: key, Group: group, RunAt: stored(runAt)})
	return nil
}

// removeJob removes the job for a record, whatever its id is.
func (tx *transaction) removeJob(kind queue.Kind, key string) error {
	_, err := tx.exec("DELETE FROM job WHERE kind = ? AND key = ?", kind, key)
	return err
}

func scanJob(r row) (j queue.Job, err error) {
	err = r.Scan(&j.ID, &j.Kind, &j.Key, &j.Group, (*stamp)(&j.RunAt), &j.Faults)
	return j, err
}
