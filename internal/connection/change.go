package connection

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/webhook"
)

// How long the signing secrets before a new one go on signing.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 30 * 24 * time.Hour
)

// Create keeps a new connection, and returns it without its secrets. A webhook
// connection without a secret gets one, which is returned here and never again;
// else secret is "". The error is ErrExists, ErrDeclared, or a Refusal that says
// what is wrong.
func (v *Vault) Create(ctx context.Context, c Connection) (created Connection, secret string, err error) {
	v.changes.Lock()
	defer v.changes.Unlock()
	c = normal(c)
	if err := v.mayCreate(ctx, c); err != nil {
		return Connection{}, "", err
	}
	if c.Type == export.Webhook && !c.Settings.Has("secret") {
		secret = webhook.NewSecret()
		c.Settings["secret"] = quoted(secret)
	}
	c.CreatedAt = v.now()
	if created, err = v.keep(ctx, entry{Connection: c}); err != nil {
		return Connection{}, "", err
	}
	return created, secret, nil
}

func (v *Vault) mayCreate(ctx context.Context, c Connection) error {
	if _, ok := v.declared[place{c.Account, c.ID}]; ok {
		return ErrDeclared
	}
	rows, err := v.Store.Connections(ctx, c.Account)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(row Sealed) bool { return row.ID == c.ID }) {
		return ErrExists
	}
	if len(rows) >= maxConnections {
		return export.Refusal(fmt.Sprintf("There are %d connections, which is the most: delete one first", maxConnections))
	}
	return nil
}

// keep checks an entry and stores it as changed now. A change that has begun is
// carried through, also when ctx ends.
func (v *Vault) keep(ctx context.Context, e entry) (Connection, error) {
	if err := v.check(e.Connection); err != nil {
		return Connection{}, err
	}
	e.Declared, e.UpdatedAt = false, v.now()
	return e.shown(), v.write(context.WithoutCancel(ctx), e)
}

// Put replaces a connection's type and settings, and returns it without its
// secrets. "(redacted)" in the place of a secret stands for the stored one, and so
// does a missing secret of a webhook connection. The stored ones may not be taken
// to another host that way. The error is ErrNotFound, ErrDeclared, or a Refusal.
func (v *Vault) Put(ctx context.Context, c Connection) (Connection, error) {
	v.changes.Lock()
	defer v.changes.Unlock()
	c = normal(c)
	old, err := v.stored(ctx, c.Account, c.ID)
	if lost, ok := errors.AsType[*lostError](err); ok && !c.keepsAny() {
		old = lost.known // all of it is given anew
	} else if err != nil {
		return Connection{}, err
	}
	kept := c.fill(old.Settings)
	if c.Type == export.Webhook && old.Type == export.Webhook && !c.Settings.Has("secret") {
		c.Settings["secret"] = old.Settings["secret"]
	}
	if err := c.mayKeep(kept, old.Connection); err != nil {
		return Connection{}, err
	}
	next := entry{Connection: c}
	next.CreatedAt = old.CreatedAt
	if c.Type == export.Webhook && sameJSON(c.Settings["secret"], old.Settings["secret"]) {
		next.former = old.former
	}
	return v.keep(ctx, next)
}

// stored returns what may be changed.
func (v *Vault) stored(ctx context.Context, account, id string) (entry, error) {
	if _, ok := v.declared[place{account, id}]; ok {
		return entry{}, ErrDeclared
	}
	return v.find(ctx, account, id)
}

// Delete removes a connection. The error is ErrNotFound or ErrDeclared.
func (v *Vault) Delete(ctx context.Context, account, id string) error {
	v.changes.Lock()
	defer v.changes.Unlock()
	if _, ok := v.declared[place{account, id}]; ok {
		return ErrDeclared
	}
	if !isID(id) {
		return ErrNotFound
	}
	return v.Store.DeleteConnection(context.WithoutCancel(ctx), account, id)
}

