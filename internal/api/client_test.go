package api_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/project"
)

func TestClient(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w)
	defer srv.Close()
	for _, base := range []string{srv.URL, srv.URL + "/", srv.URL + "/v2", srv.URL + "/v2/"} {
		c := api.Client{BaseURL: base, Key: key}
		id, err := c.Submit(t.Context(), []byte(`{"scenes":[{}],"client-data":{"order":"A-17"}}`))
		if err != nil || len(id) != 16 {
			t.Fatalf("%s: %q, %v", base, id, err)
		}
		_, _ = w.store.change(id, func(p *project.Project) {
			p.Status, p.Result = project.Done, project.Result{File: p.FileKey, Duration: 2.5}
		})
		m, err := c.Movie(t.Context(), id)
		if err != nil || m.Status != "done" || m.URL == nil || *m.Duration != 2.5 || string(m.ClientData) != `{"order":"A-17"}` {
			t.Errorf("%s: %+v, %v", base, m, err)
		}
	}
}

func TestClientErrors(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w)
	defer srv.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.WriteHeader(http.StatusBadGateway)
		}
		fmt.Fprint(w, "<html>")
	}))
	defer other.Close()
	good := api.Client{BaseURL: srv.URL, Key: key}
	wrong := api.Client{BaseURL: srv.URL, Key: "rhk_secret"}
	elsewhere := api.Client{BaseURL: other.URL, Key: "rhk_secret", HTTP: other.Client()}
	nowhere := api.Client{BaseURL: "http://127.0.0.1:1", Key: "rhk_secret"}
	submit := func(c api.Client, body string) error {
		_, err := c.Submit(t.Context(), []byte(body))
		return err
	}
	movie := func(c api.Client, id string) error {
		_, err := c.Movie(t.Context(), id)
		return err
	}
	for name, c := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"not JSON":    {submit(good, `{"a":`), 400, "submit a movie: Error parsing movie JSON or the movie was empty (line 1, column 5: unexpected end of JSON input)"},
		"unknown":     {movie(good, "AAAAAAAAAAAAAAAA"), 400, "ask for movie AAAAAAAAAAAAAAAA: Movie AAAAAAAAAAAAAAAA not found"},
		"odd id":      {movie(good, "a&format=full"), 400, "ask for movie a&format=full: A 16-character"},
		"wrong key":   {submit(wrong, `{}`), 400, "submit a movie: Error: Invalid API Key"},
		"proxy":       {submit(elsewhere, `{}`), 502, "submit a movie: 502 Bad Gateway"},
		"another":     {movie(elsewhere, "x"), 0, "the reply is not the API's"},
		"no server":   {submit(nowhere, `{}`), 0, "connection refused"},
		"bad address": {submit(api.Client{BaseURL: "::"}, `{}`), 0, "missing protocol scheme"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.text) || strings.Contains(c.err.Error(), "rhk_") {
			t.Errorf("%s: %v", name, c.err)
		}
		var f *api.Failure
		if errors.As(c.err, &f) != (c.status != 0) || f != nil && f.Status != c.status {
			t.Errorf("%s: %+v, want status %d", name, f, c.status)
		}
	}
}

func TestClientPrintsNoKey(t *testing.T) {
	var log lines
	c := api.Client{BaseURL: "https://user:pass@video.example.org", Key: "rhk_secret"}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "client", c, "pointer", &c)
	got := fmt.Sprintf("%v %+v %#v %s\n", c, c, c, &c) + log.String()
	if strings.Contains(got, "rhk_secret") || strings.Contains(got, ":pass@") {
		t.Errorf("printed a secret: %s", got)
	}
	if diff := cmp.Diff("API at https://user:xxxxx@video.example.org", c.String()); diff != "" {
		t.Error(diff)
	}
}
