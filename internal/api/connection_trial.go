package api

import (
	"slices"

	"github.com/reelhook/reelhook/internal/export"
)

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

// testConnection is POST /v2/connections/<id>/test.
func (s *server) testConnection(c *call) (any, error) {
	if err := c.order(&struct{}{}); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	found, err := s.Connections.Get(c.Context(), c.caller.Account, id)
	if err != nil {
		return nil, refused(id, err)
	}
	if found.Type == export.Webhook {
		return s.testHook(c, id)
	}
	p, err := s.Connections.Probe(c.Context(), c.caller.Account, id)
	if err != nil {
		return nil, refusedConnection(id, err)
	}
	t := ConnectionTest{Success: true, OK: p.Fault == nil, ID: id, Type: p.Type, Target: p.Target, Steps: append([]string{}, p.Steps...),
		Address: p.Peer.Address, TLS: p.Peer.TLS, Fingerprint: p.Peer.Fingerprint, Seconds: p.Took.Seconds()}
	if f := p.Fault; f != nil {
		t.FailedStep, t.Class, t.Status, t.Message = f.Step, f.Class, f.Status, f.Message
		if !slices.Contains(t.Steps, f.Step) { // such as settings, which are read before any is begun
			t.Steps = append(t.Steps, f.Step)
		}
	}
	return t, nil
}

// testHook sends a made-up event to a webhook connection.
func (s *server) testHook(c *call, id string) (any, error) {
	d, a, err := s.of(c).test(c.Context(), export.Trial{Connection: id, Event: export.MovieCompleted})
	if err != nil {
		return nil, refusedConnection(id, err)
	}
	t := ConnectionTest{Success: true, OK: a.Result == export.Succeeded, ID: id, Type: export.Webhook, Target: showDelivery(d).Target,
		Steps: stepsOf(a), Class: a.Class, Status: a.Status, Message: a.Error,
		Address: a.Peer.Address, TLS: a.Peer.TLS, Fingerprint: a.Peer.Fingerprint, Delivery: d.ID, Seconds: a.EndedAt.Sub(a.StartedAt).Seconds()}
	if !t.OK {
		t.FailedStep = t.Steps[len(t.Steps)-1]
	}
	return t, nil
}

// stepsOf are how far an attempt came. Without so much as a look at the network it
// was the settings that would not do.
func stepsOf(a export.Attempt) []string {
	steps := []string{export.StepSettings}
	if a.Peer == (export.Peer{}) && (a.Class == "blocked" || a.Class == "error") {
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
