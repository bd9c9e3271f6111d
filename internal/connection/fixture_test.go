package connection_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/connection/connectiontest"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/seal"
)

// fixture is a vault on an empty store, with a clock that stands.
type fixture struct {
	*testing.T
	*connection.Vault
	store *connectiontest.Store
	keys  *seal.Keys
	now   time.Time
	// checked is what the vault asked about.
	checked []export.Destination
	fault   error
}

var types = []string{"ftp", "sftp", "s3", "webhook"}

func setup(t *testing.T, declared ...connection.Connection) *fixture {
	t.Helper()
	keys, err := seal.Parse([]string{seal.New()})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, keys: keys, store: &connectiontest.Store{}, now: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}
	f.open(declared...)
	return f
}

// open makes a vault on the same store.
func (f *fixture) open(declared ...connection.Connection) {
	f.Helper()
	v, err := connection.New(connection.Options{
		Store: f.store, Keys: f.keys, Declared: declared, Types: types,
		Check: func(d export.Destination) error {
			f.checked = append(f.checked, d)
			return f.fault
		},
		Now: func() time.Time { return f.now },
	})
	f.must(err)
	f.Vault = v
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// parse reads a connection of the default account.
func parse(t *testing.T, text string) connection.Connection {
	t.Helper()
	c, err := connection.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

// create keeps a connection and returns the secret that was made.
func (f *fixture) create(text string) string {
	f.Helper()
	_, secret, err := f.Create(f.Context(), parse(f.T, text))
	f.must(err)
	return secret
}

func (f *fixture) put(text string) error {
	f.Helper()
	_, err := f.Put(f.Context(), parse(f.T, text))
	return err
}

// resolve is what a destination gets, as JSON objects.
func (f *fixture) resolve(text string) (export.Destination, error) {
	f.Helper()
	m, err := movie.Parse([]byte(`{"exports":{"destinations":` + text + `}}`))
	f.must(err)
	return f.Resolve(f.Context(), "", m.Exports[0].Destinations[0])
}

// setting is a setting of a stored connection, as it is.
func (f *fixture) setting(id, name string) string {
	f.Helper()
	d, err := f.resolve(`{"id":"` + id + `"}`)
	f.must(err)
	return string(d.Settings[name])
}

// refuses holds that an error is a Refusal that says something.
func refuses(t *testing.T, what string, err error, says string) {
	t.Helper()
	refusal, ok := errors.AsType[export.Refusal](err)
	if !ok || !strings.Contains(string(refusal), says) {
		t.Errorf("%s: got %v, want a refusal: %s", what, err, says)
	}
	for _, secret := range []string{"hunter2", "s3cret", "PRIVATE KEY"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows a secret: %v", what, err)
		}
	}
}
