package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/webhook"
)

// lost is a movie that cannot be rendered, so that its exports run at once.
const lost = `{"scenes":[{"elements":[{"type":"image"}]}],"exports":[{"destinations":[%s]}]}`

// eventually asks again until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		}
	}
}

// fetch gets a page, with the API key.
func fetch(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", url, resp.Status, err, body)
	}
	return body
}

// TestEvents has a webhook that asks for every event, and verifies each with the
// public key alone.
func TestEvents(t *testing.T) {
	a, c := server(t, nil)
	var keys struct{ Keys []struct{ Key string } }
	if err := json.Unmarshal(fetch(t, a.URL()+"/.well-known/webhook-keys"), &keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("%v, keys %+v", err, keys)
	}
	public, err := webhook.ParsePublicKey(keys.Keys[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	rc, other := receive(t, nil), receive(t, nil)
	id := submit(t, c, fmt.Sprintf(quick, fmt.Sprintf(`{"type":"webhook","endpoint":%q,"events":%q},{"type":"webhook","endpoint":%q}`,
		rc.URL+"/all", strings.Join(export.Events(), ","), other.URL)))
	exported(t, c, id)
	bodies := map[string]map[string]any{}
	eventually(t, "export.completed comes", func() bool {
		for _, h := range rc.got() {
			if err := webhook.Verify(h.header, h.body, public); err != nil {
				t.Fatal(err)
			}
			bodies[h.header.Get("webhook-event")] = verified(t, h)
		}
		return bodies[export.ExportCompleted] != nil && bodies[export.MovieProgress] != nil
	})
	for event, body := range bodies {
		if body["project"] != id || body["id"] != "mine" || body["client-data"].(map[string]any)["order_id"] != "ord_42" {
			t.Errorf("%s: %v", event, body)
		}
	}
	if bodies[export.MovieStarted]["status"] != "running" || bodies[export.MovieCompleted]["status"] != "done" || bodies[export.MovieFailed] != nil {
		t.Errorf("got %v", bodies)
	}
	outcomes := bodies[export.ExportCompleted]["exports"].([]any)
	if len(outcomes) != 2 || outcomes[1].(map[string]any)["status"] != "delivered" {
		t.Errorf("outcomes are %v", outcomes)
	}
	if got := other.got(); len(got) != 1 || got[0].header.Get("webhook-event") != export.MovieCompleted || got[0].header.Get("traceparent") == "" {
		t.Errorf("the other webhook got %d", len(got))
	}
}

// TestReplay has a delivery given up, looks at its log, and sends it again.
func TestReplay(t *testing.T) {
	_, c := server(t, nil)
	rc := receive(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n < 3 {
			http.Error(w, "not now", http.StatusInternalServerError)
		}
	})
	elsewhere := receive(t, nil)
	id := submit(t, c, fmt.Sprintf(lost, fmt.Sprintf(`{"type":"webhook","endpoint":%q,"retries":0,"headers":{"X-Token":"hunter2"}}`, rc.URL+"/hook?token=hunter2")))
	exported(t, c, id)
	list, err := c.Deliveries(t.Context(), api.Query{Status: []string{"failed"}, Project: id})
	if err != nil || len(list.Deliveries) != 1 || list.Deliveries[0].Attempts != 1 {
		t.Fatalf("%v, %+v", err, list)
	}
	dlv := list.Deliveries[0].ID
	settled := func(status string) api.DeliveryDetail {
		var d api.DeliveryDetail
		eventually(t, dlv+" is "+status, func() bool {
			if d, err = c.Delivery(t.Context(), dlv); err != nil {
				t.Fatal(err)
			}
			return d.Status == status
		})
		return d
	}
	if _, err := c.Redeliver(t.Context(), dlv, ""); err != nil { // fails once more
		t.Fatal(err)
	}
	eventually(t, "it came again", func() bool { return len(rc.got()) == 2 })
	settled("failed")
	order := api.RecoverOrder{Since: time.Now().Add(-time.Hour).Format(time.RFC3339)}
	began, err := c.Recover(t.Context(), order)
	if err != nil || began.Count != 1 {
		t.Fatalf("%v, %+v", err, began)
	}
	d := settled("delivered")
	eventually(t, "the recovery ends", func() bool {
		r, err := c.Recovery(t.Context(), began.Recovery)
		return err == nil && r.EndedAt != nil && r.Done == 1
	})
	if len(d.Log) != 3 || d.Log[0].Answer != "not now\n" || d.Log[0].Address != strings.TrimPrefix(rc.URL, "http://") || d.Log[2].Result != "succeeded" {
		t.Errorf("log %+v", d.Log)
	}
	if _, err := c.Redeliver(t.Context(), dlv, elsewhere.URL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it came elsewhere", func() bool { return len(elsewhere.got()) == 1 })
	first := rc.got()[0]
	for _, h := range append(rc.got(), elsewhere.got()...) {
		if verified(t, h); h.header.Get("webhook-id") != first.header.Get("webhook-id") || string(h.body) != string(first.body) {
			t.Errorf("%s with %s", h.header.Get("webhook-id"), h.body)
		}
	}
	if elsewhere.got()[0].header.Get("X-Token") != "" || first.header.Get("X-Token") != "hunter2" {
		t.Error("the client's headers went elsewhere, or not where they should")
	}
	proof, err := c.Proof(t.Context(), dlv)
	shown, _ := json.Marshal(d)
	if err != nil || !strings.Contains(string(proof), `"digest"`) || strings.Contains(string(proof)+string(shown), "hunter2") {
		t.Errorf("%v: %s\n%s", err, proof, shown)
	}
}

// TestPausedEndpoint holds that what cannot be sent is kept, and goes out when the
// endpoint is enabled.
func TestPausedEndpoint(t *testing.T) {
	_, c := server(t, nil)
	rc := receive(t, nil)
	hook := fmt.Sprintf(lost, fmt.Sprintf(`{"type":"webhook","endpoint":%q},{"type":"webhook","endpoint":%q}`, rc.URL+"/paused", rc.URL+"/not"))
	exported(t, c, submit(t, c, hook))
	var paused api.Endpoint
	eventually(t, "both endpoints are known", func() bool {
		list, err := c.Endpoints(t.Context(), api.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Endpoints {
			if strings.HasSuffix(e.URL, "/paused") {
				paused = e
			}
		}
		return len(list.Endpoints) == 2 && paused.SuccessRate != nil && *paused.SuccessRate == 1 && paused.P50 != nil
	})
	if _, err := c.SetEndpoint(t.Context(), paused.ID, export.Paused, api.EnableOrder{Reason: "deploying"}); err != nil {
		t.Fatal(err)
	}
	m := until(t, c, submit(t, c, hook), "held", func(m api.Movie) bool {
		d := m.Exports[0].Destinations
		return d[0].Status == "held" && d[1].Status == "delivered" // nobody waits for it
	})
	if n := len(rc.got()); n != 3 {
		t.Errorf("%d webhooks came", n)
	}
	change, err := c.SetEndpoint(t.Context(), paused.ID, export.Enabled, api.EnableOrder{Send: true})
	if err != nil || change.Held != 1 || change.Recovery == nil {
		t.Fatalf("%v, %+v", err, change)
	}
	until(t, c, m.Project, "delivered", func(m api.Movie) bool { return m.Exports[0].Destinations[0].Status == "delivered" })
}

// TestOperator holds that a 410 disables its endpoint, and that the operator is
// told, in the log and by a webhook.
func TestOperator(t *testing.T) {
	operator := receive(t, nil)
	a, c := server(t, func(o *app.Options) { o.OperatorWebhook = operator.URL })
	gone := receive(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusGone) })
	exported(t, c, submit(t, c, fmt.Sprintf(lost, fmt.Sprintf(`{"type":"webhook","endpoint":%q}`, gone.URL))))
	id := submit(t, c, fmt.Sprintf(lost, fmt.Sprintf(`{"type":"webhook","endpoint":%q}`, gone.URL)))
	until(t, c, id, "held", func(m api.Movie) bool { return len(m.Exports) > 0 && m.Exports[0].Destinations[0].Status == "held" })
	list, err := c.Deliveries(t.Context(), api.Query{Status: []string{"held"}})
	if err != nil || len(list.Deliveries) != 1 || len(gone.got()) != 1 {
		t.Fatalf("%v, %+v", err, list)
	}
	if _, err := c.Redeliver(t.Context(), list.Deliveries[0].ID, ""); err == nil || !strings.Contains(err.Error(), "/enable") {
		t.Errorf("redelivered to a disabled endpoint: %v", err)
	}
	told := map[string]bool{}
	eventually(t, "the operator is told", func() bool {
		for _, h := range operator.got() {
			told[verified(t, h)["type"].(string)] = true
		}
		return told[export.EndpointDisabled] && told[export.DeliveryExhausted]
	})
	metrics := string(fetch(t, a.URL()+"/metrics"))
	for _, want := range []string{`reelhook_operator_events_total{type="endpoint.disabled"} 1`, `reelhook_attempts_total{class="http",result="failed"} 1`, "reelhook_jobs_due"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not hold %s", want)
		}
	}
}

