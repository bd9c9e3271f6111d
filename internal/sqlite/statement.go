package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// statements keeps what was prepared, by its text. The texts are constants, so
// there are few.
type statements struct {
	db interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu   sync.Mutex
	kept map[string]*sql.Stmt
}

func newStatements(db interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}) *statements {
	return &statements{db: db, kept: map[string]*sql.Stmt{}}
}

func (s *statements) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.kept[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.kept[query] = stmt
	return stmt, nil
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.kept {
		errs = append(errs, stmt.Close())
	}
	clear(s.kept)
	return errors.Join(errs...)
}

// exec runs a statement that returns no rows.
func (s *statements) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// row is what can be scanned: *sql.Row or *sql.Rows.
type row interface{ Scan(dest ...any) error }

// one reads one row; there being none is sql.ErrNoRows.
func one[T any](ctx context.Context, s *statements, scan func(row) (T, error), query string, args ...any) (T, error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		var none T
		return none, err
	}
	return scan(stmt.QueryRowContext(ctx, args...))
}

// all reads every row.
func all[T any](ctx context.Context, s *statements, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// scanValue reads a row of one column.
func scanValue[T any](r row) (v T, err error) {
	err = r.Scan(&v)
	return v, err
}

// exec runs a statement of a change and returns how many rows it changed.
func (tx *transaction) exec(query string, args ...any) (int64, error) {
	tx.written = true
	result, err := tx.stmts.exec(always, query, args...)
	if err != nil {
		tx.broken = true
		return 0, err
	}
	return result.RowsAffected()
}

// insert makes the statement that inserts a row; columns are separated by commas.
func insert(table, columns string) string {
	marks := strings.Repeat("?, ", strings.Count(columns, ",")) + "?"
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + marks + ")"
}

// stamp is a time in a column.
type stamp time.Time

// Value makes it nanoseconds since 1970, NULL for the zero time.
func (s stamp) Value() (driver.Value, error) {
	if time.Time(s).IsZero() {
		return nil, nil
	}
	return nanos(time.Time(s)), nil
}

// nanos counts from 1970; a time too far away becomes the furthest there is.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// stored is a time as it will be read back.
func stored(t time.Time) time.Time { return time.Unix(0, nanos(t)).UTC() }

// Scan reads what Value made, as UTC.
func (s *stamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = stamp{}
	case int64:
		*s = stamp(time.Unix(0, v).UTC())
	default:
		return fmt.Errorf("%T is no time", src)
	}
	return nil
}

// content is bytes in a column that has no NULL.
type content []byte

// Value keeps nil from becoming NULL.
func (c content) Value() (driver.Value, error) {
	if c == nil {
		return []byte{}, nil
	}
	return []byte(c), nil
}

// document is a value kept as JSON; v is a pointer when it is scanned into.
type document struct{ v any }

// Value makes the JSON.
func (d document) Value() (driver.Value, error) {
	text, err := json.Marshal(d.v)
	return string(text), err
}

// Scan reads it.
func (d document) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("%T is no JSON", src)
	}
	return json.Unmarshal([]byte(text), d.v)
}
