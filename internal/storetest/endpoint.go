package storetest

import (
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

var endpointRules = []rule{
	{"Pages", endpointPages},
	{"Unknown", endpointUnknown},
	{"Set", endpointSet},
	{"SetStartsAnew", endpointSetAnew},
	{"SetIsAllOrNothing", endpointSetAllOrNothing},
	{"SetByAStep", endpointSetByStep},
	{"CountsWhatIsHeld", endpointHeld},
	{"OfOneAccount", endpointAccounts},
}

var tallyRules = []rule{
	{"MakesEndpoints", tallyMakes},
	{"KeepsTheLatest", tallyLatest},
	{"AddsTraffic", tallyTraffic},
	{"LeavesDecisionsAlone", tallyDecisions},
	{"Failing", tallyFailing},
}

// hour is t0 cut to the hour.
var hour = t0.Truncate(time.Hour)

// know makes an endpoint known.
func (f *fixture) know(id string) {
	f.Helper()
	f.must(f.Tally(f.ctx, []export.Tally{tally(id, export.Endpoint{LastSuccess: t0})}))
}

// tally is one attempt that succeeded in the first hour.
func tally(id string, e export.Endpoint) export.Tally {
	e.ID, e.URL, e.Group = id, "https://example.com/"+id, "https://example.com:443"
	t := export.Traffic{Succeeded: 1}
	t.Latency.Observe(time.Second)
	return export.Tally{Endpoint: e, Hour: hour, Traffic: t}
}

func (f *fixture) endpoint(id string) export.Endpoint {
	f.Helper()
	e, err := f.Endpoint(f.ctx, id, after(1000*time.Hour)) // no traffic
	f.must(err)
	return e
}

func decision(id string, state export.EndpointState) export.EndpointChange {
	return export.EndpointChange{ID: id, URL: "https://example.com/" + id, Group: "https://example.com:443", State: state,
		Reason: "because " + string(state), At: after(time.Hour)}
}

func (f *fixture) set(id string, state export.EndpointState) {
	f.Helper()
	_, err := f.SetEndpoint(f.ctx, decision(id, state))
	f.must(err)
}

func endpointPages(f *fixture) {
	for _, id := range []string{"ep_c", "ep_a", "ep_b"} {
		f.know(id)
	}
	for limit, want := range map[int]string{1: "ep_a/ep_b/ep_c", 2: "ep_a ep_b/ep_c", 3: "ep_a ep_b ep_c", 4: "ep_a ep_b ep_c"} {
		got, after := "", ""
		for {
			found, next, err := f.Endpoints(f.ctx, "", t0, after, limit)
			f.must(err)
			for i, e := range found {
				if i > 0 {
					got += " "
				}
				got += e.ID
				single, err := f.Endpoint(f.ctx, e.ID, t0)
				f.must(err)
				f.equal("as it is alone", e, single)
			}
			if after = next; next == "" {
				break
			}
			got += "/"
		}
		f.equal(fmt.Sprint("pages of ", limit), got, want)
	}
}

func endpointUnknown(f *fixture) {
	f.is("Endpoint", export.ErrNoEndpoint, second(f.Endpoint(f.ctx, "ep_x", t0)))
	changed, err := f.SetEndpoint(f.ctx, decision("ep_x", export.Paused), event(t0, 1))
	f.is("SetEndpoint", export.ErrNoEndpoint, err)
	f.equal("changed", changed, false)
	f.equal("told", f.each(export.Filter{}), "")
	all, next, err := f.Endpoints(f.ctx, "", t0, "", 10)
	f.must(err)
	f.equal("endpoints", len(all), 0)
	f.equal("cursor", next, "")
}

func endpointSet(f *fixture) {
	f.know("ep_a")
	f.know("ep_b")
	b := f.endpoint("ep_b")
	for i, state := range []export.EndpointState{export.Paused, export.Disabled, export.Enabled} {
		c, tell := decision("ep_a", state), event(t0, i)
		changed, err := f.SetEndpoint(f.ctx, c, tell)
		f.must(err)
		f.equal("changed", changed, true)
		want := f.endpoint("ep_a")
		want.State, want.Reason, want.ChangedAt = state, c.Reason, c.At
		f.equal("endpoint", f.endpoint("ep_a"), want)
		f.equal("told", f.delivery(tell.ID), tell)
		f.equal("announced", len(f.takeAnnounced()), 1)

		c.Reason, c.At = "again", after(9*time.Hour)
		changed, err = f.SetEndpoint(f.ctx, c, event(after(time.Hour), i))
		f.must(err)
		f.equal("changed again", changed, false)
		f.equal("endpoint left alone", f.endpoint("ep_a"), want)
		f.equal("announced again", f.takeAnnounced(), []queue.Job(nil))
	}
	f.equal("another", f.endpoint("ep_b"), b)
}

func endpointSetAnew(f *fixture) {
	f.must(f.Tally(f.ctx, []export.Tally{tally("ep_a", export.Endpoint{LastFailure: t0, FailingSince: t0, Failures: 7, LastStatus: 503, LastError: "no"})}))
	want := f.endpoint("ep_a")
	c := decision("ep_a", export.Disabled)
	f.set("ep_a", export.Disabled)
	f.set("ep_a", export.Enabled)
	c.State, c.Reason = export.Enabled, decision("", export.Enabled).Reason
	want.Reason, want.ChangedAt, want.FailingSince, want.Failures = c.Reason, c.At, time.Time{}, 0
	f.equal("endpoint", f.endpoint("ep_a"), want)
}

func endpointSetAllOrNothing(f *fixture) {
	f.know("ep_example")
	d := event(t0, 1)
	f.must(f.Emit(f.ctx, d))
	want := f.endpoint("ep_example")
	if _, err := f.SetEndpoint(f.ctx, decision("ep_example", export.Paused), d); err == nil {
		f.Fatal("two deliveries with one id")
	}
	f.equal("endpoint", f.endpoint("ep_example"), want)
	_, a := f.attempt(d.ID, t0, export.Succeeded)
	f.equal("an attempt, for it is enabled", a.Number, 1)
}

// A step may disable an endpoint that was never written down.
func endpointSetByStep(f *fixture) {
	c := decision("ep_example", export.Disabled)
	first := event(t0, 1)
	f.must(f.Emit(f.ctx, first))
	d, a := f.attempt(first.ID, t0, export.Refused)
	d.State, d.NextAt = export.Retrying, after(time.Hour)
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{Endpoint: &c}))
	f.equal("endpoint", f.endpoint("ep_example"), export.Endpoint{ID: "ep_example", URL: c.URL, Group: c.Group,
		State: export.Disabled, Reason: c.Reason, ChangedAt: c.At, FirstAt: c.At})
	d.State = export.Held
	f.opensNone(d.ID, d)
	f.set("ep_example", export.Enabled)
	_, a = f.attempt(d.ID, after(time.Hour), export.Succeeded)
	f.equal("number", a.Number, 2)
}

