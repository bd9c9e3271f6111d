package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/seal"
)

// Connections are what destinations name by id. An export.Refusal is for the
// client.
type Connections interface {
	// List and Get return connections without their secrets; connection.ErrNotFound.
	List(ctx context.Context, account string) ([]connection.Connection, error)
	Get(ctx context.Context, account, id string) (connection.Connection, error)
	// Create returns the signing secret if it made one; connection.ErrExists and
	// connection.ErrDeclared.
	Create(ctx context.Context, c connection.Connection) (created connection.Connection, secret string, err error)
	Put(ctx context.Context, c connection.Connection) (connection.Connection, error)
	// Warnings names the settings that nobody reads.
	Warnings(c connection.Connection) []movie.Fault
	Delete(ctx context.Context, account, id string) error
	// RotateSecret returns the new signing secret.
	RotateSecret(ctx context.Context, account, id string, overlap time.Duration) (secret string, err error)
	// Probe really uses one that is no webhook.
	Probe(ctx context.Context, account, id string) (export.Probed, error)
	// RotateKey seals everything with a new master key, and tells how much that was.
	RotateKey(ctx context.Context) (resealed int, err error)
}

// Connection is one as it is shown: id, type, declared, created_at and updated_at,
// which are null for declared ones, and beside them its settings without their
// secrets.
type Connection = export.Settings

// ConnectionList is the reply to GET /v2/connections, by id.
type ConnectionList struct {
	Success     bool         `json:"success"`
	Connections []Connection `json:"connections"`
}

// ConnectionReply is the reply to calls about one connection.
type ConnectionReply struct {
	Success    bool       `json:"success"`
	Connection Connection `json:"connection"`
	// Secret is the signing secret of a webhook connection, in the reply to the call
	// that made it and in no other.
	Secret string `json:"secret,omitempty"`
	// Warnings are about settings that were kept and do nothing, in the reply to the
	// call that has written them.
	Warnings []movie.Fault `json:"warnings,omitempty"`
}

// SecretOrder is what POST /v2/connections/<id>/rotate is told.
type SecretOrder struct {
	// Overlap is how long the secrets before go on signing, such as 24h, which "" means.
	Overlap string `json:"overlap,omitempty"`
}

// connections is GET /v2/connections.
func (s *server) connections(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	all, err := s.Connections.List(c.Context(), c.caller.Account)
	if err != nil {
		return nil, err
	}
	reply := ConnectionList{Success: true, Connections: []Connection{}}
	for _, found := range all {
		shown, err := showConnection(found)
		if err != nil {
			return nil, err
		}
		reply.Connections = append(reply.Connections, shown)
	}
	return reply, nil
}

// connection is GET /v2/connections/<id>.
func (s *server) connection(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	found, err := s.Connections.Get(c.Context(), c.caller.Account, id)
	if err != nil {
		return nil, refused(id, err)
	}
	return replyWith(found, "")
}

// createConnection is POST /v2/connections.
func (s *server) createConnection(c *call) (any, error) {
	wanted, err := c.connection("")
	if err != nil {
		return nil, err
	}
	made, secret, err := s.Connections.Create(c.Context(), wanted)
	if err != nil {
		return nil, refusedConnection(wanted.ID, err)
	}
	s.note(c, "connection created", made.ID)
	return s.replyWarned(made, secret)
}

// putConnection is PUT /v2/connections/<id>. It takes what GET shows: "(redacted)"
// keeps a secret.
func (s *server) putConnection(c *call) (any, error) {
	wanted, err := c.connection(c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	put, err := s.Connections.Put(c.Context(), wanted)
	if err != nil {
		return nil, refusedConnection(wanted.ID, err)
	}
	s.note(c, "connection replaced", put.ID)
	return s.replyWarned(put, "")
}

// connection reads a connection from the body of a call; id is the path's, "" for
// the body's own.
func (c *call) connection(id string) (wanted connection.Connection, err error) {
	if err := c.readQuery(); err != nil {
		return wanted, err
	}
	if err := c.noParameters(); err != nil {
		return wanted, err
	}
	body, err := c.body("The connection", maxOrder)
	if err != nil {
		return wanted, err
	}
	if wanted, err = connection.Parse(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))); err != nil {
		return wanted, refused(id, err)
	}
	switch {
	case wanted.ID == "":
		wanted.ID = id
	case id != "" && wanted.ID != id:
		return wanted, refuse(http.StatusBadRequest, "The path is of connection %s, the body of %s; an id cannot be changed: create another connection", shorten(id), shorten(wanted.ID))
	}
	wanted.Account = c.caller.Account
	return wanted, nil
}

// deleteConnection is DELETE /v2/connections/<id>.
func (s *server) deleteConnection(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	if err := s.Connections.Delete(c.Context(), c.caller.Account, id); err != nil {
		return nil, refusedConnection(id, err)
	}
	s.note(c, "connection deleted", id)
	return Revoked{Success: true, ID: id}, nil
}

// rotateConnection is POST /v2/connections/<id>/rotate: a new signing secret.
func (s *server) rotateConnection(c *call) (any, error) {
	var order SecretOrder
	if err := c.order(&order); err != nil {
		return nil, err
	}
	overlap, id := connection.DefaultOverlap, c.PathValue("id")
	if order.Overlap != "" {
		var err error
		if overlap, err = readDuration("overlap", order.Overlap, 0, connection.MaxOverlap); err != nil {
			return nil, err
		}
	}
	secret, err := s.Connections.RotateSecret(c.Context(), c.caller.Account, id, overlap)
	if err != nil {
		return nil, refusedConnection(id, err)
	}
	s.note(c, "secret of a connection rotated", id)
	// The secret is seen this once, so what comes now must not keep it from the client.
	found, err := s.Connections.Get(c.Context(), c.caller.Account, id)
	if err != nil {
		found = connection.Connection{ID: id, Type: export.Webhook}
	}
	return replyWith(found, secret)
}

// refusedConnection words why a connection cannot be used or changed.
func refusedConnection(id string, err error) error {
	if errors.Is(err, seal.ErrNoKey) || errors.Is(err, seal.ErrDamaged) {
		return refuse(http.StatusConflict, "What is sealed of connection %s cannot be opened: start the server with the master key it was sealed with, or PUT /v2/connections/%s with all of its secrets written out",
			shorten(id), shorten(id))
	}
	return unchanged(refused(id, err))
}

// note logs who changed a connection.
func (s *server) note(c *call, what, id string) {
	s.Log.InfoContext(c.Context(), what, "connection", id, "account", account.ShowName(c.caller.Account), "by", c.caller.Key)
}

func (s *server) replyWarned(c connection.Connection, secret string) (any, error) {
	reply, err := replyWith(c, secret)
	reply.Warnings = s.Connections.Warnings(c)
	return reply, err
}

func replyWith(c connection.Connection, secret string) (ConnectionReply, error) {
	shown, err := showConnection(c)
	return ConnectionReply{Success: true, Connection: shown, Secret: secret}, err
}

// showConnection takes a connection's word for what of it may be shown; only its
// times are written as everywhere else here.
func showConnection(c connection.Connection) (shown Connection, err error) {
	text, err := encode(c)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, err
	}
	for name, at := range map[string]time.Time{"created_at": c.CreatedAt, "updated_at": c.UpdatedAt} {
		if shown[name], err = encode(stampOrNull(at)); err != nil {
			return nil, err
		}
	}
	return shown, nil
}
