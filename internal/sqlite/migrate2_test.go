package sqlite

import (
	"net/http"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
	"github.com/reelhook/reelhook/internal/signing"
)

func TestMigration2KeepsProjects(t *testing.T) {
	db := version2(t)
	want := []project.Project{
		{ID: "m3", Status: project.Failed, Message: "no source", FileKey: "m3/key", Starts: 1, Source: []byte("{}"),
			CreatedAt: at(4000), StartedAt: at(4100), EndedAt: at(4200), DeletedAt: at(4300)},
		{ID: "m2", Status: project.Pending, FileKey: "m2/key", Starts: 2, Source: []byte("{}"), CreatedAt: at(4000)},
		{ID: "m1", Status: project.Done, MovieID: "movie", FileKey: "m1/key", Starts: 1, Source: []byte("\x00\xff"), ClientData: []byte(`{"x":1}`),
			Warnings: []movie.Fault{{Path: "a", Message: "b"}}, CreatedAt: at(1000), StartedAt: at(2000), EndedAt: at(3000),
			Result: project.Result{File: "m1/key", Duration: 1.5, Size: 10, Width: 20, Height: 30}},
	}
	listed, _, err := db.List(t.Context(), project.Page{Limit: 10, Sources: 1000})
	same(t, "list", listed, err, want)
	destinations, err := db.Destinations(t.Context(), "m1", "m2")
	same(t, "destinations", destinations, err, map[string][]project.Destination{
		"m1": {{Type: "webhook", Status: "retrying", Attempts: 1, LastStatus: 503, Message: "answered 503", Delivery: "dlv_02RETRYING"},
			{Position: 1, Type: "ftp", Status: "failed", Message: "not supported"},
			{Export: 1, Type: "webhook", Status: "delivered", Attempts: 3, LastStatus: 204, Delivery: "dlv_02CLEANED"}},
		"m2": {{Type: "webhook", Status: "pending"}},
	})
	again := want[2]
	again.ID, again.CreatedAt = "m4", at(4500)
	stored, created, err := db.Create(t.Context(), again, nil, &project.Idempotency{Key: "k"})
	same(t, "project of an old idempotency key", stored, err, want[2])
	same(t, "created", created, nil, false)
}

// migrated2 are the deliveries of testdata/v2.sql, newest first as the log has
// them.
func migrated2() []export.Delivery {
	return []export.Delivery{
		{ID: "dlv_02RETRYING", MessageID: "msg_02RETRYING", Project: "m1", Main: true, Type: "webhook", Event: "movie.completed",
			Target: "https://u:p@a.example/?k=1", Group: "https://a.example:443", Endpoint: "ep_a", ContentType: "application/json",
			Headers: map[string]string{"Authorization": "Bearer 1"}, Timeout: 15 * time.Second, Schedule: export.DefaultSchedule(),
			State: export.Retrying, Attempts: 1, Failures: 1, LastStatus: 503, Message: "answered 503", CreatedAt: at(3000), NextAt: at(9000), Body: []byte("\x00\xff\x01")},
		{ID: "dlv_02OPEN", MessageID: "msg_other", Project: "m1", Export: 1, Position: 1, Type: "webhook", Event: "movie.started",
			Target: "https://a.example/x", Group: "https://a.example:443", Endpoint: "ep_a", ContentType: "text/plain", Timeout: 1,
			Schedule: []time.Duration{1500 * time.Millisecond, 2 * time.Second}, Droppable: true, Remaining: 1,
			State: export.Running, Attempts: 1, CreatedAt: at(3000), NextAt: at(3000)},
		{ID: "dlv_02HELD", MessageID: "msg_02HELD", Type: "webhook", Event: "delivery.exhausted", Target: "https://b.example/", Group: "https://b.example:443",
			Endpoint: "ep_b", ContentType: "application/json", Timeout: 15 * time.Second, State: export.Held, Message: "Held", CreatedAt: at(3000), Body: []byte("{}")},
		{ID: "dlv_02FAILED", MessageID: "msg_02FAILED", Project: "m3", Main: true, Type: "webhook", Event: "movie.failed", Target: "https://b.example/",
			Group: "https://b.example:443", Endpoint: "ep_b", ContentType: "application/json", Timeout: 15 * time.Second,
			State: export.Failed, Attempts: 1, Failures: 1, LastStatus: 404, Message: "gave up", CreatedAt: at(3000), Body: []byte("{}")},
	}
}

