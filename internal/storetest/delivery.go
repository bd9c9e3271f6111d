package storetest

import (
	"errors"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var endRules = []rule{
	{"WritesOutcomeAndFirstStep", endWritesAll},
	{"FailedRendering", endFailed},
	{"AgainChangesNothing", endAgain},
	{"IsAllOrNothing", endIsAllOrNothing},
}

var deliveryRules = []rule{
	{"OpenLogsTheAttempt", openLogs},
	{"OpenAfterACrash", openAfterCrash},
	{"OpenWhenFinalChangesNothing", openFinal},
	{"OpenUnknown", openUnknown},
	{"CloseForARetry", closeRetry},
	{"CloseDelivered", closeDelivered},
	{"CloseFailed", closeFailed},
	{"CloseTakesTheNextStep", closeStep},
	{"CloseIsAllOrNothing", closeIsAllOrNothing},
	{"CloseOfAnAttemptNotOpen", closeNotOpen},
}

func endWritesAll(f *fixture) {
	f.create("a", t0, 4)
	want, err := f.Start(f.ctx, "a", after(time.Second))
	f.must(err)
	f.takeAnnounced()
	d := newDelivery("d1", "a", 1, after(time.Hour))
	settled := project.Destination{Type: "ftp", Status: "failed", Message: "Destinations of type 'ftp' are not supported"}
	o := done("a")
	f.must(f.End(f.ctx, o, export.Step{Settled: []project.Destination{settled}, Delivery: d}))

	want.Status, want.Result, want.Warnings, want.EndedAt = o.Status, o.Result, o.Warnings, o.EndedAt
	f.equal("project", f.get("a"), want)
	ds := webhooks(4)
	ds[0], ds[1].Delivery = settled, "d1"
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("render jobs", f.keys(project.Render), "")
	jobs := f.jobs(export.Deliver)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 1 {
		f.Fatalf("got %d deliver jobs", len(jobs))
	}
	f.equal("job", jobs[0], queue.Job{ID: jobs[0].ID, Kind: export.Deliver, Key: "d1", Group: d.Group, RunAt: d.NextAt})
	got, _, err := f.OpenAttempt(f.ctx, "d1", after(2*time.Hour))
	f.must(err)
	d.State, d.Attempts = export.Running, 1
	f.equal("delivery", got, *d)
}

func endFailed(f *fixture) {
	want := f.create("a", t0, 1)
	o := project.Outcome{ID: "a", Status: project.Failed, Message: "no such file: é", EndedAt: after(time.Second)}
	f.must(f.End(f.ctx, o, export.Step{}))
	want.Status, want.Message, want.EndedAt, want.Warnings = project.Failed, o.Message, o.EndedAt, nil
	f.equal("project", f.get("a"), want)
	f.equal("render jobs", f.keys(project.Render), "")
	f.create("b", t0, 0)
	if err := f.End(f.ctx, project.Outcome{ID: "b", Status: project.Running}, export.Step{}); err == nil {
		f.Error("a project ended as running")
	}
}

func endAgain(f *fixture) {
	f.deliver("a", "d1")
	want, ds := f.get("a"), f.destinations("a")
	o := project.Outcome{ID: "a", Status: project.Failed, Message: "no", EndedAt: after(2 * time.Hour)}
	f.must(f.End(f.ctx, o, export.Step{
		Settled:  []project.Destination{{Type: "webhook", Status: "failed"}},
		Delivery: newDelivery("d2", "a", 1, t0),
	}))
	f.equal("project", f.get("a"), want)
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("jobs", f.keys(export.Deliver), "d1")
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
}

func endIsAllOrNothing(f *fixture) {
	f.deliver("a", "d1")
	want := f.create("b", t0, 2)
	f.takeAnnounced()
	err := f.End(f.ctx, done("b"), export.Step{
		Settled:  []project.Destination{{Type: "webhook", Status: "failed"}},
		Delivery: newDelivery("d1", "b", 1, t0), // the id is taken
	})
	if err == nil {
		f.Fatal("two deliveries with one id")
	}
	f.equal("project", f.get("b"), want)
	f.equal("destinations", f.destinations("b"), webhooks(2))
	f.equal("render jobs", f.keys(project.Render), "b")
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
}

func openLogs(f *fixture) {
	want := f.deliver("a", "d1")
	d, a, err := f.OpenAttempt(f.ctx, "d1", after(2*time.Hour))
	f.must(err)
	want.State, want.Attempts = export.Running, 1
	f.equal("delivery", d, want)
	f.equal("attempt", a, export.Attempt{Delivery: "d1", Number: 1, StartedAt: after(2 * time.Hour), Result: export.Open})
	f.equal("log", f.attempts("d1"), []export.Attempt{a})
	ds := webhooks(3)
	ds[0].Status, ds[0].Attempts, ds[0].Delivery = "running", 1, "d1"
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("job stays", f.keys(export.Deliver), "d1")
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
}

func openAfterCrash(f *fixture) {
	f.deliver("a", "d1")
	_, first, err := f.OpenAttempt(f.ctx, "d1", after(2*time.Hour))
	f.must(err)
	d, second, err := f.OpenAttempt(f.ctx, "d1", after(3*time.Hour))
	f.must(err)
	f.equal("attempts", d.Attempts, 2)
	f.equal("the schedule is not walked", d.Failures, 0)
	first.Result, first.EndedAt = export.Unknown, after(3*time.Hour)
	log := f.attempts("d1")
	if len(log) != 2 || log[0].Error == "" {
		f.Fatalf("the log does not say what happened: %+v", log)
	}
	first.Error = log[0].Error
	f.equal("log", log, []export.Attempt{first, second})
	f.equal("shown attempts", f.destinations("a")[0].Attempts, 2)
}

func openFinal(f *fixture) {
	for id, state := range map[string]export.State{"d1": export.Delivered, "d2": export.Failed} {
		f.deliver("p"+id, id)
		d, a := f.attempt(id, after(2*time.Hour), export.Succeeded)
		d.State, d.NextAt = state, time.Time{}
		f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
		log, ds := f.attempts(id), f.destinations("p"+id)
		got, none, err := f.OpenAttempt(f.ctx, id, after(3*time.Hour))
		f.must(err)
		f.equal("delivery", got, d)
		f.equal("attempt", none, export.Attempt{})
		f.equal("log", f.attempts(id), log)
		f.equal("destinations", f.destinations("p"+id), ds)
	}
}

func openUnknown(f *fixture) {
	if _, _, err := f.OpenAttempt(f.ctx, "x", t0); !errors.Is(err, export.ErrNoDelivery) {
		f.Errorf("got %v, want ErrNoDelivery", err)
	}
	f.equal("log", f.attempts("x"), []export.Attempt(nil))
}

func closeRetry(f *fixture) {
	f.deliver("a", "d1")
	old := f.jobs(export.Deliver)[0]
	d, a := f.attempt("d1", after(2*time.Hour), export.Refused)
	a.Status, a.Class, a.Error = 503, "http", "The endpoint answered 503"
	a.Answer, a.Cut, a.RetryAfter, a.Gone = []byte("\x00no\xff"), true, 90*time.Second, true
	d.State, d.Failures, d.LastStatus, d.Message, d.NextAt = export.Retrying, 1, 503, a.Error, after(4*time.Hour)
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))

	f.equal("log", f.attempts("d1"), []export.Attempt{a})
	f.equal("destination", f.destinations("a")[0], project.Destination{Type: "webhook", Status: "retrying",
		Attempts: 1, LastStatus: 503, Message: a.Error, Delivery: "d1"})
	jobs := f.jobs(export.Deliver)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 1 || jobs[0].ID <= old.ID {
		f.Fatalf("got jobs %+v after %+v", jobs, old)
	}
	f.equal("job", jobs[0], queue.Job{ID: jobs[0].ID, Kind: export.Deliver, Key: "d1", Group: d.Group, RunAt: d.NextAt})
	f.must(f.Finish(f.ctx, old.ID)) // as the dispatcher does when Work returned nil
	f.equal("the retry stays", f.jobs(export.Deliver), jobs)

	again, second, err := f.OpenAttempt(f.ctx, "d1", after(4*time.Hour))
	f.must(err)
	d.State, d.Attempts = export.Running, 2
	f.equal("delivery", again, d)
	f.equal("number", second.Number, 2)
	f.equal("shown status", f.destinations("a")[0].Status, "running")
}

