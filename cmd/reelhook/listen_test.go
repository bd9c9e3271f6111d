package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// TestListenRefuses holds that mistakes are answered before anything is opened,
// and no secret is part of an answer.
func TestListenRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tc := range []struct {
		name   string
		env    []string
		args   []string
		code   int
		stderr string
	}{
		{"no port", nil, []string{"--addr", "4242"}, 2, "--addr must be a host and a port, such as 127.0.0.1:4242"},
		{"no step", nil, []string{"--fail", "503,sometimes"}, 2, `--fail cannot be used: "sometimes" is neither a status from 200 to 599 nor hang, reset, close or slow`},
		{"no status", nil, []string{"--fail", "600"}, 2, `"600" is neither`},
		{"time backwards", nil, []string{"--delay=-1s"}, 2, "--delay must not be negative, but is -1s"},
		{"fewer than none", nil, []string{"--count=-1"}, 2, "--count must be 0 or more, not -1"},
		{"no secret", nil, []string{"--secret", "whsec_YQ==,hunter2 hunter2"}, 2, "--secret cannot be used: number 2 of 2: webhook: the secret is not whsec_ followed by standard base64"},
		{"no secret in the environment", []string{"REELHOOK_SECRET=whsk_hunter2"}, nil, 2, "--secret cannot be used"},
		{"no public key", nil, []string{"--secret", "whpk_YQ=="}, 2, "--secret cannot be used: number 1 of 1: webhook: the public key has 1 bytes"},
		{"no URL", nil, []string{"--forward", "http://u:hunter2@a b/"}, 2, "--forward is no URL"},
		{"no host", nil, []string{"--forward", "http:///hook"}, 2, "--forward must be http or https with a host"},
		{"another scheme", nil, []string{"--forward", "ftp://localhost/hook"}, 2, "--forward must be http or https with a host"},
		{"in a circle", nil, []string{"--addr", "127.0.0.1:4242", "--forward", "localhost:4242/hook"}, 2, "--forward leads back to 127.0.0.1:4242, where this command listens"},
		{"in use", nil, []string{"--addr", taken.Addr().String()}, 1, "something listens on " + taken.Addr().String() + " already; choose another --addr"},
		{"nowhere", nil, []string{"--addr", "nowhere.invalid:1"}, 1, "cannot listen on nowhere.invalid:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stdout, stderr, code := reelhook(t, t.TempDir(), tc.env, append([]string{"listen"}, tc.args...)...)
			if code != tc.code || !strings.Contains(stderr, tc.stderr) || strings.Contains(stderr, "hunter2") || strings.Contains(stdout, "Listening") {
				t.Errorf("status %d, want %d; got\n%s\nwant it to hold %q", code, tc.code, stderr, tc.stderr)
			}
		})
	}
}

// listening starts reelhook listen on a free port and returns its base URL.
func listening(t *testing.T, args ...string) (cmd *exec.Cmd, out *watcher, url string) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0], append([]string{"listen", "--addr", "127.0.0.1:0"}, args...)...)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "REELHOOK_TEST_RUN=1", "REELHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	out = newWatcher("Ctrl-C ends it")
	cmd.Stdout, cmd.Stderr = out, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-out.seen
	return cmd, out, regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(out.text())
}

// deliver sends a webhook, signed or not, and returns the status.
func deliver(t *testing.T, url string, signed bool) int {
	t.Helper()
	body, now := `{"success":true}`, time.Now()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(webhook.HeaderID, "msg_1")
	req.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	if signed {
		req.Header.Set(webhook.HeaderSignature, webhook.Sign("msg_1", now, []byte(body), secret))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// TestListen takes three webhooks and ends by itself.
func TestListen(t *testing.T) {
	cmd, out, url := listening(t, "--count", "3", "--fail", "503,202")
	for i, want := range []int{503, 401, 202} {
		if got := deliver(t, url, i != 1); got != want {
			t.Errorf("webhook %d was answered %d, want %d", i+1, got, want)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`"endpoint": "` + url + `"}`, "--allow-http-endpoints --allow-networks 127.0.0.0/8\n", "Signatures  verified", "Answers     503, 202, and over again\n",
		"signature  verified\n", "FORGED: ", "msg_1, seen before\n", `      "success": true` + "\n", "answer     202 Accepted, step 2 of 2\n",
		"3 received, 2 verified, 1 forged, 1 doubles\n",
	} {
		if !strings.Contains(out.text(), want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.ContainsAny(out.text(), "\x1b") || strings.Contains(out.text(), "MfKQ9") || t.Failed() {
		t.Errorf("it wrote\n%s", out.text())
	}
}

// TestListenInterrupted holds that Ctrl-C is how it ends, with the sum of it.
func TestListenInterrupted(t *testing.T) {
	cmd, out, url := listening(t)
	if got := deliver(t, url, true); got != http.StatusOK {
		t.Errorf("answered %d", got)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.HasSuffix(out.text(), "1 received, 1 verified, 0 forged, 0 doubles\n") {
		t.Errorf("%v\n%s", err, out.text())
	}
}
