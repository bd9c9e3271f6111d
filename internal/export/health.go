package export

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// DefaultDisableAfter is how long an endpoint may do nothing but fail.
const DefaultDisableAfter = 5 * 24 * time.Hour

// fewestFailures are needed for an endpoint to be disabled: two failures a week
// apart say little.
const fewestFailures = 5

// health counts what happens at endpoints between two writings, and knows the
// failing ones.
type health struct {
	disableAfter time.Duration

	mu sync.Mutex
	// known has the endpoints that are failing, and those with something to write.
	known map[string]*patient
}

// patient is an endpoint in memory.
type patient struct {
	Endpoint
	// hours is what is not written yet.
	hours map[time.Time]*Traffic
}

func newHealth(disableAfter time.Duration) *health {
	return &health{disableAfter: disableAfter, known: map[string]*patient{}}
}

// remember takes in the endpoints that were failing when the last process ended.
func (h *health) remember(failing []Endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range failing {
		if h.known[e.ID] == nil {
			h.known[e.ID] = &patient{Endpoint: e}
		}
	}
}

// observe counts an attempt. It returns the change that follows, nil for none.
func (h *health) observe(d Delivery, a Attempt) *EndpointChange {
	if d.Endpoint == "" || a.Class == "proxy" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.known[d.Endpoint]
	if e == nil {
		e = &patient{Endpoint: Endpoint{ID: d.Endpoint, Account: d.Account, URL: address(d.Target), Group: d.Group}}
		h.known[d.Endpoint] = e
	}
	e.count(a)
	e.LastStatus, e.LastError = a.Status, a.Error
	if a.Result == Succeeded {
		e.LastSuccess, e.FailingSince, e.Failures = a.EndedAt, time.Time{}, 0
		return nil
	}
	e.LastFailure = a.EndedAt
	e.Failures++
	if e.FailingSince.IsZero() {
		e.FailingSince = a.EndedAt
	}
	switch {
	case a.Status == http.StatusGone:
		return e.disable("It answered 410 Gone", a.EndedAt)
	case e.Failures >= fewestFailures && a.EndedAt.Sub(e.FailingSince) >= h.disableAfter:
		return e.disable(fmt.Sprintf("Every attempt since %s failed, the last with: %s",
			e.FailingSince.UTC().Format(time.RFC3339), a.Error), a.EndedAt)
	}
	return nil
}

func (e *patient) disable(reason string, at time.Time) *EndpointChange {
	// Once it is enabled again it has as long as any other.
	e.FailingSince, e.Failures = time.Time{}, 0
	return &EndpointChange{ID: e.ID, Account: e.Account, URL: e.URL, Group: e.Group, State: Disabled, Reason: reason, At: at}
}

func (e *patient) count(a Attempt) {
	t := e.traffic(a.EndedAt.Truncate(time.Hour))
	switch a.Result {
	case Succeeded:
		t.Succeeded++
	case Unknown:
		t.Unknown++
	default:
		t.Refused++
	}
	if a.Status != 0 {
		t.Latency.Observe(a.EndedAt.Sub(a.StartedAt))
	}
}

// traffic is what is counted for an hour.
func (e *patient) traffic(hour time.Time) *Traffic {
	if e.hours == nil {
		e.hours = map[time.Time]*Traffic{}
	}
	if e.hours[hour] == nil {
		e.hours[hour] = &Traffic{}
	}
	return e.hours[hour]
}

// take returns what is to be written, and forgets endpoints that are well.
func (h *health) take() (tallies []Tally) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, e := range h.known {
		for hour, t := range e.hours {
			tallies = append(tallies, Tally{Endpoint: e.Endpoint, Hour: hour, Traffic: *t})
		}
		e.hours = nil
		if e.Failures == 0 {
			delete(h.known, id)
		}
	}
	return tallies
}

// forget has an endpoint start anew: a decision about it was taken by hand.
func (h *health) forget(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.known[id]; e != nil {
		e.FailingSince, e.Failures = time.Time{}, 0
	}
}

// putBack counts again what could not be written.
func (h *health) putBack(tallies []Tally) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range tallies {
		e := h.known[t.Endpoint.ID]
		if e == nil {
			e = &patient{Endpoint: t.Endpoint}
			h.known[e.ID] = e
		}
		e.traffic(t.Hour).Add(t.Traffic)
	}
}
