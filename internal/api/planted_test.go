package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// What must be seen nowhere but where it is asked for by name.
const (
	plantedTarget = "https://user:planted-password@hooks.example.org/in?token=planted-query#planted-fragment"
	plantedHeader = "planted-header"
	plantedBody   = `{"project":"AAAAAAAAAAAAAAAA","url":"https://video.example.org/files/planted-body/x.mp4"}`
)

const (
	deliveredID = "dlv_01JGJ3T5W4X8Y2Z6A7B9C0D1E1"
	failedID    = "dlv_01JGJ3T5W4X8Y2Z6A7B9C0D1E2"
	runningID   = "dlv_01JGJ3T5W4X8Y2Z6A7B9C0D1E3"
	heldID      = "dlv_01JGJ3T5W4X8Y2Z6A7B9C0D1E4"
	retryingID  = "dlv_01JGJ3T5W4X8Y2Z6A7B9C0D1E5"
)

var (
	goodEndpoint = export.EndpointID(plantedTarget)
	badEndpoint  = export.EndpointID("https://down.example.org/in")
)

// plant fills the log with one delivery of every kind.
func (w *world) plant() {
	now := w.clock.Now().UTC().Truncate(time.Millisecond)
	template := export.Delivery{
		MessageID: "msg_01JGJ3T5W4X8Y2Z6A7B9C0D1E0", Project: "AAAAAAAAAAAAAAAA", Main: true, Type: "webhook", Event: export.MovieCompleted,
		Target: plantedTarget, Group: "https://hooks.example.org:443", Endpoint: goodEndpoint, ContentType: "application/json",
		Headers: map[string]string{"X-Token": plantedHeader}, Body: []byte(plantedBody),
		Timeout: 15 * time.Second, Schedule: []time.Duration{30 * time.Second, 2500 * time.Millisecond},
	}
	add := func(id string, after time.Duration, fill func(d *export.Delivery), attempts ...export.Attempt) {
		d := template
		d.ID, d.CreatedAt, d.Attempts = id, now.Add(after), len(attempts)
		fill(&d)
		w.deliveries.deliveries = append(w.deliveries.deliveries, d)
		w.deliveries.attempts[id] = attempts
	}
	add(deliveredID, 0, func(d *export.Delivery) {
		d.State, d.Failures, d.LastStatus = export.Delivered, 1, 200
	}, refusedAttempt(now), succeededAttempt(now))
	add(failedID, time.Minute, func(d *export.Delivery) {
		d.State, d.Event, d.Schedule, d.Position = export.Failed, export.MovieFailed, nil, 1
		d.Target, d.Endpoint = "https://down.example.org/in", badEndpoint
		d.Failures, d.Message = 1, "The name down.example.org does not exist"
	}, export.Attempt{Number: 1, StartedAt: now, EndedAt: now, Result: export.Refused, Class: "dns", Error: "The name down.example.org does not exist"})
	add(runningID, 2*time.Minute, func(d *export.Delivery) {
		d.State, d.Body, d.ContentType = export.Pending, []byte("\xff\x00\xfe"), "application/octet-stream"
	}, export.Attempt{Number: 1, StartedAt: now, Result: export.Open})
	add(heldID, 3*time.Minute, func(d *export.Delivery) {
		d.State, d.Target, d.Endpoint = export.Held, "https://down.example.org/in", badEndpoint
	})
	add(retryingID, 4*time.Minute, func(d *export.Delivery) {
		d.State, d.Project, d.Event, d.NextAt = export.Retrying, "", export.EndpointDisabled, now.Add(time.Hour)
	})
	w.plantEndpoints(now)
}

