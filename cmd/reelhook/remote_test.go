package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/golden"
)

const remoteKey = "remote-key"

// noon is the clock of the golden files, in a zone that is not UTC.
var noon = time.Date(2026, 1, 31, 13, 0, 0, 0, time.FixedZone("CET", 3600))

// counterpart plays the API. It notes what it is asked, and answers each path
// with its replies in order, the last over again.
type counterpart struct {
	replies map[string][]any

	mu   sync.Mutex
	seen []string
}

func (f *counterpart) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	at := r.Method + " " + r.URL.EscapedPath()
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		at += " " + cursor
	}
	if _, ended, ok := strings.Cut(string(body), "hooks.example.org/d"); ok {
		at += " d" + strings.Split(ended, `"`)[0]
	}
	replies := f.replies[at]
	var reply any = api.Failure{Message: "Delivery nope not found; GET /v2/deliveries lists them", Details: "\x1b[2J", Status: 404}
	switch {
	case r.Header.Get("X-Api-Key") == "":
		reply = api.Failure{Message: "Error: API Key not provided", Status: 400}
	case r.Header.Get("X-Api-Key") != remoteKey:
		reply = api.Failure{Message: "Error: Invalid API Key", Status: 400}
	case len(replies) > 0:
		if reply = replies[0]; len(replies) > 1 {
			f.replies[at] = replies[1:]
		}
	}
	if failure, ok := reply.(api.Failure); ok {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(failure.Status)
	}
	_ = json.NewEncoder(w).Encode(reply)
}

func (f *counterpart) requests() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for i, line := range f.seen {
		if i == 0 || line != f.seen[i-1] { // how often it polls is up to the machine
			fmt.Fprintln(&b, ">", line)
		}
	}
	return b.String()
}

// command runs a command line in this process, by the clock of the golden files.
func command(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(ctx, args, &screen{out: &out, errs: &errs, now: func() time.Time { return noon }})
	return out.String(), errs.String(), code
}

// TestRemote runs the command lines of the golden files against a server that
// answers as the API is documented, and shows what was asked and printed. The
// flags come by the environment, as in scripts.
func TestRemote(t *testing.T) {
	for _, file := range golden.Files(t, "testdata/remote/*.txt") {
		golden.Run(t, file, func(t *testing.T, input string) string {
			f := &counterpart{replies: replies()}
			srv := httptest.NewServer(f)
			defer srv.Close()
			t.Setenv("REELHOOK_SERVER", srv.URL)
			t.Setenv("REELHOOK_API_KEY", remoteKey)
			t.Setenv("REELHOOK_TEST_SECRET", "correct horse")
			stdout, stderr, code := command(t, t.Context(), strings.Fields(input)...)
			for line := range strings.Lines(stdout) {
				if got := terminal.StringWidth(strings.TrimSuffix(line, "\n")); got > lineWidth && strings.Contains(input, "list") && !strings.Contains(input, "--json") {
					t.Errorf("%d columns: %s", got, line)
				}
			}
			for _, r := range stdout + stderr {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Errorf("it wrote %q", r)
				}
			}
			var b strings.Builder
			b.WriteString(f.requests() + stdout)
			for line := range strings.Lines(stderr) {
				b.WriteString("! " + line)
			}
			if code != 0 {
				fmt.Fprintf(&b, "exit status %d\n", code)
			}
			return strings.ReplaceAll(b.String(), srv.URL, "http://server")
		})
	}
}

