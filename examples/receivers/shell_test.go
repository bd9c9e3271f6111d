package receivers_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// verifySh runs shell/verify.sh on a request that was stored.
func verifySh(t *testing.T, req *request, secrets string, env ...string) (code int, reason string) {
	t.Helper()
	program(t, "bash")
	program(t, "openssl")
	folder := t.TempDir()
	var headers strings.Builder
	headers.WriteString("POST /hook HTTP/1.1\r\n")
	for name, value := range req.headers() {
		fmt.Fprintf(&headers, "%s: %s\r\n", http.CanonicalHeaderKey(name), value)
	}
	files := []string{filepath.Join(folder, "headers"), filepath.Join(folder, "body")}
	for i, text := range []string{headers.String(), req.body} {
		if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "shell/verify.sh", files...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "WEBHOOK_SECRET=" + secrets, "TMPDIR=" + folder}, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if entries, _ := os.ReadDir(folder); len(entries) != len(files) {
		t.Errorf("it left %v", entries)
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stderr.String()
}

func TestShell(t *testing.T) {
	for i, c := range cases {
		if c.want == http.StatusRequestEntityTooLarge {
			continue // it was taken before
		}
		t.Run(c.name, func(t *testing.T) {
			req := movie(fmt.Sprintf("msg_%d", i))
			c.change(req)
			want := map[int]int{200: 0, 401: 1}[c.want]
			code, reason := verifySh(t, req, held)
			if code != want || (reason == "") != (code == 0) || strings.Count(reason, "\n") > 1 {
				t.Errorf("exit %d %q, want %d", code, reason, want)
			}
		})
	}
	for _, text := range []string{"", " ", "whsec_", "whpk_", "whsec_A", "whsk_AAAA"} {
		req := movie("msg_1")
		req.sign(nil)
		if code, _ := verifySh(t, req, text); code == 0 {
			t.Errorf("%q verifies what an empty key signed", text)
		}
	}
	old := movie("msg_1")
	timestamp("1614265330")(old)
	if code, reason := verifySh(t, old, held, "AT=1614265331"); code != 0 {
		t.Errorf("as of when it came: exit %d %s", code, reason)
	}
}

// TestShellPublicKey is for endpoints whose webhooks are signed with Ed25519.
func TestShellPublicKey(t *testing.T) {
	private, other := ed25519.NewKeyFromSeed(key("p")), ed25519.NewKeyFromSeed(key("q"))
	public := func(k ed25519.PrivateKey) string {
		return "whpk_" + base64.StdEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
	}
	for _, c := range []struct {
		name   string
		change func(*request)
		keys   string
		want   int
	}{
		{"as it is sent", func(*request) {}, public(private), 0},
		{"beside a v1", func(r *request) { r.signature = "v1,AAAA v1a,AAAA " + r.signature }, public(private), 0},
		{"another key first", func(*request) {}, public(other) + " " + public(private), 0},
		{"a secret first", func(*request) {}, secret(newer) + " " + public(private), 0},
		{"another key", func(*request) {}, public(other), 1},
		{"half a key", func(*request) {}, public(private)[:20], 1},
		{"a forged body", func(r *request) { r.body += " " }, public(private), 1},
		{"a signature of another version", func(r *request) { r.signature = "v1," + r.signature[4:] }, public(private), 1},
		{"no version", func(r *request) { r.signature = r.signature[4:] }, public(private), 1},
		{"half a signature", func(r *request) { r.signature = r.signature[:30] }, public(private), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := movie("msg_1")
			req.signature = "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, req.content()))
			c.change(req)
			if code, reason := verifySh(t, req, c.keys); code != c.want {
				t.Errorf("exit %d %q, want %d", code, reason, c.want)
			}
		})
	}
}