func refusedAttempt(now time.Time) export.Attempt {
	return export.Attempt{
		Number: 1, StartedAt: now, EndedAt: now.Add(42 * time.Millisecond), Result: export.Refused,
		Status: 503, Class: "http", Error: "The endpoint answered 503 Service Unavailable", RetryAfter: 90 * time.Second,
		Peer: export.Peer{Address: "203.0.113.7:443", TLS: "TLS 1.3", Fingerprint: "ab12",
			DNS: 1234 * time.Microsecond, Connect: 2 * time.Millisecond, Handshake: 3 * time.Millisecond, FirstByte: 4567890 * time.Nanosecond},
		Request: http.Header{"Content-Type": {"application/json"}, "X-Token": {"(redacted)"}, "Webhook-Id": {"msg_01JGJ3T5W4X8Y2Z6A7B9C0D1E0"},
			"Webhook-Timestamp": {"1767323045"}, "Webhook-Signature": {"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="}},
		Headers: http.Header{"Retry-After": {"90"}, "X-Odd": {"a\xffb"}},
		Answer:  []byte("busy \u2028 \"é\" \\u2028 \x7f <\xc3"), Cut: true, // within a character
	}
}

func succeededAttempt(now time.Time) export.Attempt {
	return export.Attempt{
		Number: 2, StartedAt: now.Add(90 * time.Second), EndedAt: now.Add(90*time.Second + 5*time.Millisecond), Result: export.Succeeded, Status: 200,
		Peer:   export.Peer{Address: "203.0.113.7:443", TLS: "TLS 1.3", Fingerprint: "ab12", FirstByte: time.Millisecond, Reused: true},
		Answer: []byte{0xff, 0xfe},
	}
}

func (w *world) plantEndpoints(now time.Time) {
	good := export.Endpoint{ID: goodEndpoint, URL: "https://hooks.example.org/in", State: export.Enabled, FirstAt: now, LastSuccess: now.Add(time.Minute),
		LastFailure: now, LastStatus: 200, Traffic: export.Traffic{Succeeded: 3, Refused: 1}}
	for range 4 {
		good.Traffic.Latency.Observe(12 * time.Millisecond)
	}
	bad := export.Endpoint{ID: badEndpoint, URL: "https://down.example.org/in", State: export.Paused, Reason: "It moves house", ChangedAt: now,
		FirstAt: now, LastFailure: now, FailingSince: now, Failures: 1, LastError: "The name down.example.org does not exist", Held: 1}
	w.deliveries.known = []export.Endpoint{good, bad}
	if bad.ID < good.ID {
		w.deliveries.known = []export.Endpoint{bad, good}
	}
}

// These happen in the scenarios of the delivery log. PLANT fills it; the others
// tell what its parts were asked for.
func init() {
	maps.Copy(happenings, map[string]func(t *testing.T, w *world, args []string) string{
		"PLANT": func(_ *testing.T, w *world, _ []string) string { w.plant(); return "planted" },
		"ASKED": func(_ *testing.T, w *world, _ []string) string { return fmt.Sprintf("%+v", w.deliveries.asked) },
		"SINCE": func(_ *testing.T, w *world, _ []string) string { return w.deliveries.since.String() },
		"RECOVERY": func(_ *testing.T, w *world, args []string) string {
			return fmt.Sprintf("%+v", w.deliveries.recoveries[args[0]].Filter)
		},
		"GO-ON": func(t *testing.T, w *world, args []string) string {
			r, err := w.deliveries.GoOn(t.Context(), args[0], 1, w.clock.Now())
			return fmt.Sprint(r.Done, " ", err)
		},
		"TESTED":  func(_ *testing.T, w *world, _ []string) string { return w.hooks.tested },
		"ROTATED": func(_ *testing.T, w *world, _ []string) string { return w.ring.asked },
		"OPENAPI": func(t *testing.T, w *world, _ []string) string { return outline(t, w) },
	})
}

// outline is the shape of the document: every operation with its parameters and
// what it answers.
func outline(t *testing.T, w *world) string {
	type operation struct {
		OperationID string `json:"operationId"`
		Parameters  []any
		Responses   map[string]any
	}
	var document struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(w.call("GET", "/v2/openapi.json", "", "x-api-key", "").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	lines := []string{"openapi " + document.OpenAPI}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			var o operation
			if json.Unmarshal(document.Paths[path][method], &o) != nil {
				continue // the parameters of all
			}
			answers := strings.Join(slices.Sorted(maps.Keys(o.Responses)), " ")
			lines = append(lines, fmt.Sprintf("%s %s: %s, %d parameters, %s", strings.ToUpper(method), path, o.OperationID, len(o.Parameters), answers))
		}
	}
	return strings.Join(lines, "\n")
}
