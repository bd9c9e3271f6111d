package render

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// desk is a store of one project and the exports behind it.
type desk struct {
	project.Project
	putBack int
	started int
	// percents gets what was told of the progress; nil throws it away.
	percents chan int
	ended    []project.Outcome
	// fails and locked are why an end cannot be written and secrets not be opened;
	// nil when they can. secret stands for "(redacted)" in the document.
	fails  func() error
	locked error
	secret string
}

func (d *desk) Document(p project.Project) ([]byte, error) {
	return bytes.ReplaceAll(p.Source, []byte(`"(redacted)"`), []byte(d.secret)), d.locked
}

func (d *desk) Started(context.Context, project.Project, []movie.Export) error {
	d.started++
	return errors.New("nobody is at the desk") // which keeps no movie from being rendered
}

func (d *desk) Progress(_ context.Context, _ project.Project, _ []movie.Export, percent int) error {
	if d.percents != nil {
		d.percents <- percent
	}
	return nil
}

func (d *desk) Get(context.Context, string) (project.Project, error) { return d.Project, nil }

func (d *desk) Start(_ context.Context, id string, at time.Time) (project.Project, error) {
	if id != d.ID {
		return project.Project{}, project.ErrNotFound
	}
	if !d.Status.Ended() {
		d.Status, d.StartedAt = project.Running, at
		d.Starts++
	}
	return d.Project, nil
}

func (d *desk) PutBack(context.Context, string) error {
	d.putBack++
	return nil
}

func (d *desk) Ended(_ context.Context, _ project.Project, _ []movie.Export, o project.Outcome) error {
	if d.fails != nil {
		if err := d.fails(); err != nil {
			return err
		}
	}
	d.ended = append(d.ended, o)
	return nil
}

const short = `{"width":64,"height":64,"scenes":[{"duration":1}]}`

func TestWorker(t *testing.T) {
	stopping, stop := context.WithCancelCause(context.Background())
	stop(queue.ErrStopping)
	later, stopLater := context.WithCancelCause(context.Background())
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		change func(*desk)
		// err is what Work returns; status and message are how the project ended, ""
		// when it did not.
		err     error
		status  project.Status
		message string
		file    bool
		putBack int
	}{
		{name: "rendered", status: project.Done, file: true},
		{name: "started for the third time", change: func(d *desk) { d.Starts = 2 }, status: project.Done, file: true},
		{name: "took the process down three times", change: func(d *desk) { d.Starts = 3 }, status: project.Failed,
			message: "Rendering took the server down 3 times and was given up"},
		{name: "put back when stopping", ctx: stopping, err: queue.ErrStopping, putBack: 1},
		{name: "ended already", change: func(d *desk) { d.Status = project.Done }},
		{name: "unknown", change: func(d *desk) { d.ID = "another" }},
		{name: "deleted before", change: func(d *desk) { d.DeletedAt = time.Now() }, status: project.Failed, message: errDeleted.Message},
		{name: "a fault of the movie", change: func(d *desk) { d.Source = []byte(`{"scenes":[{"elements":[{"type":"image"}]}]}`) }, status: project.Failed,
			message: "Source URL is required for image element in Scene #1, Element #1"},
		{name: "no movie at all", change: func(d *desk) { d.Source = []byte(`[]`) }, status: project.Failed, message: "No valid movie JSON received"},
		{name: "its end cannot be written", ctx: later, err: os.ErrPermission, file: true, putBack: 1,
			change: func(d *desk) { d.fails = func() error { stopLater(queue.ErrStopping); return os.ErrPermission } }},
		{name: "with its secrets", status: project.Done, file: true,
			change: func(d *desk) {
				d.Source, d.secret = []byte(`{"width":64,"height":64,"scenes":"(redacted)"}`), `[{"duration":1}]`
			}},
		{name: "no key opens its secrets", change: func(d *desk) { d.locked = os.ErrInvalid }, err: os.ErrInvalid, putBack: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &desk{Project: project.Project{ID: "p", Status: project.Pending, Source: []byte(short), FileKey: "key/movie.mp4"}}
			if tc.change != nil {
				tc.change(d)
			}
			ctx := tc.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			w, files := newWorker(t, d)
			if tc.status != "" {
				tc.err = queue.ErrRecorded
			}
			if err := w.Work(ctx, queue.Job{Key: "p"}); !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			if d.locked != nil && d.started > 0 {
				t.Error("somebody was told that it began")
			}
			var o project.Outcome
			if len(d.ended) > 0 {
				o = d.ended[0]
			}
			if o.Status != tc.status || o.Message != tc.message || d.putBack != tc.putBack {
				t.Errorf("ended %q %q, put back %d times", o.Status, o.Message, d.putBack)
			}
			if (o.Result.File != "") != (tc.status == project.Done) {
				t.Errorf("result %+v", o.Result)
			}
			if _, err := files.Open(t.Context(), d.FileKey); (err == nil) != tc.file {
				t.Errorf("the file: %v", err)
			}
			if left, _ := os.ReadDir(w.Folder); len(left) > 0 {
				t.Errorf("scratch was left: %v", left)
			}
		})
	}
}

