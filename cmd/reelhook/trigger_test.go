package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/webhook"
)

// receiving takes webhooks, checks them by a key once there is one, and answers
// the given statuses in order.
type receiving struct {
	t        *testing.T
	key      webhook.Verifier
	statuses []int
	ids      []string
	bodies   []string
	headers  []http.Header
}

func (r *receiving) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	if r.key != nil {
		if err := webhook.Verify(req.Header, body, r.key); err != nil {
			r.t.Error(err)
		}
	}
	r.ids, r.bodies, r.headers = append(r.ids, req.Header.Get(webhook.HeaderID)), append(r.bodies, string(body)), append(r.headers, req.Header)
	w.WriteHeader(r.statuses[len(r.ids)-1])
	_, _ = io.WriteString(w, "thanks\x1b[2J")
}

// TestTrigger sends signed events to this machine.
func TestTrigger(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	private := webhook.NewPrivateKey()
	for _, tc := range []struct {
		name, args string
		statuses   []int
		code       int
		body       string
		stdout     []string
	}{
		{"taken", "movie.completed --secret " + secret, []int{204}, 0, `"success":true`,
			[]string{"Event        movie.completed\n", "Attempt 1    succeeded, 204 No Content\n", "Address      127.0.0.1:", "Webhook-Signature: v1,"}},
		{"refused", "movie.completed --status error --secret " + secret, []int{503}, 1, `"success":false`,
			[]string{"Attempt 1    failed, 503 Service Unavailable\n", `thanks\x1b[2J`}},
		{"taken at last", "movie.failed --attempts 3 --secret " + secret, []int{500, 200}, 0, `"success":false`,
			[]string{"Attempt 1    failed, 500 Internal Server Error\n", "Attempt 2    succeeded, 200 OK\n"}},
		{"with a private key", "movie.completed --secret " + private, []int{200}, 0, `"success":true`, []string{"Webhook-Signature: v1a,"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &receiving{t: t, statuses: tc.statuses}
			if secret, err := webhook.ParseSecret(secret); err == nil {
				r.key = secret
			}
			if strings.Contains(tc.args, private) {
				k, err := webhook.ParsePrivateKey(private)
				if err != nil {
					t.Fatal(err)
				}
				r.key = k.Public()
			}
			srv := httptest.NewServer(r)
			defer srv.Close()
			// Without a scheme, as people write it.
			args := append([]string{"trigger"}, append(strings.Fields(tc.args), "--endpoint", strings.TrimPrefix(srv.URL, "http://")+"/hook")...)
			stdout, stderr, code := command(t, t.Context(), args...)
			if code != tc.code || stderr != "" || len(r.ids) != len(tc.statuses) || r.ids[0] != r.ids[len(r.ids)-1] || !strings.HasPrefix(r.ids[0], "msg_") {
				t.Fatalf("status %d, ids %q\n%s%s", code, r.ids, stdout, stderr)
			}
			for _, want := range tc.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("it lacks %q:\n%s", want, stdout)
				}
			}
			if strings.Contains(stdout, "\x1b") || strings.Contains(stdout, secret) || !strings.Contains(r.bodies[0], tc.body) {
				t.Errorf("sent %s; it wrote\n%s", r.bodies[0], stdout)
			}
		})
	}
}

// TestTriggerMakesASecret holds that the receiver can verify what came.
func TestTriggerMakesASecret(t *testing.T) {
	r := &receiving{t: t, statuses: []int{200, 200}}
	srv := httptest.NewServer(r)
	defer srv.Close()
	verify := func(text string) {
		t.Helper()
		secret, err := webhook.ParseSecret(regexp.MustCompile(`whsec_\S+`).FindString(text))
		if err == nil {
			err = webhook.Verify(r.headers[len(r.headers)-1], []byte(r.bodies[len(r.bodies)-1]), secret)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	stdout, stderr, code := command(t, t.Context(), "trigger", "movie.completed", "--endpoint", srv.URL)
	if code != 0 || stderr != "" {
		t.Errorf("status %d\n%s", code, stderr)
	}
	verify(stdout)

	stdout, stderr, code = command(t, t.Context(), "trigger", "movie.completed", "--endpoint", srv.URL, "--json")
	var tested api.Tested
	if err := json.Unmarshal([]byte(stdout), &tested); err != nil || code != 0 || tested.Attempt.Result != "succeeded" || tested.Delivery.Status != "delivered" {
		t.Errorf("status %d, %v\n%s", code, err, stdout)
	}
	verify(stderr)
}

// TestTriggerNobody holds that who does not answer is a failure told in full.
func TestTriggerNobody(t *testing.T) {
	stdout, _, code := command(t, t.Context(), "trigger", "movie.completed", "--endpoint", "127.0.0.1:1")
	if code != 1 || !strings.Contains(stdout, "Attempt 1    failed\n") || !strings.Contains(stdout, "Error        refused: ") {
		t.Errorf("status %d\n%s", code, stdout)
	}
}
