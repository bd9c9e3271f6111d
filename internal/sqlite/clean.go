package sqlite

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// round is one walk through the log for what can be removed. Those that have not
// ended are passed over once in a round, however many calls it has, and are looked
// at again in the next one: so a million held ones cost a walk every hour and not
// one for every hundred that are removed. No index on what was delivered: every
// delivery would pay for it.
type round struct {
	mu sync.Mutex
	// before is the bound of the call that began the round; at is the id it has
	// come to.
	before time.Time
	at     string
}

// roundLength is by how much later the bound of a call is that begins a new round.
const roundLength = time.Hour

// begin returns the id to go on behind.
func (r *round) begin(before time.Time) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !before.Before(r.before.Add(roundLength)) {
		r.before, r.at = before, ""
	}
	return r.at
}

func (r *round) reached(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = max(r.at, id)
}

// removable are deliveries that nothing will happen to any more.
const removable = "NOT (" + notFinal + ") AND d.remaining = 0 AND NOT " + hasOpen

const oldQuery = "SELECT d.id, d.created_at FROM delivery d WHERE d.id > ? AND d.id < ? AND d.created_at < ? AND " + removable +
	" ORDER BY d.id LIMIT ?"

// old is a delivery that may be removed.
type old struct {
	id        string
	createdAt time.Time
}

func scanOld(r row) (o old, err error) {
	err = r.Scan(&o.id, (*stamp)(&o.createdAt))
	return o, err
}

// Clean removes old deliveries; see export.Cleaner. One that had not ended when a
// call passed it by is found again by calls with a bound an hour later.
//
// It looks for them beside the writer, so that nobody waits for the search.
func (db *DB) Clean(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	defer wrap(&err, "clean the delivery log")
	limit = max(limit, 1)
	found, err := all(ctx, db.reads, scanOld, oldQuery, db.round.begin(before), endAt(before.Add(time.Millisecond)), stamp(before), limit)
	if err != nil {
		return 0, err
	}
	ids, bound := make([]string, len(found)), before
	for i, o := range found {
		ids[i] = o.id
	}
	if len(found) == limit { // statistics reach as far back as the log
		bound = found[limit-1].createdAt
	}
	removed, err = change(ctx, db.writer, func(tx *transaction) (int, error) {
		n, err := tx.removeDeliveries(ids)
		if err != nil {
			return 0, err
		}
		return n, tx.removeFigures(bound, figures*limit)
	})
	if err == nil && len(found) > 0 {
		db.round.reached(found[len(found)-1].id)
	}
	return removed, err
}

// removeDeliveries removes those that may still be removed. What became of a
// destination is kept with it.
func (tx *transaction) removeDeliveries(ids []string) (int, error) {
	ids, err := all(always, tx.stmts, scanValue[string],
		"SELECT d.id FROM json_each(?) CROSS JOIN delivery d ON d.id = value WHERE "+removable, document{ids})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	for _, statement := range []string{
		`UPDATE destination SET type = d.type, status = d.state, attempts = d.attempts, last_status = d.last_status, message = d.message,
			delivery = d.id, receipt = d.receipt
			FROM json_each(?) CROSS JOIN delivery d ON d.id = value
			WHERE d.main AND destination.project = d.project AND destination.export = d.export AND destination.position = d.position`,
		"DELETE FROM attempt WHERE delivery IN (SELECT value FROM json_each(?))",
		"DELETE FROM delivery WHERE id IN (SELECT value FROM json_each(?))",
	} {
		if _, err := tx.exec(statement, document{ids}); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// figures is how many hours of traffic, or recoveries, may go with a delivery.
const figures = 10

// removeFigures removes traffic and recoveries that ended before a time, not all
// at once. It looks for the hours endpoint by endpoint, as their key has it.
func (tx *transaction) removeFigures(before time.Time, limit int) error {
	if _, err := tx.exec(`DELETE FROM traffic WHERE (endpoint, hour) IN (SELECT t.endpoint, t.hour
		FROM endpoint e CROSS JOIN traffic t ON t.endpoint = e.id AND t.hour < ? LIMIT ?)`,
		stamp(before.Truncate(time.Hour)), limit); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM recovery WHERE id IN (SELECT id FROM recovery WHERE ended_at < ? LIMIT ?)", stamp(before), limit)
	return err
}

// Size is how many bytes the database holds; see export.Cleaner.
func (db *DB) Size(ctx context.Context) (_ int64, err error) {
	defer wrap(&err, "measure the database")
	return one(ctx, db.reads, scanValue[int64],
		"SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size")
}

// shrinkPages is how many pages Shrink gives back, 4 MB: others that write wait
// meanwhile.
const shrinkPages = 1000

// Shrink gives some free space back to the disk; see export.Cleaner.
func (db *DB) Shrink(ctx context.Context) (err error) {
	defer wrap(&err, "shrink the database")
	return db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", shrinkPages))
		return err
	})
}
