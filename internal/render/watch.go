package render

import (
	"context"

	"github.com/reelhook/reelhook/internal/project"
)

// running is a job that is being done.
type running struct {
	cancel context.CancelCauseFunc
	now    project.Progress
	// tell is called with each new percentage.
	tell func(percent int)
}

// Progress is how far a running project is, in percent; 0 when it is not
// running here.
func (w *Worker) Progress(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.running[id]; r != nil {
		return r.now.Percent
	}
	return 0
}

// Watch follows a project that is rendered here, or may come to be. The channel
// has the latest progress alone: what is not read before the next is gone. It is
// closed when the rendering ended, which is durable then, or was put back. stop
// must be called, and may be after that.
func (w *Worker) Watch(id string) (progress <-chan project.Progress, stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := make(chan project.Progress, 1)
	if w.watching == nil {
		w.watching = map[string]map[chan project.Progress]bool{}
	}
	if w.watching[id] == nil {
		w.watching[id] = map[chan project.Progress]bool{}
	}
	w.watching[id][ch] = true
	if r := w.running[id]; r != nil {
		ch <- r.now
	}
	return ch, func() { w.unwatch(id, ch) }
}

func (w *Worker) unwatch(id string, ch chan project.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watching[id], ch)
	if len(w.watching[id]) == 0 {
		delete(w.watching, id)
	}
}

func (w *Worker) enter(id string, r *running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == nil {
		w.running = map[string]*running{}
	}
	w.running[id] = r
	w.show(id, project.Progress{Stage: project.Fetching})
}

func (w *Worker) leave(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, id)
	for ch := range w.watching[id] {
		close(ch)
	}
	delete(w.watching, id)
}

// setProgress tells all who want to know how far a project is.
func (w *Worker) setProgress(id string, now project.Progress) {
	w.mu.Lock()
	r := w.running[id]
	w.show(id, now)
	w.mu.Unlock()
	r.tell(now.Percent)
}

// storing tells those who watch that the file is being put in its place.
func (w *Worker) storing(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.running[id].now
	now.Stage = project.Storing
	w.show(id, now)
}

// show puts progress where it is looked at. A channel that still holds some is
// emptied first; nobody else writes to it while w is locked.
func (w *Worker) show(id string, now project.Progress) {
	w.running[id].now = now
	for ch := range w.watching[id] {
		select {
		case <-ch:
		default:
		}
		ch <- now
	}
}
