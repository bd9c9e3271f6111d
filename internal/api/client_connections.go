package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

func connectionPath(id string) string { return "/connections/" + url.PathEscape(id) }

// Connections lists them.
func (c Client) Connections(ctx context.Context) (reply ConnectionList, err error) {
	err = c.ask(ctx, "list connections", "/connections", &reply)
	return reply, err
}

// Connection returns one.
func (c Client) Connection(ctx context.Context, id string) (reply ConnectionReply, err error) {
	err = c.ask(ctx, "ask for connection "+id, connectionPath(id), &reply)
	return reply, err
}

// CreateConnection keeps a new one, a JSON object of id, type and settings.
func (c Client) CreateConnection(ctx context.Context, settings json.RawMessage) (reply ConnectionReply, err error) {
	err = c.tell(ctx, "create the connection", "/connections", settings, &reply)
	return reply, err
}

// PutConnection replaces one. "(redacted)" in the place of a secret keeps it.
func (c Client) PutConnection(ctx context.Context, id string, settings json.RawMessage) (reply ConnectionReply, err error) {
	if err = c.call(ctx, http.MethodPut, connectionPath(id), settings, &reply); err != nil {
		err = fmt.Errorf("replace connection %s: %w", id, err)
	}
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
// the reply and nowhere after that.
func (c Client) RotateConnection(ctx context.Context, id string, order SecretOrder) (reply ConnectionReply, err error) {
	err = c.tell(ctx, "rotate the secret of connection "+id, connectionPath(id)+"/rotate", order, &reply)
	return reply, err
}

// RotateMasterKey seals all secrets of the server with a new master key.
func (c Client) RotateMasterKey(ctx context.Context) (reply KeyRotation, err error) {
	err = c.tell(ctx, "rotate the master key", "/master-key/rotate", struct{}{}, &reply)
	return reply, err
}
