package api_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/connection/connectiontest"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/seal"
)

// vault is the real one over a store in memory and keys that are made for the
// test, with what tries connections out and rotates keys beside it.
type vault struct {
	*connection.Vault
	store connectiontest.Store
	mu    sync.Mutex // of asked
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
	v := &vault{resealed: 3}
	v.open(t, now, declared...)
	return v
}

// open makes a vault over the same store with another key.
func (v *vault) open(t testing.TB, now func() time.Time, declared ...connection.Connection) {
	keys, err := seal.Parse([]string{seal.New()})
	if err != nil {
		t.Fatal(err)
	}
	v.Vault, err = connection.New(connection.Options{Store: &v.store, Keys: keys, Declared: declared,
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
