package api

import (
	"net/http"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
)

// TestOrder is what POST /v2/webhooks/test is told: where to, and of what.
type TestOrder struct {
	// Endpoint is an address, or Connection the id of one that is kept.
	Endpoint   string `json:"endpoint,omitempty"`
	Connection string `json:"connection,omitempty"`
	// Status is how the made-up movie ended: done, which "" means, or error.
	Status string `json:"status,omitempty"`
	// Event is movie.completed when it is "".
	Event string `json:"event,omitempty"`
	// DryRun goes as far as can be without sending.
	DryRun bool `json:"dry-run,omitempty"`
}

// test is POST /v2/webhooks/test.
func (s *server) test(c *call) (any, error) {
	var order TestOrder
	if err := c.order(&order); err != nil {
		return nil, err
	}
	if err := order.check(); err != nil {
		return nil, err
	}
	event := order.Event
	if event == "" {
		event = export.MovieCompleted
	}
	failed := order.Status == "error" || event == export.MovieFailed
	d, a, err := s.of(c).test(c.Context(), export.Trial{
		Endpoint: order.Endpoint, Connection: order.Connection, Event: event, Failed: failed, Dry: order.DryRun})
	if err != nil {
		return nil, unchanged(refused(d.ID, err))
	}
	return NewTested(d, a), nil
}

func (o TestOrder) check() error {
	switch {
	case o.Connection != "" && o.Endpoint != "":
		return refuse(http.StatusBadRequest, "'endpoint' and 'connection' exclude each other; name one")
	case o.Connection == "" && o.Endpoint == "":
		return refuse(http.StatusBadRequest, "'endpoint' is needed: the https URL to send the test to; or 'connection', the id of one")
	case o.Status != "" && o.Status != "done" && o.Status != "error":
		return refuse(http.StatusBadRequest, "'status' must be done or error, not '%s'", shorten(o.Status))
	}
	for _, known := range export.Events() {
		if o.Event == known || o.Event == "" {
			return nil
		}
	}
	return refuse(http.StatusBadRequest, "'event' must be one of %s, not '%s'", strings.Join(export.Events(), ", "), shorten(o.Event))
}