func TestRemoteErrors(t *testing.T) {
	srv := httptest.NewServer(&counterpart{replies: map[string][]any{
		"GET /v2/endpoints":      {api.Failure{Message: "Moved", Status: 308}},
		"GET /v2/deliveries/dlv": {"<html>"},
	}})
	defer srv.Close()
	for _, tc := range []struct {
		name, args, stderr string
		code               int
	}{
		{"no server", "deliveries list --server http://u:hunter2@127.0.0.1:1",
			"no server answers at http://u:xxxxx@127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused; start one with: reelhook serve, or name another with --server or REELHOOK_SERVER\n", 1},
		{"no key", "deliveries list --server URL", "list deliveries: Error: API Key not provided; give the server's key with --api-key or REELHOOK_API_KEY\n", 1},
		{"a wrong key", "endpoints list --server URL --api-key hunter2", "list endpoints: Error: Invalid API Key; give the server's key with --api-key or REELHOOK_API_KEY\n", 1},
		{"a redirect", "endpoints list --server URL --api-key KEY", "list endpoints: Moved; redirects are not followed, so give --server the address that answers\n", 1},
		{"not the API", "deliveries show dlv --server URL --api-key KEY", "the reply is not the API's, is the address right?", 1},
		{"no scheme", "deliveries list --server localhost:8080", "--server must be http or https with a host, such as http://localhost:8080\n", 2},
		{"no host", "webhook test https://example.org --server http://", "--server must be http or https with a host", 2},
		{"not even a URL", "secret rotate --server http://u:hunter2@[", "--server must be http or https with a host", 2},
		{"fewer than one", "deliveries list --limit 0", "--limit must be from 1 to 200, not 0; --all lists more\n", 2},
		{"more than the API lists", "deliveries list --limit 201", "--limit must be from 1 to 200, not 201; --all lists more\n", 2},
		{"no time", "deliveries list --from yesterday", `"yesterday" is no time; write it like 2h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z`, 2},
		{"since when", "deliveries recover", "missing flags: --since=2h", 2},
		{"which", "deliveries show", `expected "<id>"`, 2},
		{"what", "deliveries", "expected one of", 2},
		{"an outcome that is none", "webhook test https://example.org --status maybe", `--status must be one of "done","error" but got "maybe"`, 2},
		{"an event that is none", "trigger movie.filmed --endpoint localhost:1", `there is no event "movie.filmed"; the events are movie.started, `, 2},
		{"no attempts", "trigger movie.failed --endpoint localhost:1 --attempts 0", "--attempts must be from 1 to 101, not 0", 2},
		{"another scheme", "trigger movie.failed --endpoint ftp://u:hunter2@localhost/", "--endpoint must be http or https with a host, such as http://localhost:3000/webhook", 2},
		{"to nobody", "trigger movie.failed", "missing flags: --endpoint=URL", 2},
		{"no secret", "trigger movie.failed --endpoint localhost:1 --secret whsec_YQ==,hunter2", "--secret cannot be used: number 2 of 2: webhook: ", 2},
		{"no role", "keys create", "missing flags: --role=render", 2},
		{"a role that is none", "keys create --role owner", `--role must be one of "viewer","render","editor","manager","admin" but got "owner"`, 2},
		{"which key", "keys revoke", `expected "<id>"`, 2},
		{"which connection", "connections show", `expected "<id>"`, 2},
		{"an id of none", "connections add --type sftp", "which id? Give one as an argument, or as \"id\" in the file of --from\n", 1},
		{"a setting without a value", "connections add a --set hunter2", "write it as NAME=VALUE", 2},
		{"a secret without a name", "connections add a --secret =hunter2", "write it as NAME=VALUE", 2},
		{"a secret on the command line", "connections add a --secret password=hunter2", "--secret password: write where it is, env:VARIABLE or file:PATH, and not the secret itself: others see the command line\n", 1},
		{"a secret that is nowhere", "connections add a --secret password=env:REELHOOK_NOWHERE", "--secret password: the environment has no REELHOOK_NOWHERE, or nothing in it\n", 1},
		{"a secret in no file", "connections add a --secret private-key=file:no/such/file", "no/such/file: no such file or directory\n", 1},
		{"no such file", "connections add --from no/such/file", "no/such/file: no such file or directory", 2},
		{"no folder", "secret --data none", "there is no database yet; it is made when the server starts for the first time", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := strings.Fields(strings.NewReplacer("URL", srv.URL, "KEY", remoteKey).Replace(tc.args))
			stdout, stderr, code := command(t, t.Context(), args...)
			if code != tc.code || !strings.Contains(stderr, tc.stderr) || strings.Contains(stderr, "hunter2") || stdout != "" {
				t.Errorf("status %d, want %d; got\n%s%s\nwant it to hold\n%s", code, tc.code, stdout, stderr, tc.stderr)
			}
		})
	}
	t.Run("an empty id", func(t *testing.T) {
		if _, stderr, code := command(t, t.Context(), "deliveries", "show", " "); code != 2 || !strings.Contains(stderr, "<id>: it is empty") {
			t.Errorf("status %d\n%s", code, stderr)
		}
	})
}

// TestWaitInterrupted holds that Ctrl-C ends waiting without another word.
func TestWaitInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	f := &counterpart{replies: replies()}
	f.replies["GET /v2/recoveries/rec_1"] = f.replies["GET /v2/recoveries/rec_1"][:1]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.ServeHTTP(w, r)
		if r.Method == http.MethodGet {
			interrupt()
		}
	}))
	defer srv.Close()
	_, stderr, code := command(t, ctx, "deliveries", "recover", "--since", "2h", "--wait", "--server", srv.URL, "--api-key", remoteKey)
	if code != 130 || strings.Contains(stderr, "reelhook:") {
		t.Errorf("status %d\n%s", code, stderr)
	}
}

// TestProofFile holds that the file has what standard output would have.
func TestProofFile(t *testing.T) {
	srv := httptest.NewServer(&counterpart{replies: replies()})
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "proof.json")
	args := []string{"deliveries", "proof", longID, "--server", srv.URL, "--api-key", remoteKey}
	want, _, _ := command(t, t.Context(), args...)
	stdout, stderr, code := command(t, t.Context(), append(args, "-o", file)...)
	if code != 0 || stdout != "" || stderr != "Written to "+file+"\n" {
		t.Errorf("status %d\n%s%s", code, stdout, stderr)
	}
	if got := read(t, file); got != want || !strings.Contains(want, `"digest": "abc"`) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestHelp holds that every command teaches by an example of itself.
func TestHelp(t *testing.T) {
	for _, name := range []string{
		"deliveries list", "deliveries show", "deliveries proof", "deliveries redeliver", "deliveries recover", "deliveries cancel",
		"endpoints list", "endpoints enable", "endpoints disable", "endpoints pause", "webhook test",
		"connections list", "connections show", "connections add", "connections test", "connections remove", "connections rotate",
		"secret show", "secret rotate", "secret end-overlap", "keys create", "keys list", "keys revoke", "master-key new", "trigger",
	} {
		stdout, stderr, code := reelhook(t, t.TempDir(), nil, append(strings.Fields(name), "--help")...)
		example := "    reelhook " + name
		if name == "secret show" {
			example = "$(reelhook secret)"
		}
		if code != 0 || stderr != "" || !strings.Contains(stdout, "\nExample") || !strings.Contains(stdout, example) {
			t.Errorf("%s: status %d\n%s%s", name, code, stdout, stderr)
		}
	}
	stdout, _, _ := reelhook(t, t.TempDir(), nil, "--help")
	for _, name := range []string{"demo", "serve", "render", "listen", "trigger", "deliveries recover", "endpoints pause", "webhook test", "connections add", "secret show", "keys create", "master-key new", "version"} {
		if !strings.Contains(stdout, "\n  "+name+" ") {
			t.Errorf("reelhook --help lacks %s", name)
		}
	}
}
