package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

var cleanRules = []rule{
	{"RemovesTheOldestThatHaveEnded", cleanOldest},
	{"LeavesWhatHasNotEnded", cleanUnfinished},
	{"FindsWhatEndedSince", cleanLate},
	{"LeavesWhatOthersWaitFor", cleanWaited},
	{"LeavesWhatHasAnAttemptOpen", cleanOpen},
	{"KeepsDestinations", cleanDestinations},
	{"RemovesTraffic", cleanTraffic},
	{"RemovesRecoveries", cleanRecoveries},
	{"SizeAndShrink", cleanSize},
}

func (f *fixture) clean(before time.Time, limit int) int {
	f.Helper()
	n, err := f.Clean(f.ctx, before, limit)
	f.must(err)
	return n
}

func cleanOldest(f *fixture) {
	var ids []string
	for i := range 6 {
		d := event(after(time.Duration(i)*time.Hour), i)
		f.stand(d, []export.State{export.Delivered, export.Failed, export.Cancelled}[i%3])
		ids = append([]string{d.ID}, ids...)
	}
	for _, c := range []struct {
		before time.Duration
		limit  int
		left   int
	}{
		{0, 10, 6}, {1, 10, 5}, {time.Hour, 10, 5}, {3*time.Hour + 1, 2, 3}, {3*time.Hour + 1, 2, 2}, {3*time.Hour + 1, 2, 2}, {10 * time.Hour, 1, 1}, {100 * time.Hour, 10, 0},
	} {
		had := len(strings.Fields(f.each(export.Filter{})))
		f.equal(fmt.Sprint("removed by ", c), f.clean(after(c.before), c.limit), had-c.left)
		f.equal(fmt.Sprint("left by ", c), f.each(export.Filter{}), strings.Join(ids[:c.left], " "))
	}
	for _, id := range ids {
		f.is("Delivery", export.ErrNoDelivery, second(f.Delivery(f.ctx, id)))
		f.is("Redeliver", export.ErrNoDelivery, second(f.Redeliver(f.ctx, id, t0)))
		f.equal("attempts", f.attempts(id), []export.Attempt(nil))
	}
}

func cleanUnfinished(f *fixture) {
	ids := f.oneOfEach(func(*export.Delivery) {})
	var want []string
	for i := len(states) - 1; i >= 0; i-- {
		if !states[i].Final() {
			want = append(want, ids[states[i]])
		}
	}
	jobs := f.jobs(export.Deliver)
	f.equal("removed", f.clean(after(time.Hour), 100), 3)
	for i := range 3 {
		f.equal("removed later", f.clean(after(time.Duration(i)*10*time.Hour), 100), 0)
	}
	f.equal("left", f.each(export.Filter{}), strings.Join(want, " "))
	f.equal("jobs", f.jobs(export.Deliver), jobs)
	f.equal("attempts", len(f.attempts(ids[export.Running])), 1)
}

// What had not ended when it was passed by is removed at last. A database may
// need a bound that is an hour later to look back.
func cleanLate(f *fixture) {
	early, late := event(t0, 1), event(t0, 2)
	f.stand(early, export.Retrying)
	f.stand(late, export.Delivered)
	f.equal("removed", f.clean(after(2*time.Hour), 1), 1)
	f.equal("left", f.each(export.Filter{}), early.ID)
	f.close(early.ID, export.Delivered)
	f.equal("removed later", f.clean(after(3*time.Hour), 1), 1)
	f.equal("left at last", f.each(export.Filter{}), "")
}

func cleanWaited(f *fixture) {
	f.deliver("a", "d1")
	d, err := f.Cancel(f.ctx, "d1", after(2*time.Hour))
	f.must(err)
	f.equal("removed", f.clean(after(3*time.Hour), 10), 0)
	f.equal("stored", f.delivery("d1"), d)
	d.Remaining = 0
	f.must(f.Advance(f.ctx, d, export.Step{}))
	f.equal("removed when nobody waits", f.clean(after(10*time.Hour), 10), 1)
}

