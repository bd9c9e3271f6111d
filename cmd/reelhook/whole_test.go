package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/webhook"
)

// TestCommandsOnAServer takes a webhook that was given up through every command,
// on the real server.
func TestCommandsOnAServer(t *testing.T) {
	secret := webhook.NewSecret()
	p := &process{listen: freePort(t), data: t.TempDir(), secret: secret, log: t.Output()}
	p.mustStart(t)
	t.Cleanup(p.kill)
	if err := p.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REELHOOK_SERVER", "http://"+p.listen)
	t.Setenv("REELHOOK_API_KEY", crashKey)
	var down atomic.Bool
	down.Store(true)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	hook := receiver.URL + "/hook"
	client := api.Client{BaseURL: "http://" + p.listen, Key: crashKey}
	movie := fmt.Sprintf(`{"scenes":[{"elements":[{"type":"image"}]}],"exports":[{"destinations":[{"type":"webhook","endpoint":%q,"retries":0}]}]}`, hook)
	project, err := client.Submit(t.Context(), []byte(movie))
	if err != nil {
		t.Fatal(err)
	}
	says := func(code int, line string, want ...string) string {
		t.Helper()
		stdout, stderr, got := command(t, t.Context(), strings.Fields(line)...)
		if got != code {
			t.Fatalf("%s: status %d\n%s%s", line, got, stdout, stderr)
		}
		for _, w := range want {
			if !strings.Contains(stdout, w) {
				t.Errorf("%s: there is no %q in\n%s", line, w, stdout)
			}
		}
		return stdout
	}
	var list api.DeliveryList
	err = retry(t.Context(), func() error {
		stdout, _, _ := command(t, t.Context(), "deliveries", "list", "--project", project, "--status", "failed", "--json")
		if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list.Deliveries) != 1 {
			return errors.New("it has not failed yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	id, endpoint := list.Deliveries[0].ID, list.Deliveries[0].Endpoint
	says(0, "deliveries show "+id, "500 Internal Server Error", receiver.Listener.Addr().String())
	says(1, "deliveries redeliver "+id+" --wait", "failed")
	says(1, "webhook test "+hook, "500 Internal Server Error")
	down.Store(false)
	says(0, "deliveries recover --since 1h --wait", "Sent again   1 of 1")
	says(0, "deliveries redeliver "+id+" --wait", "delivered")
	says(0, "deliveries proof "+id, `"kind": "reelhook.delivery-proof"`)
	says(1, "deliveries cancel "+id)            // it has ended
	if err := retry(t.Context(), func() error { // endpoints are written down every second
		_, err := client.Endpoint(t.Context(), endpoint, "")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	says(0, "endpoints pause "+endpoint, "paused")
	says(1, "deliveries redeliver "+id)
	says(0, "endpoints enable "+endpoint+" --send", "enabled")
	says(0, "endpoints list", endpoint)
	says(0, "webhook test "+hook+" --dry-run", "nothing was sent")
	says(0, "trigger movie.completed --endpoint "+hook+" --secret "+secret, "succeeded, 200 OK")
	if got := says(0, "secret show"); strings.TrimSpace(got) != secret {
		t.Error("the secret is not the server's")
	}
	says(1, "secret rotate") // it was set by flag
}
