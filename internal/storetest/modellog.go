package storetest

import (
	"errors"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// sweep ends and removes what an earlier run has left.
func (m *model) sweep() {
	m.tick()
	left, _, err := m.store.Deliveries(m.ctx, export.Page{Limit: 10_000})
	m.must(err)
	for _, d := range left {
		log, err := m.store.Attempts(m.ctx, d.ID)
		m.must(err)
		d.State, d.Remaining, d.NextAt = export.Cancelled, 0, time.Time{}
		if n := len(log); n > 0 && log[n-1].Result == export.Open {
			log[n-1].Result = export.Refused
			m.must(m.store.CloseAttempt(m.ctx, d, log[n-1], export.Step{}))
			continue
		}
		m.must(m.store.Advance(m.ctx, d, export.Step{}))
	}
	m.now = m.now.Add(time.Hour)
	n, err := m.store.Clean(m.ctx, m.tick(), 10_000)
	m.must(err)
	m.equal("swept", n, len(left))
	for _, j := range slices.Concat(m.stored(project.Render), m.stored(export.Deliver), m.stored(export.Transfer)) {
		m.must(m.store.Finish(m.ctx, j.ID))
	}
}

// begin makes the endpoint of all deliveries known.
func (m *model) begin() {
	m.must(m.store.Tally(m.ctx, []export.Tally{tally(m.endpoint(), export.Endpoint{LastSuccess: m.now})}))
}

func (m *model) endpoint() string { return "ep_" + m.prefix }

// isOpen tells whether the last attempt of a delivery is open.
func (m *model) isOpen(id string) bool {
	log := m.logs[id]
	return len(log) > 0 && log[len(log)-1].Result == export.Open
}

// show is a delivery as it is read.
func (m *model) show(d export.Delivery) export.Delivery {
	if !d.State.Final() && m.isOpen(d.ID) {
		d.State = export.Running
	}
	return d
}

// shown are the destinations of a project as their deliveries stand.
func (m *model) shown(id string) []project.Destination {
	all := slices.Clone(m.destinations[id])
	for i := range all {
		if d, ok := m.deliveries[m.mains[id][i]]; ok {
			all[i] = m.show(d).Destination()
		}
	}
	return all
}

// draw makes a new delivery to the nth destination of a project.
func (m *model) draw(t *rapid.T, id string, n int, main bool) export.Delivery {
	m.made++
	at := m.tick()
	d := newDelivery(deliveryID(at, m.made), id, n, at)
	d.Endpoint = m.endpoint()
	if rapid.Bool().Draw(t, "transfer") {
		d = newTransfer(d.ID, id, n, at)
		d.Account = "" // or it would be in another log
	}
	if d.Main, d.Remaining = main, 0; main {
		d.Remaining = rapid.IntRange(0, 1).Draw(t, "remaining")
	}
	return d
}

// step draws what happens to the nth destination: nothing, settled, delivered.
func (m *model) step(t *rapid.T, id string, n int) (step export.Step) {
	if m.mains[id][n] != "" {
		return step
	}
	switch rapid.IntRange(0, 2).Draw(t, "step") {
	case 1:
		step.Settled = []project.Destination{{Position: n, Type: "ftp", Status: "failed", Message: "no"}}
	case 2:
		step.Deliveries = []export.Delivery{m.draw(t, id, n, true), m.draw(t, id, n, false)}
	}
	return step
}

func (m *model) take(id string, step export.Step) {
	for _, d := range step.Settled {
		m.destinations[id][d.Position] = d
	}
	for _, d := range step.Deliveries {
		m.deliveries[d.ID] = d
		if d.Main {
			m.mains[id][d.Position] = d.ID
		}
		m.setJob(d, false)
	}
}

// setJob replaces the job of a delivery.
func (m *model) setJob(d export.Delivery, retry bool) {
	delete(m.jobs, string(d.Job())+d.ID)
	if !d.NextAt.IsZero() {
		m.jobs[string(d.Job())+d.ID] = queue.Job{Kind: d.Job(), Key: d.ID, Group: d.Group, RunAt: d.NextAt, Retry: retry}
	}
}

func (m *model) emit(t *rapid.T) {
	id := pick(t, m.projects)
	m.touched = id
	d := m.draw(t, id, 0, false)
	again := d
	again.Message = "again"
	m.must(m.store.Emit(m.ctx, d, again))
	m.deliveries[d.ID] = d
	m.setJob(d, false)
}

// pickDelivery draws a delivery, as its row is.
func (m *model) pickDelivery(t *rapid.T) export.Delivery {
	d := m.deliveries[pick(t, m.deliveries)]
	m.touched = d.Project
	return d
}

func (m *model) open(t *rapid.T) {
	d, at := m.pickDelivery(t), m.tick()
	got, a, err := m.store.OpenAttempt(m.ctx, d.ID, at)
	m.must(err)
	if m.isOpen(d.ID) {
		last := &m.logs[d.ID][len(m.logs[d.ID])-1]
		last.Result, last.EndedAt = export.Unknown, at
	}
	var want export.Attempt
	switch {
	case d.State.Final() || d.State == export.Held:
	case m.shut && d.Endpoint != "":
		d.State = export.Held
	default:
		d.Attempts++
		m.deliveries[d.ID] = d
		want = export.Attempt{Delivery: d.ID, Number: d.Attempts, StartedAt: at, Result: export.Open}
		m.logs[d.ID] = append(m.logs[d.ID], want)
	}
	m.equal("attempt", a, want)
	m.equal("delivery", got, m.show(d))
}

func (m *model) close(t *rapid.T) {
	d := m.pickDelivery(t)
	if !m.isOpen(d.ID) {
		t.Skip("no open attempt")
	}
	a := &m.logs[d.ID][len(m.logs[d.ID])-1]
	a.EndedAt, a.Result, a.Status, a.Answer = m.tick(), export.Refused, 500, []byte("no")
	old := d
	d.State = rapid.SampledFrom([]export.State{export.Retrying, export.InDoubt, export.Delivered, export.Failed}).Draw(t, "state")
	d.Failures, d.LastStatus, d.Message, d.NextAt = d.Failures+1, 500, "closed", time.Time{}
	if !d.State.Final() {
		d.NextAt = m.tick()
	}
	if d.State == export.Delivered {
		a.Receipt = project.Receipt{ID: d.ID}
		d.Receipt = a.Receipt
	}
	var step export.Step
	if !d.Ordered || d.State.Final() || rapid.Bool().Draw(t, "goes on") { // else those behind it wait
		step = m.next(t, &d)
	}
	m.must(m.store.CloseAttempt(m.ctx, d, *a, step))
	a.Receipt = project.Receipt{} // it is the delivery's
	due := d
	if old.State == export.Cancelled && d.State != export.Delivered {
		old.Remaining = d.Remaining
		d, due = old, old
		if due.NextAt = a.EndedAt; d.Remaining == 0 {
			due.NextAt = time.Time{}
		}
	}
	m.deliveries[d.ID] = d
	m.setJob(due, true)
	m.take(d.Project, step)
}

// next draws what follows when a delivery goes on.
func (m *model) next(t *rapid.T, d *export.Delivery) (step export.Step) {
	if d.Remaining > 0 && d.Position == 0 {
		step = m.step(t, d.Project, 1)
	}
	d.Remaining = 0
	return step
}

func (m *model) goOn(d export.Delivery, step export.Step) {
	m.deliveries[d.ID] = d
	m.setJob(d, true)
	m.take(d.Project, step)
}

func (m *model) advance(t *rapid.T) {
	d := m.pickDelivery(t)
	if m.isOpen(d.ID) {
		t.Skip("an open attempt")
	}
	old := d
	d.State = rapid.SampledFrom([]export.State{export.Retrying, export.Held, export.Cancelled}).Draw(t, "state")
	d.Message, d.NextAt = "advanced", time.Time{}
	if d.State == export.Retrying {
		d.NextAt = m.tick()
	}
	step := m.next(t, &d)
	m.must(m.store.Advance(m.ctx, d, step))
	if old.State.Final() {
		old.Remaining, old.NextAt = 0, time.Time{}
		d = old
	}
	m.goOn(d, step)
}

func (m *model) redeliver(t *rapid.T) {
	d, at := m.pickDelivery(t), m.tick()
	got, err := m.store.Redeliver(m.ctx, d.ID, at)
	switch {
	case m.isOpen(d.ID):
		m.is(err, export.ErrBusy)
		return
	case m.shut && d.Endpoint != "":
		m.is(err, export.ErrNotEnabled)
		return
	}
	m.must(err)
	d.State, d.Failures, d.Message, d.NextAt = export.Retrying, 0, "", at
	if !d.Deadline.IsZero() {
		d.Deadline = at.Add(d.Timeout)
	}
	if d.Remaining > 0 {
		d.State = export.Pending
	}
	m.deliveries[d.ID] = d
	m.setJob(d, d.Remaining == 0)
	m.equal("redelivered", got, d)
}

func (m *model) cancel(t *rapid.T) {
	d, at := m.pickDelivery(t), m.tick()
	got, err := m.store.Cancel(m.ctx, d.ID, at)
	if d.State.Final() {
		m.is(err, export.ErrFinal)
		return
	}
	m.must(err)
	d.State, d.Message, d.NextAt = export.Cancelled, got.Message, time.Time{}
	m.deliveries[d.ID] = d
	m.equal("cancelled", got, d)
	switch {
	case d.Remaining > 0:
		due := d
		due.NextAt = at
		m.setJob(due, false)
	case !m.isOpen(d.ID):
		m.setJob(d, false)
	}
}

func (m *model) is(got, want error) {
	m.Helper()
	if !errors.Is(got, want) {
		m.Fatalf("got %v, want %v", got, want)
	}
}

func (m *model) setEndpoint(t *rapid.T) {
	state := rapid.SampledFrom([]export.EndpointState{export.Enabled, export.Paused}).Draw(t, "state")
	changed, err := m.store.SetEndpoint(m.ctx, export.EndpointChange{ID: m.endpoint(), State: state, At: m.tick()})
	m.must(err)
	m.equal("changed", changed, m.shut != (state == export.Paused))
	m.shut = state == export.Paused
}

// clean has a bound an hour after all before, for a database may need that.
func (m *model) clean(t *rapid.T) {
	m.now = m.now.Add(time.Hour)
	limit, want := rapid.IntRange(1, 4).Draw(t, "limit"), 0
	n, err := m.store.Clean(m.ctx, m.now, limit)
	m.must(err)
	for _, id := range slices.Sorted(maps.Keys(m.deliveries)) {
		d := m.deliveries[id]
		if want == limit || !d.State.Final() || d.Remaining > 0 || m.isOpen(id) {
			continue
		}
		if d.Main {
			m.destinations[d.Project][d.Position] = d.Destination()
			delete(m.mains[d.Project], d.Position)
		}
		delete(m.deliveries, id)
		delete(m.logs, id)
		want++
	}
	m.equal("removed", n, want)
}

// checkLog reads the log whole, and what one state has of it.
func (m *model) checkLog() {
	var all []export.Delivery
	byState := map[export.State][]string{}
	held := 0
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.deliveries))) {
		d := m.show(m.deliveries[id])
		d.Body = nil
		all = append(all, d)
		byState[d.State] = append(byState[d.State], id)
		if d.State == export.Held && d.Endpoint != "" {
			held++
		}
	}
	found, _, err := m.store.Deliveries(m.ctx, export.Page{Limit: 10_000})
	m.must(err)
	m.equal("log", found, all)
	for _, state := range states {
		found, _, err := m.store.Deliveries(m.ctx, export.Page{Filter: export.Filter{States: []export.State{state}}, Limit: 10_000})
		m.must(err)
		var ids []string
		for _, d := range found {
			ids = append(ids, d.ID)
		}
		m.equal("log of "+string(state), ids, byState[state])
	}
	e, err := m.store.Endpoint(m.ctx, m.endpoint(), m.now)
	m.must(err)
	m.equal("held", e.Held, held)
}
