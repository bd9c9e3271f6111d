package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// The windows that traffic can be asked for. It is counted by the hour.
const (
	defaultWindow = day
	minWindow     = time.Hour
	maxTraffic    = 30 * day
)

// endpoints is GET /v2/endpoints, in the order of their ids.
func (s *server) endpoints(c *call) (any, error) {
	q, err := c.parameters("cursor", "limit", "window")
	if err != nil {
		return nil, err
	}
	limit, err := q.limit()
	if err != nil {
		return nil, err
	}
	after, err := q.cursor()
	if err != nil {
		return nil, err
	}
	window, err := q.window()
	if err != nil {
		return nil, err
	}
	found, next, err := s.of(c).endpoints(c.Context(), s.now().Add(-window), after, limit)
	if errors.Is(err, export.ErrNoEndpoint) {
		return nil, badCursor()
	}
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	reply := EndpointList{Success: true, Endpoints: make([]Endpoint, len(found)), NextCursor: orNull(next)}
	for i, e := range found {
		reply.Endpoints[i] = showEndpoint(e, window)
	}
	return reply, nil
}

func (p parameters) window() (time.Duration, error) {
	if p["window"] == "" {
		return defaultWindow, nil
	}
	return readDuration("window", p["window"], minWindow, maxTraffic)
}

// endpoint is GET /v2/endpoints/<id>.
func (s *server) endpoint(c *call) (any, error) {
	q, err := c.parameters("window")
	if err != nil {
		return nil, err
	}
	window, err := q.window()
	if err != nil {
		return nil, err
	}
	e, err := s.oneEndpoint(c, window)
	if err != nil {
		return nil, err
	}
	return EndpointReply{Success: true, Endpoint: showEndpoint(e, window)}, nil
}

func (s *server) oneEndpoint(c *call, window time.Duration) (export.Endpoint, error) {
	id := c.PathValue("id")
	e, err := s.of(c).endpoint(c.Context(), id, s.now().Add(-window))
	if err != nil {
		return e, refused(id, err)
	}
	return e, nil
}

// enable, pause and disable are POST /v2/endpoints/<id>/<what>.
func (s *server) enable(c *call) (any, error) {
	var order EnableOrder
	if err := c.order(&order); err != nil {
		return nil, err
	}
	return s.setEndpoint(c, export.Enabled, order)
}

func (s *server) pause(c *call) (any, error)   { return s.stop(c, export.Paused) }
func (s *server) disable(c *call) (any, error) { return s.stop(c, export.Disabled) }

func (s *server) stop(c *call, state export.EndpointState) (any, error) {
	var order struct {
		Reason string `json:"reason"`
	}
	if err := c.order(&order); err != nil {
		return nil, err
	}
	return s.setEndpoint(c, state, EnableOrder{Reason: order.Reason})
}

func (s *server) setEndpoint(c *call, state export.EndpointState, order EnableOrder) (any, error) {
	if len(order.Reason) > maxReason {
		return nil, refuse(http.StatusBadRequest, "'reason' may have at most %d bytes", maxReason)
	}
	if order.Reason == "" {
		order.Reason = "By hand"
	}
	id := c.PathValue("id")
	if err := s.of(c).setEndpoint(c.Context(), id, state, order.Reason, s.now()); err != nil {
		return nil, unchanged(refused(id, err))
	}
	e, err := s.oneEndpoint(c, defaultWindow)
	if err != nil {
		return nil, err
	}
	reply := EndpointChange{Success: true, Endpoint: showEndpoint(e, defaultWindow), Held: e.Held}
	switch {
	case e.Held > 0 && order.Send:
		r, err := s.beginRecovery(c, export.Filter{Endpoint: id, States: []export.State{export.Held}})
		if err != nil {
			return nil, err
		}
		reply.Recovery = &r.ID
	case e.Held > 0:
		reply.Message = fmt.Sprintf("Deliveries held back: %d; POST /v2/endpoints/%s/enable with {\"send\":true} sends them", e.Held, e.ID)
	}
	return reply, nil
}
