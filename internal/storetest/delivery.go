package storetest

import (
	"net/http"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var openRules = []rule{
	{"LogsTheAttempt", openLogs},
	{"AfterACrash", openAfterCrash},
	{"WhenFinalChangesNothing", openFinal},
	{"WhenHeldChangesNothing", openHeld},
	{"WhenItsEndpointIsShutSaysSo", openShut},
	{"AfterACrashWhenThereIsToBeNoOther", openAfterCrashNone},
	{"Unknown", openUnknown},
}

var closeRules = []rule{
	{"ForARetry", closeRetry},
	{"Delivered", closeDelivered},
	{"Failed", closeFailed},
	{"TakesTheNextStep", closeStep},
	{"WhenCancelledMeanwhile", closeCancelled},
	{"IsAllOrNothing", closeIsAllOrNothing},
	{"OfAnAttemptNotOpen", closeNotOpen},
	{"OfATransferThatIsTriedAgain", closeTransferRetry},
	{"WithAReceipt", closeReceipt},
	{"OfATransferCancelledMeanwhile", closeTransferCancelled},
}

func openLogs(f *fixture) {
	want := f.deliver("a", "d1")
	d, a, err := f.OpenAttempt(f.ctx, "d1", after(2*time.Hour))
	f.must(err)
	want.State, want.Attempts = export.Running, 1
	f.equal("delivery", d, want)
	f.equal("stored", f.delivery("d1"), want)
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
	f.interrupted("d1", first, second)
	f.equal("shown attempts", f.destinations("a")[0].Attempts, 2)
	f.equal("stored attempts", f.delivery("d1").Attempts, 2)
}

// interrupted holds that the log of a delivery is an attempt that a crash left
// open and these behind it.
func (f *fixture) interrupted(id string, open export.Attempt, behind ...export.Attempt) {
	f.Helper()
	log := f.attempts(id)
	if len(log) == 0 || log[0].Error == "" {
		f.Fatalf("the log does not say what happened: %+v", log)
	}
	open.Result, open.EndedAt, open.Error = export.Unknown, after(3*time.Hour), log[0].Error
	f.equal("log", log, append([]export.Attempt{open}, behind...))
}

func openFinal(f *fixture) {
	for id, state := range map[string]export.State{"d1": export.Delivered, "d2": export.Failed, "d3": export.Cancelled} {
		f.deliver("p"+id, id)
		d, a := f.attempt(id, after(2*time.Hour), export.Succeeded)
		d.State, d.NextAt = state, time.Time{}
		f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
		log, ds := f.attempts(id), f.destinations("p"+id)
		f.opensNone(id, d)
		f.equal("log", f.attempts(id), log)
		f.equal("destinations", f.destinations("p"+id), ds)
	}
}

// opensNone holds that there is no attempt to make of a delivery.
func (f *fixture) opensNone(id string, want export.Delivery) {
	f.Helper()
	got, none, err := f.OpenAttempt(f.ctx, id, after(3*time.Hour))
	f.must(err)
	f.equal("delivery", got, want)
	f.equal("attempt", none, export.Attempt{})
}

func openHeld(f *fixture) {
	d := f.deliver("a", "d1")
	d.State, d.NextAt = export.Held, time.Time{}
	f.must(f.Advance(f.ctx, d, export.Step{}))
	f.opensNone("d1", d)
	f.equal("log", f.attempts("d1"), []export.Attempt(nil))
}

func openShut(f *fixture) {
	want := f.deliver("a", "d1")
	other := newDelivery("d2", "", 0, t0)
	other.Endpoint = ""
	f.must(f.Emit(f.ctx, other))
	f.know("ep_example")
	for _, state := range []export.EndpointState{export.Paused, export.Disabled} {
		f.set("ep_example", state)
		held := want
		held.State = export.Held
		f.opensNone("d1", held)
		f.equal("stored "+string(state), f.delivery("d1"), want)
		f.equal("log", f.attempts("d1"), []export.Attempt(nil))
		f.equal("jobs", f.keys(export.Deliver), "d1 d2")
		f.equal("destination", f.destinations("a")[0].Status, "pending")
	}
	_, a := f.attempt("d2", t0, export.Succeeded)
	f.equal("to no endpoint", a.Number, 1)
	f.set("ep_example", export.Enabled)
	_, a = f.attempt("d1", t0, export.Succeeded)
	f.equal("once it is enabled", a.Number, 1)
}

// What a crash left open is closed also when there is to be no other attempt.
func openAfterCrashNone(f *fixture) {
	f.know("ep_example")
	for id, state := range map[string]export.State{"d1": export.Held, "d2": export.Cancelled} {
		f.set("ep_example", export.Enabled)
		f.deliver("p"+id, id)
		d, open, err := f.OpenAttempt(f.ctx, id, after(2*time.Hour))
		f.must(err)
		if d.State = state; state == export.Held {
			f.set("ep_example", export.Paused)
		} else {
			d, err = f.Cancel(f.ctx, id, after(2*time.Hour))
			f.must(err)
		}
		f.opensNone(id, d)
		f.interrupted(id, open)
		f.equal("attempts", f.delivery(id).Attempts, 1)
		f.equal("shown attempts", f.destinations("p" + id)[0].Attempts, 1)
		if state := f.delivery(id).State; state == export.Running {
			f.Errorf("%s is shown as %s", id, state)
		}
	}
}

func openUnknown(f *fixture) {
	f.is("opened", export.ErrNoDelivery, third(f.OpenAttempt(f.ctx, "x", t0)))
	f.equal("log", f.attempts("x"), []export.Attempt(nil))
}

// fullAttempt is what may be learned in an attempt.
func fullAttempt(a export.Attempt) export.Attempt {
	a.Result, a.Status, a.Class, a.Error = export.Refused, 503, "http", "The endpoint answered 503"
	a.Answer, a.Cut, a.RetryAfter, a.Gone = []byte("\x00no\xff"), true, 90*time.Second+1, true
	a.Peer = export.Peer{Address: "[2001:db8::1]:443", TLS: "TLS 1.3", Fingerprint: "00ff", DNS: time.Millisecond,
		Connect: 2 * time.Microsecond, Handshake: time.Minute, FirstByte: 3 * time.Hour}
	a.Request = http.Header{"Webhook-Id": {"msg_1"}, "x-raw": {"a: b", ""}, "X-Raw": {" é"}}
	a.Headers = http.Header{"Set-Cookie": {"a=1; b", "c"}, "Retry-After": {"90"}}
	return a
}

func closeRetry(f *fixture) {
	f.deliver("a", "d1")
	old := f.jobs(export.Deliver)[0]
	d, a := f.attempt("d1", after(2*time.Hour), export.Refused)
	a = fullAttempt(a)
	d.State, d.Failures, d.Remaining, d.LastStatus, d.Message, d.NextAt = export.Retrying, 1, 0, 503, a.Error, after(4*time.Hour)
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))

	f.equal("log", f.attempts("d1"), []export.Attempt{a})
	f.equal("stored", f.delivery("d1"), d)
	f.equal("destination", f.destinations("a")[0], project.Destination{Type: "webhook", Status: "retrying",
		Attempts: 1, LastStatus: 503, Message: a.Error, Delivery: "d1"})
	jobs := f.jobs(export.Deliver)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 1 || jobs[0].ID <= old.ID {
		f.Fatalf("got jobs %+v after %+v", jobs, old)
	}
	f.equal("job", jobs[0], queue.Job{ID: jobs[0].ID, Kind: export.Deliver, Key: "d1", Group: d.Group, RunAt: d.NextAt, Retry: true})
	f.must(f.Finish(f.ctx, old.ID)) // as the dispatcher does when Work returned nil
	f.equal("the retry stays", f.jobs(export.Deliver), jobs)

	again, second, err := f.OpenAttempt(f.ctx, "d1", after(4*time.Hour))
	f.must(err)
	d.State, d.Attempts = export.Running, 2
	f.equal("delivery", again, d)
	f.equal("number", second.Number, 2)
	f.equal("shown status", f.destinations("a")[0].Status, "running")
	second.EndedAt, second.Result, second.Peer = after(5*time.Hour), export.Unknown, export.Peer{Reused: true}
	d.State, d.NextAt = export.InDoubt, after(6*time.Hour)
	f.must(f.CloseAttempt(f.ctx, d, second, export.Step{}))
	f.equal("log", f.attempts("d1"), []export.Attempt{a, second})
	f.equal("in doubt", f.delivery("d1"), d)
	f.equal("shown in doubt", f.destinations("a")[0].Status, "unknown")
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
	d.State, d.Failures, d.Remaining, d.NextAt = export.Retrying, 1, 0, after(4*time.Hour)
	next, tell := newDelivery("d2", "a", 2, after(3*time.Hour)), newDelivery("d3", "", 0, after(3*time.Hour))
	tell.Main = false
	skipped := project.Destination{Position: 1, Type: "webhook", Status: "skipped", Message: "no"}
	change := export.EndpointChange{ID: "ep_example", URL: "https://example.com/…", Group: d.Group, State: export.Disabled, Reason: "410", At: t0}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{Settled: []project.Destination{skipped},
		Deliveries: []export.Delivery{next, tell}, Endpoint: &change}))

	ds := webhooks(3)
	ds[0].Status, ds[0].Attempts, ds[0].Delivery = "retrying", 1, "d1"
	ds[1], ds[2].Delivery = skipped, "d2"
	f.equal("destinations", f.destinations("a"), ds)
	f.equal("jobs", f.keys(export.Deliver), "d1 d2 d3")
	f.equal("announced", len(f.takeAnnounced()), 3)
	f.equal("next delivery", f.delivery("d2"), next)
	f.equal("the operator's", f.delivery("d3"), tell)
	f.equal("endpoint", f.endpoint("ep_example"), export.Endpoint{ID: "ep_example", URL: change.URL, Group: change.Group,
		State: export.Disabled, Reason: "410", ChangedAt: t0, FirstAt: t0})
	held := next
	held.State = export.Held
	f.opensNone("d2", held)
}

