package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var projectRules = []rule{
	{"CreateWritesProjectDestinationsAndJob", createWritesAll},
	{"CreateIsAllOrNothing", createIsAllOrNothing},
	{"CreateStartsPending", createStartsPending},
	{"IdempotencyKeyGivesTheFirstProject", idempotencyKey},
	{"IdempotencyKeyLivesADay", idempotencyKeyLivesADay},
	{"IdempotencyKeyUsedAtOnce", idempotencyKeyAtOnce},
	{"UnknownProjectIsNotFound", unknownProject},
	{"StartAndPutBack", startAndPutBack},
	{"EndedProjectStartsNoMore", endedStartsNoMore},
	{"Delete", deleteProject},
	{"DeletedWhileRunning", deletedWhileRunning},
	{"ListWindow", listWindow},
	{"ListPages", listPages},
	{"ListLeavesDocumentsOut", listDocuments},
	{"ListEndsLargePagesEarly", listLarge},
	{"DestinationsOfMany", destinationsOfMany},
	{"KeepsItsAccountAndWhatIsSealed", projectKeepsMore},
	{"ListIsOfOneAccount", listAccounts},
	{"IdempotencyKeysAreAnAccounts", idempotencyAccounts},
}

func createWritesAll(f *fixture) {
	want := newProject("a", t0)
	got, created, err := f.Create(f.ctx, want, webhooks(3), &project.Idempotency{Key: "k"})
	f.must(err)
	f.equal("created", created, true)
	f.equal("returned", got, want)
	f.equal("stored", f.get("a"), want)
	f.equal("destinations", f.destinations("a"), webhooks(3))
	jobs := f.jobs(project.Render)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 1 {
		f.Fatalf("got %d render jobs", len(jobs))
	}
	f.equal("job", jobs[0], queue.Job{ID: jobs[0].ID, Kind: project.Render, Key: "a", RunAt: t0})
	if f.get("a").CreatedAt.Location() != time.UTC {
		f.Error("times are not UTC")
	}
}

func createIsAllOrNothing(f *fixture) {
	first := f.create("a", t0, 1)
	f.takeAnnounced()
	again := newProject("a", after(time.Minute))
	again.MovieID = "other"
	if _, created, err := f.Create(f.ctx, again, webhooks(3), &project.Idempotency{Key: "k"}); err == nil || created {
		f.Error("a second project with the same id was created")
	}
	twice := append(webhooks(1), webhooks(1)...)
	if _, _, err := f.Create(f.ctx, newProject("b", t0), twice, &project.Idempotency{Key: "k"}); err == nil {
		f.Error("two destinations at one place were created")
	}
	f.equal("project", f.get("a"), first)
	f.equal("destinations", f.destinations("a"), webhooks(1))
	if _, err := f.Get(f.ctx, "b"); !errors.Is(err, project.ErrNotFound) {
		f.Errorf("half a project is there: %v", err)
	}
	f.equal("jobs", f.keys(project.Render), "a")
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
	_, created, err := f.Create(f.ctx, newProject("c", t0), nil, &project.Idempotency{Key: "k"})
	f.must(err)
	f.equal("key is free", created, true)
}

func createStartsPending(f *fixture) {
	p := newProject("a", t0)
	p.Status = project.Running
	ds := webhooks(1)
	ds[0].Status = "running"
	got, _, err := f.Create(f.ctx, p, ds, nil)
	f.must(err)
	f.equal("status", got.Status, project.Pending)
	f.equal("destinations", f.destinations("a"), webhooks(1))
}

func idempotencyKey(f *fixture) {
	key := &project.Idempotency{Key: "k", BodyHash: [32]byte{1}}
	_, _, err := f.Create(f.ctx, newProject("a", t0), webhooks(1), key)
	f.must(err)
	f.must(f.PutBack(f.ctx, "a"))
	_, err = f.Start(f.ctx, "a", after(time.Second))
	f.must(err)
	f.takeAnnounced()
	got, created, err := f.Create(f.ctx, newProject("b", after(time.Minute)), webhooks(2), key)
	f.must(err)
	f.equal("created", created, false)
	f.equal("project", got, f.get("a"))
	other := &project.Idempotency{Key: "k", BodyHash: [32]byte{2}}
	if _, _, err := f.Create(f.ctx, newProject("b", after(time.Minute)), nil, other); !errors.Is(err, project.ErrConflict) {
		f.Errorf("got %v, want ErrConflict", err)
	}
	f.equal("jobs", f.keys(project.Render), "a")
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
	_, created, err = f.Create(f.ctx, newProject("b", after(time.Minute)), nil, &project.Idempotency{Key: "K"})
	f.must(err)
	f.equal("another key", created, true)
}