func cleanOpen(f *fixture) {
	d := event(t0, 1)
	f.stand(d, export.Running)
	_, err := f.Cancel(f.ctx, d.ID, after(time.Hour))
	f.must(err)
	f.equal("removed", f.clean(after(3*time.Hour), 10), 0)
	f.closeCancelled(d.ID)
	f.equal("removed when it is closed", f.clean(after(10*time.Hour), 10), 1)
}

// A movie shows for ever what became of its destinations.
func cleanDestinations(f *fixture) {
	f.create("a", t0, 3)
	first, beside := event(after(time.Hour), 0), event(after(time.Hour), 1)
	first.Project, beside.Project, first.Main = "a", "a", true
	f.must(f.End(f.ctx, done("a"), deliveries(first, beside)))
	d, a := f.attempt(first.ID, after(2*time.Hour), export.Refused)
	d.State, d.Failures, d.LastStatus, d.Message, d.NextAt = export.Failed, 1, 503, "Gave up: é", time.Time{}
	next := event(after(time.Hour), 2)
	next.Project, next.Position, next.Main = "a", 1, true
	f.must(f.CloseAttempt(f.ctx, d, a, deliveries(next)))
	f.close(beside.ID, export.Delivered)
	want := f.destinations("a")
	f.equal("destination", want[0], project.Destination{Type: "webhook", Status: "failed", Attempts: 1, LastStatus: 503,
		Message: "Gave up: é", Delivery: first.ID})
	f.equal("removed", f.clean(after(5*time.Hour), 10), 2)
	f.equal("destinations", f.destinations("a"), want)
	f.close(next.ID, export.Delivered)
	want = f.destinations("a")
	f.equal("removed later", f.clean(after(10*time.Hour), 10), 1)
	f.equal("destinations at last", f.destinations("a"), want)
	f.equal("project", f.get("a").Status, project.Done)
}

func cleanTraffic(f *fixture) {
	for i := range 4 {
		t := tally("ep_a", export.Endpoint{LastSuccess: t0})
		t.Hour = hour.Add(time.Duration(i) * time.Hour)
		f.must(f.Tally(f.ctx, []export.Tally{t}))
	}
	count := func() int {
		e, err := f.Endpoint(f.ctx, "ep_a", hour)
		f.must(err)
		return e.Traffic.Succeeded
	}
	for before, want := range map[time.Duration]int{0: 4, time.Hour - 1: 4} {
		f.equal("removed", f.clean(hour.Add(before), 10), 0)
		f.equal("hours left", count(), want)
	}
	f.clean(hour.Add(2*time.Hour+time.Minute), 10)
	f.equal("hours left", count(), 2)
	if f.endpoint("ep_a").LastSuccess.IsZero() {
		f.Error("the endpoint has gone too")
	}
	f.clean(hour.Add(100*time.Hour), 10)
	f.equal("hours left at last", count(), 0)
}

func cleanRecoveries(f *fixture) {
	f.stand(event(t0, 1), export.Failed)
	f.recover("rec_1", export.Filter{})
	f.goOn("rec_1", 1) // ends at 200 hours
	f.recover("rec_2", export.Filter{})
	f.clean(after(199*time.Hour), 10)
	f.goOn("rec_1", 1)
	f.clean(after(300*time.Hour), 10)
	f.is("one that has ended", export.ErrNoRecovery, second(f.Recovery(f.ctx, "rec_1")))
	f.equal("one that has not", f.goOn("rec_2", 1).EndedAt.IsZero(), false)
}

func cleanSize(f *fixture) {
	size := func() int64 {
		n, err := f.Size(f.ctx)
		f.must(err)
		return n
	}
	empty := size()
	for i := range 20 {
		d := event(t0, i)
		d.Body = make([]byte, 100_000)
		f.stand(d, export.Delivered)
	}
	full := size()
	if full-empty < 2_000_000 {
		f.Errorf("from %d to %d bytes with 2 MB more", empty, full)
	}
	f.equal("removed", f.clean(after(time.Hour), 100), 20)
	cleaned := size()
	if cleaned-empty > 200_000 {
		f.Errorf("from %d to %d bytes, cleaned to %d", empty, full, cleaned)
	}
	for range 3 {
		f.must(f.Shrink(f.ctx))
	}
	if shrunk := size(); shrunk > cleaned {
		f.Errorf("shrunk from %d to %d bytes", cleaned, shrunk)
	}
}
