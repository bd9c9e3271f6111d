package connection

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
)

// addresses say where a connection leads, guards how it is made sure that it leads
// there and is not listened to.
var (
	addresses = []string{"host", "hostname", "server", "endpoint", "url"}
	guards    = []string{"port", "secure", "tls", "insecure", "host-key", "known-hosts", "trust-host-key", "ca", "proxy"}
)

func isProtected(name string) bool {
	return slices.Contains(addresses, name) || slices.Contains(guards, name)
}

// Resolve puts an account's connection under a destination that names one; see
// export.Connections.
func (v *Vault) Resolve(ctx context.Context, account string, d movie.Destination) (export.Destination, error) {
	own := export.Settings(d.Fields)
	asItIs := export.Destination{Type: d.Type, Settings: own}
	id := own.Text("id")
	if id == "" {
		return asItIs, nil
	}
	e, err := v.find(ctx, account, id)
	switch {
	case errors.Is(err, ErrNotFound) && d.Type == export.Webhook:
		return asItIs, nil
	case errors.Is(err, ErrNotFound):
		return export.Destination{}, export.Refusal(fmt.Sprintf(
			"Unknown connection '%s': create a connection of this id, or take \"id\" out and write its settings here", cut(id)))
	case err != nil:
		return export.Destination{}, err
	case d.Type != "" && d.Type != e.Type:
		return export.Destination{}, export.Refusal(fmt.Sprintf(
			`The connection '%s' is of type %s, which cannot be overridden: take "type" out of the destination`, id, e.Type))
	}
	return e.under(own)
}

// under is the destination with own settings over those of the connection. What
// says nothing, such as "", overrides nothing.
func (c Connection) under(own export.Settings) (export.Destination, error) {
	d, guarded := c.destination(), c.guarded()
	for name, value := range own {
		switch {
		case name == "id", name == "type", name == allowOverride, !own.Has(name):
			continue
		case guarded && isProtected(name):
			if !same(value, c.Settings[name]) {
				return export.Destination{}, export.Refusal(fmt.Sprintf(
					`"%s" of the connection '%s' cannot be overridden, for its secrets would go elsewhere: take it out of the destination, `+
						`or set "%s" to true in the connection`, name, c.ID, allowOverride))
			}
			continue
		}
		d.Settings[name] = value
		delete(d.Stored, name)
	}
	return d, nil
}

// guarded tells that the connection must lead where it leads. One that has nothing
// but a key to sign with may sign for any host.
func (c Connection) guarded() bool {
	if c.Settings.Bool(allowOverride, false) || len(c.secrets()) == 0 {
		return false
	}
	return c.addressed() != "" || len(c.traveling()) > 0
}

// same tells that two values read the same; that the case of letters does not count
// is harmless where the stored one is used.
func same(a, b json.RawMessage) bool { return strings.EqualFold(plain(a), plain(b)) }

func plain(raw json.RawMessage) string {
	if text := export.Text(raw); text != "" {
		return text
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}
