package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

var recoveryRules = []rule{
	{"BeginCountsAndHasAJob", recoveryBegins},
	{"ChoosesWhatItsFilterDoes", recoveryChooses},
	{"GoesOnInOrder", recoveryGoesOn},
	{"WithNothingToDo", recoveryNothing},
	{"LeavesWhatCameLater", recoveryLater},
	{"PassesOverWhatCannotBe", recoveryPassesOver},
	{"LeavesTestsAlone", recoveryTests},
	{"Unknown", recoveryUnknown},
}

// recover begins a recovery, by itself after all deliveries of a test.
func (f *fixture) recover(id string, filter export.Filter) export.Recovery {
	f.Helper()
	r, err := f.BeginRecovery(f.ctx, export.Recovery{ID: id, Filter: filter, CreatedAt: after(100 * time.Hour)})
	f.must(err)
	return r
}

func (f *fixture) goOn(id string, limit int) export.Recovery {
	f.Helper()
	r, err := f.GoOn(f.ctx, id, limit, after(200*time.Hour))
	f.must(err)
	stored, err := f.Recovery(f.ctx, id)
	f.must(err)
	f.equal("stored", stored, r)
	return r
}

func recoveryBegins(f *fixture) {
	f.oneOfEach(func(*export.Delivery) {})
	f.takeAnnounced()
	r := f.recover("rec_1", export.Filter{From: t0, Event: "movie.completed"})
	want := export.Recovery{ID: "rec_1", Total: 2, CreatedAt: after(100 * time.Hour),
		Filter: export.Filter{States: []export.State{export.Failed, export.Held}, From: t0, Event: "movie.completed"}}
	f.equal("begun", r, want)
	stored, err := f.Recovery(f.ctx, "rec_1")
	f.must(err)
	f.equal("stored", stored, want)
	jobs := f.jobs(export.Recover)
	f.equal("announced", f.takeAnnounced(), jobs)
	f.equal("job", jobs, []queue.Job{{ID: jobs[0].ID, Kind: export.Recover, Key: "rec_1", RunAt: r.CreatedAt}})
	if _, err := f.BeginRecovery(f.ctx, r); err == nil {
		f.Error("two recoveries with one id")
	}
	f.equal("jobs", f.jobs(export.Recover), jobs)
}

// recoveryTests has deliveries that belong to no movie: one to a known endpoint, as
// operator events are, and a test.
func recoveryTests(f *fixture) {
	all := f.oneOfEach(func(d *export.Delivery) { d.Project, d.Endpoint = "", "" })
	if len(all) == 0 {
		f.Fatal("there are no tests")
	}
	f.equal("tests", f.recover("rec_1", export.Filter{}).Total, 0)
	f.oneOfEach(func(d *export.Delivery) { d.Project, d.ID = "", d.ID[:len(d.ID)-1]+"Z" })
	f.equal("operator events", f.recover("rec_2", export.Filter{}).Total, 2)
	f.equal("sent", f.goOn("rec_2", 100).Done, 2)
}

func recoveryChooses(f *fixture) {
	ids := f.oneOfEach(func(*export.Delivery) {})
	other := event(after(time.Hour), 1)
	other.Project, other.Endpoint, other.Event = "p", "ep_other", "movie.started"
	f.stand(other, export.Failed)
	for i, c := range []struct {
		filter export.Filter
		want   []string
	}{
		{export.Filter{}, []string{ids[export.Held], ids[export.Failed], other.ID}},
		{export.Filter{States: []export.State{export.Cancelled, export.Delivered}}, []string{ids[export.Delivered], ids[export.Cancelled]}},
		{export.Filter{States: []export.State{export.Pending, export.InDoubt}}, []string{ids[export.Pending], ids[export.InDoubt]}},
		{export.Filter{Project: "p"}, []string{other.ID}},
		{export.Filter{Endpoint: "ep_other", States: states}, []string{other.ID}},
		{export.Filter{Event: "movie.started"}, []string{other.ID}},
		{export.Filter{From: after(time.Hour)}, []string{other.ID}},
		{export.Filter{To: after(time.Hour)}, []string{ids[export.Held], ids[export.Failed]}},
	} {
		id := fmt.Sprint("rec_", i)
		f.equal(fmt.Sprintf("total of %+v", c.filter), f.recover(id, c.filter).Total, len(c.want))
	}
	before := f.keys(export.Deliver)
	r := f.goOn("rec_1", 10)
	f.equal("done", r.Done, 2)
	f.equal("jobs", len(strings.Fields(f.keys(export.Deliver))), len(strings.Fields(before))+2)
	f.equal("delivered before", f.delivery(ids[export.Delivered]).State, export.Retrying)
	f.equal("failed before", f.delivery(ids[export.Failed]).State, export.Failed)
}

