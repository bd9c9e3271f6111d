package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
)

// Query chooses what a list holds. Zero fields choose all; the server says what
// is wrong with the others.
type Query struct {
	// Status holds states of deliveries.
	Status                   []string
	Project, Endpoint, Event string
	// From and To are RFC 3339 or dates.
	From, To string
	// Cursor is the NextCursor of the page before.
	Cursor string
	Limit  int
	// Window is how far back traffic of endpoints is counted, such as 24h.
	Window string
}

func (q Query) encode() string {
	limit := ""
	if q.Limit != 0 {
		limit = strconv.Itoa(q.Limit)
	}
	values := url.Values{}
	for name, value := range map[string]string{
		"status": strings.Join(q.Status, ","), "project": q.Project, "endpoint": q.Endpoint, "event": q.Event,
		"from": q.From, "to": q.To, "cursor": q.Cursor, "limit": limit, "window": q.Window,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// Deliveries returns a page of the delivery log, newest first.
func (c Client) Deliveries(ctx context.Context, q Query) (reply DeliveryList, err error) {
	err = c.ask(ctx, "list deliveries", "/deliveries"+q.encode(), &reply)
	return reply, err
}

// Delivery returns one with its body and its attempts.
func (c Client) Delivery(ctx context.Context, id string) (DeliveryDetail, error) {
	var reply DeliveryReply
	err := c.ask(ctx, "ask for delivery "+id, "/deliveries/"+url.PathEscape(id), &reply)
	return reply.Delivery, err
}

// Proof returns the document that proves a delivery, as the server made it.
func (c Client) Proof(ctx context.Context, id string) (reply json.RawMessage, err error) {
	err = c.ask(ctx, "prove delivery "+id, "/deliveries/"+url.PathEscape(id)+"/proof", &reply)
	return reply, err
}

// Redeliver sends a delivery again or, when an endpoint is named, what it sent to
// that one, as the delivery that is returned.
func (c Client) Redeliver(ctx context.Context, id, endpoint string) (Delivery, error) {
	order := map[string]string{}
	if endpoint != "" {
		order["endpoint"] = endpoint
	}
	var reply DeliveryChange
	err := c.tell(ctx, "redeliver "+id, "/deliveries/"+url.PathEscape(id)+"/redeliver", order, &reply)
	return reply.Delivery, err
}

// Cancel gives a delivery up and returns it.
func (c Client) Cancel(ctx context.Context, id string) (Delivery, error) {
	var reply DeliveryChange
	err := c.tell(ctx, "cancel "+id, "/deliveries/"+url.PathEscape(id)+"/cancel", struct{}{}, &reply)
	return reply.Delivery, err
}

// Recover begins to send again what failed or was held.
func (c Client) Recover(ctx context.Context, order RecoverOrder) (reply RecoverReply, err error) {
	err = c.tell(ctx, "recover deliveries", "/deliveries/recover", order, &reply)
	return reply, err
}

// Recovery tells how far a recovery is.
func (c Client) Recovery(ctx context.Context, id string) (Recovery, error) {
	var reply RecoveryReply
	err := c.ask(ctx, "ask for recovery "+id, "/recoveries/"+url.PathEscape(id), &reply)
	return reply.Recovery, err
}

// Endpoints returns a page of them; of the query, Cursor, Limit and Window count.
func (c Client) Endpoints(ctx context.Context, q Query) (reply EndpointList, err error) {
	err = c.ask(ctx, "list endpoints", "/endpoints"+q.encode(), &reply)
	return reply, err
}

// Endpoint returns one with its traffic within a window such as 24h, which "" means.
func (c Client) Endpoint(ctx context.Context, id, window string) (Endpoint, error) {
	var reply EndpointReply
	err := c.ask(ctx, "ask for endpoint "+id, "/endpoints/"+url.PathEscape(id)+Query{Window: window}.encode(), &reply)
	return reply.Endpoint, err
}

// SetEndpoint enables, pauses or disables an endpoint. Send is of Enabled alone.
func (c Client) SetEndpoint(ctx context.Context, id string, state export.EndpointState, order EnableOrder) (reply EndpointChange, err error) {
	verb, ok := map[export.EndpointState]string{export.Enabled: "enable", export.Paused: "pause", export.Disabled: "disable"}[state]
	if !ok {
		return reply, fmt.Errorf("an endpoint cannot be set to %q", state)
	}
	err = c.tell(ctx, verb+" endpoint "+id, "/endpoints/"+url.PathEscape(id)+"/"+verb, order, &reply)
	return reply, err
}

// TestWebhook sends a made-up event once and tells how it went.
func (c Client) TestWebhook(ctx context.Context, order TestOrder) (reply Tested, err error) {
	err = c.tell(ctx, "test a webhook", "/webhooks/test", order, &reply)
	return reply, err
}

// Secret returns what webhooks are signed with.
func (c Client) Secret(ctx context.Context) (reply Secrets, err error) {
	err = c.ask(ctx, "ask for the secrets", "/webhooks/secret", &reply)
	return reply, err
}

// RotateSecret takes new keys and returns those that sign from now on.
func (c Client) RotateSecret(ctx context.Context, order RotateOrder) (reply Secrets, err error) {
	err = c.tell(ctx, "rotate the secret", "/webhooks/secret/rotate", order, &reply)
	return reply, err
}

// EndOverlap ends the keys before the current ones.
func (c Client) EndOverlap(ctx context.Context) (reply Secrets, err error) {
	err = c.tell(ctx, "end the overlap", "/webhooks/secret/end-overlap", struct{}{}, &reply)
	return reply, err
}

func (c Client) ask(ctx context.Context, what, path string, reply any) error {
	if err := c.call(ctx, http.MethodGet, path, nil, reply); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (c Client) tell(ctx context.Context, what, path string, order, reply any) error {
	body, err := json.Marshal(order)
	if err == nil {
		err = c.call(ctx, http.MethodPost, path, body, reply)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
