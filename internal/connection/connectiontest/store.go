// Package connectiontest is a connection.Store in memory, for tests of what stands on
// one. It must not know what a vault keeps in it.
package connectiontest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/reelhook/reelhook/internal/connection"
)

// Store keeps connections in memory. The zero value is empty. Its fields may be
// changed between calls.
type Store struct {
	mu sync.Mutex
	// Rows are by account and id.
	Rows map[[2]string]connection.Sealed
	// FailReads and FailWrites are returned by the calls when they are set; nothing is
	// changed then.
	FailReads, FailWrites error
	// AfterPut is called when a row was kept; nil is not.
	AfterPut func()
}

var _ connection.Store = (*Store)(nil)

// Connections is the contract's.
func (s *Store) Connections(_ context.Context, account string) (all []connection.Sealed, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, row := range s.Rows {
		if at[0] == account {
			row.Sealed = nil
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(a, b connection.Sealed) int { return cmp.Compare(a.ID, b.ID) })
	return all, s.FailReads
}

// Connection is the contract's.
func (s *Store) Connection(_ context.Context, account, id string) (connection.Sealed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.Rows[[2]string{account, id}]
	if !ok && s.FailReads == nil {
		return row, connection.ErrNotFound
	}
	return row, s.FailReads
}

// PutConnection is the contract's. A ctx that has ended is an error, as it may be
// with a database.
func (s *Store) PutConnection(ctx context.Context, c connection.Sealed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(ctx.Err(), s.FailWrites); err != nil {
		return err
	}
	at := [2]string{c.Account, c.ID}
	if before, ok := s.Rows[at]; ok {
		c.CreatedAt = before.CreatedAt
	}
	if s.Rows == nil {
		s.Rows = map[[2]string]connection.Sealed{}
	}
	s.Rows[at] = c
	if s.AfterPut != nil {
		s.AfterPut()
	}
	return nil
}

// DeleteConnection is the contract's.
func (s *Store) DeleteConnection(ctx context.Context, account, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(ctx.Err(), s.FailWrites); err != nil {
		return err
	}
	at := [2]string{account, id}
	if _, ok := s.Rows[at]; !ok {
		return connection.ErrNotFound
	}
	delete(s.Rows, at)
	return nil
}
