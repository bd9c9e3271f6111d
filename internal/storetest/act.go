package storetest

import (
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var redeliverRules = []rule{
	{"FromEveryState", redeliverAll},
	{"OneThatOthersWaitFor", redeliverFirst},
	{"IsBusyWhileAnAttemptIsOpen", redeliverBusy},
	{"NeedsAnEnabledEndpoint", redeliverShut},
	{"Transfers", redeliverTransfer},
}

var cancelRules = []rule{
	{"FromEveryState", cancelAll},
	{"OneThatOthersWaitForKeepsItsJob", cancelFirst},
	{"WhileAnAttemptIsOpen", cancelOpen},
	{"Transfers", cancelTransfer},
}

// onlyJob returns the one deliver job, which must have been announced.
func (f *fixture) onlyJob() queue.Job {
	f.Helper()
	jobs := f.jobs(export.Deliver)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 1 {
		f.Fatalf("got jobs %+v", jobs)
	}
	return jobs[0]
}

func redeliverAll(f *fixture) {
	for i, state := range states {
		if state == export.Running {
			continue
		}
		d := event(t0, i)
		f.stand(d, state)
		old := f.jobs(export.Deliver)
		f.takeAnnounced()
		want, log := f.delivery(d.ID), f.attempts(d.ID)
		want.State, want.Failures, want.Message, want.NextAt = export.Retrying, 0, "", after(5*time.Hour)
		got, err := f.Redeliver(f.ctx, d.ID, after(5*time.Hour))
		f.must(err)
		f.equal("returned, "+string(state), got, want)
		f.equal("stored, "+string(state), f.delivery(d.ID), want)
		f.equal("log", f.attempts(d.ID), log)
		j := f.onlyJob()
		f.equal("job", j, queue.Job{ID: j.ID, Kind: export.Deliver, Key: d.ID, Group: d.Group, RunAt: want.NextAt, Retry: true})
		if len(old) > 0 && j.ID <= old[0].ID {
			f.Errorf("from %s: job %d in place of %d", state, j.ID, old[0].ID)
		}
		f.close(d.ID, export.Delivered)
	}
}

// It goes on as the first attempt that it is, and others still wait for it.
func redeliverFirst(f *fixture) {
	want := f.deliver("a", "d1")
	got, err := f.Redeliver(f.ctx, "d1", after(5*time.Hour))
	f.must(err)
	want.NextAt = after(5 * time.Hour)
	f.equal("delivery", got, want)
	j := f.onlyJob()
	f.equal("job", j, queue.Job{ID: j.ID, Kind: export.Deliver, Key: "d1", Group: want.Group, RunAt: want.NextAt})
}

func redeliverBusy(f *fixture) {
	f.deliver("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Succeeded)
	jobs := f.jobs(export.Deliver)
	f.is("while it is open", export.ErrBusy, second(f.Redeliver(f.ctx, "d1", after(3*time.Hour))))
	_, err := f.Cancel(f.ctx, "d1", after(3*time.Hour))
	f.must(err)
	f.takeAnnounced()
	f.is("while it is open and cancelled", export.ErrBusy, second(f.Redeliver(f.ctx, "d1", after(3*time.Hour))))
	f.equal("jobs", f.keys(export.Deliver), jobs[0].Key)
	f.equal("announced", f.takeAnnounced(), []queue.Job(nil))
	d.State, d.Remaining, d.NextAt = export.Delivered, 0, time.Time{}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	_, err = f.Redeliver(f.ctx, "d1", after(3*time.Hour))
	f.must(err)
	_, second := f.attempt("d1", after(3*time.Hour), export.Succeeded)
	f.equal("number", second.Number, 2)
}

func redeliverShut(f *fixture) {
	f.know("ep_example")
	d := event(t0, 1)
	f.stand(d, export.Held)
	want := f.delivery(d.ID)
	for _, state := range []export.EndpointState{export.Paused, export.Disabled} {
		f.set("ep_example", state)
		f.is(string(state), export.ErrNotEnabled, second(f.Redeliver(f.ctx, d.ID, t0)))
		f.equal("delivery", f.delivery(d.ID), want)
		f.equal("jobs", f.keys(export.Deliver), "")
	}
	f.set("ep_example", export.Enabled)
	_, err := f.Redeliver(f.ctx, d.ID, t0)
	f.must(err)
	f.equal("jobs", f.keys(export.Deliver), d.ID)
}

func cancelAll(f *fixture) {
	for i, state := range states {
		d := event(t0, i)
		f.stand(d, state)
		want, log := f.delivery(d.ID), f.attempts(d.ID)
		got, err := f.Cancel(f.ctx, d.ID, after(5*time.Hour))
		if state.Final() {
			f.is(string(state), export.ErrFinal, err)
			f.equal("left alone", f.delivery(d.ID), want)
			continue
		}
		f.must(err)
		if got.Message == "" {
			f.Errorf("from %s: no message", state)
		}
		want.State, want.Message, want.NextAt = export.Cancelled, got.Message, time.Time{}
		f.equal("returned, "+string(state), got, want)
		f.equal("stored, "+string(state), f.delivery(d.ID), want)
		f.equal("log", f.attempts(d.ID), log)
		if state == export.Running {
			f.closeCancelled(d.ID)
		}
		f.equal("jobs, "+string(state), f.keys(export.Deliver), "")
	}
}

// closeCancelled closes the open attempt of a delivery that was cancelled.
func (f *fixture) closeCancelled(id string) {
	f.Helper()
	d, log := f.delivery(id), f.attempts(id)
	a := log[len(log)-1]
	a.Result, a.EndedAt = export.Refused, after(3*time.Hour)
	d.State, d.Remaining, d.NextAt = export.Retrying, 0, after(4*time.Hour) // nobody waits for more than a first attempt
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
}

func cancelFirst(f *fixture) {
	want := f.deliver("a", "d1")
	got, err := f.Cancel(f.ctx, "d1", after(5*time.Hour))
	f.must(err)
	want.State, want.Message, want.NextAt = export.Cancelled, got.Message, time.Time{}
	f.equal("delivery", got, want)
	j := f.onlyJob()
	f.equal("job", j, queue.Job{ID: j.ID, Kind: export.Deliver, Key: "d1", Group: want.Group, RunAt: after(5 * time.Hour)})
	f.equal("destination", f.destinations("a")[0],
		project.Destination{Type: "webhook", Status: "cancelled", Message: got.Message, Delivery: "d1"})
	f.opensNone("d1", want)
}

func cancelOpen(f *fixture) {
	for _, remaining := range []int{0, 1} {
		d := event(t0, remaining)
		d.Remaining = remaining
		f.stand(d, export.Running)
		cancelled, err := f.Cancel(f.ctx, d.ID, after(5*time.Hour))
		f.must(err)
		f.equal("state", cancelled.State, export.Cancelled)
		f.equal("the attempt goes on", f.attempts(d.ID)[0].Result, export.Open)
		f.equal("for a crash its job is there", f.keys(export.Deliver), d.ID)
		f.is("again", export.ErrFinal, second(f.Cancel(f.ctx, d.ID, after(5*time.Hour))))
		f.closeCancelled(d.ID)
		f.equal("jobs", f.keys(export.Deliver), "")
	}
}
