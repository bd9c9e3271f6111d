package sqlite

import (
	"context"
	"errors"

	"github.com/reelhook/reelhook/internal/export"
)

// attemptColumns are those of attemptFields, in their order.
const attemptColumns = `delivery, number, started_at, ended_at, result, status, class, error, cut, retry_after, gone,
	address, tls, fingerprint, timing, request, headers, answer`

func attemptFields(a *export.Attempt) []any {
	return []any{&a.Delivery, &a.Number, (*stamp)(&a.StartedAt), (*stamp)(&a.EndedAt), &a.Result, &a.Status, &a.Class, &a.Error,
		&a.Cut, &a.RetryAfter, &a.Gone, &a.Peer.Address, &a.Peer.TLS, &a.Peer.Fingerprint, (*timing)(&a.Peer),
		(*headers)(&a.Request), (*headers)(&a.Headers), (*content)(&a.Answer)}
}

var (
	// errNotOpen keeps a late CloseAttempt from writing over what became of its attempt.
	errNotOpen   = errors.New("the attempt is not open")
	errNotClosed = errors.New("the attempt has no result")
)

// Attempts returns the log of a delivery, first attempt first.
func (db *DB) Attempts(ctx context.Context, delivery string) (_ []export.Attempt, err error) {
	defer wrap(&err, "list attempts of %s", delivery)
	return all(ctx, db.reads, func(r row) (a export.Attempt, err error) {
		err = r.Scan(attemptFields(&a)...)
		return a, err
	}, "SELECT "+attemptColumns+" FROM attempt WHERE delivery = ? ORDER BY number", delivery)
}

// closeAttempt writes what came of an open attempt.
func (tx *transaction) closeAttempt(delivery string, a export.Attempt) error {
	if a.Result == export.Open {
		return errNotClosed
	}
	n, err := tx.exec(`UPDATE attempt SET ended_at = ?, result = ?, status = ?, class = ?, error = ?, cut = ?, retry_after = ?, gone = ?,
		address = ?, tls = ?, fingerprint = ?, timing = ?, request = ?, headers = ?, answer = ?
		WHERE delivery = ? AND number = ? AND result = 'open'`,
		stamp(a.EndedAt), a.Result, a.Status, a.Class, a.Error, a.Cut, a.RetryAfter, a.Gone,
		a.Peer.Address, a.Peer.TLS, a.Peer.Fingerprint, (*timing)(&a.Peer), headers(a.Request), headers(a.Headers), content(a.Answer),
		delivery, a.Number)
	if err == nil && n == 0 {
		return errNotOpen
	}
	return err
}
