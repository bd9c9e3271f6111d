package render

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// Projects is what the worker needs of the store; see project.Store.
type Projects interface {
	Get(ctx context.Context, id string) (project.Project, error)
	Start(ctx context.Context, id string, at time.Time) (project.Project, error)
	PutBack(ctx context.Context, id string) error
}

// Exports is told how a rendering goes, and takes over once it ended.
type Exports interface {
	// Document is what was submitted, with the secrets that were taken out of it. An
	// error means that no key opens them now.
	Document(p project.Project) ([]byte, error)
	// Started and Progress tell those who asked for it; an error keeps no movie from
	// being rendered.
	Started(ctx context.Context, p project.Project, exports []movie.Export) error
	Progress(ctx context.Context, p project.Project, exports []movie.Export, percent int) error
	// Ended is called well or not. When it returns nil the end is durable, and so
	// is the export pipeline that follows.
	Ended(ctx context.Context, p project.Project, exports []movie.Export, o project.Outcome) error
}

// Worker renders projects. It is the queue.Worker of project.Render jobs.
type Worker struct {
	Renderer *Renderer
	Projects Projects
	Exports  Exports
	Files    blob.Store
	// Folder holds a scratch folder for each running job.
	Folder string
	Log    *slog.Logger
	// Now is the clock.
	Now func() time.Time

	mu      sync.Mutex
	running map[string]*running
	// watching are those who follow a project.
	watching map[string]map[chan project.Progress]bool
}

// longestRender is the most time one movie may take.
const longestRender = 6 * time.Hour

// errTooLong is the cause of a rendering's end after that (section 25 of the
// contract has the words).
var errTooLong = movie.Fault{Message: "Movie took too long to render"}

// errDeleted is the cause of a rendering's end when its project was deleted.
var errDeleted = movie.Fault{Message: "The movie was deleted before it was rendered"}

