package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/webhook"
)

// TestAddPrintsTheSecretAlone holds that a script gets the secret and nothing else.
func TestAddPrintsTheSecretAlone(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	reply := kept("acme-hook", secret, `"type":"webhook"`)
	reply.Warnings = []movie.Fault{{Path: "pots", Message: "No setting \x1b'pots'"}}
	srv := httptest.NewServer(&counterpart{replies: map[string][]any{"POST /v2/connections": {reply}}})
	defer srv.Close()
	stdout, stderr, code := command(t, t.Context(), "connections", "add", "acme-hook", "--type", "webhook", "--server", srv.URL, "--api-key", remoteKey)
	want := "This secret signs the webhooks of acme-hook. It is not shown again.\nWarning: No setting \\x1b'pots'\nConnection acme-hook is kept. Try it out: reelhook connections test acme-hook\n"
	if code != 0 || stdout != secret+"\n" || stderr != want {
		t.Errorf("status %d\n%s%s", code, stdout, stderr)
	}
}

// TestAddFromStandardInput: what show --json prints can be given back.
func TestAddFromStandardInput(t *testing.T) {
	f := &counterpart{replies: replies()}
	srv := httptest.NewServer(f)
	defer srv.Close()
	server := []string{"--server", srv.URL, "--api-key", remoteKey}
	shown, _, _ := command(t, t.Context(), append([]string{"connections", "show", "acme-sftp", "--json"}, server...)...)
	add := exec.CommandContext(t.Context(), os.Args[0], append([]string{"connections", "add", "--replace", "--from", "-"}, server...)...)
	add.Env, add.Stdin, add.Dir = append(os.Environ(), "REELHOOK_TEST_RUN=1"), strings.NewReader("\xef\xbb\xbf"+shown), t.TempDir()
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var sent, want api.Connection
	_, body, _ := strings.Cut(f.requests(), "PUT /v2/connections/acme-sftp ")
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatalf("%v\n%s", err, f.requests())
	}
	want = kept("acme-sftp", "", sftpSettings).Connection
	if diff := cmp.Diff(compact(want), compact(sent)); diff != "" {
		t.Errorf("-shown +given back\n%s", diff)
	}
}

func compact(c api.Connection) map[string]string {
	all := map[string]string{}
	for name, value := range c {
		var b bytes.Buffer
		if json.Compact(&b, value) == nil {
			all[name] = b.String()
		}
	}
	return all
}

// TestAddFromBadFiles: the errors hold nothing of them.
func TestAddFromBadFiles(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct{ name, file, want string }{
		{"empty", ``, "--from must have a JSON object"},
		{"no JSON", `{"password":"hunter2"`, "--from must have a JSON object"},
		{"a list", `[{"password":"hunter2"}]`, "--from must have a JSON object"},
		{"null", `null`, "--from must have a JSON object"},
		{"a reply about several", `{"success":true,"connection":[{"password":"hunter2"}]}`, "--from must have a JSON object"},
		{"no id", `{"type":"sftp","password":"hunter2"}`, "which id?"},
		{"a reference to nothing", `{"id":"a","password":{"env":"REELHOOK_NOWHERE"}}`, `--from, "password": the environment has no REELHOOK_NOWHERE`},
	} {
		write(t, dir, "c.json", tc.file)
		stdout, stderr, code := command(t, t.Context(), "connections", "add", "--from", filepath.Join(dir, "c.json"), "--server", "http://127.0.0.1:1")
		if code != 1 || stdout != "" || !strings.Contains(stderr, tc.want) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: status %d\n%s%s", tc.name, code, stdout, stderr)
		}
	}
}

// signed keeps what a receiver got.
type signed struct {
	mu      sync.Mutex
	headers []http.Header
	bodies  [][]byte
}

func (r *signed) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.headers, r.bodies = append(r.headers, req.Header), append(r.bodies, body)
}

// last verifies the last webhook by one secret.
func (r *signed) last(t *testing.T, text string) (http.Header, error) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	secret, err := webhook.ParseSecret(strings.TrimSpace(text))
	if err != nil || len(r.headers) == 0 {
		t.Fatalf("%v, %d webhooks came", err, len(r.headers))
	}
	return r.headers[len(r.headers)-1], webhook.Verify(r.headers[len(r.headers)-1], r.bodies[len(r.bodies)-1], secret)
}

// TestConnectionsOnAServer takes connections through every command, on the real
// server, and looks for their secrets in all it wrote.
func TestConnectionsOnAServer(t *testing.T) {
	t.Setenv("REELHOOK_TEST_SECRET", "correct-horse-battery")
	t.Setenv("REELHOOK_CONNECTIONS", `[{"id":"declared","type":"sftp","host":"127.0.0.1","port":1,"username":"u","password":{"env":"REELHOOK_TEST_SECRET"},"trust-host-key":true}]`)
	log := newWatcher("nothing")
	p := &process{listen: freePort(t), data: t.TempDir(), secret: webhook.NewSecret(), log: io.MultiWriter(log, t.Output())}
	p.mustStart(t)
	t.Cleanup(p.kill)
	if err := p.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REELHOOK_SERVER", "http://"+p.listen)
	t.Setenv("REELHOOK_API_KEY", crashKey)
	receiver := &signed{}
	srv := httptest.NewServer(receiver)
	t.Cleanup(srv.Close)
	printed := ""
	says := func(code int, line string, want ...string) string {
		t.Helper()
		stdout, stderr, got := command(t, t.Context(), strings.Fields(line)...)
		if got != code {
			t.Fatalf("%s: status %d\n%s%s", line, got, stdout, stderr)
		}
		for _, w := range want {
			if !strings.Contains(stdout+stderr, w) {
				t.Errorf("%s: there is no %q in\n%s%s", line, w, stdout, stderr)
			}
		}
		printed += stdout + stderr
		return stdout
	}

	first := says(0, "connections add hook --type webhook --set endpoint="+srv.URL+"/in --secret token=env:REELHOOK_TEST_SECRET")
	says(1, "connections add hook --type webhook", "There is a connection hook already")
	says(0, "connections list", "hook", "declared", "127.0.0.1")
	says(0, "connections show hook", "(redacted)", srv.URL+"/in")
	says(0, "connections test hook", "✓ send")
	if header, err := receiver.last(t, first); err != nil || header.Get("Authorization") != "Bearer correct-horse-battery" {
		t.Errorf("%v %v", header, err)
	}
	second := says(0, "connections rotate hook --overlap 1h")
	says(0, "connections rotate", "Sealed anew:")
	says(0, "connections test hook", "✓ send")
	for _, secret := range []string{first, second} {
		if _, err := receiver.last(t, secret); err != nil {
			t.Errorf("within the overlap: %v", err)
		}
	}
	says(0, "connections rotate hook --overlap 0")
	says(0, "connections test hook", "✓ send")
	if _, err := receiver.last(t, second); err == nil {
		t.Error("an old secret signs after the overlap")
	}
	says(1, "connections test declared", "✗ connect")
	says(1, "connections remove declared", "is declared in the server's configuration")
	says(0, "connections remove hook")
	says(1, "connections test hook", "Connection hook not found")

	if all := printed + log.text(); strings.Contains(all, "correct-horse") {
		t.Errorf("the token is in\n%s", all)
	}
	wantNotStored(t, p.data, "correct-horse", strings.TrimSpace(first)[len("whsec_"):], strings.TrimSpace(second)[len("whsec_"):])
}

// wantNotStored holds that no file of a folder has any of some texts.
func wantNotStored(t *testing.T, dir string, texts ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("%s has a secret in clear", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
