package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentHasEveryRoute: what is served is described, and the other way
// round, with the role that a key needs, "" where none is asked for.
func TestDocumentHasEveryRoute(t *testing.T) {
	served, described := map[string]string{}, map[string]string{}
	s := &server{Options: Options{Metrics: http.NotFoundHandler()}}
	for _, rt := range s.routes() {
		for method, do := range rt.methods {
			name := method + " " + strings.Replace(rt.path, "...}", "}", 1)
			if served[name] = ""; rt.keyed {
				served[name] = do.role.String()
			}
		}
	}
	raw, err := openapiJSON()
	if err != nil {
		t.Fatal(err)
	}
	type security []map[string][]string
	var document struct {
		Security security                              `json:"security"`
		Paths    map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths {
		for method, raw := range item {
			var operation struct{ Security *security }
			if method == "parameters" {
				continue
			}
			if err := json.Unmarshal(raw, &operation); err != nil {
				t.Fatal(err)
			}
			needs := document.Security
			if operation.Security != nil {
				needs = *operation.Security
			}
			name := strings.ToUpper(method) + " " + path
			if described[name] = ""; len(needs) > 0 {
				described[name] = strings.Join(needs[0]["key"], ",")
			}
			if refuses := strings.Contains(string(raw), `"403"`); refuses != (described[name] != "" && described[name] != "viewer" || path == "/metrics") {
				t.Errorf("%s needs the role %q; described with 403: %v", name, described[name], refuses)
			}
		}
	}
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("-served +described\n%s", diff)
	}
}

// TestDocumentExplainsItself: every operation has what a reader looks for.
func TestDocumentExplainsItself(t *testing.T) {
	raw, _ := openapiJSON()
	var document struct {
		Paths    map[string]map[string]json.RawMessage `json:"paths"`
		Webhooks map[string]json.RawMessage            `json:"webhooks"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, item := range document.Paths {
		for method, raw := range item {
			var o struct {
				Summary     string                     `json:"summary"`
				OperationID string                     `json:"operationId"`
				Tags        []string                   `json:"tags"`
				Responses   map[string]json.RawMessage `json:"responses"`
			}
			if method == "parameters" {
				continue
			}
			if err := json.Unmarshal(raw, &o); err != nil || o.Summary == "" || len(o.Tags) != 1 || o.Responses["default"] == nil || ids[o.OperationID] {
				t.Errorf("%s %s: %+v %v", method, path, o, err)
			}
			ids[o.OperationID] = true
		}
	}
	for _, event := range append(events()[:5:5], "operator") {
		if hook := string(document.Webhooks[event]); !strings.Contains(hook, "WebhookSignature") {
			t.Errorf("webhook %s: %s", event, hook)
		}
	}
	if got := slices.Sorted(maps.Keys(document.Webhooks)); len(got) != 6 {
		t.Errorf("webhooks %s", got)
	}
	if regexp.MustCompile(`"<<"|&\w+Fields`).Match(raw) {
		t.Error("there are YAML's own words in the JSON")
	}
}
