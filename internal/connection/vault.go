package connection

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/seal"
)

// Options are what a vault is made of. Store and Keys are needed.
type Options struct {
	Store Store
	Keys  *seal.Keys
	// Declared are connections of the configuration. They stand before stored ones
	// of the same account and id, and are changed there alone.
	Declared []Connection
	// Types are those that a connection may have.
	Types []string
	// Known are the names of a type's settings, but for export.Shared. Of a type that
	// is not here any are taken for known.
	Known map[string][]string
	// Check tells what is wrong with a type's settings, best as a Refusal; nil
	// accepts all.
	Check func(export.Destination) error
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Vault is the connections in use. It may be used by many goroutines.
type Vault struct {
	Options
	declared map[place]entry
	salt     []byte     // of versions: nobody is to try passwords out on them
	changes  sync.Mutex // one at a time: each reads what it changes
}

var _ export.Connections = (*Vault)(nil)

type place struct{ account, id string }

// entry is a connection with all that is kept of it.
type entry struct {
	Connection
	// former are the signing secrets before the current one.
	former []former
}

// former is a signing secret that signs until it expires.
type former struct {
	Secret  string    `json:"secret"`
	Expires time.Time `json:"expires"`
}

// content is what is sealed of a connection.
type content struct {
	Type     string          `json:"type"`
	Settings export.Settings `json:"settings"`
	Former   []former        `json:"former,omitempty"`
}

// New makes a vault. The error tells what is wrong with a declared connection.
func New(o Options) (*Vault, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Check == nil {
		o.Check = func(export.Destination) error { return nil }
	}
	v := &Vault{Options: o, declared: map[place]entry{}, salt: make([]byte, 32)}
	_, _ = rand.Read(v.salt) // never fails (crypto/rand)
	for _, c := range o.Declared {
		at := place{c.Account, c.ID}
		if _, twice := v.declared[at]; twice {
			return nil, fmt.Errorf("connection '%s' is declared twice", cut(c.ID))
		}
		c.Declared = true
		c = normal(c)
		if err := v.check(c); err != nil {
			return nil, fmt.Errorf("the declared connection '%s': %w", cut(c.ID), err)
		}
		v.declared[at] = entry{Connection: c}
	}
	return v, nil
}

// List returns an account's connections by id, without their secrets.
func (v *Vault) List(ctx context.Context, account string) ([]Connection, error) {
	rows, err := v.Store.Connections(ctx, account)
	if err != nil {
		return nil, err
	}
	var all []Connection
	for at, e := range v.declared {
		if at.account == account {
			all = append(all, e.shown())
		}
	}
	for _, row := range rows {
		if _, declared := v.declared[place{account, row.ID}]; declared {
			continue
		}
		c, err := row.connection()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Connection) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// Get returns a connection without its secrets, or ErrNotFound.
func (v *Vault) Get(ctx context.Context, account, id string) (Connection, error) {
	if e, ok := v.declared[place{account, id}]; ok {
		return e.shown(), nil
	}
	row, err := v.row(ctx, account, id)
	if err != nil {
		return Connection{}, err
	}
	return row.connection()
}

// row is what is stored of a connection.
func (v *Vault) row(ctx context.Context, account, id string) (Sealed, error) {
	if !isID(id) {
		return Sealed{}, ErrNotFound
	}
	return v.Store.Connection(ctx, account, id)
}

// connection is the row as it is shown.
func (s Sealed) connection() (Connection, error) {
	c := Connection{Account: s.Account, ID: s.ID, Type: s.Type, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}
	if json.Unmarshal(s.Shown, &c.Settings) != nil {
		return c, fmt.Errorf("what is stored of connection '%s' cannot be read", s.ID)
	}
	return c, nil
}

// find returns a connection with its secrets, or ErrNotFound.
func (v *Vault) find(ctx context.Context, account, id string) (entry, error) {
	if e, ok := v.declared[place{account, id}]; ok {
		return e, nil
	}
	row, err := v.row(ctx, account, id)
	if err != nil {
		return entry{}, err
	}
	return v.open(row)
}

// open unseals a row.
func (v *Vault) open(row Sealed) (entry, error) {
	e := entry{Connection: Connection{Account: row.Account, ID: row.ID, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt}}
	text, err := v.Keys.Open(seal.Connection, row.sealID(), row.Sealed)
	if err != nil {
		return e, &lostError{e, err}
	}
	var c content
	if json.Unmarshal(text, &c) != nil { // the error might show a value
		return e, fmt.Errorf("what was sealed of connection '%s' cannot be read", row.ID)
	}
	e.Type, e.Settings, e.former = c.Type, c.Settings, c.Former
	return e, nil
}

// lostError tells that what is sealed of a connection cannot be opened.
type lostError struct {
	known entry // as far as it can be told without
	cause error
}

func (l *lostError) Error() string {
	return fmt.Sprintf("what is sealed of connection '%s' cannot be opened: %v", l.known.ID, l.cause)
}

func (l *lostError) Unwrap() error { return l.cause }

// write seals an entry and stores it.
func (v *Vault) write(ctx context.Context, e entry) error {
	shown, err := json.Marshal(e.shown().Settings)
	text, failed := json.Marshal(content{e.Type, e.Settings, e.former})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("connection '%s' cannot be written as JSON", e.ID) // err might show a value
	}
	row := Sealed{Account: e.Account, ID: e.ID, Type: e.Type, Shown: shown, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt}
	row.Sealed = v.Keys.Seal(seal.Connection, row.sealID(), text)
	return v.Store.PutConnection(ctx, row)
}

// sealID is what the row is sealed for; see seal.Connection.
func (s Sealed) sealID() string { return s.Account + "/" + s.ID }

// now is the time as it can be stored.
func (v *Vault) now() time.Time { return v.Now().UTC().Round(0) }

// secrets are the names of a connection's settings that hide something.
func (c Connection) secrets() (names []string) {
	for name, value := range c.Settings {
		if _, hidden := movie.Show(name, value); hidden {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
