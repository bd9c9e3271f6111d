package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
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
	Delete(ctx context.Context, account, id string) error
	// RotateSecret returns the new signing secret.
	RotateSecret(ctx context.Context, account, id string, overlap time.Duration) (secret string, err error)
	// Probe really uses one that is no webhook.
	Probe(ctx context.Context, account, id string) (export.Probed, error)
	// RotateKey seals everything with a new master key, and tells how much that was.
	RotateKey(ctx context.Context) (resealed int, err error)
}

// ConnectionList is the reply to GET /v2/connections, by id.
type ConnectionList struct {
	Success     bool                    `json:"success"`
	Connections []connection.Connection `json:"connections"`
}

// ConnectionReply is the reply to calls about one connection, which is shown
// without its secrets.
type ConnectionReply struct {
	Success    bool            `json:"success"`
	Connection json.RawMessage `json:"connection"`
	// Secret is the signing secret of a webhook connection, in the reply to the call
	// that made it and in no other.
	Secret string `json:"secret,omitempty"`
}

// ConnectionTest is the reply to POST /v2/connections/<id>/test. Success is the
// call's, OK the connection's.
type ConnectionTest struct {
	Success bool   `json:"success"`
	OK      bool   `json:"ok"`
	ID      string `json:"id"`
	Type    string `json:"type"`
	Target  string `json:"target"`
	// Steps that were begun, in order; FailedStep is the last of them unless OK.
	Steps      []string `json:"steps"`
	FailedStep string   `json:"failed_step,omitempty"`
	Class      string   `json:"class,omitempty"`
	Status     int      `json:"status,omitempty"`
	Message    string   `json:"message,omitempty"`
	Address    string   `json:"address,omitempty"`
	TLS        string   `json:"tls,omitempty"`
	// Fingerprint is the SHA-256 of the server's certificate, in hex.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Delivery is the id of a test webhook's.
	Delivery string  `json:"delivery,omitempty"`
	Seconds  float64 `json:"seconds"`
}

// KeyRotation is the reply to POST /v2/connections/rotate.
type KeyRotation struct {
	Success bool `json:"success"`
	// Resealed is how many secrets are sealed with the new master key.
	Resealed int `json:"resealed"`
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
	return ConnectionList{Success: true, Connections: append([]connection.Connection{}, all...)}, nil
}

// connection is GET /v2/connections/<id>.
func (s *server) connection(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	found, err := s.Connections.Get(c.Context(), c.caller.Account, c.PathValue("id"))
	return shownConnection(c.PathValue("id"), found, "", err)
}

// createConnection is POST /v2/connections.
func (s *server) createConnection(c *call) (any, error) {
	wanted, err := c.connection("")
	if err != nil {
		return nil, err
	}
	made, secret, err := s.Connections.Create(c.Context(), wanted)
	return shownConnection(wanted.ID, made, secret, err)
}

