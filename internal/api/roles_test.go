package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/account"
)

// needed is the least role that each operation asks for, as section 2 of the
// contract and reason have it; "" asks for no key.
var needed = map[string]string{
	"GET /v2/movies":                       "viewer",
	"POST /v2/movies":                      "render",
	"DELETE /v2/movies":                    "render",
	"GET /v2/movies/{project}":             "viewer",
	"GET /v2/movies/{project}/events":      "viewer",
	"POST /v2/movies/validate":             "render",
	"GET /v2/account":                      "viewer",
	"GET /v2/deliveries":                   "viewer",
	"POST /v2/deliveries/recover":          "render",
	"GET /v2/deliveries/{id}":              "viewer",
	"GET /v2/deliveries/{id}/proof":        "viewer",
	"POST /v2/deliveries/{id}/redeliver":   "render",
	"POST /v2/deliveries/{id}/cancel":      "render",
	"GET /v2/recoveries/{id}":              "viewer",
	"GET /v2/endpoints":                    "viewer",
	"GET /v2/endpoints/{id}":               "viewer",
	"POST /v2/endpoints/{id}/enable":       "manager",
	"POST /v2/endpoints/{id}/pause":        "manager",
	"POST /v2/endpoints/{id}/disable":      "manager",
	"POST /v2/webhooks/test":               "render",
	"GET /v2/webhooks/secret":              "manager",
	"POST /v2/webhooks/secret/rotate":      "admin",
	"POST /v2/webhooks/secret/end-overlap": "admin",
	"GET /v2/connections":                  "manager",
	"POST /v2/connections":                 "manager",
	"GET /v2/connections/{id}":             "manager",
	"PUT /v2/connections/{id}":             "manager",
	"DELETE /v2/connections/{id}":          "manager",
	"POST /v2/connections/{id}/test":       "manager",
	"POST /v2/connections/{id}/rotate":     "manager",
	"POST /v2/master-key/rotate":           "admin",
	"GET /v2/keys":                         "admin",
	"POST /v2/keys":                        "admin",
	"DELETE /v2/keys/{id}":                 "admin",
	"GET /metrics":                         "viewer",
	"GET /v2/openapi.json":                 "",
	"GET /v2/movie.schema.json":            "",
	"GET /.well-known/webhook-keys":        "",
	"GET /files/{key...}":                  "",
	"GET /healthz":                         "",
	"GET /readyz":                          "",
}

// roleKeys has a key for each role: its name. Behind a comma stands its account.
type roleKeys struct{ Keys }

func (roleKeys) Caller(key string) (account.Caller, bool) {
	name, owner, _ := strings.Cut(key, ",")
	role, err := account.ParseRole(name)
	if name == "forgotten" {
		return account.Caller{}, true
	}
	return account.Caller{Role: role, Account: owner}, err == nil
}

// TestRoles asks for every operation with every role, and holds that it gets as
// far as it should: what the operations do is replaced.
func TestRoles(t *testing.T) {
	s := &server{Options: Options{Metrics: http.NotFoundHandler(), Keys: roleKeys{}, Log: slog.New(slog.DiscardHandler), Now: time.Now}, mux: http.NewServeMux()}
	left := map[string]string{}
	for name, role := range needed {
		left[name] = role
	}
	for _, rt := range s.routes() {
		for method, do := range rt.methods {
			want, listed := needed[method+" "+rt.path]
			if delete(left, method+" "+rt.path); !listed || rt.keyed != (want != "") || want != "" && do.role.String() != want {
				t.Errorf("%s %s, with a key: %v, needs the role %v; the table of this test has %q", method, rt.path, rt.keyed, do.role, want)
			}
			rt.methods[method] = operation{do.role, func(*call) (any, error) { return "reached", nil }}
		}
		s.handle(rt)
		for method := range rt.methods {
			tryRoles(t, s, method, rt)
		}
	}
	if len(left) > 0 {
		t.Errorf("these are not served: %v", left)
	}
}

func tryRoles(t *testing.T, s *server, method string, rt route) {
	target := strings.NewReplacer("{id}", "x", "{project}", "x", "{key...}", "a/b").Replace(rt.path)
	want := needed[method+" "+rt.path]
	allowed := want == ""
	for _, role := range []string{"forgotten", "viewer", "render", "editor", "manager", "admin"} {
		allowed = allowed || role == want
		for _, owner := range []string{"", ",acme"} {
			r := httptest.NewRequest(method, target, nil)
			r.Header.Set("X-Api-Key", role+owner)
			got := httptest.NewRecorder()
			s.ServeHTTP(got, r)
			status := http.StatusOK
			if !allowed || rt.whole && owner != "" && role != "forgotten" {
				status = http.StatusForbidden
			}
			if got.Code != status || (status == http.StatusOK) != (got.Body.String() == `"reached"`) {
				t.Errorf("%s %s with the role %s%s: %d %s, want %d", method, target, role, owner, got.Code, got.Body, status)
			}
			if status == http.StatusForbidden {
				wantMessage(t, got.Body.Bytes(), rt, role, want, allowed)
			}
		}
	}
}

// wantMessage holds that a refusal names what the key lacks.
func wantMessage(t *testing.T, body []byte, rt route, role, want string, allowed bool) {
	var f Failure
	if err := json.Unmarshal(body, &f); err != nil {
		t.Fatal(err)
	}
	text := "This needs a key with the role " + want + " or one above it; yours is " + strings.Replace(role, "forgotten", "none", 1)
	if allowed {
		text = rt.path + " is about the whole server; it needs a key of the account default, and yours is of acme"
	}
	if diff := cmp.Diff(text, f.Message); diff != "" {
		t.Errorf("%s: -want +got\n%s", rt.path, diff)
	}
}
