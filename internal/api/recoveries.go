package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
)

// RecoverOrder is what POST /v2/deliveries/recover is told. Since is needed.
type RecoverOrder struct {
	// Since and Until bound when the deliveries were made, Until not included; a
	// date means its whole day.
	Since string `json:"since"`
	Until string `json:"until,omitempty"`
	// Status holds states; none means failed and held.
	Status statuses `json:"status,omitempty"`
	// Endpoint is an id or a URL.
	Endpoint string `json:"endpoint,omitempty"`
	Project  string `json:"project,omitempty"`
	Event    string `json:"event,omitempty"`
}

// RecoverReply is the reply to POST /v2/deliveries/recover.
type RecoverReply struct {
	Success bool `json:"success"`
	// Count is how many deliveries were chosen.
	Count int `json:"count"`
	// Recovery is the id to ask for.
	Recovery string `json:"recovery"`
}

// RecoveryReply is the reply to GET /v2/recoveries/<id>.
type RecoveryReply struct {
	Success  bool     `json:"success"`
	Recovery Recovery `json:"recovery"`
}

// Recovery is how far a recovery is: Done of Total deliveries are on their way
// again. Those that could not be sent are passed over, so Done may stay behind.
type Recovery struct {
	ID        string  `json:"id"`
	Total     int     `json:"total"`
	Done      int     `json:"done"`
	CreatedAt string  `json:"created_at"`
	EndedAt   *string `json:"ended_at"`
	// Status is running or done.
	Status string `json:"status"`
}

// recoverMany is POST /v2/deliveries/recover.
func (s *server) recoverMany(c *call) (any, error) {
	var order RecoverOrder
	if err := c.order(&order); err != nil {
		return nil, err
	}
	if strings.TrimSpace(order.Since) == "" {
		return nil, refuse(http.StatusBadRequest, "'since' is needed: the time from which on deliveries are sent again, such as 2026-01-31T12:00:00Z")
	}
	filter, err := choice{
		account: c.caller.Account, states: order.Status, project: order.Project, endpoint: order.Endpoint, event: order.Event,
		from: [2]string{"since", order.Since}, to: [2]string{"until", order.Until},
	}.filter()
	if err != nil {
		return nil, err
	}
	r, err := s.beginRecovery(c, filter)
	if err != nil {
		return nil, err
	}
	return RecoverReply{Success: true, Count: r.Total, Recovery: r.ID}, nil
}

func (s *server) beginRecovery(c *call, f export.Filter) (export.Recovery, error) {
	r, err := s.of(c).beginRecovery(c.Context(), f, s.now())
	if err != nil {
		return r, unchanged(fmt.Errorf("begin a recovery: %w", err))
	}
	return r, nil
}

// recovery is GET /v2/recoveries/<id>.
func (s *server) recovery(c *call) (any, error) {
	if err := c.noParameters(); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	r, err := s.of(c).recovery(c.Context(), id)
	if err != nil {
		return nil, refused(id, err)
	}
	shown := Recovery{ID: r.ID, Total: r.Total, Done: r.Done, CreatedAt: stamp(r.CreatedAt), EndedAt: stampOrNull(r.EndedAt), Status: "running"}
	if shown.EndedAt != nil {
		shown.Status = "done"
	}
	return RecoveryReply{Success: true, Recovery: shown}, nil
}
