package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// modelRule does things in every order that rapid can think of, crashes
// included, for a crash is only a Start or an Open that nothing follows. After
// each step the database must hold exactly what plain maps hold.
func modelRule(f *fixture) {
	runs := 0
	rapid.Check(f.T, func(t *rapid.T) {
		runs++
		m := &model{T: t, store: f.Store, ctx: f.ctx, prefix: fmt.Sprintf("r%d.", runs), now: t0,
			projects: map[string]project.Project{}, destinations: map[string][]project.Destination{},
			deliveries: map[string]export.Delivery{}, logs: map[string][]export.Attempt{}, jobs: map[string]queue.Job{}}
		t.Repeat(map[string]func(*rapid.T){
			"create": m.create, "start": m.start, "putBack": m.putBack, "delete": m.delete,
			"end": m.end, "open": m.open, "close": m.close, "postpone": m.postpone, "": m.check,
		})
		m.clear()
	})
}

// model is what a database should hold.
type model struct {
	*rapid.T
	store  Store
	ctx    context.Context
	prefix string
	now    time.Time
	// touched is the project of the last action.
	touched string

	projects     map[string]project.Project
	destinations map[string][]project.Destination
	deliveries   map[string]export.Delivery
	logs         map[string][]export.Attempt
	// jobs by kind and key, without the ids, which are the database's.
	jobs map[string]queue.Job
}

func (m *model) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// tick returns a time later than all before.
func (m *model) tick() time.Time {
	m.now = m.now.Add(time.Second)
	return m.now
}

// pick draws one of the keys of a map; there being none skips the action.
func pick[V any](t *rapid.T, from map[string]V) string {
	keys := slices.Sorted(maps.Keys(from))
	if len(keys) == 0 {
		t.Skip("none yet")
	}
	return rapid.SampledFrom(keys).Draw(t, "id")
}

func (m *model) create(*rapid.T) {
	id := fmt.Sprintf("%s%d", m.prefix, len(m.projects))
	m.touched = id
	p := newProject(id, m.tick())
	_, _, err := m.store.Create(m.ctx, p, webhooks(2), nil)
	m.must(err)
	m.projects[id], m.destinations[id] = p, webhooks(2)
	m.addJob(project.Render, id, "", p.CreatedAt)
}

func (m *model) addJob(kind queue.Kind, key, group string, at time.Time) {
	m.jobs[string(kind)+key] = queue.Job{Kind: kind, Key: key, Group: group, RunAt: at}
}

func (m *model) start(t *rapid.T) {
	id, at := pick(t, m.projects), m.tick()
	m.touched = id
	_, err := m.store.Start(m.ctx, id, at)
	m.must(err)
	if p := m.projects[id]; !p.Status.Ended() {
		p.Status, p.StartedAt = project.Running, at
		p.Starts++
		m.projects[id] = p
	}
}

func (m *model) putBack(t *rapid.T) {
	id := pick(t, m.projects)
	m.touched = id
	m.must(m.store.PutBack(m.ctx, id))
	if p := m.projects[id]; p.Status == project.Running {
		p.Status, p.StartedAt = project.Pending, time.Time{}
		p.Starts--
		m.projects[id] = p
	}
}

func (m *model) delete(t *rapid.T) {
	id, at := pick(t, m.projects), m.tick()
	m.touched = id
	_, err := m.store.Delete(m.ctx, id, at)
	m.must(err)
	if p := m.projects[id]; p.DeletedAt.IsZero() {
		p.DeletedAt, p.Result.File = at, ""
		m.projects[id] = p
	}
}

func (m *model) end(t *rapid.T) {
	id := pick(t, m.projects)
	m.touched = id
	o := done(id)
	step := m.step(t, id, 0)
	m.must(m.store.End(m.ctx, o, step))
	p := m.projects[id]
	if p.Status.Ended() {
		return
	}
	p.Status, p.Result, p.Warnings, p.EndedAt = o.Status, o.Result, o.Warnings, o.EndedAt
	if !p.DeletedAt.IsZero() {
		p.Result.File = ""
	}
	m.projects[id] = p
	delete(m.jobs, project.Render+id)
	m.take(id, step)
}

// step draws what happens to the nth destination: nothing, settled, delivered.
func (m *model) step(t *rapid.T, id string, n int) (step export.Step) {
	switch rapid.IntRange(0, 2).Draw(t, "step") {
	case 1:
		step.Settled = []project.Destination{{Position: n, Type: "ftp", Status: "failed", Message: "no"}}
	case 2:
		step.Delivery = newDelivery(fmt.Sprintf("d%d.%s", n, id), id, n, m.tick())
	}
	return step
}

