package storetest

import (
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

var emitRules = []rule{
	{"KeepsEverything", emitKeepsAll},
	{"HasAJobWhenItIsDue", emitJobs},
	{"AgainChangesNothing", emitAgain},
	{"ShowsInNoDestination", emitBeside},
	{"KeepsEverythingOfATransfer", emitTransfer},
}

// deliveries is a list of them, for a step.
func deliveries(all ...export.Delivery) export.Step { return export.Step{Deliveries: all} }

func endWritesAll(f *fixture) {
	f.create("a", t0, 4)
	want, err := f.Start(f.ctx, "a", after(time.Second))
	f.must(err)
	f.takeAnnounced()
	d := newDelivery("d1", "a", 1, after(time.Hour))
	beside := newDelivery("d2", "a", 3, after(2*time.Hour))
	beside.Main = false
	settled := project.Destination{Type: "ftp", Status: "failed", Message: "Destinations of type 'ftp' are not supported"}
	o := done("a")
	f.must(f.End(f.ctx, o, export.Step{Settled: []project.Destination{settled}, Deliveries: []export.Delivery{d, beside}}))

	want.Status, want.Result, want.Warnings, want.EndedAt = o.Status, o.Result, o.Warnings, o.EndedAt
	f.equal("project", f.get("a"), want)
	ds := webhooks(4)
	ds[0], ds[1].Delivery = settled, "d1"
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("render jobs", f.keys(project.Render), "")
	jobs := f.jobs(export.Deliver)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 2 {
		f.Fatalf("got %d deliver jobs", len(jobs))
	}
	f.equal("job", jobs[0], queue.Job{ID: jobs[0].ID, Kind: export.Deliver, Key: "d1", Group: d.Group, RunAt: d.NextAt})
	f.equal("delivery", f.delivery("d1"), d)
	f.equal("the other", f.delivery("d2"), beside)
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
		Settled:    []project.Destination{{Type: "webhook", Status: "failed"}},
		Deliveries: []export.Delivery{newDelivery("d2", "a", 1, t0)},
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
		Settled:    []project.Destination{{Type: "webhook", Status: "failed"}},
		Deliveries: []export.Delivery{newDelivery("d2", "b", 1, t0), newDelivery("d1", "b", 1, t0)}, // the second id is taken
		Endpoint:   &export.EndpointChange{ID: "ep_example", State: export.Disabled, At: t0},
	})
	if err == nil {
		f.Fatal("two deliveries with one id")
	}
	f.equal("project", f.get("b"), want)
	f.equal("destinations", f.destinations("b"), webhooks(2))
	f.equal("render jobs", f.keys(project.Render), "b")
	f.equal("deliver jobs", f.keys(export.Deliver), "d1")
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
	f.is("an endpoint of a step that failed", export.ErrNoEndpoint, second(f.Endpoint(f.ctx, "ep_example", t0)))
	_, a, err := f.OpenAttempt(f.ctx, "d1", after(time.Hour))
	f.must(err)
	f.equal("an attempt, for no endpoint was disabled", a.Number, 1)
}

func emitKeepsAll(f *fixture) {
	full := newDelivery("d1", "a", 3, t0)
	full.Main, full.Remaining, full.Message, full.LastStatus = false, 0, "<&>", 503
	full.MessageID = "msg_of_another" // sent again elsewhere
	full.Schedule = []time.Duration{8200 * time.Millisecond, 1, 365 * 24 * time.Hour}
	bare := export.Delivery{ID: "d2", MessageID: "msg_d2", State: export.Pending, CreatedAt: t0, NextAt: after(1)}
	f.must(f.Emit(f.ctx, full, bare))
	f.equal("full", f.delivery("d1"), full)
	f.equal("bare", f.delivery("d2"), bare)
	if f.delivery("d1").NextAt.Location() != time.UTC {
		f.Error("times are not UTC")
	}
	f.must(f.Emit(f.ctx))
}

func emitJobs(f *fixture) {
	due, never := newDelivery("d1", "", 0, after(time.Hour)), newDelivery("d2", "", 0, t0)
	never.NextAt = time.Time{}
	f.must(f.Emit(f.ctx, due, never))
	jobs := f.jobs(export.Deliver)
	f.equal("jobs", jobs, []queue.Job{{ID: jobs[0].ID, Kind: export.Deliver, Key: "d1", Group: due.Group, RunAt: due.NextAt}})
	f.equal("announced", f.takeAnnounced(), jobs)
	f.equal("without a job", f.delivery("d2"), never)
}

func emitAgain(f *fixture) {
	d := newDelivery("d1", "", 0, t0)
	f.must(f.Emit(f.ctx, d))
	d, a := f.attempt("d1", t0, export.Succeeded)
	d.State, d.NextAt = export.Delivered, time.Time{}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	f.takeAnnounced()
	again, other := newDelivery("d1", "", 1, after(time.Hour)), newDelivery("d2", "", 1, t0)
	f.must(f.Emit(f.ctx, again, other))
	f.equal("delivery", f.delivery("d1"), d)
	f.equal("jobs", f.keys(export.Deliver), "d2")
	f.equal("announced", len(f.takeAnnounced()), 1)
}

func emitBeside(f *fixture) {
	f.create("a", t0, 1)
	d := newDelivery("d1", "a", 0, t0)
	d.Main = false
	f.must(f.Emit(f.ctx, d))
	_, _ = f.attempt("d1", t0, export.Succeeded)
	f.equal("destinations", f.destinations("a"), webhooks(1))
}
