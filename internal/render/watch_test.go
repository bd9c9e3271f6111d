package render

import (
	"context"
	"errors"
	"testing"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// TestWatch follows a rendering from before its begin, by two who read as fast as
// they can and one who never does, until its end is durable.
func TestWatch(t *testing.T) {
	d := &desk{Project: project.Project{ID: "p", Status: project.Pending, Source: []byte(short), FileKey: "key/movie.mp4"}}
	w, _ := newWorker(t, d)
	first, stopFirst := w.Watch("p")
	_, stopIdle := w.Watch("p")
	defer stopIdle()
	other, stopOther := w.Watch("another")
	gone, stopGone := w.Watch("p")
	stopGone()
	done := make(chan error, 1)
	go func() { done <- w.Work(t.Context(), queue.Job{Key: "p"}) }()

	seen := map[project.Stage]bool{}
	now := <-first // it has begun
	second, stopSecond := w.Watch("p")
	if got := <-second; got.Stage == "" || got.Percent < now.Percent {
		t.Errorf("who comes later sees %+v", got)
	}
	for next := range first {
		if seen[next.Stage] = true; next.Percent < now.Percent || next.Frames < now.Frames {
			t.Errorf("progress went from %+v to %+v", now, next)
		}
		now = next
	}
	if len(d.ended) != 1 {
		t.Error("it was over before its end was written")
	}
	for range second {
		// It ends too.
	}
	if !seen[project.Storing] || now.Stage != project.Storing || now.Frames != 25 || now.TotalFrames != 25 {
		t.Errorf("seen %v, at last %+v", seen, now)
	}
	if err := <-done; !errors.Is(err, queue.ErrRecorded) {
		t.Error(err)
	}
	select {
	case got, ok := <-other:
		t.Errorf("who watches another saw %+v %v", got, ok)
	case got, ok := <-gone:
		t.Errorf("who has gone saw %+v %v", got, ok)
	default:
	}
	for _, stop := range []func(){stopFirst, stopSecond, stopOther} {
		stop()
	}
	stopIdle()
	if len(w.watching) > 0 {
		t.Errorf("these are left: %v", w.watching)
	}
}

// TestWatchWhatIsPutBack holds that whoever watches is sent to look again, and
// may watch the next try.
func TestWatchWhatIsPutBack(t *testing.T) {
	stopping, stop := context.WithCancelCause(t.Context())
	stop(queue.ErrStopping)
	d := &desk{Project: project.Project{ID: "p", Status: project.Pending, Source: []byte(short), FileKey: "key/movie.mp4"}}
	w, _ := newWorker(t, d)
	for range 2 {
		watched, stop := w.Watch("p")
		if err := w.Work(stopping, queue.Job{Key: "p"}); !errors.Is(err, queue.ErrStopping) {
			t.Fatal(err)
		}
		<-watched
		if now, ok := <-watched; ok {
			t.Errorf("after its end: %+v", now)
		}
		stop()
	}
}
