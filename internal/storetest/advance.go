package storetest

import (
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var advanceRules = []rule{
	{"Held", advanceHeld},
	{"PutOff", advancePutOff},
	{"Cancelled", advanceCancelled},
	{"WhenFinalMeanwhile", advanceFinal},
	{"IsAllOrNothing", advanceIsAllOrNothing},
}

func advanceHeld(f *fixture) {
	d := f.deliver("a", "d1")
	d.State, d.Remaining, d.Message, d.NextAt = export.Held, 0, "Held", time.Time{}
	next := newDelivery("d2", "a", 1, after(2*time.Hour))
	f.must(f.Advance(f.ctx, d, deliveries(next)))
	f.equal("stored", f.delivery("d1"), d)
	f.equal("jobs", f.keys(export.Deliver), "d2")
	f.equal("log", f.attempts("d1"), []export.Attempt(nil))
	f.equal("destinations", f.destinations("a")[:2], []project.Destination{
		{Type: "webhook", Status: "held", Message: "Held", Delivery: "d1"}, {Position: 1, Type: "webhook", Status: "pending", Delivery: "d2"}})
}

func advancePutOff(f *fixture) {
	d := f.deliver("a", "d1")
	old := f.jobs(export.Deliver)[0]
	d.State, d.Remaining, d.Message, d.NextAt = export.Retrying, 0, "Put off", after(5*time.Hour)
	f.must(f.Advance(f.ctx, d, export.Step{}))
	f.equal("stored", f.delivery("d1"), d)
	jobs := f.jobs(export.Deliver)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 1 || jobs[0].ID <= old.ID {
		f.Fatalf("got jobs %+v after %+v", jobs, old)
	}
	f.equal("job", jobs[0], queue.Job{ID: jobs[0].ID, Kind: export.Deliver, Key: "d1", Group: d.Group, RunAt: d.NextAt, Retry: true})
}

func advanceCancelled(f *fixture) {
	d := f.deliver("a", "d1")
	d.State, d.Remaining, d.Message, d.NextAt = export.Cancelled, 0, "Dropped", time.Time{}
	f.must(f.Advance(f.ctx, d, export.Step{Settled: []project.Destination{{Position: 1, Type: "ftp", Status: "failed"}}}))
	f.equal("stored", f.delivery("d1"), d)
	f.equal("jobs", f.keys(export.Deliver), "")
	f.equal("settled", f.destinations("a")[1].Status, "failed")
}

// The pipeline has read a delivery, and it is cancelled before it can go on.
func advanceFinal(f *fixture) {
	d := f.deliver("a", "d1")
	want, err := f.Cancel(f.ctx, "d1", after(2*time.Hour))
	f.must(err)
	f.equal("its job stays, for others wait", f.keys(export.Deliver), "d1")
	d.State, d.Remaining, d.Message, d.NextAt = export.Retrying, 0, "Put off", after(5*time.Hour)
	f.must(f.Advance(f.ctx, d, deliveries(newDelivery("d2", "a", 1, t0))))
	want.Remaining = 0
	f.equal("stored", f.delivery("d1"), want)
	f.equal("jobs", f.keys(export.Deliver), "d2")
	f.equal("next destination", f.destinations("a")[1].Delivery, "d2")
}

func advanceIsAllOrNothing(f *fixture) {
	want := f.deliver("a", "d1")
	jobs := f.jobs(export.Deliver)
	d := want
	d.State, d.Remaining, d.NextAt = export.Held, 0, time.Time{}
	if err := f.Advance(f.ctx, d, deliveries(newDelivery("d1", "a", 1, t0))); err == nil {
		f.Fatal("two deliveries with one id")
	}
	f.equal("stored", f.delivery("d1"), want)
	f.equal("jobs", f.jobs(export.Deliver), jobs)
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
}
