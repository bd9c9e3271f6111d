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
	runs, now := 0, t0
	rapid.Check(f.T, func(t *rapid.T) {
		runs++
		m := &model{T: t, store: f.Store, ctx: f.ctx, prefix: fmt.Sprintf("r%d.", runs), now: now,
			projects: map[string]project.Project{}, destinations: map[string][]project.Destination{}, mains: map[string]map[int]string{},
			deliveries: map[string]export.Delivery{}, logs: map[string][]export.Attempt{}, jobs: map[string]queue.Job{}}
		defer func() { now = m.now }()
		m.sweep()
		m.begin()
		t.Repeat(map[string]func(*rapid.T){
			"create": m.create, "start": m.start, "putBack": m.putBack, "delete": m.delete, "end": m.end, "postpone": m.postpone,
			"emit": m.emit, "open": m.open, "close": m.close, "advance": m.advance, "redeliver": m.redeliver, "cancel": m.cancel,
			"setEndpoint": m.setEndpoint, "clean": m.clean, "": m.check,
		})
		m.checkProjects(slices.Collect(maps.Keys(m.projects))...)
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
	// made counts deliveries, shut tells that their endpoint is not enabled.
	made int
	shut bool

	projects map[string]project.Project
	// destinations are as they were settled last, mains the deliveries of those
	// that have one, by position.
	destinations map[string][]project.Destination
	mains        map[string]map[int]string
	// deliveries are as their rows: an open attempt does not show.
	deliveries map[string]export.Delivery
	logs       map[string][]export.Attempt
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
	m.projects[id], m.destinations[id], m.mains[id] = p, webhooks(2), map[int]string{}
	m.jobs[project.Render+id] = queue.Job{Kind: project.Render, Key: id, RunAt: p.CreatedAt}
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

// check looks at all jobs, at the log, and at what the last action was about;
// the rest is looked at in the end.
func (m *model) check(*rapid.T) {
	m.checkProjects(m.touched)
	m.checkLog()
	jobs := map[string]queue.Job{}
	for _, j := range slices.Concat(m.stored(project.Render), m.stored(export.Deliver), m.stored(export.Transfer)) {
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
		m.equal("destinations", destinations[id], m.shown(id))
	}
	for id, d := range m.deliveries {
		if slices.Contains(ids, d.Project) {
			log, err := m.store.Attempts(m.ctx, id)
			m.must(err)
			m.equal("attempts", log, m.logs[id])
			stored, err := m.store.Delivery(m.ctx, id)
			m.must(err)
			m.equal("delivery", stored, m.show(d))
		}
	}
}
