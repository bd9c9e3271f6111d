package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// foreign is a call of one account about what another has: target and body have
// %s where its id stands, which is of a kind.
type foreign struct{ kind, target, body string }

// foreignCalls has every operation that needs a key, by its path in the document
// with * for parameters; those without a kind name nothing.
var foreignCalls = map[string]foreign{
	"GET /v2/movies":                       {"movie", "/v2/movies?project=%s", ""},
	"POST /v2/movies":                      {"", "/v2/movies", `{"scenes":[{}]}`},
	"DELETE /v2/movies":                    {"movie", "/v2/movies?project=%s", ""},
	"GET /v2/movies/*":                     {"movie", "/v2/movies/%s", ""},
	"GET /v2/movies/*/events":              {"movie", "/v2/movies/%s/events", ""},
	"GET /v2/account":                      {"", "/v2/account", ""},
	"GET /v2/deliveries":                   {"movie", "/v2/deliveries?project=%s", ""},
	"POST /v2/deliveries/recover":          {"endpoint", "/v2/deliveries/recover", `{"since":"2026-01-01","endpoint":"%s"}`},
	"GET /v2/deliveries/*":                 {"delivery", "/v2/deliveries/%s", ""},
	"GET /v2/deliveries/*/proof":           {"delivery", "/v2/deliveries/%s/proof", ""},
	"POST /v2/deliveries/*/redeliver":      {"delivery", "/v2/deliveries/%s/redeliver", `{"endpoint":"https://thief.example.org/"}`},
	"POST /v2/deliveries/*/cancel":         {"delivery", "/v2/deliveries/%s/cancel", ""},
	"GET /v2/recoveries/*":                 {"recovery", "/v2/recoveries/%s", ""},
	"GET /v2/endpoints":                    {"", "/v2/endpoints", ""},
	"GET /v2/endpoints/*":                  {"endpoint", "/v2/endpoints/%s", ""},
	"POST /v2/endpoints/*/enable":          {"endpoint", "/v2/endpoints/%s/enable", `{"send":true}`},
	"POST /v2/endpoints/*/pause":           {"endpoint", "/v2/endpoints/%s/pause", ""},
	"POST /v2/endpoints/*/disable":         {"endpoint", "/v2/endpoints/%s/disable", ""},
	"POST /v2/movies/validate":             {"", "/v2/movies/validate", `{"scenes":[{}]}`},
	"POST /v2/webhooks/test":               {"", "/v2/webhooks/test", `{"endpoint":"https://own.example.org/"}`},
	"GET /v2/webhooks/secret":              {"", "/v2/webhooks/secret", ""},
	"POST /v2/webhooks/secret/rotate":      {"", "/v2/webhooks/secret/rotate", ""},
	"POST /v2/webhooks/secret/end-overlap": {"", "/v2/webhooks/secret/end-overlap", ""},
	"GET /v2/connections":                  {"", "/v2/connections", ""},
	"POST /v2/connections":                 {"", "/v2/connections", `{"id":"own","type":"webhook"}`},
	"GET /v2/connections/*":                {"connection", "/v2/connections/%s", ""},
	"PUT /v2/connections/*":                {"connection", "/v2/connections/%s", `{"type":"webhook","endpoint":"https://thief.example.org/"}`},
	"DELETE /v2/connections/*":             {"connection", "/v2/connections/%s", ""},
	"POST /v2/connections/*/test":          {"connection", "/v2/connections/%s/test", ""},
	"POST /v2/connections/*/rotate":        {"connection", "/v2/connections/%s/rotate", ""},
	"POST /v2/master-key/rotate":           {"", "/v2/master-key/rotate", ""},
	"GET /v2/keys":                         {"", "/v2/keys", ""},
	"POST /v2/keys":                        {"", "/v2/keys", `{"role":"viewer"}`},
	"DELETE /v2/keys/*":                    {"key", "/v2/keys/%s", ""},
	"GET /metrics":                         {"", "/metrics", ""},
}

// moreForeignCalls are other ways to ask for the same.
var moreForeignCalls = []struct {
	method string
	foreign
}{
	{"GET", foreign{"movie", "/v2/movies?id=%s&format=full", ""}},
	{"GET", foreign{"endpoint", "/v2/deliveries?endpoint=%s", ""}},
	{"POST", foreign{"movie", "/v2/deliveries/recover", `{"since":"2026-01-01","project":"%s"}`}},
	{"POST", foreign{"delivery", "/v2/deliveries/%s/redeliver", ""}},
}

// unknown has an id of every kind that nobody has.
var unknown = map[string]string{
	"movie": "ZZZZZZZZZZZZZZZZ", "delivery": "dlv_01JGJ3T5W4X8Y2Z6A7B9C0D1E9", "endpoint": "ep_aaaaaaaaaaaaaaaa",
	"recovery": "rec_9", "connection": "nobodys", "key": "key_01JGJ3T5W4X8Y2Z6A7B9C0D1E9",
}

