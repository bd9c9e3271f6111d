package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

var logRules = []rule{
	{"NewestFirst", logOrder},
	{"Pages", logPages},
	{"CursorThatNoPageGave", logCursor},
	{"NewcomersShiftNoPage", logNewcomers},
	{"ByState", logStates},
	{"ByEverything", logFilters},
	{"InASpanOfTime", logSpan},
	{"ShowsWhatIsRunning", logRunning},
	{"Unknown", logUnknown},
	{"OfOneAccount", logAccounts},
}

// states are all of them.
var states = []export.State{export.Pending, export.Running, export.Retrying, export.InDoubt, export.Held,
	export.Delivered, export.Failed, export.Cancelled}

// stand brings a new delivery to a state.
func (f *fixture) stand(d export.Delivery, state export.State) {
	f.Helper()
	f.must(f.Emit(f.ctx, d))
	switch state {
	case export.Pending:
	case export.Running:
		_, _ = f.attempt(d.ID, d.NextAt, export.Succeeded)
	case export.Held:
		d.State, d.Remaining, d.NextAt = export.Held, 0, time.Time{}
		f.must(f.Advance(f.ctx, d, export.Step{}))
	case export.Cancelled:
		_, err := f.Cancel(f.ctx, d.ID, d.NextAt)
		f.must(err)
	default:
		f.close(d.ID, state)
	}
}

// close makes an attempt of a delivery and leaves it in a state.
func (f *fixture) close(id string, state export.State) {
	f.Helper()
	d, a := f.attempt(id, after(time.Hour), export.Refused)
	d.State, d.Remaining, d.Failures, d.NextAt = state, 0, d.Failures+1, time.Time{}
	if !state.Final() {
		d.NextAt = after(2 * time.Hour)
	}
	f.must(f.CloseAttempt(f.ctx, d, a, export.Step{}))
}

// event is a delivery that nothing waits for, the nth made at a time.
func event(at time.Time, n int) export.Delivery {
	d := newDelivery(deliveryID(at, n), "", 0, at)
	d.Main, d.Remaining = false, 0
	return d
}

// oneOfEach makes a delivery in each state, and returns their ids by it.
func (f *fixture) oneOfEach(change func(*export.Delivery)) map[export.State]string {
	f.Helper()
	ids := map[export.State]string{}
	for i, state := range states {
		d := event(after(time.Duration(i)*time.Second), 1)
		change(&d)
		f.stand(d, state)
		ids[state] = d.ID
	}
	return ids
}

// logged returns the ids of all pages, with a slash between pages.
func (f *fixture) logged(page export.Page) string {
	f.Helper()
	var pages []string
	for {
		found, next, err := f.Deliveries(f.ctx, page)
		f.must(err)
		var ids []string
		for _, d := range found {
			ids = append(ids, d.ID)
		}
		pages = append(pages, strings.Join(ids, " "))
		if page.After = next; next == "" {
			return strings.Join(pages, "/")
		}
	}
}

// each is one page with all that a filter chooses.
func (f *fixture) each(filter export.Filter) string {
	f.Helper()
	return f.logged(export.Page{Filter: filter, Limit: 1000})
}

func logOrder(f *fixture) {
	early, late, middle := event(t0, 1), event(after(time.Hour), 1), event(after(time.Millisecond), 1)
	f.must(f.Emit(f.ctx, early, late, middle))
	found, next, err := f.Deliveries(f.ctx, export.Page{Limit: 10})
	f.must(err)
	f.equal("cursor", next, "")
	early.Body, late.Body, middle.Body = nil, nil, nil
	f.equal("without bodies", found, []export.Delivery{late, middle, early})
}

func logPages(f *fixture) {
	var ids []string
	for i := range 5 {
		d := event(t0, i)
		f.stand(d, export.Failed)
		ids = append(ids, d.ID)
	}
	slices.Reverse(ids)
	for _, filter := range []export.Filter{{}, {States: []export.State{export.Failed}}, {States: states}, {Endpoint: "ep_example"},
		{Endpoint: "ep_example", States: []export.State{export.Held, export.Failed}}} {
		for limit, want := range map[int]string{
			1: "a/b/c/d/e", 2: "a b/c d/e", 4: "a b c d/e", 5: "a b c d e", 6: "a b c d e",
		} {
			want = strings.NewReplacer("a", ids[0], "b", ids[1], "c", ids[2], "d", ids[3], "e", ids[4]).Replace(want)
			f.equal(fmt.Sprintf("%+v by %d", filter, limit), f.logged(export.Page{Filter: filter, Limit: limit}), want)
		}
	}
}

func logCursor(f *fixture) {
	f.must(f.Emit(f.ctx, event(t0, 1), event(t0, 2)))
	for _, bad := range []string{"x", "!", "dlv_", "dlv_x", "\x00", "'", deliveryID(t0, 1) + "0", "ep_example"} {
		_, _, err := f.Deliveries(f.ctx, export.Page{Limit: 1, After: bad})
		f.is(fmt.Sprintf("cursor %q", bad), export.ErrNoDelivery, err)
	}
}

func logNewcomers(f *fixture) {
	f.must(f.Emit(f.ctx, event(t0, 1), event(t0, 2), event(t0, 3)))
	_, next, err := f.Deliveries(f.ctx, export.Page{Limit: 1})
	f.must(err)
	f.must(f.Emit(f.ctx, event(after(time.Hour), 1)))
	want := deliveryID(t0, 2) + " " + deliveryID(t0, 1)
	f.equal("second page", f.logged(export.Page{Limit: 9, After: next}), want)
	f.stand(event(t0, 0), export.Failed) // the delivery of a cursor may go, and the page stays where it is
	cursor := deliveryID(t0, 1)
	f.equal("behind one", f.logged(export.Page{Limit: 9, After: cursor}), deliveryID(t0, 0))
	f.equal("behind one that is not there", f.logged(export.Page{Limit: 9, After: deliveryID(after(-time.Hour), 1)}), "")
}

