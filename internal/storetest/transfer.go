package storetest

import (
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// newTransfer is a full delivery of a file to the nth destination of a project.
func newTransfer(id, projectID string, n int, at time.Time) export.Delivery {
	d := newDelivery(id, projectID, n, at)
	d.Account, d.Ordered, d.Type, d.Connection, d.Endpoint = "acc-1", true, "sftp", "my box", ""
	d.Target, d.Group, d.Droppable, d.Headers, d.Body = "sftp://example.org:22/in/é.mp4", "sftp://example.org:22", false, nil, nil
	d.Deadline, d.Sealed = at.Add(15*time.Minute+1), []byte("\x00sealed\xff")
	return d
}

// transfer makes a project that has ended, with an upload to its first destination.
func (f *fixture) transfer(projectID, deliveryID string) export.Delivery {
	f.Helper()
	f.create(projectID, t0, 3)
	d := newTransfer(deliveryID, projectID, 0, after(time.Hour))
	f.must(f.End(f.ctx, done(projectID), deliveries(d)))
	f.takeAnnounced()
	return d
}

// hasJob holds that a delivery has this job and no other.
func (f *fixture) hasJob(d export.Delivery, at time.Time, retry bool) {
	f.Helper()
	jobs := f.jobs(export.Transfer)
	f.equal("announced", f.takeAnnounced(), jobs)
	if len(jobs) != 1 {
		f.Fatalf("got jobs %+v", jobs)
	}
	f.equal("job", jobs[0], queue.Job{ID: jobs[0].ID, Kind: export.Transfer, Key: d.ID, Group: d.Group, RunAt: at, Retry: retry})
	f.equal("other jobs", f.keys(export.Deliver), "")
}

func emitTransfer(f *fixture) {
	d := newTransfer(deliveryID(t0, 1), "a", 3, after(time.Hour))
	d.Main, d.Exported = false, export.Partial
	f.must(f.Emit(f.ctx, d))
	f.hasJob(d, d.NextAt, false)
	f.equal("alone", f.delivery(d.ID), d)
	listed, _, err := f.Deliveries(f.ctx, export.Page{Filter: export.Filter{Account: d.Account}, Limit: 10})
	f.must(err)
	line := d
	line.Body = nil
	f.equal("listed", listed, []export.Delivery{line})
	opened, _, err := f.OpenAttempt(f.ctx, d.ID, d.NextAt)
	f.must(err)
	d.State, d.Attempts = export.Running, 1
	f.equal("opened", opened, d)
	for _, state := range []export.State{export.Running, export.Pending} {
		want := map[export.State]string{export.Running: d.ID}[state]
		f.equal("as "+string(state), f.each(export.Filter{Account: d.Account, States: []export.State{state}}), want)
	}
}

// Those behind it wait on, and it stays what it is.
func closeTransferRetry(f *fixture) {
	f.transfer("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Refused)
	d.State, d.Failures, d.Message, d.NextAt = export.Retrying, 1, "no", after(4*time.Hour)
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	f.equal("stored", f.delivery("d1"), d)
	f.equal("those that wait", d.Remaining, 3)
	f.hasJob(d, d.NextAt, true)
	f.equal("destinations", f.destinations("a")[:2], []project.Destination{
		{Type: "sftp", Status: "retrying", Attempts: 1, Message: "no", Delivery: "d1"}, {Position: 1, Type: "webhook", Status: "pending"}})
	d, a = f.attempt("d1", after(4*time.Hour), export.Succeeded)
	d.State, d.Remaining, d.NextAt = export.Delivered, 0, time.Time{}
	f.must(f.CloseAttempt(f.ctx, d, a, deliveries(newDelivery("d2", "a", 1, t0))))
	f.equal("transfers", f.keys(export.Transfer), "")
	f.equal("the next", f.keys(export.Deliver), "d2")
}

// What arrived is told of as long as the project is there.
func closeReceipt(f *fixture) {
	receipt := project.Receipt{Path: "/in/é <&>.mp4", URL: "https://example.org/x", ID: `"etag"`, Bytes: 1 << 40, SHA256: "00ff", Seconds: 1.25}
	shown := map[string]project.Destination{}
	for kind, want := range map[string]string{"sftp": "uploaded", "email": "sent", "webhook": "delivered"} {
		id := deliveryID(t0, len(kind))
		f.create(kind, t0, 3)
		d := newTransfer(id, kind, 0, after(time.Hour))
		d.Type = kind
		f.must(f.End(f.ctx, done(kind), deliveries(d)))
		d, a := f.attempt(id, after(2*time.Hour), export.Succeeded)
		a.Receipt = receipt
		d.State, d.Remaining, d.NextAt, d.Receipt = export.Delivered, 0, time.Time{}, receipt
		f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
		f.equal("stored", f.delivery(id), d)
		shown[kind] = project.Destination{Type: kind, Status: want, Attempts: 1, Delivery: id, Receipt: receipt}
		f.equal("shown", f.destinations(kind)[0], shown[kind])
	}
	f.equal("cleaned", f.clean(after(100*time.Hour), 10), len(shown))
	for kind, want := range shown {
		f.equal("shown afterwards", f.destinations(kind)[0], want)
	}
}

// An upload that is cancelled while it is under way has those behind it go on when
// that try has ended.
func closeTransferCancelled(f *fixture) {
	f.transfer("a", "d1")
	d, a := f.attempt("d1", after(2*time.Hour), export.Refused)
	cancelled, err := f.Cancel(f.ctx, "d1", after(2*time.Hour))
	f.must(err)
	f.equal("its job", f.keys(export.Transfer), "d1")
	f.takeAnnounced()
	d.State, d.Failures, d.Message, d.NextAt = export.Retrying, 1, "no", after(4*time.Hour)
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	f.equal("stored", f.delivery("d1"), cancelled)
	f.hasJob(d, a.EndedAt, true)
	f.opensNone("d1", cancelled)
	cancelled.Remaining = 0
	f.must(f.Advance(f.ctx, cancelled, deliveries(newDelivery("d2", "a", 1, t0))))
	f.equal("then", f.delivery("d1"), cancelled)
	f.equal("transfers", f.keys(export.Transfer), "")
	f.equal("the next", f.keys(export.Deliver), "d2")
	f.equal("destinations", f.destinations("a")[0].Status, "cancelled")
}

func redeliverTransfer(f *fixture) {
	want := f.transfer("a", "d1")
	_, err := f.Redeliver(f.ctx, "d1", after(5*time.Hour))
	f.must(err)
	f.hasJob(want, after(5*time.Hour), false) // others still wait
	want.Deadline = after(5 * time.Hour).Add(want.Timeout)
	d, a := f.attempt("d1", after(5*time.Hour), export.Refused)
	d.State, d.Remaining, d.Failures, d.NextAt = export.Failed, 0, 1, time.Time{}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
	again, err := f.Redeliver(f.ctx, "d1", after(50*time.Hour))
	f.must(err)
	d.State, d.Failures, d.NextAt, d.Deadline = export.Retrying, 0, after(50*time.Hour), after(50*time.Hour).Add(want.Timeout)
	f.equal("again", again, d)
	f.hasJob(want, after(50*time.Hour), true)
}

func cancelTransfer(f *fixture) {
	want := f.transfer("a", "d1")
	_, err := f.Cancel(f.ctx, "d1", after(5*time.Hour))
	f.must(err)
	f.hasJob(want, after(5*time.Hour), false)
	last := newTransfer("d2", "", 0, after(time.Hour))
	last.Remaining, last.Main = 0, false
	f.must(f.Emit(f.ctx, last))
	_, err = f.Cancel(f.ctx, "d2", after(5*time.Hour))
	f.must(err)
	f.equal("jobs", f.keys(export.Transfer), "d1")
}

// owners are accounts; the first is the default one.
var owners = []string{"", "acc-1", "acc-2"}

// Whoever lists deliveries has those of one account.
func logAccounts(f *fixture) {
	byOwner := map[string]string{}
	for i, owner := range owners {
		for n, state := range []export.State{export.Failed, export.Held} {
			d := event(after(time.Duration(2*i+n)*time.Second), 1)
			d.Account, d.Project = owner, "p"
			f.stand(d, state)
			byOwner[owner+string(state)] = d.ID
		}
	}
	for i, owner := range owners {
		failed, held := byOwner[owner+"failed"], byOwner[owner+"held"]
		for _, filter := range []export.Filter{{}, {Project: "p"}, {Endpoint: "ep_example"}, {States: states}, {Endpoint: "ep_example", States: states}, {From: t0}} {
			filter.Account = owner
			f.equal(fmt.Sprintf("%+v", filter), f.each(filter), held+" "+failed)
			f.equal(fmt.Sprintf("%+v by one", filter), f.logged(export.Page{Filter: filter, Limit: 1}), held+"/"+failed)
		}
		f.equal("failed of "+owner, f.each(export.Filter{Account: owner, States: []export.State{export.Failed}}), failed)
		r := f.recover(fmt.Sprint("rec_", i), export.Filter{Account: owner})
		f.equal("recovered of "+owner, r.Total, 2)
		f.equal("the account of a recovery", f.goOn(r.ID, 10).Account, owner)
		f.equal("on their way, of "+owner, f.each(export.Filter{Account: owner, States: []export.State{export.Retrying}}), held+" "+failed)
		if i == 0 {
			f.equal("of others", f.each(export.Filter{Account: "acc-1", States: []export.State{export.Retrying}}), "")
		}
	}
	f.equal("of nobody", f.each(export.Filter{Account: "acc"}), "")
}

// Endpoints are an account's, whichever way they came to be known.
func endpointAccounts(f *fixture) {
	for i, owner := range owners {
		counted := tally(fmt.Sprint("ep_counted", i), export.Endpoint{LastFailure: t0, FailingSince: t0, Failures: 1, Account: owner})
		f.must(f.Tally(f.ctx, []export.Tally{counted, counted}))
		change := decision(fmt.Sprint("ep_decided", i), export.Disabled)
		change.Account = owner
		f.must(f.Emit(f.ctx, newTransfer(fmt.Sprint("d", i), "", 0, t0)))
		d, a := f.attempt(fmt.Sprint("d", i), t0, export.Succeeded)
		d.State, d.Remaining, d.NextAt = export.Delivered, 0, time.Time{}
		f.must(f.CloseAttempt(f.ctx, d, a, export.Step{Endpoint: &change}))
	}
	for i, owner := range owners {
		want := []string{fmt.Sprint("ep_counted", i), fmt.Sprint("ep_decided", i)}
		var got []string
		for after := ""; ; {
			found, next, err := f.Endpoints(f.ctx, owner, t0, after, 1)
			f.must(err)
			for _, e := range found {
				f.equal("account", e.Account, owner)
				got = append(got, e.ID)
			}
			if after = next; next == "" {
				break
			}
		}
		f.equal("of "+owner, got, want)
		f.equal("alone", f.endpoint(want[0]).Account, owner)
	}
	failing, err := f.Failing(f.ctx)
	f.must(err)
	for i, e := range failing {
		f.equal("failing", e.Account, owners[i])
	}
}

// A project keeps whose it is, what is sealed of it, and what became of it.
func projectKeepsMore(f *fixture) {
	want := newProject("a", t0)
	want.Account, want.Sealed = "acc-1", []byte("\x00sealed\xff")
	_, _, err := f.Create(f.ctx, want, nil, nil)
	f.must(err)
	f.equal("stored", f.get("a"), want)
	o := done("a")
	o.Result.SHA256, o.Result.Thumbnail = "00ff", "a/key.jpg"
	f.must(f.End(f.ctx, o, export.Step{}))
	want.Status, want.Result, want.Warnings, want.EndedAt = o.Status, o.Result, o.Warnings, o.EndedAt
	f.equal("ended", f.get("a"), want)
	_, err = f.Delete(f.ctx, "a", after(2*time.Hour))
	f.must(err)
	f.equal("file of a deleted one", f.get("a").Result.File+f.get("a").Result.Thumbnail, "")
}

// Whoever lists projects has those of one account.
func listAccounts(f *fixture) {
	for i, owner := range owners {
		for n := range 2 {
			p := newProject(fmt.Sprintf("p%d%d", i, n), after(time.Duration(n)*time.Hour))
			p.Account = owner
			_, _, err := f.Create(f.ctx, p, nil, nil)
			f.must(err)
		}
	}
	for i, owner := range owners {
		f.equal("of "+owner, f.list(project.Page{Account: owner, Limit: 1}), fmt.Sprintf("p%d1/p%[1]d0", i))
		f.equal("in a window", f.list(project.Page{Account: owner, Limit: 9, To: after(1)}), fmt.Sprintf("p%d0", i))
	}
}

// Two accounts that use one idempotency key know nothing of each other.
func idempotencyAccounts(f *fixture) {
	for i, owner := range owners {
		for n, hash := range []byte{byte(i), byte(i), 99} {
			p := newProject(fmt.Sprintf("p%d%d", i, n), t0)
			p.Account = owner
			got, created, err := f.Create(f.ctx, p, nil, &project.Idempotency{Key: "k", BodyHash: [32]byte{hash}})
			if n == 2 {
				f.is("another body", project.ErrConflict, err)
				continue
			}
			f.must(err)
			f.equal("created", created, n == 0)
			f.equal("project", got.ID, fmt.Sprintf("p%d0", i))
		}
	}
}
