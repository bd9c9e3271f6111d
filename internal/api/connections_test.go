package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/seal"
)

// keep makes a connection and fails the test where it is refused.
func (w *world) keep(t *testing.T, body string) api.ConnectionReply {
	t.Helper()
	var reply api.ConnectionReply
	got := w.call("POST", "/v2/connections", body)
	if err := json.Unmarshal(got.Body.Bytes(), &reply); err != nil || got.Code != 200 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	return reply
}

// resolved is a setting as deliveries get it.
func (w *world) resolved(t *testing.T, owner, id, name string) string {
	t.Helper()
	d, err := w.vault.Resolve(t.Context(), owner, movie.Destination{Fields: map[string]json.RawMessage{"id": json.RawMessage(`"` + id + `"`)}})
	if err != nil {
		t.Fatal(err)
	}
	return d.Secret(name)
}

// TestConnectionOfALife: what the client makes, sees, replaces, rotates and deletes.
func TestConnectionOfALife(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w)
	defer srv.Close()
	c, ctx := api.Client{BaseURL: srv.URL, Key: key}, t.Context()
	made, err := c.CreateConnection(ctx, json.RawMessage(`{"id":"hook","type":"webhook","endpoint":"https://example.org/in","token":"planted-token"}`))
	if err != nil || !strings.HasPrefix(made.Secret, "whsec_") || w.resolved(t, "", "hook", "secret") != made.Secret {
		t.Fatalf("%+v %v", made, err)
	}
	got, err := c.Connection(ctx, "hook")
	if diff := cmp.Diff(api.ConnectionReply{Success: true, Connection: made.Connection}, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	// What GET shows is what PUT takes, and nothing is lost.
	text, err := json.Marshal(got.Connection)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Minute)
	put, err := c.PutConnection(ctx, "hook", text)
	if err != nil || put.Secret != "" || put.Connection.Text("created_at") != "2026-01-02T03:04:05.678Z" || put.Connection.Text("updated_at") != "2026-01-02T03:05:05.678Z" {
		t.Errorf("%+v %v", put, err)
	}
	if token, secret := w.resolved(t, "", "hook", "token"), w.resolved(t, "", "hook", "secret"); token != "planted-token" || secret != made.Secret {
		t.Errorf("the token is now %q, the secret %q", token, secret)
	}
	rotated, err := c.RotateConnection(ctx, "hook", api.SecretOrder{Overlap: "7d"})
	if err != nil || rotated.Secret == made.Secret || rotated.Secret != w.resolved(t, "", "hook", "secret") {
		t.Errorf("%+v %v", rotated, err)
	}
	w.wantSigners(t, "within the overlap", 2, 7*24*time.Hour-time.Millisecond)
	w.wantSigners(t, "after it", 1, time.Millisecond)
	all, err := c.Connections(ctx)
	if diff := cmp.Diff(api.ConnectionList{Success: true, Connections: []api.Connection{rotated.Connection}}, all); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	if key, err := c.RotateMasterKey(ctx); err != nil || key.Resealed != 3 {
		t.Errorf("%+v %v", key, err)
	}
	if _, err := c.DeleteConnection(ctx, "hook"); err != nil {
		t.Error(err)
	}
	_, err = c.Connection(ctx, "hook")
	if f, ok := errors.AsType[*api.Failure](err); !ok || f.Status != 404 || !strings.HasPrefix(err.Error(), "ask for connection hook: Connection hook not found") {
		t.Errorf("deleted: %v", err)
	}
	for _, want := range []string{`"connection created" connection=hook account=default by=key_fixed`, `"connection replaced" connection=hook`,
		`"secret of a connection rotated" connection=hook`, `"connection deleted" connection=hook`, `"master key rotated" secrets=3 by=key_fixed`} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, w.log)
		}
	}
}

// wantSigners holds how many secrets sign after some time.
func (w *world) wantSigners(t *testing.T, when string, want int, after time.Duration) {
	t.Helper()
	w.clock.add(after)
	if i, err := w.vault.Identity(t.Context(), "", "hook"); err != nil || len(i.Signers) != want {
		t.Errorf("%s: %d secrets sign, want %d; %v", when, len(i.Signers), want, err)
	}
}

