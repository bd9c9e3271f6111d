package api

import (
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// Endpoint is an address that webhooks go to, and how it has been doing.
type Endpoint struct {
	ID string `json:"id"`
	// URL is the address without what may be secret in it.
	URL string `json:"url"`
	// State is enabled, paused or disabled, for Reason since ChangedAt.
	State     string  `json:"state"`
	Reason    string  `json:"reason"`
	ChangedAt *string `json:"changed_at"`

	FirstAt     string  `json:"first_at"`
	LastSuccess *string `json:"last_success"`
	LastFailure *string `json:"last_failure"`
	// FailingSince is when the first of Failures attempts in a row failed, null
	// when the last one succeeded.
	FailingSince *string `json:"failing_since"`
	Failures     int     `json:"failures"`
	// LastStatus is the last HTTP status, 0 for none.
	LastStatus int    `json:"last_status"`
	LastError  string `json:"last_error"`
	// Held is how many deliveries wait for it to be enabled.
	Held int `json:"held"`

	// Attempts, SuccessRate from 0 to 1 and the latencies in milliseconds are of the
	// last Window seconds, null when nothing was counted.
	Attempts    int      `json:"attempts"`
	SuccessRate *float64 `json:"success_rate"`
	P50         *float64 `json:"p50_ms"`
	P99         *float64 `json:"p99_ms"`
	Window      float64  `json:"window"`
}

// EndpointList is the reply to GET /v2/endpoints.
type EndpointList struct {
	Success   bool       `json:"success"`
	Endpoints []Endpoint `json:"endpoints"`
	// NextCursor asks for the next page, null at the end.
	NextCursor *string `json:"next_cursor"`
}

// EndpointReply is the reply to GET /v2/endpoints/<id>.
type EndpointReply struct {
	Success  bool     `json:"success"`
	Endpoint Endpoint `json:"endpoint"`
}

// EnableOrder is what POST /v2/endpoints/<id>/enable is told; pause and disable
// know Reason alone.
type EnableOrder struct {
	Reason string `json:"reason,omitempty"`
	// Send begins a recovery of what the endpoint's deliveries were held.
	Send bool `json:"send,omitempty"`
}

// EndpointChange is the reply to a call that changed an endpoint.
type EndpointChange struct {
	Success  bool     `json:"success"`
	Endpoint Endpoint `json:"endpoint"`
	// Held is how many deliveries were held when it was changed.
	Held int `json:"held"`
	// Recovery is the id of the recovery that sends them, null when there is none;
	// then Message says how to have them sent.
	Recovery *string `json:"recovery"`
	Message  string  `json:"message,omitempty"`
}

func showEndpoint(e export.Endpoint, window time.Duration) Endpoint {
	t := e.Traffic
	shown := Endpoint{
		ID: e.ID, URL: e.URL, State: string(e.State), Reason: e.Reason, ChangedAt: stampOrNull(e.ChangedAt),
		FirstAt: stamp(e.FirstAt), LastSuccess: stampOrNull(e.LastSuccess), LastFailure: stampOrNull(e.LastFailure),
		FailingSince: stampOrNull(e.FailingSince), Failures: e.Failures, LastStatus: e.LastStatus, LastError: e.LastError,
		Held: e.Held, Attempts: t.Succeeded + t.Refused + t.Unknown, Window: window.Seconds(),
		P50: orNull(milliseconds(t.Latency.Quantile(0.5))), P99: orNull(milliseconds(t.Latency.Quantile(0.99))),
	}
	if shown.Attempts > 0 {
		rate := float64(t.Succeeded) / float64(shown.Attempts)
		shown.SuccessRate = &rate
	}
	return shown
}
