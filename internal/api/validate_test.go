package api_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// planner takes every medium to last 8 seconds, to be 640 by 360 pixels and to
// sound; one whose address says gone cannot be had.
type planner struct {
	// entered is told of each plan, which then waits for leave, if there is one.
	entered, leave chan struct{}
}

func (p *planner) Plan(ctx context.Context, m *movie.Movie, media bool) (api.Planned, error) {
	if p.entered != nil {
		p.entered <- struct{}{}
		select {
		case <-p.leave:
		case <-ctx.Done():
			return api.Planned{}, context.Cause(ctx)
		}
	}
	planned := api.Planned{Faults: slices.Clone(m.Faults), Warnings: m.Warnings, Unseen: !media}
	for _, s := range m.Scenes {
		for _, e := range s.Elements {
			if media && strings.Contains(e.Src, "gone") {
				planned.Faults = append(planned.Faults, movie.Fault{Path: e.Path + ".src", Message: e.Name + ": Failed to download it (404)"})
			}
		}
	}
	t, err := timeline.Build(m, func(*movie.Element) timeline.Facts {
		return timeline.Facts{Duration: 8, Width: 640, Height: 360, HasAudio: true}
	})
	if err == nil && len(planned.Faults) == 0 {
		planned.Timeline = t
	}
	return planned, nil
}

// TestValidateStoresNothing holds that a movie that is looked at leaves nothing.
func TestValidateStoresNothing(t *testing.T) {
	w := newWorld(t)
	const doc = `{"scenes":[{"duration":1}],"exports":[{"destinations":[{"type":"webhook","endpoint":"https://example.org/hook?token=hunter2"}]}]}`
	got := w.call("POST", "/v2/movies/validate", doc, "Idempotency-Key", "a")
	if got.Code != 200 || len(w.store.projects)+len(w.store.keys)+len(w.files.kept) > 0 {
		t.Errorf("%d %s; kept %v", got.Code, got.Body, w.store.projects)
	}
	if strings.Contains(got.Body.String()+w.log.String(), "hunter2") {
		t.Errorf("a secret shows in\n%s", got.Body)
	}
}

// TestValidateIsBounded holds that only so many movies are looked at at once, and
// that a client who goes makes room.
func TestValidateIsBounded(t *testing.T) {
	p := &planner{entered: make(chan struct{}), leave: make(chan struct{})}
	w := newWorld(t)
	w.options.Planner = p
	h := checked(t, api.New(w.options))
	call := func(ctx context.Context) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, "POST", "/v2/movies/validate", strings.NewReader(`{"scenes":[{"duration":1}]}`))
		r.Header.Set("x-api-key", key)
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		return got
	}
	ctx, hangUp := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for i := range 4 {
		waiting.Go(func() {
			if i > 0 {
				if got := call(t.Context()); got.Code != 200 {
					t.Errorf("%d %s", got.Code, got.Body)
				}
			} else if got := call(ctx); got.Code != 503 {
				t.Errorf("who hung up: %d %s", got.Code, got.Body)
			}
		})
		<-p.entered
	}
	got := call(t.Context())
	if got.Code != 429 || got.Header().Get("Retry-After") != "5" {
		t.Errorf("the fifth: %d %v %s", got.Code, got.Header(), got.Body)
	}
	hangUp()
	for i := 0; i < 3; i++ {
		p.leave <- struct{}{}
	}
	waiting.Wait()
	ended, end := context.WithCancel(t.Context())
	waiting.Go(func() {
		select {
		case <-p.entered:
			p.leave <- struct{}{}
		case <-ended.Done(): // it was turned away
		}
	})
	if got := call(t.Context()); got.Code != 200 {
		t.Errorf("once there is room: %d %s", got.Code, got.Body)
	}
	end()
	waiting.Wait()
}

// TestServedSchema needs no key.
func TestServedSchema(t *testing.T) {
	w := newWorld(t)
	got := w.call("GET", "/v2/movie.schema.json", "", "x-api-key", "")
	if got.Code != 200 || got.Body.String() != string(movie.Schema()) || !json.Valid(got.Body.Bytes()) {
		t.Errorf("%d %.200s", got.Code, got.Body)
	}
}