func logStates(f *fixture) {
	ids := f.oneOfEach(func(*export.Delivery) {})
	for mask := range 1 << len(states) {
		var filter export.Filter
		var want []string
		for i, state := range states {
			if mask>>i&1 == 1 {
				filter.States = append(filter.States, state, state)
				want = append(want, ids[state])
			}
		}
		if mask == 0 {
			continue
		}
		slices.Reverse(want)
		for _, endpoint := range []string{"", "ep_example"} {
			filter.Endpoint = endpoint
			f.equal(fmt.Sprint(filter.States, endpoint), f.each(filter), strings.Join(want, " "))
		}
	}
	f.equal("a state that there is not", f.each(export.Filter{States: []export.State{"x"}}), "")
	found, _, err := f.Deliveries(f.ctx, export.Page{Limit: 100})
	f.must(err)
	for _, d := range found {
		f.equal(d.ID, d.ID, ids[d.State])
		whole := f.delivery(d.ID)
		whole.Body = nil
		f.equal("as it is alone", d, whole)
	}
}

func logFilters(f *fixture) {
	for i := range 16 {
		d := event(after(time.Duration(i)*time.Second), i)
		d.Project, d.Endpoint, d.Event = "p0", "ep_0", "movie.started"
		if i&1 != 0 {
			d.Project = "p1"
		}
		if i&2 != 0 {
			d.Endpoint = "ep_1"
		}
		if i&4 != 0 {
			d.Event = "movie.failed"
		}
		state := export.Failed
		if i&8 != 0 {
			state = export.Pending
		}
		f.stand(d, state)
	}
	for c := range 16 {
		var filter export.Filter
		if c&1 != 0 {
			filter.Project = "p1"
		}
		if c&2 != 0 {
			filter.Endpoint = "ep_1"
		}
		if c&4 != 0 {
			filter.Event = "movie.failed"
		}
		if c&8 != 0 {
			filter.States = []export.State{export.Pending}
		}
		var want []string
		for i := 15; i >= 0; i-- {
			if i&c == c {
				want = append(want, deliveryID(after(time.Duration(i)*time.Second), i))
			}
		}
		f.equal(fmt.Sprintf("%+v", filter), f.each(filter), strings.Join(want, " "))
	}
	f.equal("of a project that there is not", f.each(export.Filter{Project: "x"}), "")
}

func logSpan(f *fixture) {
	var ids []string
	for i := range 4 {
		d := event(after(time.Duration(i)*time.Hour), 7)
		f.stand(d, export.Failed)
		ids = append(ids, d.ID)
	}
	far := time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		from, to time.Time
		want     []string
	}{
		{time.Time{}, time.Time{}, []string{ids[3], ids[2], ids[1], ids[0]}},
		{t0, after(3 * time.Hour), []string{ids[2], ids[1], ids[0]}},
		{after(time.Millisecond), after(3*time.Hour + time.Millisecond), []string{ids[3], ids[2], ids[1]}},
		{after(2 * time.Hour), far, []string{ids[3], ids[2]}},
		{time.Unix(-1, 0), after(time.Hour), []string{ids[0]}},
		{far, far, nil}, {t0, t0, nil}, {time.Time{}, time.Unix(-1, 0), nil},
	} {
		for _, filter := range []export.Filter{{}, {States: states}, {Endpoint: "ep_example"}} {
			filter.From, filter.To = c.from, c.to
			f.equal(fmt.Sprintf("%+v", filter), f.each(filter), strings.Join(c.want, " "))
			f.equal(fmt.Sprintf("%+v behind a later one", filter),
				f.logged(export.Page{Filter: filter, Limit: 9, After: deliveryID(after(100*time.Hour), 1)}), strings.Join(c.want, " "))
		}
	}
}

// A delivery with an open attempt is running and nothing else, unless it has
// ended.
func logRunning(f *fixture) {
	for i, state := range []export.State{export.Pending, export.Retrying, export.InDoubt} {
		d := event(t0, i)
		f.stand(d, state)
		before := f.delivery(d.ID)
		_, _ = f.attempt(d.ID, after(3*time.Hour), export.Succeeded)
		f.equal("in its state", f.each(export.Filter{States: []export.State{state}}), "")
		found, _, err := f.Deliveries(f.ctx, export.Page{Limit: 1})
		f.must(err)
		before.State, before.Body = export.Running, nil
		before.Attempts++
		f.equal("running", found, []export.Delivery{before})
	}
	d := event(t0, 9)
	f.stand(d, export.Running)
	cancelled, err := f.Cancel(f.ctx, d.ID, after(time.Hour))
	f.must(err)
	f.equal("cancelled", cancelled.State, export.Cancelled)
	f.equal("cancelled, stored", f.delivery(d.ID), cancelled)
	f.equal("cancelled, found", f.each(export.Filter{States: []export.State{export.Cancelled}}), d.ID)
	f.equal("cancelled, attempts", cancelled.Attempts, 1)
}

func logUnknown(f *fixture) {
	f.is("Delivery", export.ErrNoDelivery, second(f.Delivery(f.ctx, "x")))
	f.is("Redeliver", export.ErrNoDelivery, second(f.Redeliver(f.ctx, "x", t0)))
	f.is("Cancel", export.ErrNoDelivery, second(f.Cancel(f.ctx, "x", t0)))
	f.equal("attempts", f.attempts("x"), []export.Attempt(nil))
	f.equal("log", f.each(export.Filter{}), "")
}