// TestDeclaredConnections are seen and used, but not changed.
func TestDeclaredConnections(t *testing.T) {
	w := newWorld(t)
	declared, err := connection.Parse([]byte(`{"id":"yaml","type":"sftp","host":"files.example.org","password":"planted"}`))
	if err != nil {
		t.Fatal(err)
	}
	w.vault.open(t, w.clock.Now, declared)
	shown := `{"created_at":null,"declared":true,"host":"files.example.org","id":"yaml","password":"(redacted)","type":"sftp","updated_at":null}`
	if got := w.call("GET", "/v2/connections", ""); got.Body.String() != `{"success":true,"connections":[`+shown+`]}` {
		t.Errorf("listed: %s", got.Body)
	}
	if got := w.call("GET", "/v2/connections/yaml", ""); got.Body.String() != `{"success":true,"connection":`+shown+`}` {
		t.Errorf("shown: %s", got.Body)
	}
	for _, c := range []struct{ method, target, body string }{
		{"POST", "/v2/connections", `{"id":"yaml","type":"sftp","host":"h"}`},
		{"PUT", "/v2/connections/yaml", `{"type":"sftp","host":"h"}`},
		{"DELETE", "/v2/connections/yaml", ""},
		{"POST", "/v2/connections/yaml/rotate", ""},
	} {
		got := w.call(c.method, c.target, c.body)
		if got.Code != 409 || !strings.Contains(got.Body.String(), "Connection yaml is declared in the server's configuration; change it there") {
			t.Errorf("%s %s: %d %s", c.method, c.target, got.Code, got.Body)
		}
	}
}

// TestProbeIsShown: a test that went through, and one that failed at each step.
func TestProbeIsShown(t *testing.T) {
	w := newWorld(t)
	acme := w.key(t, "acme", account.Manager)
	if got := w.call("POST", "/v2/connections", `{"id":"files","type":"sftp","host":"h"}`, "x-api-key", acme); got.Code != 200 {
		t.Fatal(got.Body)
	}
	steps := []string{"connect", "host-key", "login", "folder", "write", "size", "rename", "remove"}
	probe := func() (reply api.ConnectionTest) {
		got := w.call("POST", "/v2/connections/files/test", "{}", "x-api-key", acme)
		if err := json.Unmarshal(got.Body.Bytes(), &reply); err != nil || got.Code != 200 || w.vault.asked != "acme/files" {
			t.Errorf("of %s: %d %s", w.vault.asked, got.Code, got.Body)
		}
		return reply
	}
	w.vault.probed = export.Probed{Type: "sftp", Target: "sftp://h/in", Steps: steps, Took: 1500 * time.Millisecond,
		Peer: export.Peer{Address: "203.0.113.7:22", TLS: "TLS 1.3", Fingerprint: "ab12"}}
	want := api.ConnectionTest{Success: true, OK: true, ID: "files", Type: "sftp", Target: "sftp://h/in", Steps: steps,
		Address: "203.0.113.7:22", TLS: "TLS 1.3", Fingerprint: "ab12", Seconds: 1.5}
	if diff := cmp.Diff(want, probe()); diff != "" {
		t.Errorf("it works: -want +got\n%s", diff)
	}
	want.OK, want.Class, want.Status, want.Message = false, "error", 550, "No such luck"
	for i, step := range steps {
		w.vault.probed.Steps, w.vault.probed.Fault = steps[:i+1], &export.Fault{Step: step, Class: "error", Status: 550, Message: "No such luck"}
		want.Steps, want.FailedStep = steps[:i+1], step
		if diff := cmp.Diff(want, probe()); diff != "" {
			t.Errorf("%s: -want +got\n%s", step, diff)
		}
	}
	// Settings are read before the first step is begun.
	w.vault.probed = export.Probed{Type: "sftp", Fault: &export.Fault{Step: "settings", Class: "error", Message: "Set a host"}}
	want = api.ConnectionTest{Success: true, ID: "files", Type: "sftp", Steps: []string{"settings"}, FailedStep: "settings", Class: "error", Message: "Set a host"}
	if diff := cmp.Diff(want, probe()); diff != "" {
		t.Errorf("settings: -want +got\n%s", diff)
	}
}