func (m *model) take(id string, step export.Step) {
	for _, d := range step.Settled {
		m.destinations[id][d.Position] = d
	}
	if d := step.Delivery; d != nil {
		m.deliveries[d.ID] = *d
		m.destinations[id][d.Position].Delivery = d.ID
		m.addJob(export.Deliver, d.ID, d.Group, d.NextAt)
	}
}

func final(d export.Delivery) bool { return d.State == export.Delivered || d.State == export.Failed }

func (m *model) open(t *rapid.T) {
	id, at := pick(t, m.deliveries), m.tick()
	m.touched = m.deliveries[id].Project
	d, a, err := m.store.OpenAttempt(m.ctx, id, at)
	m.must(err)
	want := m.deliveries[id]
	if !final(want) {
		log := m.logs[id]
		if n := len(log) - 1; n >= 0 && log[n].Result == export.Open {
			log[n].Result, log[n].EndedAt = export.Unknown, at
		}
		want.State = export.Running
		want.Attempts++
		m.deliveries[id], m.logs[id] = want, append(log, a)
		m.mirror(want)
		m.equal("attempt", a, export.Attempt{Delivery: id, Number: len(m.logs[id]), StartedAt: at, Result: export.Open})
	}
	m.equal("delivery", d, want)
}

func (m *model) mirror(d export.Delivery) {
	dest := &m.destinations[d.Project][d.Position]
	dest.Status, dest.Attempts, dest.LastStatus, dest.Message = string(d.State), d.Attempts, d.LastStatus, d.Message
}

func (m *model) close(t *rapid.T) {
	id := pick(t, m.deliveries)
	log, d := m.logs[id], m.deliveries[id]
	m.touched = d.Project
	if len(log) == 0 || log[len(log)-1].Result != export.Open {
		t.Skip("no open attempt")
	}
	a := &log[len(log)-1]
	d.State = rapid.SampledFrom([]export.State{export.Retrying, export.Delivered, export.Failed}).Draw(t, "state")
	a.EndedAt, a.Result, a.Status, a.Answer = m.tick(), export.Refused, 500, []byte("no")
	d.LastStatus, d.NextAt = 500, time.Time{}
	if d.State == export.Retrying {
		d.NextAt = m.tick()
	}
	var step export.Step
	if d.Failures == 0 && d.Position == 0 {
		step = m.step(t, d.Project, 1)
	}
	d.Failures++
	m.must(m.store.CloseAttempt(m.ctx, d, *a, step))
	m.deliveries[id] = d
	m.mirror(d)
	delete(m.jobs, export.Deliver+id)
	if !d.NextAt.IsZero() {
		m.addJob(export.Deliver, id, d.Group, d.NextAt)
	}
	m.take(d.Project, step)
}

func (m *model) postpone(t *rapid.T) {
	key := pick(t, m.jobs)
	j := m.jobs[key]
	j.RunAt, j.Faults = m.tick(), rapid.IntRange(0, 9).Draw(t, "faults")
	for _, stored := range m.stored(j.Kind) {
		if stored.Key == j.Key {
			m.must(m.store.Postpone(m.ctx, stored.ID, j.RunAt, j.Faults))
		}
	}
	m.jobs[key] = j
}

func (m *model) stored(kind queue.Kind) []queue.Job {
	jobs, err := m.store.Jobs(m.ctx, kind, queue.Job{}, 10_000)
	m.must(err)
	return jobs
}

func (m *model) equal(what string, got, want any) {
	m.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(queue.Job{}, "ID"),
		cmpopts.IgnoreFields(export.Attempt{}, "Error")); diff != "" {
		m.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// check looks at all jobs, and at what the last action was about; the rest is
// looked at by clear, once.
func (m *model) check(*rapid.T) {
	m.checkProjects(m.touched)
	jobs := map[string]queue.Job{}
	for _, j := range append(m.stored(project.Render), m.stored(export.Deliver)...) {
		jobs[string(j.Kind)+j.Key] = j
	}
	m.equal("jobs", jobs, m.jobs)
}

func (m *model) checkProjects(ids ...string) {
	destinations, err := m.store.Destinations(m.ctx, ids...)
	m.must(err)
	for _, id := range ids {
		p, err := m.store.Get(m.ctx, id)
		if !errors.Is(err, project.ErrNotFound) {
			m.must(err)
		}
		m.equal("project", p, m.projects[id])
		m.equal("destinations", destinations[id], m.destinations[id])
	}
	for id, d := range m.deliveries {
		if slices.Contains(ids, d.Project) {
			log, err := m.store.Attempts(m.ctx, id)
			m.must(err)
			m.equal("attempts", log, m.logs[id])
		}
	}
}

// clear checks everything and leaves no job behind for the next run.
func (m *model) clear() {
	m.checkProjects(slices.Collect(maps.Keys(m.projects))...)
	for _, j := range append(m.stored(project.Render), m.stored(export.Deliver)...) {
		m.must(m.store.Finish(m.ctx, j.ID))
	}
}