// TestRotation changes the stored secret: for a while both sign.
func TestRotation(t *testing.T) {
	_, c := server(t, func(o *app.Options) { o.WebhookSecrets = nil })
	rc := receive(t, nil)
	secrets := func() (all []webhook.Verifier) {
		s, err := c.Secret(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range s.Secrets {
			parsed, err := webhook.ParseSecret(one.Secret)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, parsed)
		}
		return all
	}
	next := func() hook {
		n := len(rc.got())
		exported(t, c, submit(t, c, fmt.Sprintf(lost, fmt.Sprintf(`{"type":"webhook","endpoint":%q}`, rc.URL))))
		return rc.got()[n]
	}
	old := secrets()[0]
	if _, err := c.RotateSecret(t.Context(), api.RotateOrder{}); err != nil {
		t.Fatal(err)
	}
	fresh := secrets()[0]
	h := next()
	for _, s := range []webhook.Verifier{old, fresh} {
		if err := webhook.Verify(h.header, h.body, s); err != nil {
			t.Errorf("during the overlap: %v", err)
		}
	}
	if _, err := c.EndOverlap(t.Context()); err != nil {
		t.Fatal(err)
	}
	h = next()
	if webhook.Verify(h.header, h.body, old) == nil || webhook.Verify(h.header, h.body, fresh) != nil {
		t.Error("the old secret signs after the overlap, or the new one does not")
	}
}

