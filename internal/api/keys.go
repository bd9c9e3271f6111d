package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

// The times after which a key can be told to expire, when it is.
const (
	minExpiry = time.Hour
	maxExpiry = 10 * 365 * day
)

// KeyOrder is what POST /v2/keys is told. Role is needed.
type KeyOrder struct {
	// Role is viewer, render, editor, manager or admin.
	Role string `json:"role"`
	// Account is the caller's own when it is "".
	Account string `json:"account,omitempty"`
	// Name says to people what the key is for.
	Name string `json:"name,omitempty"`
	// Expires is a duration such as 90d, a time, or a date whose whole day counts;
	// "" is never.
	Expires string `json:"expires,omitempty"`
}

// KeyRecord is what is known of an API key. The key itself is not.
type KeyRecord struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Role    string `json:"role"`
	Name    string `json:"name"`
	// CreatedAt is null for one that is set by flag, ExpiresAt for one that does not
	// expire.
	CreatedAt *string `json:"created_at"`
	ExpiresAt *string `json:"expires_at"`
}

// KeyList is the reply to GET /v2/keys, in the order they were made.
type KeyList struct {
	Success bool        `json:"success"`
	Keys    []KeyRecord `json:"keys"`
}

// NewKey is the reply to POST /v2/keys. It is the only one that ever has the key.
type NewKey struct {
	Success bool   `json:"success"`
	Key     string `json:"key"`
	KeyRecord
}

// Revoked is the reply to DELETE /v2/keys/<id>.
type Revoked struct {
	Success bool   `json:"success"`
	ID      string `json:"id"`
}

// keys is GET /v2/keys: those of an account or, for the default one, of all.
func (s *server) keys(c *call) (any, error) {
	q, err := c.parameters("account")
	if err != nil {
		return nil, err
	}
	name, err := c.accountNamed(q["account"])
	if err != nil {
		return nil, err
	}
	reply := KeyList{Success: true, Keys: []KeyRecord{}}
	for _, k := range s.Keys.List(c.caller) {
		if q["account"] == "" || k.Account == name {
			reply.Keys = append(reply.Keys, showKey(k))
		}
	}
	return reply, nil
}

// accountNamed is the account that a caller means, its own when it names none.
func (c *call) accountNamed(text string) (string, error) {
	if text == "" {
		return c.caller.Account, nil
	}
	name, err := account.ParseName(text)
	if err != nil {
		return "", refused("", err)
	}
	if !c.caller.LooksAfter(name) {
		return "", refuse(http.StatusForbidden, "The keys of the account %s need an admin key of it or of the account %s; yours is of %s",
			text, account.Default, c.caller.Account)
	}
	return name, nil
}

// createKey is POST /v2/keys.
func (s *server) createKey(c *call) (any, error) {
	var order KeyOrder
	if err := c.order(&order); err != nil {
		return nil, err
	}
	role, err := account.ParseRole(order.Role)
	if err != nil {
		return nil, refused("", err)
	}
	name, err := c.accountNamed(order.Account)
	if err != nil {
		return nil, err
	}
	expires, err := readExpiry(order.Expires, s.now())
	if err != nil {
		return nil, err
	}
	made, text, err := s.Keys.Create(c.Context(), c.caller, account.Key{Account: name, Role: role, Name: order.Name, ExpiresAt: expires})
	if err != nil {
		return nil, unchanged(refused("", err))
	}
	s.Log.InfoContext(c.Context(), "API key created", "key", made.ID, "account", account.ShowName(made.Account), "role", made.Role.String(), "by", c.caller.Key)
	return NewKey{Success: true, Key: text, KeyRecord: showKey(made)}, nil
}

// readExpiry reads when a key expires, zero for never.
func readExpiry(text string, now time.Time) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	at, err := readBound("expires", text, true)
	if err != nil {
		after, err := readDuration("expires", text, minExpiry, maxExpiry)
		if err != nil {
			return time.Time{}, refuse(http.StatusBadRequest,
				"'expires' must be a duration from 1h to %dd, such as 90d, or a time such as 2026-01-31T12:00:00Z, not '%s'", maxExpiry/day, shorten(text))
		}
		at = now.Add(after)
	}
	return at, nil
}

// revokeKey is DELETE /v2/keys/<id>.
func (s *server) revokeKey(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	if err := s.Keys.Revoke(c.Context(), c.caller, id); err != nil {
		return nil, unchanged(refused(id, err))
	}
	s.Log.InfoContext(c.Context(), "API key revoked", "key", id, "by", c.caller.Key)
	return Revoked{Success: true, ID: id}, nil
}

func showKey(k account.Key) KeyRecord {
	return KeyRecord{ID: k.ID, Account: account.ShowName(k.Account), Role: k.Role.String(), Name: k.Name,
		CreatedAt: stampOrNull(k.CreatedAt), ExpiresAt: stampOrNull(k.ExpiresAt)}
}