func endpointHeld(f *fixture) {
	for i, id := range []string{"ep_a", "ep_b", "ep_c"} {
		f.know(id)
		for n := range 2 * i {
			d := event(after(time.Duration(i)*time.Hour), n)
			d.Endpoint = id
			f.stand(d, export.Held)
		}
		d := event(after(time.Duration(i)*time.Hour), 100)
		d.Endpoint = id
		f.stand(d, export.Failed)
		f.equal(id, f.endpoint(id).Held, 2*i)
	}
	all, _, err := f.Endpoints(f.ctx, "", t0, "", 10)
	f.must(err)
	for i, e := range all {
		f.equal(e.ID, e.Held, 2*i)
	}
}

func tallyMakes(f *fixture) {
	t := tally("ep_a", export.Endpoint{LastSuccess: after(2), LastFailure: after(1), FailingSince: after(1), Failures: 3, LastStatus: 503, LastError: "<é>"})
	f.must(f.Tally(f.ctx, []export.Tally{t}))
	want := t.Endpoint
	want.State, want.FirstAt = export.Enabled, after(1)
	f.equal("endpoint", f.endpoint("ep_a"), want)
	f.must(f.Tally(f.ctx, nil))
}

func tallyLatest(f *fixture) {
	f.must(f.Tally(f.ctx, []export.Tally{tally("ep_a", export.Endpoint{LastSuccess: after(5), LastStatus: 200})}))
	want := f.endpoint("ep_a")
	f.must(f.Tally(f.ctx, []export.Tally{tally("ep_a", export.Endpoint{LastSuccess: after(3), LastFailure: after(7), FailingSince: after(6),
		Failures: 2, LastStatus: 503, LastError: "no"})}))
	want.LastFailure, want.FailingSince, want.Failures, want.LastStatus, want.LastError = after(7), after(6), 2, 503, "no"
	f.equal("failing", f.endpoint("ep_a"), want)
	f.must(f.Tally(f.ctx, []export.Tally{tally("ep_a", export.Endpoint{LastSuccess: after(9), LastStatus: 204})}))
	want.LastSuccess, want.FailingSince, want.Failures, want.LastStatus, want.LastError = after(9), time.Time{}, 0, 204, ""
	f.equal("well again", f.endpoint("ep_a"), want)
}

func tallyTraffic(f *fixture) {
	count := func(hours int, t export.Traffic, latency time.Duration) export.Tally {
		t.Latency.Observe(latency)
		return export.Tally{Endpoint: tally("ep_a", export.Endpoint{LastSuccess: t0}).Endpoint, Hour: hour.Add(time.Duration(hours) * time.Hour), Traffic: t}
	}
	all := []export.Tally{
		count(0, export.Traffic{Succeeded: 1}, time.Second), count(1, export.Traffic{Refused: 20}, time.Minute),
		count(1, export.Traffic{Unknown: 300, Refused: 1}, time.Millisecond), count(2, export.Traffic{Succeeded: 4000}, time.Second),
	}
	f.must(f.Tally(f.ctx, all[:3]))
	f.must(f.Tally(f.ctx, all[3:]))
	f.know("ep_b")
	for since, from := range map[time.Duration]int{-1: 0, 0: 0, time.Hour - 1: 0, time.Hour: 1, 2*time.Hour + time.Minute: 3, 3 * time.Hour: 4} {
		var want export.Traffic
		for _, t := range all[from:] {
			want.Add(t.Traffic)
		}
		e, err := f.Endpoint(f.ctx, "ep_a", hour.Add(since))
		f.must(err)
		f.equal("since "+since.String(), e.Traffic, want)
	}
}

// A tally that was counted before a decision does not undo it.
func tallyDecisions(f *fixture) {
	f.know("ep_a")
	f.set("ep_a", export.Paused)
	want := f.endpoint("ep_a")
	f.know("ep_a")
	f.equal("endpoint", f.endpoint("ep_a"), want)
}

func tallyFailing(f *fixture) {
	none, err := f.Failing(f.ctx)
	f.must(err)
	f.equal("at first", len(none), 0)
	f.know("ep_a")
	for _, id := range []string{"ep_b", "ep_c"} {
		f.must(f.Tally(f.ctx, []export.Tally{tally(id, export.Endpoint{LastFailure: t0, FailingSince: t0, Failures: 7, LastStatus: 503, LastError: "no"})}))
	}
	f.know("ep_c")
	failing, err := f.Failing(f.ctx)
	f.must(err)
	f.equal("failing", failing, []export.Endpoint{f.endpoint("ep_b")})
}
