package connection

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
)

const (
	// allowOverride is the setting that lets a movie name another host.
	allowOverride = "allow-host-override"

	tooLarge = export.Refusal("A connection may have at most 64 KiB of settings")
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func isID(id string) bool { return idPattern.MatchString(id) && id != "." && id != ".." }

// normal is a connection with its names in one spelling and without what says
// nothing.
func normal(c Connection) Connection {
	settings := export.Settings{}
	for _, key := range slices.Sorted(maps.Keys(c.Settings)) {
		if name := movie.Name(key); c.Settings.Has(key) && name != "id" && name != "type" {
			settings[name] = c.Settings[key]
		}
	}
	c.ID, c.Type, c.Settings = strings.TrimSpace(c.ID), strings.ToLower(strings.TrimSpace(c.Type)), settings
	return c
}

// check tells, in a Refusal, what is wrong with a connection.
func (v *Vault) check(c Connection) error {
	switch {
	case !isID(c.ID):
		return export.Refusal(`"id" must be 1 to 64 letters, digits, dots, hyphens and underscores`)
	case !slices.Contains(v.Types, c.Type):
		return export.Refusal(fmt.Sprintf(`"type" must be one of %s, not "%s"`, strings.Join(v.Types, ", "), cut(c.Type)))
	}
	size := 0
	for name, value := range c.Settings {
		size += len(name) + len(value)
	}
	if size > maxSettings {
		return tooLarge
	}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		if !json.Valid(c.Settings[name]) {
			return export.Refusal(fmt.Sprintf(`"%s" is not JSON`, cut(name)))
		}
		if bytes.Contains(c.Settings[name], []byte(movie.Redacted)) {
			return export.Refusal(fmt.Sprintf(`"%s" is %s, and no such value is kept here: write it out`, cut(name), movie.Redacted))
		}
	}
	if c.Type == export.Webhook {
		if err := c.checkWebhook(); err != nil {
			return err
		}
	}
	return v.Check(c.destination())
}

// destination is one that has nothing of its own but the connection's id. The type
// is among its settings, as it is among those of a movie: that of ftps asks for TLS.
func (c Connection) destination() export.Destination {
	d := export.Destination{Type: c.Type, Settings: maps.Clone(c.Settings), Connection: c.ID, Stored: map[string]bool{}}
	delete(d.Settings, allowOverride)
	d.Settings["type"] = quoted(c.Type)
	for name := range d.Settings {
		d.Stored[name] = true
	}
	return d
}

// traveling are the names of the secrets that the other side gets to see. What a
// webhook is signed with it does not, and a secret in an address goes nowhere but
// there.
func (c Connection) traveling() []string {
	return slices.DeleteFunc(c.secrets(), func(name string) bool {
		return name == "secret" && c.Type == export.Webhook || slices.Contains(addresses, name)
	})
}

// addressed is the name of the setting that says where the connection leads, ""
// when the movie has to.
func (c Connection) addressed() string {
	for _, name := range addresses {
		if c.Settings.Has(name) {
			return name
		}
	}
	return ""
}
