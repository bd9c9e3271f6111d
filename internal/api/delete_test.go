package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/project"
)

// steps lets some steps of a call happen and then one fail, before or after it
// did its work, as a full disk or a crash would. The next call is let through.
type steps struct {
	left  int
	after bool
}

func (s *steps) take(do func() error) error {
	s.left--
	if s.left == -1 && !s.after {
		return errors.New("stopped before it was done")
	}
	err := do()
	if s.left == -1 {
		return errors.New("stopped after it was done")
	}
	return err
}

type steppedStore struct {
	*store
	*steps
	// rendered happens before a project is marked.
	rendered func()
}

func (s steppedStore) Get(ctx context.Context, id string) (p project.Project, err error) {
	err = s.take(func() error { p, err = s.store.Get(ctx, id); return err })
	return p, err
}

func (s steppedStore) Delete(ctx context.Context, id string, at time.Time) (p project.Project, err error) {
	s.rendered()
	err = s.take(func() error { p, err = s.store.Delete(ctx, id, at); return err })
	return p, err
}

type steppedFiles struct {
	*files
	*steps
}

func (f steppedFiles) Delete(ctx context.Context, key string) error {
	return f.take(func() error { return f.files.Delete(ctx, key) })
}

// TestDeleteComesToItsEnd stops a deletion at each of its steps and asks for it
// again.
func TestDeleteComesToItsEnd(t *testing.T) {
	for left := range 7 { // look, remove two, mark, remove two; with six left none fails
		for _, after := range []bool{false, true} {
			for _, rendering := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d steps, after %v, rendering %v", left, after, rendering), func(t *testing.T) {
					deleteInSteps(t, &steps{left, after}, rendering)
				})
			}
		}
	}
}

func deleteInSteps(t *testing.T, s *steps, rendering bool) {
	w := newWorld(t)
	id := w.submit(t, `{"scenes":[{}]}`)
	fileKey := w.store.projects[0].FileKey
	render := func() {
		thumbnail := w.store.projects[0].ThumbnailKey()
		w.files.put(fileKey, "the movie", w.clock.Now())
		w.files.put(thumbnail, "a picture of it", w.clock.Now())
		w.store.projects[0].Result.File, w.store.projects[0].Result.Thumbnail = fileKey, thumbnail
	}
	store := steppedStore{w.store, s, func() {}}
	if rendering { // it ends between the two removals, which none but the second can help
		store.rendered = sync.OnceFunc(render)
	} else {
		render()
	}
	left := s.left
	w.Handler = api.New(api.Options{Projects: store, Keys: w.keys, Files: steppedFiles{w.files, s}, Now: w.clock.Now,
		FileURL: func(key string) string { return key },
		Cancel:  func(id string) { w.cancelled = append(w.cancelled, id) }})

	got := w.call("DELETE", "/v2/movies?project="+id, "")
	if want := map[bool]int{true: 200, false: 503}[left == 6]; got.Code != want {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if len(w.files.kept) > 0 && !rendering && !w.store.projects[0].DeletedAt.IsZero() {
		t.Error("the project is marked and keeps its files")
	}
	first := w.store.projects[0].DeletedAt
	w.clock.add(time.Hour)
	s.left = -1 // nothing fails any more
	got = w.call("DELETE", "/v2/movies?project="+id, "")
	var reply api.Deleted
	if err := json.Unmarshal(got.Body.Bytes(), &reply); err != nil || got.Code != 200 {
		t.Fatalf("again: %d %s", got.Code, got.Body)
	}
	p := w.store.projects[0]
	if len(w.files.kept) > 0 || p.DeletedAt.IsZero() || p.Result.File != "" || len(w.cancelled) == 0 {
		t.Errorf("after the second call: files %v, cancelled %v, %+v", w.files.kept, w.cancelled, p)
	}
	if !first.IsZero() && !p.DeletedAt.Equal(first) {
		t.Errorf("deleted at %v, then at %v", first, p.DeletedAt)
	}
}