// TestWebhookConnectionIsTested: by a made-up event, whose delivery is in the log.
func TestWebhookConnectionIsTested(t *testing.T) {
	w := newWorld(t)
	w.keep(t, `{"id":"hook","type":"webhook","endpoint":"https://example.org/in"}`)
	reached := export.Peer{Address: "203.0.113.7:443", TLS: "TLS 1.3", Fingerprint: "ab12"}
	request := http.Header{"Webhook-Id": {"msg_1"}}
	for _, c := range []struct {
		name    string
		attempt export.Attempt
		want    string
	}{
		{"works", export.Attempt{Result: export.Succeeded, Status: 204, Peer: reached, Request: request},
			`"ok":true,"id":"hook","type":"webhook","target":"https://example.org/in","steps":["settings","connect","tls","send"],"status":204,"address":"203.0.113.7:443","tls":"TLS 1.3","fingerprint":"ab12","delivery":"dlv_TEST","seconds":0.25}`},
		{"an address that is not allowed", export.Attempt{Result: export.Refused, Class: "blocked", Error: "The address is not public"},
			`"ok":false,"id":"hook","type":"webhook","target":"https://example.org/in","steps":["settings"],"failed_step":"settings","class":"blocked","message":"The address is not public","delivery":"dlv_TEST","seconds":0.25}`},
		{"no such host", export.Attempt{Result: export.Refused, Class: "dns", Error: "No such host"}, `"steps":["settings","connect"],"failed_step":"connect","class":"dns"`},
		{"a host that is not allowed", export.Attempt{Result: export.Refused, Class: "blocked", Peer: export.Peer{DNS: time.Millisecond}}, `"failed_step":"connect","class":"blocked"`},
		{"another certificate", export.Attempt{Result: export.Refused, Class: "tls", Peer: export.Peer{Address: "203.0.113.7:443"}}, `"steps":["settings","connect","tls"],"failed_step":"tls"`},
		{"no answer", export.Attempt{Result: export.Unknown, Class: "timeout", Peer: reached, Request: request}, `"ok":false,"id":"hook","type":"webhook","target":"https://example.org/in","steps":["settings","connect","tls","send"],"failed_step":"send"`},
		{"refused", export.Attempt{Result: export.Refused, Class: "http", Status: 503, Peer: export.Peer{Address: "127.0.0.1:80"}, Request: request}, `"steps":["settings","connect","send"],"failed_step":"send","class":"http","status":503`},
	} {
		c.attempt.StartedAt, c.attempt.EndedAt = w.clock.Now(), w.clock.Now().Add(250*time.Millisecond)
		w.hooks.attempt = &c.attempt
		got := w.call("POST", "/v2/connections/hook/test", "")
		if got.Code != 200 || !strings.Contains(got.Body.String(), c.want) || w.hooks.tested != "movie.completed hook false false" {
			t.Errorf("%s: %q, %d %s\nwant %s", c.name, w.hooks.tested, got.Code, got.Body, c.want)
		}
	}
}

// TestConnectionWarnings: a setting that nobody reads is kept, and the caller told.
func TestConnectionWarnings(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, target, body string
		warned               bool
	}{
		{"POST", "/v2/connections", `{"id":"box","type":"ftp","host":"h","prot":2121}`, true},
		{"GET", "/v2/connections/box", "", false},
		{"PUT", "/v2/connections/box", `{"type":"ftp","host":"h","prot":2122}`, true},
		{"PUT", "/v2/connections/box", `{"type":"ftp","host":"h","port":2122}`, false},
	} {
		got := w.call(c.method, c.target, c.body)
		const want = `"warnings":[{"path":"prot","message":"Destinations of type ftp have no setting 'prot'; it does nothing. Is it meant to be 'port'?"}]`
		if got.Code != 200 || strings.Contains(got.Body.String(), want) != c.warned || strings.Contains(got.Body.String(), "warnings") != c.warned {
			t.Errorf("%s %s: %d %s", c.method, c.body, got.Code, got.Body)
		}
	}
}

