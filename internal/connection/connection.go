// Package connection keeps the settings of destinations under an id: host, user
// name, password, signing secret. They are sealed where they are stored, shown
// without their secrets, and put under the destinations that name them without
// letting a movie send the secrets elsewhere. It must not know HTTP or SQL, nor any
// protocol: what settings a type has is the business of its carrier.
package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
)

// The reasons a connection cannot be had or changed; test for them with errors.Is.
// What is wrong with one is an export.Refusal.
var (
	ErrNotFound = errors.New("connection not found")
	ErrExists   = errors.New("there is a connection of this id already")
	ErrDeclared = errors.New("the connection is declared in the configuration file; change it there")
)

// The bounds of what is kept.
const (
	maxSettings    = 64 << 10 // bytes of JSON
	maxConnections = 200      // of an account, not counting declared ones
)

// Connection is settings under an id. However it is printed, logged or marshalled,
// no secret shows, unless it lies in a field that is not exported: fmt cannot ask
// it there. Its Settings alone show themselves as they are.
type Connection struct {
	// Account is whose it is, "" the default one's. ID is 1 to 64 of [A-Za-z0-9._-].
	Account, ID string
	// Type is that of the destinations it is for, such as sftp.
	Type string
	// Settings are as in a destination, without id and type.
	Settings export.Settings
	// Declared tells that it comes from the configuration and not from the store;
	// then the times are zero.
	Declared             bool
	CreatedAt, UpdatedAt time.Time
}

// Sealed is a connection as it is stored.
type Sealed struct {
	Account, ID, Type string
	// Shown is a JSON object of the settings without their secrets, for lists. Sealed
	// is all of them, and what else Vault keeps, sealed: whoever can write to the
	// database could otherwise have the secrets sent elsewhere.
	Shown, Sealed        []byte
	CreatedAt, UpdatedAt time.Time
}

// Store keeps connections.
type Store interface {
	// Connections returns an account's, by id, without what is sealed.
	Connections(ctx context.Context, account string) ([]Sealed, error)
	// Connection returns one or ErrNotFound.
	Connection(ctx context.Context, account, id string) (Sealed, error)
	// PutConnection keeps one, in the place of the one of its account and id if there
	// is one, whose CreatedAt stays. It is durable when it returns.
	PutConnection(ctx context.Context, c Sealed) error
	// DeleteConnection removes one; without one it is ErrNotFound.
	DeleteConnection(ctx context.Context, account, id string) error
}

// informative are members of a connection as it is shown that say nothing when they
// come back.
var informative = []string{"declared", "created-at", "updated-at"}

// Parse reads a connection as it is written in the API and the configuration: one
// JSON object with id, type and the settings side by side. The error is an
// export.Refusal and holds no value.
func Parse(text []byte) (Connection, error) {
	var members map[string]json.RawMessage
	if len(text) > maxSettings {
		return Connection{}, tooLarge
	}
	if json.Unmarshal(text, &members) != nil || members == nil {
		return Connection{}, export.Refusal(`A connection is a JSON object: {"id": …, "type": …} and its settings`)
	}
	c := Connection{Settings: export.Settings{}}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		name := movie.Name(key)
		if c.Settings[name] != nil {
			return Connection{}, export.Refusal(fmt.Sprintf("The connection has %q twice, in different spellings", cut(name)))
		}
		if !slices.Contains(informative, name) {
			c.Settings[name] = members[key]
		}
	}
	c.ID, c.Type = c.Settings.Text("id"), strings.ToLower(c.Settings.Text("type"))
	delete(c.Settings, "id")
	delete(c.Settings, "type")
	return c, nil
}

// shown is the connection without its secrets.
func (c Connection) shown() Connection {
	settings := make(export.Settings, len(c.Settings))
	for name, value := range c.Settings {
		settings[name], _ = movie.Show(name, value)
	}
	c.Settings = settings
	return c
}

// String names the connection.
func (c Connection) String() string { return fmt.Sprintf("%s (%s, redacted)", c.ID, c.Type) }

// Format is String for every verb: %d would print the fields.
func (c Connection) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// LogValue is String, for slog.
func (c Connection) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON is what Parse reads, with "(redacted)" in the place of secrets.
func (c Connection) MarshalJSON() ([]byte, error) {
	members := map[string]any{}
	for name, value := range c.shown().Settings {
		members[name] = value
	}
	members["id"], members["type"], members["declared"] = c.ID, c.Type, c.Declared
	if !c.Declared {
		members["created_at"], members["updated_at"] = c.CreatedAt, c.UpdatedAt
	}
	return json.Marshal(members)
}

// cut shortens what a client wrote before it is shown back.
func cut(s string) string {
	const most = 64
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