func idempotencyKeyLivesADay(f *fixture) {
	key := func(hash byte) *project.Idempotency { return &project.Idempotency{Key: "k", BodyHash: [32]byte{hash}} }
	_, _, err := f.Create(f.ctx, newProject("a", t0), nil, key(1))
	f.must(err)
	_, created, err := f.Create(f.ctx, newProject("b", after(24*time.Hour-1)), nil, key(1))
	f.must(err)
	f.equal("created within the day", created, false)
	_, created, err = f.Create(f.ctx, newProject("b", after(24*time.Hour)), nil, key(2))
	f.must(err)
	f.equal("created after a day", created, true)
	got, _, err := f.Create(f.ctx, newProject("c", after(25*time.Hour)), nil, key(2))
	f.must(err)
	f.equal("project of the key", got.ID, "b")
}

func idempotencyKeyAtOnce(f *fixture) {
	const callers = 32
	var wg sync.WaitGroup
	ids := make([]string, callers)
	made := make([]bool, callers)
	for i := range callers {
		wg.Go(func() {
			p, created, err := f.Create(f.ctx, newProject(fmt.Sprintf("p%02d", i), t0), webhooks(1), &project.Idempotency{Key: "k"})
			if err != nil {
				f.Error(err)
			}
			ids[i], made[i] = p.ID, created
		})
	}
	wg.Wait()
	count := 0
	for i := range callers {
		if made[i] {
			count++
		}
		if ids[i] != ids[0] {
			f.Errorf("two projects, %s and %s", ids[0], ids[i])
		}
	}
	f.equal("created", count, 1)
	f.equal("jobs", f.keys(project.Render), ids[0])
}