// TestConnectionsThatCannotBeStored: the caller may try a change again.
func TestConnectionsThatCannotBeStored(t *testing.T) {
	w := newWorld(t)
	w.keep(t, `{"id":"hook","type":"webhook"}`)
	w.vault.lost = errors.New("secret-table is full")
	w.vault.store.FailReads, w.vault.store.FailWrites = w.vault.lost, w.vault.lost
	for call, want := range map[string]int{
		"GET /v2/connections": 500, "GET /v2/connections/hook": 500, "POST /v2/connections": 503, "PUT /v2/connections/hook": 503,
		"DELETE /v2/connections/hook": 503, "POST /v2/connections/hook/rotate": 503, "POST /v2/master-key/rotate": 503,
	} {
		method, target, _ := strings.Cut(call, " ")
		body := ""
		if method == "PUT" || target == "/v2/connections" {
			body = `{"id":"hook","type":"webhook"}`
		}
		got := w.call(method, target, body)
		if got.Code != want || (got.Header().Get("Retry-After") != "") != (want == 503) || strings.Contains(got.Body.String(), "secret-table") {
			t.Errorf("%s: %d %v %s", call, got.Code, got.Header(), got.Body)
		}
	}
}

// TestConnectionsOfALostKey: they can be seen, deleted and written anew, and who
// asks for more is told what to do.
func TestConnectionsOfALostKey(t *testing.T) {
	w := newWorld(t)
	w.keep(t, `{"id":"files","type":"sftp","host":"h","password":"planted"}`)
	w.keep(t, `{"id":"hook","type":"webhook"}`)
	w.vault.open(t, w.clock.Now)
	if got := w.call("GET", "/v2/connections/files", ""); got.Code != 200 || !strings.Contains(got.Body.String(), `"password":"(redacted)"`) {
		t.Errorf("shown: %d %s", got.Code, got.Body)
	}
	lost := "What is sealed of connection %[1]s cannot be opened: start the server with the master key it was sealed with, or PUT /v2/connections/%[1]s with all of its secrets written out"
	for _, c := range []struct{ method, target, body, id string }{
		{"POST", "/v2/connections/files/test", "", "files"},
		{"POST", "/v2/connections/hook/rotate", "", "hook"},
		{"PUT", "/v2/connections/files", `{"type":"sftp","host":"h","password":"(redacted)"}`, "files"},
	} {
		got := w.call(c.method, c.target, c.body)
		if want := fmt.Sprintf(lost, c.id); got.Code != 409 || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s %s: %d %s", c.method, c.target, got.Code, got.Body)
		}
	}
	w.vault.lost = fmt.Errorf("reseal: %w", &seal.Lost{Count: 1, First: []string{"connection /files"}, Reason: seal.ErrNoKey})
	got := w.call("POST", "/v2/master-key/rotate", "")
	if got.Code != 409 || !strings.Contains(got.Body.String(), "1 secrets cannot be opened (connection /files): it is sealed with a master key that is not there; all others are") {
		t.Errorf("a new master key: %d %s", got.Code, got.Body)
	}
	if got := w.call("PUT", "/v2/connections/files", `{"type":"sftp","host":"h","password":"new"}`); got.Code != 200 || w.resolved(t, "", "files", "password") != "new" {
		t.Errorf("written anew: %d %s", got.Code, got.Body)
	}
	if got := w.call("DELETE", "/v2/connections/hook", ""); got.Code != 200 {
		t.Errorf("deleted: %d %s", got.Code, got.Body)
	}
}