// While an attempt is open its delivery may be cancelled.
func closeCancelled(f *fixture) {
	for id, c := range map[string]struct {
		closed, want export.State
		next         time.Time
	}{
		"d1": {export.Retrying, export.Cancelled, after(4 * time.Hour)},
		"d2": {export.Failed, export.Cancelled, time.Time{}},
		"d3": {export.Delivered, export.Delivered, time.Time{}},
	} {
		f.deliver("p"+id, id)
		d, a := f.attempt(id, after(2*time.Hour), export.Refused)
		cancelled, err := f.Cancel(f.ctx, id, after(2*time.Hour))
		f.must(err)
		d.State, d.Failures, d.Remaining, d.Message, d.NextAt = c.closed, 1, 0, "closed", c.next
		f.must(f.CloseAttempt(f.ctx, d, a, deliveries(newDelivery("next"+id, "p"+id, 1, t0))))
		if c.want == export.Cancelled {
			d.State, d.Failures, d.Message, d.NextAt = c.want, 0, cancelled.Message, time.Time{}
		}
		f.equal("delivery closed as "+string(c.closed), f.delivery(id), d)
		f.equal("log", f.attempts(id), []export.Attempt{a})
		f.equal("destination", f.destinations("p" + id)[0].Status, string(c.want))
		f.equal("next destination", f.destinations("p" + id)[1].Delivery, "next"+id)
	}
	f.equal("jobs", f.keys(export.Deliver), "nextd1 nextd2 nextd3")
}

func closeIsAllOrNothing(f *fixture) {
	f.deliver("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Succeeded)
	jobs, log, ds := f.jobs(export.Deliver), f.attempts("d1"), f.destinations("a")
	d.State, d.NextAt = export.Delivered, time.Time{}
	step := export.Step{
		Settled:    []project.Destination{{Position: 1, Type: "webhook", Status: "skipped"}},
		Deliveries: []export.Delivery{newDelivery("d1", "a", 2, t0)}, // the id is taken
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
