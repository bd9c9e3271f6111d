package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

func connectionPath(id string) string { return "/connections/" + url.PathEscape(id) }

// Connections lists them without their secrets, as the API has them.
func (c Client) Connections(ctx context.Context) ([]json.RawMessage, error) {
	var reply struct {
		Connections []json.RawMessage `json:"connections"`
	}
	err := c.ask(ctx, "list connections", "/connections", &reply)
	return reply.Connections, err
}

// Connection returns one without its secrets.
func (c Client) Connection(ctx context.Context, id string) (reply ConnectionReply, err error) {
	err = c.ask(ctx, "ask for connection "+id, connectionPath(id), &reply)
	return reply, err
}

// CreateConnection keeps a new one, a JSON object of id, type and settings.
func (c Client) CreateConnection(ctx context.Context, settings json.RawMessage) (reply ConnectionReply, err error) {
	err = c.tell(ctx, "create the connection", "/connections", settings, &reply)
	return reply, err
}

// DeleteConnection removes one.
func (c Client) DeleteConnection(ctx context.Context, id string) (reply Revoked, err error) {
	if err = c.call(ctx, http.MethodDelete, connectionPath(id), nil, &reply); err != nil {
		err = fmt.Errorf("remove connection %s: %w", id, err)
	}
	return reply, err
}

// TestConnection really uses one.
func (c Client) TestConnection(ctx context.Context, id string) (reply ConnectionTest, err error) {
	err = c.tell(ctx, "test connection "+id, connectionPath(id)+"/test", struct{}{}, &reply)
	return reply, err
}

// RotateConnection makes a webhook connection a new signing secret, which is in
// the reply and nowhere after that. overlap is such as 24h, which "" means.
func (c Client) RotateConnection(ctx context.Context, id, overlap string) (reply ConnectionReply, err error) {
	err = c.tell(ctx, "rotate the secret of connection "+id, connectionPath(id)+"/rotate", map[string]string{"overlap": overlap}, &reply)
	return reply, err
}

// RotateMasterKey seals all secrets of the server with a new master key.
func (c Client) RotateMasterKey(ctx context.Context) (reply KeyRotation, err error) {
	err = c.tell(ctx, "rotate the master key", "/connections/rotate", struct{}{}, &reply)
	return reply, err
}