// TestConnectionsKeepTheirSecrets goes through every call with secrets of all
// kinds, also those that are refused, and searches the replies and the log.
func TestConnectionsKeepTheirSecrets(t *testing.T) {
	w := newWorld(t)
	var seen strings.Builder
	ask := func(method, target, body string) string {
		got := w.call(method, target, body)
		fmt.Fprintf(&seen, "%s %s: %d %v %s\n", method, target, got.Code, got.Header(), got.Body)
		return got.Body.String()
	}
	const given = "whsec_cGxhbnRlZHBsYW50ZWRwbGFudGVk" // planted, thrice
	files := `{"id":"files","type":"sftp","host":"h","username":"u","password":"planted-1","private_key":"planted-2","passphrase":"planted-3","proxy":"http://u:planted-4@p"}`
	hook := `{"id":"hook","type":"webhook","endpoint":"https://u:planted-5@example.org/?k=planted-6","secret":"` + given + `","headers":{"X":"planted-7"},"token":"planted-8"}`
	for _, body := range []string{files, hook, files, `{"password":"planted-9"`, `{"id":"planted/","type":"ftp","password":"planted-9"}`,
		`{"id":"a","type":"ftp","password":"planted-9","Password":"planted-9"}`, `{"id":"w","type":"webhook","secret":"planted-9"}`} {
		ask("POST", "/v2/connections", strings.ReplaceAll(body, "planted/", "a/"))
	}
	ask("PUT", "/v2/connections/files", files)
	ask("PUT", "/v2/connections/files", strings.Replace(files, `"sftp"`, `"planted-type-is-none"`, 1)[:40])
	for _, target := range []string{"", "/files", "/hook"} {
		ask("GET", "/v2/connections"+target, "")
	}
	ask("POST", "/v2/connections/files/test", "")
	ask("POST", "/v2/connections/hook/test", "")
	w.vault.open(t, w.clock.Now)
	ask("POST", "/v2/connections/files/test", "")
	if all := seen.String() + w.log.String(); strings.Contains(all, "planted-") || strings.Contains(all, given[6:]) || !strings.Contains(all, "https://(redacted)@example.org/?(redacted)") {
		t.Errorf("a secret is in\n%s", all)
	}

	// A file that an editor has marked as UTF-8 is taken, one that is too long is not.
	r := httptest.NewRequest("POST", "/v2/connections", strings.NewReader("\xef\xbb\xbf"+`{"id":"marked","type":"ftp"}`))
	r.Header.Set("x-api-key", key)
	marked := httptest.NewRecorder()
	if w.bare.ServeHTTP(marked, r); marked.Code != 200 {
		t.Errorf("marked: %d %s", marked.Code, marked.Body)
	}
	if got := w.call("PUT", "/v2/connections/marked", `{"type":"ftp","x":"`+strings.Repeat("planted-", 8192)+`"}`); got.Code != 413 || !strings.Contains(got.Body.String(), "The connection may have at most 65536 bytes") {
		t.Errorf("too long: %d %s", got.Code, got.Body)
	}

	// One that is made is seen once.
	w.vault.open(t, w.clock.Now)
	made := w.keep(t, `{"id":"own","type":"webhook"}`).Secret
	var rotated api.ConnectionReply
	if err := json.Unmarshal([]byte(ask("POST", "/v2/connections/own/rotate", `{"overlap":"0s"}`)), &rotated); err != nil {
		t.Fatal(err)
	}
	ask("GET", "/v2/connections/own", "")
	ask("GET", "/v2/connections", "")
	all := seen.String() + w.log.String()
	if strings.Count(all, made) != 0 || strings.Count(all, rotated.Secret) != 1 || made == "" || rotated.Secret == "" {
		t.Errorf("%s and %s are in\n%s", made, rotated.Secret, all)
	}
}

// TestRotatedSecretIsNotLost: the secret is told, though the connection cannot be
// read any more.
func TestRotatedSecretIsNotLost(t *testing.T) {
	w := newWorld(t)
	w.keep(t, `{"id":"hook","type":"webhook"}`)
	w.vault.store.AfterPut = func() { w.vault.store.FailReads = errors.New("the disk is gone") }
	got := w.call("POST", "/v2/connections/hook/rotate", "")
	if got.Code != 200 || !strings.Contains(got.Body.String(), `"secret":"whsec_`) || !strings.Contains(got.Body.String(), `"id":"hook"`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}
