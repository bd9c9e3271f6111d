package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/signing"
)

// deliveries is GET /v2/deliveries: the log, newest first.
func (s *server) deliveries(c *call) (any, error) {
	page, err := readPage(c)
	if err != nil {
		return nil, err
	}
	found, next, err := s.of(c).deliveries(c.Context(), page)
	if errors.Is(err, export.ErrNoDelivery) {
		return nil, badCursor()
	}
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	reply := DeliveryList{Success: true, Deliveries: make([]Delivery, len(found)), NextCursor: orNull(next)}
	for i, d := range found {
		reply.Deliveries[i] = showDelivery(d)
	}
	return reply, nil
}

func readPage(c *call) (page export.Page, err error) {
	q, err := c.parameters("status", "project", "endpoint", "event", "from", "to", "cursor", "limit")
	if err != nil {
		return page, err
	}
	page.Filter, err = choice{
		account: c.caller.Account, states: split(q["status"]), project: q["project"], endpoint: q["endpoint"], event: q["event"],
		from: [2]string{"from", q["from"]}, to: [2]string{"to", q["to"]},
	}.filter()
	if err != nil {
		return page, err
	}
	if page.Limit, err = q.limit(); err != nil {
		return page, err
	}
	page.After, err = q.cursor()
	return page, err
}

// delivery is GET /v2/deliveries/<id>: what was sent, and every attempt.
func (s *server) delivery(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	d, attempts, err := s.logged(c)
	if err != nil {
		return nil, err
	}
	return DeliveryReply{Success: true, Delivery: showDetail(d, attempts)}, nil
}

// logged reads the delivery that the path names, with its attempts.
func (s *server) logged(c *call) (export.Delivery, []export.Attempt, error) {
	id := c.PathValue("id")
	d, attempts, err := s.of(c).logged(c.Context(), id)
	if err != nil {
		return d, nil, refused(id, err)
	}
	c.project = d.Project
	return d, attempts, nil
}

// redeliver is POST /v2/deliveries/<id>/redeliver. To another endpoint it is a
// delivery of its own, and the reply shows that one.
func (s *server) redeliver(c *call) (any, error) {
	var order struct {
		Endpoint string `json:"endpoint"`
	}
	if err := c.order(&order); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	d, err := s.of(c).redeliver(c.Context(), id, order.Endpoint, s.now())
	if errors.Is(err, export.ErrNotEnabled) {
		return nil, s.notEnabled(c, id)
	}
	return c.changed(d, err)
}

// notEnabled says what to do about the endpoint of a delivery.
func (s *server) notEnabled(c *call, id string) error {
	d, err := s.of(c).delivery(c.Context(), id)
	if err != nil {
		return refused(id, err)
	}
	return refuse(http.StatusConflict, "The endpoint of delivery %s is not enabled; POST /v2/endpoints/%s/enable first, with {\"send\":true} to send all that is held", id, d.Endpoint)
}

// cancel is POST /v2/deliveries/<id>/cancel.
func (s *server) cancel(c *call) (any, error) {
	if err := c.order(&struct{}{}); err != nil {
		return nil, err
	}
	return c.changed(s.of(c).cancel(c.Context(), c.PathValue("id"), s.now()))
}

func (c *call) changed(d export.Delivery, err error) (any, error) {
	if err != nil {
		return nil, unchanged(refused(c.PathValue("id"), err))
	}
	c.project = d.Project
	return DeliveryChange{Success: true, Delivery: showDelivery(d)}, nil
}

// refused words what cannot be done with the thing of an id, and what to do
// instead; other errors stay as they are.
func refused(id string, err error) error {
	id = shorten(id)
	if r, ok := errors.AsType[export.Refusal](err); ok {
		return refuse(http.StatusBadRequest, "%s", string(r))
	}
	if r, ok := errors.AsType[signing.Refusal](err); ok {
		return refuse(http.StatusBadRequest, "%s", string(r))
	}
	if r, ok := errors.AsType[account.Refusal](err); ok {
		return refuse(http.StatusBadRequest, "%s", string(r))
	}
	switch {
	case errors.Is(err, export.ErrNoDelivery):
		return refuse(http.StatusNotFound, "Delivery %s not found; GET /v2/deliveries lists them, and old ones are removed in time", id)
	case errors.Is(err, export.ErrNoEndpoint):
		return refuse(http.StatusNotFound, "Endpoint %s not found; GET /v2/endpoints lists them, from their first attempt on", id)
	case errors.Is(err, export.ErrNoRecovery):
		return refuse(http.StatusNotFound, "Recovery %s not found; its id is in the reply to the call that began it", id)
	case errors.Is(err, account.ErrNoKey):
		return refuse(http.StatusNotFound, "Key %s not found; GET /v2/keys lists them", id)
	case errors.Is(err, connection.ErrNotFound):
		return refuse(http.StatusNotFound, "Connection %s not found; GET /v2/connections lists them", id)
	case errors.Is(err, connection.ErrExists):
		return refuse(http.StatusConflict, "There is a connection %s already; PUT /v2/connections/%s replaces it", id, id)
	case errors.Is(err, connection.ErrDeclared):
		return refuse(http.StatusConflict, "Connection %s is declared in the server's configuration; change it there and start the server anew", id)
	case errors.Is(err, export.ErrBusy):
		return refuse(http.StatusConflict, "An attempt of delivery %s is under way; wait until it has ended, GET /v2/deliveries/%s tells how", id, id)
	case errors.Is(err, export.ErrFinal):
		return refuse(http.StatusConflict, "Delivery %s has ended already, so there is nothing to cancel; GET /v2/deliveries/%s tells how", id, id)
	}
	return err
}

// unchanged tells the client to try a change again that a store could not make.
func unchanged(err error) error {
	if _, ok := errors.AsType[*Failure](err); ok {
		return err
	}
	return undone{err, "The server cannot do this now; look what has become of it and try again later"}
}