// TestAccountsAreApart: to an admin of one account what others have is as what
// there is not, byte for byte, on every route and in both directions; and nothing
// of it is changed.
func TestAccountsAreApart(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Keys(keyedOperations(t))), slices.Sorted(maps.Keys(foreignCalls))); diff != "" {
		t.Fatalf("operations (-document +this test):\n%s", diff)
	}
	// The other way round keys are left out: the default account looks after all.
	for _, c := range []struct{ owner, caller string }{{"", "acme"}, {"acme", "zebra"}, {"acme", ""}} {
		t.Run(fmt.Sprintf("of %s, seen by %s", account.ShowName(c.owner), account.ShowName(c.caller)), func(t *testing.T) {
			w := newWorld(t)
			ids := w.endow(t, c.owner)
			thief := w.key(t, c.caller, account.Admin)
			before := w.everything()
			for _, name := range slices.Sorted(maps.Keys(foreignCalls)) {
				method, _, _ := strings.Cut(name, " ")
				if call := foreignCalls[name]; call.kind != "" && (call.kind != "key" || c.caller != "") {
					w.wantApart(t, thief, method, call, ids[call.kind])
				}
			}
			for _, call := range moreForeignCalls {
				w.wantApart(t, thief, call.method, call.foreign, ids[call.kind])
			}
			if diff := cmp.Diff(before, w.everything()); diff != "" {
				t.Errorf("changed (-before +after):\n%s", diff)
			}
			w.wantNothing(t, thief, c.caller)
		})
	}
}

// keyedOperations are those of the document that need a key.
func keyedOperations(t *testing.T) map[string]bool {
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(servedDocument(), &document); err != nil {
		t.Fatal(err)
	}
	keyed := map[string]bool{}
	for path, item := range document.Paths {
		for method, operation := range item {
			if method != "parameters" && !strings.Contains(string(operation), `"security":[]`) {
				keyed[strings.ToUpper(method)+" "+parameter.ReplaceAllString(path, "*")] = true
			}
		}
	}
	return keyed
}

// endow gives an account one of everything and returns the ids.
func (w *world) endow(t *testing.T, owner string) map[string]string {
	w.plant()
	for i := range w.deliveries.deliveries {
		w.deliveries.deliveries[i].Account = owner
	}
	for i := range w.deliveries.known {
		w.deliveries.known[i].Account = owner
	}
	own := w.key(t, owner, account.Admin)
	id := w.submit(t, `{"scenes":[{}],"client-data":{"planted":1}}`, "x-api-key", own)
	if _, err := w.store.change(id, func(p *project.Project) {
		p.Status, p.Result = project.Done, project.Result{File: p.FileKey, Thumbnail: p.ThumbnailKey()}
		w.files.put(p.FileKey, "planted-movie", w.clock.Now())
	}); err != nil {
		t.Fatal(err)
	}
	for i := range w.deliveries.deliveries {
		w.deliveries.deliveries[i].Project = id
	}
	if got := w.call("POST", "/v2/deliveries/recover", `{"since":"2026-01-01"}`, "x-api-key", own); got.Code != 200 {
		t.Fatal(got.Body)
	}
	if got := w.call("POST", "/v2/connections", `{"id":"planted","type":"webhook","endpoint":"https://planted.example.org/"}`, "x-api-key", own); got.Code != 200 {
		t.Fatal(got.Body)
	}
	caller, _ := w.keys.Caller(own)
	return map[string]string{"movie": id, "delivery": failedID, "endpoint": badEndpoint, "recovery": "rec_1", "connection": "planted", "key": caller.Key}
}