func unknownProject(f *fixture) {
	_, get := f.Get(f.ctx, "x")
	_, start := f.Start(f.ctx, "x", t0)
	_, del := f.Delete(f.ctx, "x", t0)
	for name, err := range map[string]error{
		"Get": get, "Start": start, "Delete": del,
		"PutBack": f.PutBack(f.ctx, "x"), "End": f.End(f.ctx, done("x"), export.Step{}),
	} {
		if !errors.Is(err, project.ErrNotFound) {
			f.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	f.equal("destinations", f.destinations("x"), []project.Destination(nil))
}

func startAndPutBack(f *fixture) {
	want := f.create("a", t0, 1)
	start := func(at time.Time) project.Project {
		p, err := f.Start(f.ctx, "a", at)
		f.must(err)
		return p
	}
	want.Status, want.Starts, want.StartedAt = project.Running, 1, after(time.Second)
	f.equal("first start", start(after(time.Second)), want)
	want.Starts, want.StartedAt = 2, after(time.Minute)
	f.equal("start after a crash", start(after(time.Minute)), want)
	f.equal("stored", f.get("a"), want)
	f.must(f.PutBack(f.ctx, "a"))
	want.Status, want.Starts, want.StartedAt = project.Pending, 1, time.Time{}
	f.equal("put back", f.get("a"), want)
	f.must(f.PutBack(f.ctx, "a"))
	f.equal("put back again", f.get("a"), want)
	f.equal("job stays", f.keys(project.Render), "a")
}

func endedStartsNoMore(f *fixture) {
	f.create("a", t0, 0)
	f.must(f.End(f.ctx, done("a"), export.Step{}))
	want := f.get("a")
	got, err := f.Start(f.ctx, "a", after(time.Minute))
	f.must(err)
	f.equal("started", got, want)
	f.must(f.PutBack(f.ctx, "a"))
	f.equal("put back", f.get("a"), want)
}

func deleteProject(f *fixture) {
	f.create("a", t0, 1)
	f.must(f.End(f.ctx, done("a"), export.Step{}))
	want := f.get("a")
	want.DeletedAt, want.Result.File = after(2*time.Hour), ""
	for range 2 {
		got, err := f.Delete(f.ctx, "a", want.DeletedAt)
		f.must(err)
		f.equal("deleted", got, want)
	}
	_, err := f.Delete(f.ctx, "a", after(3*time.Hour))
	f.must(err)
	f.equal("the first time counts", f.get("a"), want)
}

func deletedWhileRunning(f *fixture) {
	f.create("a", t0, 1)
	_, err := f.Start(f.ctx, "a", after(time.Second))
	f.must(err)
	p, err := f.Delete(f.ctx, "a", after(time.Minute))
	f.must(err)
	f.equal("status", p.Status, project.Running)
	f.equal("its worker still has a job", f.keys(project.Render), "a")
	f.must(f.End(f.ctx, done("a"), export.Step{}))
	p = f.get("a")
	f.equal("status", p.Status, project.Done)
	f.equal("file", p.Result.File, "")
	f.equal("jobs", f.keys(project.Render), "")
}

func listWindow(f *fixture) {
	for i := range 4 {
		f.create(fmt.Sprintf("p%d", i), after(time.Duration(i)*time.Hour), 0)
	}
	_, err := f.Delete(f.ctx, "p2", after(5*time.Hour))
	f.must(err)
	never := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		from, to time.Time
		want     string
	}{
		{time.Time{}, time.Time{}, "p3 p2 p1 p0"},
		{t0, after(3 * time.Hour), "p2 p1 p0"},
		{after(1), after(3*time.Hour + 1), "p3 p2 p1"},
		{after(2 * time.Hour), never, "p3 p2"},
		{never, never, ""},
		{t0, t0, ""},
	} {
		f.equal(fmt.Sprint("from ", c.from, " to ", c.to), f.list(project.Page{From: c.from, To: c.to, Limit: 10}), c.want)
	}
	all, _, err := f.List(f.ctx, project.Page{Limit: 1, Sources: 1000})
	f.must(err)
	f.equal("whole projects", all, []project.Project{f.get("p3")})
}

// list returns the ids of all pages, with a slash between pages.
func (f *fixture) list(page project.Page) string {
	f.Helper()
	ids := ""
	for {
		found, next, err := f.List(f.ctx, page)
		f.must(err)
		for i, p := range found {
			if i > 0 {
				ids += " "
			}
			ids += p.ID
		}
		if next == "" {
			return ids
		}
		ids += "/"
		page.After = next
	}
}

func listPages(f *fixture) {
	for _, id := range []string{"b", "a", "d", "c"} {
		f.create(id, t0, 0)
	}
	f.create("e", after(time.Hour), 0)
	f.equal("pages of 2", f.list(project.Page{Limit: 2}), "e d/c b/a")
	f.equal("pages of 5", f.list(project.Page{Limit: 5}), "e d c b a")
	f.equal("in a window", f.list(project.Page{Limit: 3, From: t0, To: after(1)}), "d c b/a")

	_, next, err := f.List(f.ctx, project.Page{Limit: 2})
	f.must(err)
	f.create("f", after(2*time.Hour), 0)
	f.create("dd", t0, 0)
	f.equal("a newcomer shifts no page", f.list(project.Page{Limit: 9, After: next}), "c b a")
	for _, bad := range []string{"x", "!", "Lg", next + "A%"} {
		if _, _, err := f.List(f.ctx, project.Page{Limit: 2, After: bad}); !errors.Is(err, project.ErrNotFound) {
			f.Errorf("token %q was taken", bad)
		}
	}
}

func listDocuments(f *fixture) {
	var want []project.Project
	for _, id := range []string{"c", "b", "a"} {
		want = append(want, f.create(id, t0, 0))
	}
	n := len(want[0].Source)
	for _, c := range []struct{ limit, sources, shown int }{
		{3, 3 * n, n}, {3, 3*n - 1, 0}, {3, 0, 0}, {4, 3 * n, n}, {2, 2 * n, n}, {2, 2*n - 1, 0}, {1, n, n},
	} {
		found, _, err := f.List(f.ctx, project.Page{Limit: c.limit, Sources: c.sources})
		f.must(err)
		all := slices.Clone(want[:min(c.limit, 3)])
		for i := range all {
			all[i].Source = all[i].Source[:c.shown]
		}
		f.equal(fmt.Sprintf("%d projects, %d bytes", c.limit, c.sources), found, all)
	}
}

func listLarge(f *fixture) {
	for id, size := range map[string]int{"a": 1, "b": project.MaxPage / 3, "c": project.MaxPage / 2, "d": project.MaxPage / 3, "e": 2 * project.MaxPage, "f": 1} {
		p := newProject(id, t0)
		p.ClientData = slices.Repeat([]byte("x"), size)
		_, _, err := f.Create(f.ctx, p, nil, nil)
		f.must(err)
	}
	f.equal("pages", f.list(project.Page{Limit: 10}), "f/e/d c/b a")
	f.equal("pages of 1", f.list(project.Page{Limit: 1}), "f/e/d/c/b/a")
}

func destinationsOfMany(f *fixture) {
	f.create("a", t0, 3)
	f.create("b", t0, 0)
	f.create("c", t0, 1)
	got, err := f.Destinations(f.ctx, "c", "a", "b", "x", "a")
	f.must(err)
	f.equal("destinations", got, map[string][]project.Destination{"a": webhooks(3), "c": webhooks(1)})
	none, err := f.Destinations(f.ctx)
	f.must(err)
	f.equal("of nobody", len(none), 0)
}