// putConnection is PUT /v2/connections/<id>. It takes what GET shows: "(redacted)"
// keeps a secret.
func (s *server) putConnection(c *call) (any, error) {
	wanted, err := c.connection(c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	put, err := s.Connections.Put(c.Context(), wanted)
	return shownConnection(wanted.ID, put, "", err)
}

// connection reads a connection from the body of a call; id is the path's, "" for
// the body's own.
func (c *call) connection(id string) (connection.Connection, error) {
	body, err := c.body("The connection", MaxBody)
	if err != nil {
		return connection.Connection{}, err
	}
	wanted, err := connection.Parse(body)
	if err != nil {
		return wanted, refusedConnection(id, err)
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
	return Revoked{Success: true, ID: id}, nil
}

// rotateConnection is POST /v2/connections/<id>/rotate: a new signing secret.
func (s *server) rotateConnection(c *call) (any, error) {
	var order struct {
		Overlap string `json:"overlap"`
	}
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
	found, err := s.Connections.Get(c.Context(), c.caller.Account, id)
	return shownConnection(id, found, secret, err)
}

// rotateMasterKey is POST /v2/connections/rotate.
func (s *server) rotateMasterKey(c *call) (any, error) {
	if err := c.order(&struct{}{}); err != nil {
		return nil, err
	}
	n, err := s.Connections.RotateKey(c.Context())
	if err != nil {
		return nil, unchanged(refused("", err))
	}
	return KeyRotation{Success: true, Resealed: n}, nil
}

// testConnection is POST /v2/connections/<id>/test.
func (s *server) testConnection(c *call) (any, error) {
	if err := c.order(&struct{}{}); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	found, err := s.Connections.Get(c.Context(), c.caller.Account, id)
	if err != nil {
		return nil, refusedConnection(id, err)
	}
	if found.Type == "webhook" {
		return s.testHook(c, id)
	}
	p, err := s.Connections.Probe(c.Context(), c.caller.Account, id)
	if err != nil {
		return nil, unchanged(refused(id, err))
	}
	t := ConnectionTest{Success: true, OK: p.Fault == nil, ID: id, Type: p.Type, Target: p.Target, Steps: append([]string{}, p.Steps...),
		Address: p.Peer.Address, TLS: p.Peer.TLS, Fingerprint: p.Peer.Fingerprint, Seconds: p.Took.Seconds()}
	if f := p.Fault; f != nil {
		t.FailedStep, t.Class, t.Status, t.Message = f.Step, f.Class, f.Status, f.Message
	}
	return t, nil
}

// testHook sends a made-up event to a webhook connection.
func (s *server) testHook(c *call, id string) (any, error) {
	d, a, err := s.of(c).test(c.Context(), export.Trial{Connection: id, Event: export.MovieCompleted})
	if err != nil {
		return nil, unchanged(refused(d.ID, err))
	}
	t := ConnectionTest{Success: true, OK: a.Result == export.Succeeded, ID: id, Type: "webhook", Target: showDelivery(d).Target,
		Steps: stepsOf(a), Class: a.Class, Status: a.Status, Message: a.Error,
		Address: a.Peer.Address, TLS: a.Peer.TLS, Fingerprint: a.Peer.Fingerprint, Delivery: d.ID, Seconds: a.EndedAt.Sub(a.StartedAt).Seconds()}
	if !t.OK {
		t.FailedStep = t.Steps[len(t.Steps)-1]
	}
	return t, nil
}

// stepsOf are how far an attempt came.
func stepsOf(a export.Attempt) []string {
	steps := []string{export.StepSettings}
	if a.Class == "blocked" {
		return steps
	}
	steps = append(steps, export.StepConnect)
	if a.Peer.TLS != "" || a.Class == "tls" {
		steps = append(steps, export.StepTLS)
	}
	if a.Request != nil {
		steps = append(steps, export.StepSend)
	}
	return steps
}

// shownConnection is the reply about one connection.
func shownConnection(id string, c connection.Connection, secret string, err error) (any, error) {
	if err != nil {
		return nil, refusedConnection(id, err)
	}
	shown, err := encode(c)
	return ConnectionReply{Success: true, Connection: shown, Secret: secret}, err
}

// refusedConnection words what cannot be done with a connection.
func refusedConnection(id string, err error) error {
	id = shorten(id)
	switch {
	case errors.Is(err, connection.ErrNotFound):
		return refuse(http.StatusNotFound, "Connection %s not found; GET /v2/connections lists them", id)
	case errors.Is(err, connection.ErrExists):
		return refuse(http.StatusConflict, "There is a connection %s already; PUT /v2/connections/%s changes it", id, id)
	case errors.Is(err, connection.ErrDeclared):
		return refuse(http.StatusConflict, "Connection %s is declared in reelhook.yaml; change it there and start the server anew", id)
	}
	return unchanged(refused(id, err))
}
