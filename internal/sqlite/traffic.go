package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

func trafficFields(t *export.Traffic) []any {
	return []any{&t.Succeeded, &t.Refused, &t.Unknown, (*histogram)(&t.Latency)}
}

func scanTraffic(r row) (t export.Traffic, err error) {
	err = r.Scan(trafficFields(&t)...)
	return t, err
}

// histogram is an export.Histogram in a column.
type histogram export.Histogram

// Value writes it.
func (h *histogram) Value() (driver.Value, error) {
	b, err := export.Histogram(*h).MarshalBinary()
	return append([]byte{}, b...), err // nil would be NULL
}

// Scan reads what Value made.
func (h *histogram) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("%T is no histogram", src)
	}
	return (*export.Histogram)(h).UnmarshalBinary(b)
}

// Tally adds what was counted at endpoints; see export.Store.
func (db *DB) Tally(ctx context.Context, tallies []export.Tally) (err error) {
	defer wrap(&err, "tally %d endpoints", len(tallies))
	return db.writer.do(ctx, func(tx *transaction) error {
		for _, t := range tallies {
			if err := tx.tally(t); err != nil {
				return err
			}
		}
		return nil
	})
}

// tally writes one. What an endpoint's state is, is decided elsewhere.
func (tx *transaction) tally(t export.Tally) error {
	e := t.Endpoint
	e.State, e.Reason, e.ChangedAt, e.FirstAt = export.Enabled, "", time.Time{}, first(t)
	_, err := tx.exec(insert("endpoint", endpointColumns)+` ON CONFLICT (id) DO UPDATE SET url = excluded.url, grp = excluded.grp,
		last_success = max(coalesce(last_success, excluded.last_success), coalesce(excluded.last_success, last_success)),
		last_failure = max(coalesce(last_failure, excluded.last_failure), coalesce(excluded.last_failure, last_failure)),
		failing_since = excluded.failing_since, failures = excluded.failures,
		last_status = excluded.last_status, last_error = excluded.last_error`, endpointFields(&e)...)
	if err != nil {
		return err
	}
	hour := stamp(t.Hour)
	counted, err := one(always, tx.stmts, scanTraffic,
		"SELECT succeeded, refused, unknown, latency FROM traffic WHERE endpoint = ? AND hour = ?", e.ID, hour)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	counted.Add(t.Traffic)
	_, err = tx.exec(insert("traffic", "endpoint, hour, succeeded, refused, unknown, latency")+` ON CONFLICT DO UPDATE SET
		succeeded = excluded.succeeded, refused = excluded.refused, unknown = excluded.unknown, latency = excluded.latency`,
		append([]any{e.ID, hour}, trafficFields(&counted)...)...)
	return err
}

// first is when an endpoint that was not known was first met.
func first(t export.Tally) time.Time {
	at := t.Hour
	for _, met := range []time.Time{t.Endpoint.LastFailure, t.Endpoint.LastSuccess} {
		if !met.IsZero() && (at.Equal(t.Hour) || met.Before(at)) {
			at = met
		}
	}
	return at
}