// TestTryOut sends a sample, and does a dry run of one.
func TestTryOut(t *testing.T) {
	a, c := server(t, nil)
	rc := receive(t, nil)
	tested, err := c.TestWebhook(t.Context(), api.TestOrder{Endpoint: rc.URL, Status: "error"})
	if err != nil || tested.Attempt.Result != "succeeded" || len(rc.got()) != 1 || verified(t, rc.got()[0])["status"] != "error" {
		t.Fatalf("%v, %+v", err, tested)
	}
	if d, err := c.Delivery(t.Context(), tested.Delivery.ID); err != nil || d.Status != "delivered" || len(d.Log) != 1 {
		t.Errorf("%v: the log has %+v", err, d)
	}
	dry, err := c.TestWebhook(t.Context(), api.TestOrder{Endpoint: rc.URL, DryRun: true})
	if err != nil || dry.Attempt.Address == "" || dry.Attempt.RequestHeaders.Get("webhook-signature") == "" || len(rc.got()) != 1 {
		t.Errorf("%v, %+v, %d came", err, dry.Attempt, len(rc.got()))
	}
	if list, err := c.Endpoints(t.Context(), api.Query{}); err != nil || len(list.Endpoints) != 0 {
		t.Errorf("tests count: %+v, %v", list, err)
	}
	if _, err := c.TestWebhook(t.Context(), api.TestOrder{Endpoint: "http://169.254.169.254/"}); err == nil {
		t.Error("a test went inside")
	}
	var doc struct{ Paths map[string]any }
	if err := json.Unmarshal(fetch(t, a.URL()+"/v2/openapi.json"), &doc); err != nil || doc.Paths["/v2/deliveries"] == nil {
		t.Errorf("the OpenAPI document: %v", err)
	}
}
