package export_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// memory is an export.Store, and the part of project.Store that a pipeline
// needs, that forgets everything when the test ends. It complains about what
// the contract does not allow.
type memory struct {
	// stop ends the process as far as the running job sees.
	stop         context.CancelCauseFunc
	t            testing.TB
	mu           sync.Mutex
	projects     map[string]project.Project
	destinations map[string]map[[2]int]project.Destination
	deliveries   map[string]export.Delivery
	attempts     map[string][]export.Attempt
	jobs         map[string]time.Time
	// failing are errors to answer with, by the name of the method.
	failing map[string]error
	// wait ends when it is that time.
	wait func(until time.Time)
}

func newMemory(t testing.TB) *memory {
	return &memory{
		t: t, projects: map[string]project.Project{}, destinations: map[string]map[[2]int]project.Destination{},
		deliveries: map[string]export.Delivery{}, attempts: map[string][]export.Attempt{}, jobs: map[string]time.Time{},
		failing: map[string]error{}, wait: func(until time.Time) { <-time.After(time.Until(until)) },
	}
}

// create stores a project for a movie and returns it with its exports.
func (m *memory) create(id, source string) (project.Project, []movie.Export) {
	m.t.Helper()
	doc, err := movie.Parse([]byte(source))
	if err != nil {
		m.t.Fatal(err)
	}
	pr := project.Project{ID: id, Status: project.Running, Source: []byte(source), ClientData: doc.ClientData}
	m.projects[id] = pr
	m.destinations[id] = map[[2]int]project.Destination{}
	for _, d := range export.Destinations(doc.Exports) {
		m.settle(id, d)
	}
	return pr, doc.Exports
}

func (m *memory) settle(id string, d project.Destination) {
	m.destinations[id][[2]int{d.Export, d.Position}] = d
}

// shown lists a project's destinations in order.
func (m *memory) shown(id string) []project.Destination {
	var list []project.Destination
	for _, d := range m.destinations[id] {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b project.Destination) int {
		return cmp.Or(a.Export-b.Export, a.Position-b.Position)
	})
	return list
}

func (m *memory) Get(_ context.Context, id string) (project.Project, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["Get"]; err != nil {
		return project.Project{}, err
	}
	pr, ok := m.projects[id]
	if !ok {
		return pr, project.ErrNotFound
	}
	return pr, nil
}

func (m *memory) End(_ context.Context, o project.Outcome, step export.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["End"]; err != nil {
		return err
	}
	pr := m.projects[o.ID]
	if pr.Status.Ended() {
		return nil
	}
	pr.Status, pr.Message, pr.Result, pr.EndedAt = o.Status, o.Message, o.Result, o.EndedAt
	m.projects[o.ID] = pr
	m.take(o.ID, step)
	return nil
}

func (m *memory) take(id string, step export.Step) {
	for _, d := range step.Settled {
		m.settle(id, d)
	}
	if d := step.Delivery; d != nil {
		if _, twice := m.deliveries[d.ID]; twice || d.Project != id || d.State != export.Pending {
			m.t.Errorf("a new delivery is %+v", d)
		}
		for _, other := range m.deliveries {
			if other.Project == id && other.Export == d.Export && other.Position == d.Position {
				m.t.Errorf("destination %d.%d has a second delivery", d.Export, d.Position)
			}
		}
		m.deliveries[d.ID] = *d
		m.jobs[d.ID] = d.NextAt
		m.mirror(*d)
	}
}

func (m *memory) mirror(d export.Delivery) {
	m.settle(d.Project, project.Destination{
		Export: d.Export, Position: d.Position, Type: d.Type, Status: string(d.State), Attempts: d.Attempts,
		LastStatus: d.LastStatus, Message: d.Message, Delivery: d.ID,
	})
}

