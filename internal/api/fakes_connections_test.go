package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/seal"
)

// vault is the real one over a store in memory and keys that are made for the
// test, with what tries connections out and rotates keys beside it.
type vault struct {
	*connection.Vault
	connectionTable
	// probed is what Probe says, asked whom it was asked for.
	probed export.Probed
	asked  string
	// probing is called while something is tried out; nil is not.
	probing func()
	// resealed and lost are what RotateKey says.
	resealed int
	lost     error
}

func newVault(t testing.TB, now func() time.Time, declared ...connection.Connection) *vault {
	v := &vault{connectionTable: connectionTable{rows: map[[2]string]connection.Sealed{}}, resealed: 3}
	v.open(t, now, declared...)
	return v
}

// open makes a vault over the same store with another key.
func (v *vault) open(t testing.TB, now func() time.Time, declared ...connection.Connection) {
	keys, err := seal.Parse([]string{seal.New()})
	if err != nil {
		t.Fatal(err)
	}
	v.Vault, err = connection.New(connection.Options{Store: &v.connectionTable, Keys: keys, Declared: declared,
		Types: []string{"ftp", "sftp", "webhook"}, Known: map[string][]string{"ftp": {"host", "port"}}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
}

func (v *vault) Probe(ctx context.Context, account, id string) (export.Probed, error) {
	v.mu.Lock()
	v.asked = account + "/" + id
	v.mu.Unlock()
	if v.probing != nil {
		v.probing()
	}
	_, err := v.Resolve(ctx, account, movie.Destination{Fields: map[string]json.RawMessage{"id": json.RawMessage(`"` + id + `"`)}})
	return v.probed, err
}

func (v *vault) RotateKey(context.Context) (int, error) { return v.resealed, v.lost }

// connectionTable is a connection.Store in memory.
type connectionTable struct {
	mu   sync.Mutex
	rows map[[2]string]connection.Sealed // by account and id
	// err is returned by every method when set; afterPut is called when a row was kept.
	err      error
	afterPut func()
}

func (s *connectionTable) Connections(_ context.Context, account string) (all []connection.Sealed, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, row := range s.rows {
		if at[0] == account {
			row.Sealed = nil
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(a, b connection.Sealed) int { return cmp.Compare(a.ID, b.ID) })
	return all, s.err
}

func (s *connectionTable) Connection(_ context.Context, account, id string) (connection.Sealed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[[2]string{account, id}]
	if !ok && s.err == nil {
		return row, connection.ErrNotFound
	}
	return row, s.err
}

func (s *connectionTable) PutConnection(_ context.Context, c connection.Sealed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.rows[[2]string{c.Account, c.ID}] = c
	if s.afterPut != nil {
		s.afterPut()
	}
	return nil
}

func (s *connectionTable) DeleteConnection(_ context.Context, account, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.rows[[2]string{account, id}]; !ok && s.err == nil {
		return connection.ErrNotFound
	}
	if s.err == nil {
		delete(s.rows, [2]string{account, id})
	}
	return s.err
}