func recoveryGoesOn(f *fixture) {
	var ids []string
	for i := range 5 {
		d := event(after(time.Duration(5-i)*time.Hour), i)
		f.stand(d, []export.State{export.Failed, export.Held}[i%2])
		ids = append([]string{d.ID}, ids...)
	}
	f.recover("rec_1", export.Filter{})
	f.takeAnnounced()
	for i, c := range []struct {
		done  int
		ended bool
	}{{2, false}, {4, false}, {5, true}, {5, true}} {
		r := f.goOn("rec_1", 2)
		f.equal("total", r.Total, 5)
		f.equal(fmt.Sprint("done after ", i+1), r.Done, c.done)
		f.equal("ended", !r.EndedAt.IsZero(), c.ended)
		f.equal("jobs", len(f.jobs(export.Recover)) == 0, c.ended)
		f.equal("on their way", f.keys(export.Deliver), strings.Join(ids[:c.done], " "))
	}
	for i, j := range f.takeAnnounced() {
		f.equal("order", j.Key, ids[i])
		f.equal("retry", j.Retry, true)
		d := f.delivery(j.Key)
		f.equal("state", d.State, export.Retrying)
		f.equal("schedule", d.Failures, 0)
		f.equal("next", d.NextAt.Equal(after(200*time.Hour)), true)
	}
	f.stand(event(t0, 9), export.Failed)
	f.equal("when it has ended", f.goOn("rec_1", 2).Done, 5)
}

// One with exactly as many as its limit ends with them.
func recoveryNothing(f *fixture) {
	f.equal("total", f.recover("rec_1", export.Filter{}).Total, 0)
	r := f.goOn("rec_1", 2)
	f.equal("ended", r.EndedAt.Equal(after(200*time.Hour)), true)
	f.equal("jobs", f.keys(export.Recover), "")
	f.stand(event(t0, 1), export.Failed)
	f.stand(event(t0, 2), export.Failed)
	f.recover("rec_2", export.Filter{})
	f.equal("ended with the last", f.goOn("rec_2", 2).EndedAt.IsZero(), false)
}

func recoveryLater(f *fixture) {
	d, later := event(t0, 1), event(after(101*time.Hour), 1)
	f.stand(d, export.Failed)
	f.recover("rec_1", export.Filter{})
	f.stand(later, export.Failed)
	r := f.goOn("rec_1", 10)
	f.equal("done", r.Done, 1)
	f.equal("on their way", f.keys(export.Deliver), d.ID)
}

func recoveryPassesOver(f *fixture) {
	f.know("ep_shut")
	var ids []string
	for i := range 4 {
		d := event(t0, i)
		if i == 1 {
			d.Endpoint = "ep_shut"
		}
		f.stand(d, export.Failed)
		ids = append(ids, d.ID)
	}
	f.equal("total", f.recover("rec_1", export.Filter{}).Total, 4)
	f.set("ep_shut", export.Paused)
	_, err := f.Redeliver(f.ctx, ids[2], after(100*time.Hour)) // went on by itself
	f.must(err)
	var r export.Recovery
	for range 4 {
		r = f.goOn("rec_1", 1)
	}
	f.equal("done", r.Done, 2)
	f.equal("ended", r.EndedAt.IsZero(), false)
	f.equal("on their way", f.keys(export.Deliver), ids[0]+" "+ids[2]+" "+ids[3])
}

func recoveryUnknown(f *fixture) {
	f.is("Recovery", export.ErrNoRecovery, second(f.Recovery(f.ctx, "x")))
	f.is("GoOn", export.ErrNoRecovery, second(f.GoOn(f.ctx, "x", 1, t0)))
}
