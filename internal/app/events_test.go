package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
)

// follow opens the event stream of a movie.
func follow(t *testing.T, a *app.App, id string) *bufio.Reader {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/v2/movies/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return bufio.NewReader(resp.Body)
}

// event reads the next one; name is "" at the end.
func event(t *testing.T, in *bufio.Reader) (name, data string) {
	t.Helper()
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return "", ""
		case strings.HasPrefix(line, "event: "):
			name = strings.TrimSpace(line[len("event: "):])
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "\n" && name != "":
			return name, data
		}
	}
}

// TestEventStream follows a movie while it is rendered, to the same words that
// GET has of it.
func TestEventStream(t *testing.T) {
	host := media(t)
	a, c := server(t, nil)
	id := submit(t, c, fmt.Sprintf(`{"width":640,"height":360,"scenes":[{"elements":[{"type":"video","src":"%s/clip.mp4"}]},
		{"duration":2,"background-color":"#123456","transition":{"style":"circleopen","duration":1}}]}`, host))
	in := follow(t, a, id)
	if name, data := event(t, in); name != "status" {
		t.Fatalf("first %s %s", name, data)
	}
	var now, last api.MovieProgress
	var ended api.Movie
	for ended.Status == "" {
		switch name, data := event(t, in); name {
		case "status":
		case "progress":
			if err := json.Unmarshal([]byte(data), &now); err != nil || now.Progress < last.Progress || now.Frames < last.Frames || now.Project != id {
				t.Errorf("%v: from %+v to %s", err, last, data)
			}
			last = now
		default:
			if err := json.Unmarshal([]byte(data), &ended); err != nil || name != "done" {
				t.Fatalf("%s %s %v", name, data, err)
			}
		}
	}
	if name, data := event(t, in); name != "" {
		t.Errorf("behind the end there is %s %s", name, data)
	}
	// 3 s and 2 s that share one, at 25 frames a second.
	if last.TotalFrames != 100 || len(last.Scenes) != 2 || last.Frames == 0 {
		t.Errorf("at last %+v", last)
	}
	want, err := c.Movie(t.Context(), id)
	if diff := cmp.Diff(want, ended); diff != "" || err != nil {
		t.Errorf("%v -asked +told\n%s", err, diff)
	}
}

// TestEventStreamLetsTheServerStop: whoever waits for a movie does not keep the
// server from going, and is sent away, not cut off.
func TestEventStreamLetsTheServerStop(t *testing.T) {
	var log bytes.Buffer
	a, err := app.New(t.Context(), app.Options{Listen: "127.0.0.1:0", Data: t.TempDir(), APIKey: key, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	c := api.Client{BaseURL: a.URL(), Key: key}
	in := follow(t, a, submit(t, c, `{"resolution":"full-hd","scenes":[{"duration":600,"elements":[{"type":"text","text":"long"}]}]}`))
	if name, _ := event(t, in); name != "status" {
		t.Errorf("first %s", name)
	}
	stop()
	for name := "some"; name != ""; {
		name, _ = event(t, in)
	}
	if err := <-ended; err != nil || strings.Contains(log.String(), "broke off") {
		t.Errorf("%v\n%s", err, log.String())
	}
}