func closeDelivered(f *fixture) {
	f.deliver("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Succeeded)
	a.Status, d.State, d.LastStatus, d.NextAt = 204, export.Delivered, 204, time.Time{}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	f.equal("log", f.attempts("d1"), []export.Attempt{a})
	f.equal("destination", f.destinations("a")[0],
		project.Destination{Type: "webhook", Status: "delivered", Attempts: 1, LastStatus: 204, Delivery: "d1"})
	f.equal("jobs", f.keys(export.Deliver), "")
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
}

func closeFailed(f *fixture) {
	f.deliver("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Refused)
	d.State, d.Failures, d.Message, d.NextAt = export.Failed, 1, "Gave up", time.Time{}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	f.equal("destination", f.destinations("a")[0],
		project.Destination{Type: "webhook", Status: "failed", Attempts: 1, Message: "Gave up", Delivery: "d1"})
	f.equal("jobs", f.keys(export.Deliver), "")
}

func closeStep(f *fixture) {
	f.deliver("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Refused)
	d.State, d.Failures, d.NextAt = export.Retrying, 1, after(4*time.Hour)
	next := newDelivery("d2", "a", 2, after(3*time.Hour))
	skipped := project.Destination{Position: 1, Type: "webhook", Status: "skipped", Message: "no"}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{Settled: []project.Destination{skipped}, Delivery: next}))

	ds := webhooks(3)
	ds[0].Status, ds[0].Attempts, ds[0].Delivery = "retrying", 1, "d1"
	ds[1], ds[2].Delivery = skipped, "d2"
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("jobs", f.keys(export.Deliver), "d1 d2")
	f.equal("announced", len(f.takeAnnounced()), 2)
	got, _, err := f.OpenAttempt(f.ctx, "d2", after(3*time.Hour))
	f.must(err)
	next.State, next.Attempts = export.Running, 1
	f.equal("next delivery", got, *next)
}

func closeIsAllOrNothing(f *fixture) {
	f.deliver("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Succeeded)
	jobs, log, ds := f.jobs(export.Deliver), f.attempts("d1"), f.destinations("a")
	d.State, d.NextAt = export.Delivered, time.Time{}
	step := export.Step{
		Settled:  []project.Destination{{Position: 1, Type: "webhook", Status: "skipped"}},
		Delivery: newDelivery("d1", "a", 2, t0), // the id is taken
	}
	if err := f.CloseAttempt(f.ctx, d, a, step); err == nil {
		f.Fatal("two deliveries with one id")
	}
	f.equal("jobs", f.jobs(export.Deliver), jobs)
	f.equal("log", f.attempts("d1"), log)
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	f.equal("jobs after a good one", f.keys(export.Deliver), "")
}

func closeNotOpen(f *fixture) {
	f.deliver("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Succeeded)
	_, _ = f.attempt("d1", after(3*time.Hour), export.Succeeded) // the first is unknown now
	log, ds := f.attempts("d1"), f.destinations("a")
	d.State, d.NextAt = export.Delivered, time.Time{}
	if err := f.CloseAttempt(f.ctx, d, a, export.Step{}); err == nil {
		f.Error("an attempt was closed twice")
	}
	a.Number = 2
	a.Result = export.Open
	if err := f.CloseAttempt(f.ctx, d, a, export.Step{}); err == nil {
		f.Error("an attempt was closed as open")
	}
	f.equal("log", f.attempts("d1"), log)
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("jobs", f.keys(export.Deliver), "d1")
}