// Work renders the project that a job names and hands it on to its exports. A
// rendering that fails by no fault of the movie's is put back; see comesAgain.
func (w *Worker) Work(ctx context.Context, job queue.Job) error {
	durable := context.WithoutCancel(ctx)
	p, err := w.Projects.Start(durable, job.Key, w.Now())
	if errors.Is(err, project.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if p.Status.Ended() {
		return nil
	}
	document, err := w.Exports.Document(p)
	if err != nil { // before anything is rendered that could not be handed on
		return errors.Join(err, w.Projects.PutBack(durable, p.ID))
	}
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m, err := movie.Parse(document)
	if err != nil { // it parsed when it was accepted
		m = &movie.Movie{Faults: []movie.Fault{{Message: err.Error()}}}
	}
	w.enter(p.ID, &running{cancel: cancel, tell: w.progress(durable, p, m.Exports)})
	defer w.leave(p.ID)
	if err := w.Exports.Started(durable, p, m.Exports); err != nil {
		w.Log.WarnContext(ctx, "nobody was told that a rendering began", "project", p.ID, "error", err)
	}
	o, err := w.render(working, p, m)
	if w.comesAgain(p, err) {
		return errors.Join(err, w.Projects.PutBack(durable, p.ID))
	}
	if err := w.handOver(ctx, p, m.Exports, o); err != nil {
		// Not the movie's fault either: it must not count as having taken us down.
		return errors.Join(err, w.Projects.PutBack(durable, p.ID))
	}
	w.report(durable, p, o, err)
	w.sweep(durable, p)
	return queue.ErrRecorded
}

// patience is how long a rendering waits for this machine to be mended.
const patience = 24 * time.Hour

// comesAgain tells that a rendering failed by no fault of the movie's and is to
// be done again: the process stops, or the disk is full.
func (w *Worker) comesAgain(p project.Project, err error) bool {
	return errors.Is(err, queue.ErrStopping) || isMachine(err) && w.Now().Sub(p.CreatedAt) < patience
}

// render makes the file and says how it ended. The error is the cause when it
// did not end well.
func (w *Worker) render(ctx context.Context, p project.Project, m *movie.Movie) (project.Outcome, error) {
	o := project.Outcome{ID: p.ID, Status: project.Done, Warnings: p.Warnings}
	err := w.make(ctx, p, m, &o)
	o.EndedAt = w.Now()
	if err != nil {
		o.Status, o.Message, o.Result = project.Failed, message(err), project.Result{}
	}
	return o, err
}

func (w *Worker) make(ctx context.Context, p project.Project, m *movie.Movie, o *project.Outcome) error {
	switch {
	case p.Starts > project.MaxStarts:
		return movie.Fault{Message: fmt.Sprintf("Rendering took the server down %d times and was given up", project.MaxStarts)}
	case !p.DeletedAt.IsZero():
		return errDeleted
	}
	ctx, cancel := context.WithTimeoutCause(ctx, longestRender, errTooLong)
	defer cancel()
	dir := filepath.Join(w.Folder, p.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	result, warnings, err := w.Renderer.Render(ctx, m, dir, func(now project.Progress) { w.setProgress(p.ID, now) })
	o.Warnings = append(o.Warnings[:len(o.Warnings):len(o.Warnings)], warnings...)
	if err != nil {
		return err
	}
	w.storing(p.ID)
	if err := w.Files.Put(ctx, p.FileKey, result.File); err != nil {
		return fmt.Errorf("store the finished movie: %w", err)
	}
	o.Result = result
	o.Result.File = p.FileKey
	if result.Thumbnail != "" {
		o.Result.Thumbnail = p.ThumbnailKey()
		if err := w.Files.Put(ctx, o.Result.Thumbnail, result.Thumbnail); err != nil {
			return fmt.Errorf("store the thumbnail: %w", err)
		}
	}
	return nil
}

// sweep removes the file of a project that was deleted while it was being
// finished.
func (w *Worker) sweep(ctx context.Context, p project.Project) {
	now, err := w.Projects.Get(ctx, p.ID)
	if err == nil && !now.DeletedAt.IsZero() {
		err = errors.Join(w.Files.Delete(ctx, p.FileKey), w.Files.Delete(ctx, p.ThumbnailKey()))
	}
	if err != nil {
		w.Log.ErrorContext(ctx, "the file of a deleted project may be left", "project", p.ID, "error", err)
	}
}

// Cancel ends the rendering of a project that was deleted, if it is running
// here.
func (w *Worker) Cancel(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.running[id]; r != nil {
		r.cancel(errDeleted)
	}
}

// progressStep is how many percents lie between two events.
const progressStep = 10

// progress tells of every tenth percent once, without holding up the rendering.
func (w *Worker) progress(ctx context.Context, p project.Project, exports []movie.Export) func(percent int) {
	told := 0
	return func(percent int) {
		step := percent - percent%progressStep
		if step <= told || step >= 100 {
			return
		}
		told = step
		go func() {
			if err := w.Exports.Progress(ctx, p, exports, step); err != nil {
				w.Log.DebugContext(ctx, "nobody was told of the progress", "project", p.ID, "error", err)
			}
		}()
	}
}

// report writes the one line a rendering leaves in the log.
func (w *Worker) report(ctx context.Context, p project.Project, o project.Outcome, cause error) {
	attrs := []slog.Attr{
		slog.String("project", p.ID), slog.String("status", string(o.Status)), slog.Int("start", p.Starts),
		slog.Duration("took", o.EndedAt.Sub(p.StartedAt).Round(time.Millisecond)), slog.Float64("duration", o.Result.Duration),
		slog.Int64("size", o.Result.Size), slog.Int("warnings", len(o.Warnings)),
	}
	level := slog.LevelInfo
	if cause != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", cause.Error()))
	}
	w.Log.LogAttrs(ctx, level, "render", attrs...)
}