// TestWorkerTells holds that a rendering's start is told once and its progress in
// steps of ten, each once.
func TestWorkerTells(t *testing.T) {
	d := &desk{Project: project.Project{ID: "p", Status: project.Pending, Source: []byte(short), FileKey: "key/movie.mp4"}, percents: make(chan int, 99)}
	w, _ := newWorker(t, d)
	if err := w.Work(t.Context(), queue.Job{Key: "p"}); !errors.Is(err, queue.ErrRecorded) {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	told := w.progress(t.Context(), d.Project, nil)
	for percent := range 101 { // beside what the rendering itself has told
		told(percent)
	}
	for !seen[20] || !seen[90] || !seen[10] {
		percent := <-d.percents
		seen[percent] = true
		if percent%progressStep != 0 || percent < 10 || percent > 90 {
			t.Errorf("told of %d percent", percent)
		}
	}
	if d.started != 1 {
		t.Errorf("told of %d starts", d.started)
	}
}

func newWorker(t *testing.T, d *desk) (*Worker, blob.Store) {
	t.Helper()
	files, err := blob.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return &Worker{Renderer: studio(), Projects: d, Exports: d, Files: files, Folder: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now}, files
}

// full is a store on a full disk.
type full struct{ blob.Store }

func (full) Put(context.Context, string, string) error {
	return &os.PathError{Op: "write", Path: "/somewhere/secret", Err: syscall.ENOSPC}
}

// TestWorkerWaitsForTheMachine has a full disk: the rendering is put back, for a
// day.
func TestWorkerWaitsForTheMachine(t *testing.T) {
	d := &desk{Project: project.Project{ID: "p", Status: project.Pending, Source: []byte(short), FileKey: "key/movie.mp4", CreatedAt: time.Now()}}
	w, files := newWorker(t, d)
	w.Files = full{files}
	if err := w.Work(t.Context(), queue.Job{Key: "p"}); !errors.Is(err, syscall.ENOSPC) || d.putBack != 1 || len(d.ended) != 0 {
		t.Errorf("got %v, put back %d times, ended %+v", err, d.putBack, d.ended)
	}
	d.CreatedAt = d.CreatedAt.Add(-25 * time.Hour)
	err := w.Work(t.Context(), queue.Job{Key: "p"})
	if !errors.Is(err, queue.ErrRecorded) || len(d.ended) != 1 || d.ended[0].Message != "Rendering failed inside the server; its log says why" {
		t.Errorf("after a day: %v, ended %+v", err, d.ended)
	}
}

// TestWorkerCancel deletes a project while it renders: the rendering ends at
// once, and its exports hear of it.
func TestWorkerCancel(t *testing.T) {
	d := &desk{Project: project.Project{ID: "p", FileKey: "key/movie.mp4",
		Source: []byte(`{"resolution":"full-hd","scenes":[{"duration":600,"elements":[{"type":"text","text":"long"}]}]}`)}}
	w, _ := newWorker(t, d)
	done := make(chan error, 1)
	go func() { done <- w.Work(t.Context(), queue.Job{Key: "p"}) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for w.Progress("p") <= fetchShare {
		<-tick.C
	}
	w.Cancel("p")
	if err := <-done; !errors.Is(err, queue.ErrRecorded) || len(d.ended) != 1 || d.ended[0].Message != errDeleted.Message {
		t.Errorf("got %v, ended %+v", err, d.ended)
	}
	if w.Progress("p") != 0 {
		t.Error("it is still running")
	}
}

// TestMessagesHideTheMachine holds that no path of this machine is told.
func TestMessagesHideTheMachine(t *testing.T) {
	dir := t.TempDir()
	err := os.WriteFile(dir, nil, 0o600)
	if text := message(err); strings.Contains(text, dir) {
		t.Errorf("it says %q", text)
	}
}
