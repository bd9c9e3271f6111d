package export_test

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// run does the jobs when they are due, one at a time, until none is left.
func (m *memory) run(p *export.Pipeline) {
	m.t.Helper()
	for steps := 0; len(m.jobs) > 0; steps++ {
		if steps > 10_000 {
			m.t.Fatal("the jobs do not end")
		}
		m.step(p)
	}
}

// step waits for the next job and does it.
func (m *memory) step(p *export.Pipeline) {
	var next queue.Job
	for _, j := range m.jobs {
		if next.Key == "" || j.RunAt.Before(next.RunAt) || j.RunAt.Equal(next.RunAt) && j.Key < next.Key {
			next = j
		}
	}
	m.wait(next.RunAt)
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	m.stop = stop
	var worker queue.Worker = p
	if next.Kind == export.Recover {
		worker = export.Recoverer{Log: m, Logger: slog.New(slog.DiscardHandler), Now: p.Now}
	}
	switch err := worker.Work(ctx, next); {
	case err == nil:
		_ = m.Finish(ctx, next.ID)
	case !errors.Is(err, queue.ErrRecorded):
		if m.jobs[next.Key].ID == next.ID {
			next.RunAt = next.RunAt.Add(time.Second) // as a dispatcher does
			m.jobs[next.Key] = next
		}
		m.failing = map[string]error{}
	}
}

// pipeline is one with the leaf as webhook and ftp, and no randomness.
func pipeline(m *memory, leaf export.Leaf) *export.Pipeline {
	return export.New(export.Options{
		Store: m, Projects: m, Leaves: map[string]export.Leaf{"webhook": leaf, "ftp": leaf},
		FileURL: func(key string) string { return "https://files.test/" + key },
		Log:     slog.New(slog.DiscardHandler), Jitter: func() float64 { return 0.5 },
	})
}

// done and failed are the two ends of project p.
var (
	done   = project.Outcome{ID: "p", Status: project.Done, Result: project.Result{File: "a.mp4"}}
	failed = project.Outcome{ID: "p", Status: project.Failed, Message: "no source"}
)

// one is a movie with one webhook.
const one = `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"}]}]}`

// ended begins the pipeline of project p.
func ended(m *memory, p *export.Pipeline, source string, o project.Outcome) {
	m.t.Helper()
	pr, exports := m.create("p", source)
	if err := p.Ended(context.Background(), pr, exports, o); err != nil {
		m.t.Fatal(err)
	}
}

// only returns the one delivery there is and its attempts.
func (m *memory) only() (export.Delivery, []export.Attempt) {
	m.t.Helper()
	if len(m.deliveries) != 1 {
		m.t.Fatalf("%d deliveries", len(m.deliveries))
	}
	for id, d := range m.deliveries {
		return d, m.attempts[id]
	}
	panic("unreachable")
}