// RotateSecret makes a webhook connection a new signing secret, which is returned
// here and never again. What signed before goes on until the overlap has ended or,
// if that is earlier, until it would have anyway; with an overlap of 0 only the new
// secret signs. The error is ErrNotFound, ErrDeclared, or a Refusal.
func (v *Vault) RotateSecret(ctx context.Context, account, id string, overlap time.Duration) (secret string, err error) {
	v.changes.Lock()
	defer v.changes.Unlock()
	e, err := v.stored(ctx, account, id)
	switch {
	case err != nil:
		return "", err
	case e.Type != export.Webhook:
		return "", export.Refusal(fmt.Sprintf("The connection '%s' is of type %s; only those of webhooks sign", e.ID, e.Type))
	case overlap < 0 || overlap > MaxOverlap:
		return "", export.Refusal(fmt.Sprintf("The overlap must be from 0 to 30 days, not %s", overlap))
	}
	e.supersede(v.now(), overlap)
	if len(e.former) >= maxSigners {
		return "", export.Refusal(fmt.Sprintf("%d secrets sign already, which is the most: rotate with an overlap of 0 to end the others", maxSigners))
	}
	secret = webhook.NewSecret()
	e.Settings["secret"] = quoted(secret)
	if _, err := v.keep(ctx, e); err != nil {
		return "", err
	}
	return secret, nil
}

// supersede has the secrets that sign now expire.
func (e *entry) supersede(now time.Time, overlap time.Duration) {
	ends := now.Add(overlap)
	var left []former
	for _, text := range e.Settings.List("secret") {
		left = append(left, former{text, ends})
	}
	for _, f := range e.former {
		if f.Expires.After(ends) {
			f.Expires = ends
		}
		left = append(left, f)
	}
	e.former = slices.DeleteFunc(left, func(f former) bool { return !f.Expires.After(now) })
}

// keepsAny tells that a connection leaves it to the stored one what some secret is.
func (c Connection) keepsAny() bool {
	for _, value := range c.Settings {
		if bytes.Contains(value, []byte(movie.Redacted)) {
			return true
		}
	}
	return c.Type == export.Webhook && !c.Settings.Has("secret")
}

// fill puts stored secrets in the places where they are "(redacted)", and returns
// the names of their settings.
func (c Connection) fill(old export.Settings) (kept []string) {
	for name, given := range c.Settings {
		if !bytes.Contains(given, []byte(movie.Redacted)) || old[name] == nil {
			continue
		}
		shown, _ := movie.Show(name, old[name])
		switch {
		case sameJSON(given, shown):
			c.Settings[name] = old[name]
		case name == "headers":
			c.Settings[name] = fillHeaders(given, old[name])
		default:
			continue
		}
		kept = append(kept, name)
	}
	return kept
}

func fillHeaders(given, old json.RawMessage) json.RawMessage {
	var headers, before map[string]json.RawMessage
	if json.Unmarshal(given, &headers) != nil || json.Unmarshal(old, &before) != nil {
		return given
	}
	for name, value := range headers {
		if before[name] != nil && bytes.Equal(value, quoted(movie.Redacted)) {
			headers[name] = before[name]
		}
	}
	filled, err := json.Marshal(headers)
	if err != nil {
		return given
	}
	return filled
}

// mayKeep refuses to have secrets that were kept sent elsewhere: whoever may change
// a connection may not see what is in it.
func (c Connection) mayKeep(kept []string, old Connection) error {
	if old.Settings.Bool(allowOverride, false) {
		return nil // any movie may do that
	}
	travel := c.traveling()
	kept = slices.DeleteFunc(kept, func(name string) bool { return !slices.Contains(travel, name) })
	if len(kept) == 0 {
		return nil
	}
	slices.Sort(kept)
	names := slices.Concat([]string{allowOverride}, addresses, guards)
	i := slices.IndexFunc(names, func(name string) bool { return !sameJSON(c.Settings[name], old.Settings[name]) })
	if i < 0 && c.Type == old.Type {
		return nil
	}
	changed := "type"
	if i >= 0 {
		changed = names[i]
	}
	return export.Refusal(fmt.Sprintf(`With another "%s" the stored secrets would go elsewhere: write "%s" out anew`, changed, strings.Join(kept, `" and "`)))
}

// sameJSON tells that two values are the same, however they are written.
func sameJSON(a, b json.RawMessage) bool {
	return bytes.Equal(a, b) || a != nil && b != nil && reflect.DeepEqual(decoded(a), decoded(b))
}

// decoded is a value as Go has it; numbers stay as they were written.
func decoded(text json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return text
	}
	return v
}

func quoted(text string) json.RawMessage {
	b, _ := json.Marshal(text) // a string always can be
	return b
}
