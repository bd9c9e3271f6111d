package api_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
)

// TestProofIsRecomputed does with a proof what it says of itself.
func TestProofIsRecomputed(t *testing.T) {
	w := newWorld(t)
	w.plant()
	got := w.call("GET", "/v2/deliveries/"+deliveredID+"/proof", "")
	var p api.Proof
	if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil || len(p.Attempts) != 2 {
		t.Fatalf("%v in %s", err, got.Body)
	}
	_, recipe, ok := strings.Cut(p.Verify, "(RFC 8785): ")
	if !ok {
		t.Fatalf("no recipe in %q", p.Verify)
	}
	recompute := func(document []byte) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "proof.json"), document, 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), "sh", "-c", recipe)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, got.Body.Bytes(), "", "    "); err != nil {
		t.Fatal(err)
	}
	for name, copied := range map[string][]byte{"as sent": got.Body.Bytes(), "indented": indented.Bytes()} {
		if digest := recompute(copied); digest != p.Digest {
			t.Errorf("%s: %s, want %s", name, digest, p.Digest)
		}
	}
	altered := bytes.Replace(got.Body.Bytes(), []byte(`"status":503`), []byte(`"status":200`), 1)
	if digest := recompute(altered); digest == p.Digest {
		t.Error("an altered copy has the same digest")
	}
}

// TestNothingPlantedIsShown: what may be secret in a target, and the values of
// headers, are in no reply and no line of the log; a body only where it is asked
// for.
func TestNothingPlantedIsShown(t *testing.T) {
	w := newWorld(t)
	w.plant()
	calls := []struct{ method, target, body string }{
		{"GET", "/v2/deliveries", ""},
		{"GET", "/v2/deliveries?cursor=planted-query", ""},
		{"GET", "/v2/deliveries/" + deliveredID + "/proof", ""},
		{"POST", "/v2/deliveries/" + deliveredID + "/redeliver", ""},
		{"POST", "/v2/deliveries/" + deliveredID + "/redeliver", `{"endpoint":"` + plantedTarget + `"}`},
		{"POST", "/v2/deliveries/" + heldID + "/redeliver", ""},
		{"POST", "/v2/deliveries/" + deliveredID + "/cancel", ""},
		{"POST", "/v2/deliveries/" + retryingID + "/cancel", ""},
		{"POST", "/v2/deliveries/recover", `{"since":"2026-01-01","endpoint":"` + plantedTarget + `"}`},
		{"GET", "/v2/endpoints", ""},
		{"GET", "/v2/endpoints/" + goodEndpoint, ""},
		{"POST", "/v2/endpoints/" + goodEndpoint + "/pause", ""},
		{"POST", "/v2/webhooks/test", `{"endpoint":"` + plantedTarget + `"}`},
		{"POST", "/v2/webhooks/test", `{"endpoint":"https://inside.example.org/?planted-query"}`},
		{"GET", "/.well-known/webhook-keys", ""},
		{"GET", "/metrics", ""},
	}
	for _, c := range calls {
		got := w.call(c.method, c.target, c.body)
		if got.Code >= 500 || strings.Contains(got.Body.String(), "planted") || strings.Contains(got.Body.String(), "cGxhbnRlZ") {
			t.Errorf("%s %s: %d %s", c.method, c.target, got.Code, got.Body)
		}
	}
	// These are for the body and the secrets, and for nothing else.
	detail := w.call("GET", "/v2/deliveries/"+deliveredID, "").Body.String()
	if bare := strings.ReplaceAll(detail, "planted-body", ""); bare == detail || strings.Contains(bare, "planted") {
		t.Errorf("the delivery shows %s", detail)
	}
	for _, path := range []string{"/v2/webhooks/secret", "/v2/webhooks/secret/rotate", "/v2/webhooks/secret/end-overlap"} {
		method := "POST"
		if path == "/v2/webhooks/secret" {
			method = "GET"
		}
		got := w.call(method, path, "")
		if !strings.Contains(got.Body.String(), "whsec_cGxhbnRlZ") || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", path, got.Header(), got.Body)
		}
	}
	w.ring.err = export.Refusal("planned")
	w.call("POST", "/v2/webhooks/secret/rotate", "")
	if log := w.log.String(); strings.Contains(log, "planted") || strings.Contains(log, "cGxhbnRlZ") || strings.Contains(log, "whsec_") {
		t.Errorf("the log shows a secret: %s", log)
	}
}

func TestCaching(t *testing.T) {
	w := newWorld(t)
	w.plant()
	for target, want := range map[string]string{
		"/.well-known/webhook-keys":      "public, max-age=300",
		"/v2/webhooks/secret":            "no-store",
		"/v2/deliveries":                 "no-store",
		"/v2/deliveries/" + deliveredID:  "no-store",
		"/v2/deliveries/dlv_X/proof":     "no-store",
		"/v2/openapi.json":               "no-store",
		"/.well-known/webhook-keys/none": "no-store",
	} {
		if got := w.call("GET", target, "").Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func TestNoMetrics(t *testing.T) {
	w := newWorld(t)
	h := checked(t, api.New(api.Options{Projects: w.store, Keys: w.keys, Files: w.files, FileURL: func(key string) string { return key }}))
	for sent, want := range map[string]int{key: 404, "rhk_other": 400} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Authorization", "Bearer "+sent)
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		if got.Code != want {
			t.Errorf("%s: %d %s", sent, got.Code, got.Body)
		}
	}
}

func TestOrderLimits(t *testing.T) {
	w := newWorld(t)
	w.plant()
	target := "/v2/deliveries/" + deliveredID + "/redeliver"
	fits := "\xef\xbb\xbf{}" + strings.Repeat(" ", 64<<10-5)
	for body, want := range map[string]int{fits: 200, fits + " ": 413, "": 200, " \n": 200, "null": 200, `{"endpoint":null}`: 200, "{": 400, "\x00": 400} {
		// Not through the contract, which takes what is no JSON for no body.
		r := httptest.NewRequest("POST", target, strings.NewReader(body))
		r.Header.Set("X-Api-Key", key)
		r.Header.Set("Content-Type", "text/xml")
		got := httptest.NewRecorder()
		w.bare.ServeHTTP(got, r)
		if got.Code != want {
			t.Errorf("%.20q (%d bytes): %d %s", body, len(body), got.Code, got.Body)
		}
	}
}