// key makes an API key.
func (w *world) key(t *testing.T, owner string, role account.Role) string {
	t.Helper()
	_, text, err := w.keys.Create(t.Context(), account.Caller{Role: account.Admin}, account.Key{Account: owner, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// everything is a copy of all that may be changed, but for recoveries: theirs
// are begun, over nothing.
func (w *world) everything() []any {
	return []any{
		slices.Clone(w.store.projects), maps.Clone(w.files.kept)[w.store.projects[0].FileKey].body, slices.Clone(w.deliveries.deliveries),
		maps.Clone(w.vault.store.Rows), slices.Clone(w.deliveries.known), w.deliveries.recoveries["rec_1"], slices.Clone(w.keyTable.kept), slices.Clone(w.cancelled),
	}
}

// wantApart calls with the id of what another account has, and with one that
// nobody has, and wants the same answer.
func (w *world) wantApart(t *testing.T, key, method string, call foreign, id string) {
	t.Helper()
	ask := func(id string) string {
		target, body := strings.ReplaceAll(call.target, "%s", id), strings.ReplaceAll(call.body, "%s", id)
		got := w.call(method, target, body, "x-api-key", key)
		text := strings.ReplaceAll(got.Body.String(), id, "ID")
		return fmt.Sprint(got.Code, " ", recoveryID.ReplaceAllString(text, `"REC"`))
	}
	theirs, nobodys := ask(id), ask(unknown[call.kind])
	if theirs != nobodys || strings.Contains(theirs, "planted") {
		t.Errorf("%s %s %s\nwhat another has: %s\nwhat nobody has:  %s", method, call.target, call.body, theirs, nobodys)
	}
	if strings.HasPrefix(theirs, "200") && !strings.Contains(theirs, `"deliveries":[]`) && !strings.Contains(theirs, `"count":0`) {
		t.Errorf("%s %s %s: %s", method, call.target, call.body, theirs)
	}
}

// wantNothing holds that lists are empty, and tests and movies the caller's own.
func (w *world) wantNothing(t *testing.T, key, caller string) {
	t.Helper()
	for target, list := range map[string]string{"/v2/movies": "movies", "/v2/deliveries": "deliveries", "/v2/endpoints": "endpoints", "/v2/connections": "connections"} {
		var reply map[string]json.RawMessage
		got := w.call("GET", target, "", "x-api-key", key)
		if err := json.Unmarshal(got.Body.Bytes(), &reply); err != nil || string(reply[list]) != "[]" {
			t.Errorf("%s: %s", target, got.Body)
		}
	}
	id := w.submit(t, `{"scenes":[{}]}`, "x-api-key", key)
	if p := w.store.projects[len(w.store.projects)-1]; p.ID != id || p.Account != caller {
		t.Errorf("the new movie is of %q, want %q", p.Account, caller)
	}
	if got := w.call("GET", "/v2/movies", "", "x-api-key", key); strings.Count(got.Body.String(), `"project":`) != 1 || !strings.Contains(got.Body.String(), id) {
		t.Errorf("its own list: %s", got.Body)
	}
	var tested api.Tested
	got := w.call("POST", "/v2/webhooks/test", `{"endpoint":"https://own.example.org/"}`, "x-api-key", key)
	if err := json.Unmarshal(got.Body.Bytes(), &tested); err != nil || tested.Delivery.Account != account.ShowName(caller) {
		t.Errorf("a test: %s", got.Body)
	}
	if got := w.call("GET", "/v2/webhooks/secret", "", "x-api-key", key); caller != "" && strings.Contains(got.Body.String(), "whsec_") {
		t.Errorf("the default account's secret: %s", got.Body)
	}
	if got := w.call("POST", "/v2/webhooks/secret/rotate", `{"kinds":["v1"]}`, "x-api-key", key); got.Code != 200 || w.ring.asked != strings.TrimSpace(caller+" v1 24h0m0s") {
		t.Errorf("rotated %q: %s", w.ring.asked, got.Body)
	}
	got = w.call("POST", "/v2/webhooks/secret/rotate", `{"kinds":["v1a"]}`, "x-api-key", key)
	if want := map[bool]int{true: 200, false: 403}[caller == ""]; got.Code != want {
		t.Errorf("the server's key: %d %s", got.Code, got.Body)
	}
	for target, method := range map[string]string{"/metrics": "GET", "/v2/master-key/rotate": "POST"} {
		got = w.call(method, target, "", "x-api-key", key)
		if want := map[bool]int{true: 200, false: 403}[caller == ""]; got.Code != want {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
	// An id is free in one account whatever the others have.
	if got := w.call("POST", "/v2/connections", `{"id":"planted","type":"webhook"}`, "x-api-key", key); got.Code != 200 {
		t.Errorf("a connection: %d %s", got.Code, got.Body)
	}
}

// TestEndpointsOfAccounts: a URL means the caller's own endpoint.
func TestEndpointsOfAccounts(t *testing.T) {
	w := newWorld(t)
	w.call("GET", "/v2/deliveries?endpoint="+"https://example.org/hook", "", "x-api-key", w.key(t, "acme", account.Viewer))
	if want := export.EndpointOf("acme", "https://example.org/hook"); w.deliveries.asked.Endpoint != want || w.deliveries.asked.Account != "acme" {
		t.Errorf("%+v", w.deliveries.asked)
	}
}

// TestIdempotencyKeysOfAccounts: two accounts that choose the same key do not
// meet, and none can name another's.
func TestIdempotencyKeysOfAccounts(t *testing.T) {
	w := newWorld(t)
	acme, zebra := w.key(t, "acme", account.Render), w.key(t, "zebra", account.Render)
	ids := map[string]bool{}
	for i, call := range []struct{ key, header string }{{key, "a"}, {acme, "a"}, {zebra, "a"}, {key, "acme a"}, {key, "acme\ta"}, {acme, "zebra a"}} {
		for range 2 {
			id := w.submit(t, `{"scenes":[{}]}`, "x-api-key", call.key, "Idempotency-Key", call.header)
			if ids[id] = true; len(ids) != i+1 {
				t.Errorf("call %d: %s of %v", i, id, ids)
			}
		}
	}
	for _, call := range []struct {
		key  string
		want int
	}{{acme, http.StatusConflict}, {w.key(t, "fresh", account.Render), http.StatusOK}} {
		if got := w.call("POST", "/v2/movies", `{}`, "x-api-key", call.key, "Idempotency-Key", "a"); got.Code != call.want {
			t.Errorf("another body: %d %s", got.Code, got.Body)
		}
	}
}
