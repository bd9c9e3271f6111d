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
		SELECT id, kind, key, grp, run_at, retry, faults FROM job
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
func (tx *transaction) addJob(kind queue.Kind, key, group string, runAt time.Time, retry bool) error {
	j := queue.Job{ID: tx.jobID(), Kind: kind, Key: key, Group: group, RunAt: stored(runAt), Retry: retry}
	n, err := tx.exec(`INSERT INTO job (id, kind, key, grp, run_at, retry, faults) VALUES (?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT (kind, key) DO NOTHING`, j.ID, kind, key, group, stamp(runAt), retry)
	if err == nil && n > 0 {
		tx.jobs = append(tx.jobs, j)
	}
	return err
}

// replaceJob is addJob in place of the job that there is.
func (tx *transaction) replaceJob(kind queue.Kind, key, group string, runAt time.Time, retry bool) error {
	if err := tx.removeJob(kind, key); err != nil {
		return err
	}
	return tx.addJob(kind, key, group, runAt, retry)
}

// jobID makes an id above all before. An id never comes twice while the process
// lives: the dispatcher may still finish by its id a job that is gone, and must
// not hit a younger one.
func (tx *transaction) jobID() int64 {
	tx.lastJob = max(tx.lastJob+1, time.Now().UnixNano())
	return tx.lastJob
}

// removeJob removes the job for a record, whatever its id is.
func (tx *transaction) removeJob(kind queue.Kind, key string) error {
	_, err := tx.exec("DELETE FROM job WHERE kind = ? AND key = ?", kind, key)
	return err
}

func scanJob(r row) (j queue.Job, err error) {
	err = r.Scan(&j.ID, &j.Kind, &j.Key, &j.Group, (*stamp)(&j.RunAt), &j.Retry, &j.Faults)
	return j, err
}