func (m *memory) OpenAttempt(_ context.Context, id string, at time.Time) (export.Delivery, export.Attempt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.deliveries[id]
	if err := m.failing["Open"]; err != nil {
		return d, export.Attempt{}, err
	}
	if !ok {
		return d, export.Attempt{}, errors.New("no delivery " + id)
	}
	if d.State == export.Delivered || d.State == export.Failed {
		return d, export.Attempt{}, nil
	}
	list := m.attempts[id]
	for i := range list {
		if list[i].Result == export.Open {
			list[i].Result, list[i].EndedAt = export.Unknown, at
		}
	}
	d.Attempts++
	d.State = export.Running
	a := export.Attempt{Delivery: id, Number: d.Attempts, StartedAt: at, Result: export.Open}
	m.attempts[id] = append(list, a)
	m.deliveries[id] = d
	m.mirror(d)
	return d, a, nil
}

func (m *memory) CloseAttempt(_ context.Context, d export.Delivery, a export.Attempt, step export.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["Close"]; err != nil {
		return err
	}
	list := m.attempts[d.ID]
	if len(list) == 0 || list[len(list)-1].Number != a.Number || list[len(list)-1].Result != export.Open {
		m.t.Errorf("attempt %d of %s is not open", a.Number, d.ID)
		return nil
	}
	if a.Result != export.Succeeded && a.Result != export.Refused || a.EndedAt.Before(a.StartedAt) {
		m.t.Errorf("closed with %+v", a)
	}
	if retry := d.State == export.Retrying; retry == d.NextAt.IsZero() {
		m.t.Errorf("%s, next at %v", d.State, d.NextAt)
	}
	list[len(list)-1] = a
	m.deliveries[d.ID] = d
	m.mirror(d)
	delete(m.jobs, d.ID)
	if !d.NextAt.IsZero() {
		m.jobs[d.ID] = d.NextAt
	}
	m.take(d.Project, step)
	return nil
}

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
	id := ""
	for key, at := range m.jobs {
		if id == "" || at.Before(m.jobs[id]) || at.Equal(m.jobs[id]) && key < id {
			id = key
		}
	}
	m.wait(m.jobs[id])
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	m.stop = stop
	if err := p.Work(ctx, queue.Job{Kind: export.Deliver, Key: id}); err != nil && !errors.Is(err, queue.ErrRecorded) {
		m.jobs[id] = m.jobs[id].Add(time.Second) // as a dispatcher does
		m.failing = map[string]error{}
	}
}

// fake is a leaf whose attempts are a function.
type fake func(d export.Delivery, a export.Attempt) export.Attempt

// schedule is what every test's deliveries have unless a destination says
// "retries".
var schedule = export.DefaultSchedule()

func (fake) Prepare(p project.Project, o project.Outcome, dest movie.Destination, fileURL string) (export.Delivery, error) {
	to := export.Text(dest.Fields["endpoint"])
	if to == "never" {
		return export.Delivery{}, export.Refusal("The endpoint can never work")
	}
	d := export.Delivery{Event: "test", Target: "https://x.test/s3cret/" + to, Group: "https://x.test:443", Schedule: schedule, Timeout: time.Second}
	d.Body = fmt.Appendf(nil, "%s %s %s %s", p.ID, o.Status, to, fileURL)
	if export.Text(dest.Fields["retries"]) == "0" {
		d.Schedule = nil
	}
	return d, nil
}

func (f fake) Attempt(_ context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	return f(d, a)
}

// answers makes a leaf that closes attempts with these statuses, then 200.
func answers(statuses ...int) fake {
	return func(_ export.Delivery, a export.Attempt) export.Attempt {
		status := 200
		if a.Number <= len(statuses) {
			status = statuses[a.Number-1]
		}
		return closed(a, status)
	}
}

// closed is an attempt with an answer.
func closed(a export.Attempt, status int) export.Attempt {
	a.Status, a.Result = status, export.Succeeded
	if status > 299 {
		a.Result, a.Class, a.Error = export.Refused, "http", fmt.Sprintf("answered %d", status)
	}
	return a
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