func TestMigration2KeepsTheLog(t *testing.T) {
	db := version2(t)
	var lines []export.Delivery
	for _, want := range migrated2() {
		got, err := db.Delivery(t.Context(), want.ID)
		same(t, want.ID, got, err, want)
		want.Body = nil
		lines = append(lines, want)
	}
	found, _, err := db.Deliveries(t.Context(), export.Page{Limit: 10})
	same(t, "log", found, err, lines)
	// The indexes were made again, and are used.
	for _, f := range []export.Filter{{Endpoint: "ep_b"}, {Endpoint: "ep_b", States: []export.State{export.Held, export.Failed}}, {States: []export.State{export.Held, export.Failed}}} {
		found, _, err := db.Deliveries(t.Context(), export.Page{Filter: f, Limit: 10})
		same(t, "chosen", found, err, lines[2:])
	}
	log, err := db.Attempts(t.Context(), "dlv_02RETRYING")
	same(t, "attempts", log, err, []export.Attempt{{Delivery: "dlv_02RETRYING", Number: 1, StartedAt: at(3000), EndedAt: at(3500), Result: export.Refused, Status: 503,
		Class: "http", Error: "answered 503", Cut: true, RetryAfter: 90, Gone: true, Answer: []byte("no"), Request: http.Header{}, Headers: http.Header{},
		Peer: export.Peer{Address: "192.0.2.1:443", TLS: "TLS 1.3", Fingerprint: "00ff", DNS: time.Microsecond, Connect: 2 * time.Microsecond,
			Handshake: 3 * time.Microsecond, FirstByte: 4 * time.Microsecond}}})
	d, a, err := db.OpenAttempt(t.Context(), "dlv_02OPEN", at(10_000))
	same(t, "what was open goes on", []any{d.Body, d.MessageID, a.Number}, err, []any{[]byte(nil), "msg_other", 2})
	jobs, err := db.Jobs(t.Context(), export.Deliver, queue.Job{}, 10)
	same(t, "jobs", jobs, err, []queue.Job{
		{ID: 12, Kind: export.Deliver, Key: "dlv_02OPEN", Group: "https://a.example:443", RunAt: at(3000), Faults: 3},
		{ID: 11, Kind: export.Deliver, Key: "dlv_02RETRYING", Group: "https://a.example:443", RunAt: at(9000), Retry: true}})
	r, err := db.GoOn(t.Context(), "rec_1", 10, at(10_000))
	same(t, "a recovery goes on", r, err, export.Recovery{ID: "rec_1", Filter: export.Filter{States: []export.State{export.Failed}, Endpoint: "ep_b"},
		Total: 3, Done: 1, CreatedAt: at(5000), EndedAt: at(10_000)})
}

func TestMigration2KeepsTheRest(t *testing.T) {
	db := version2(t)
	endpoints, _, err := db.Endpoints(t.Context(), "", at(0), "", 10)
	traffic := export.Traffic{Succeeded: 5, Refused: 6, Unknown: 7}
	same(t, "endpoints", endpoints, err, []export.Endpoint{
		{ID: "ep_a", URL: "https://a.example/", Group: "https://a.example:443", State: export.Enabled, FirstAt: at(1000), LastSuccess: at(2000),
			LastFailure: at(3000), FailingSince: at(3000), Failures: 1, LastStatus: 503, LastError: "answered 503", Traffic: traffic},
		{ID: "ep_b", URL: "https://b.example/", Group: "https://b.example:443", State: export.Paused, Reason: "by hand", ChangedAt: at(2500),
			FirstAt: at(1000), LastFailure: at(2000), LastStatus: 500, LastError: "no", Held: 1}})
	keys, err := db.SigningKeys(t.Context(), "")
	same(t, "signing keys", keys, err, []signing.Key{{ID: "key_new", Kind: signing.V1a, Text: "whsk_x", CreatedAt: at(2000)},
		{ID: "key_old", Kind: signing.V1, Text: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CreatedAt: at(1000), ExpiresAt: at(9000)}})
	apiKeys, err := db.Keys(t.Context())
	same(t, "API keys", apiKeys, err, []account.Key{{ID: "key_0000000000000000", Role: account.Admin, CreatedAt: at(1000)},
		{ID: "key_ff00000000000000", Hash: account.Hash{0xff}, Role: account.Admin, CreatedAt: at(2000)}})
}
