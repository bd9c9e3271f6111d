package export_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// memory is an export.Store, an export.Log, a queue.Store and the part of
// project.Store that a pipeline needs, that forgets everything when the test ends.
// It complains about what the contract does not allow.
type memory struct {
	// stop ends the process as far as the running job sees.
	stop         context.CancelCauseFunc
	t            complainer
	mu           sync.Mutex
	projects     map[string]project.Project
	destinations map[string]map[[2]int]project.Destination
	deliveries   map[string]export.Delivery
	attempts     map[string][]export.Attempt
	jobs         map[string]queue.Job
	endpoints    map[string]export.Endpoint
	recoveries   map[string]*recovery
	// mains are the ids of pipelines' own deliveries by project and place.
	mains   map[string]map[[2]int]string
	lastJob int64
	// onJob is called for each new job.
	onJob func(queue.Job)
	// failing are errors to answer with, by the name of the method.
	failing map[string]error
	// wait ends when it is that time.
	wait func(until time.Time)
	// onRedeliver is called for each delivery that is sent again by hand.
	onRedeliver func(id string)
	// lag is how long a call may have been on its way.
	lag time.Duration
	// over are the uploads and emails that ended, whatever became of them then.
	over map[string]bool
	// account is whose projects are created.
	account string
	// stepped tells that the clock is set at will.
	stepped bool
}

var (
	_ export.Store   = (*memory)(nil)
	_ export.Log     = (*memory)(nil)
	_ export.Cleaner = (*memory)(nil)
	_ queue.Store    = (*memory)(nil)
)

// complainer is what a memory needs of a testing.T.
type complainer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func newMemory(t complainer) *memory {
	return &memory{
		t: t, projects: map[string]project.Project{}, destinations: map[string]map[[2]int]project.Destination{},
		deliveries: map[string]export.Delivery{}, attempts: map[string][]export.Attempt{}, jobs: map[string]queue.Job{},
		endpoints: map[string]export.Endpoint{}, recoveries: map[string]*recovery{}, mains: map[string]map[[2]int]string{},
		over: map[string]bool{}, onJob: func(queue.Job) {}, onRedeliver: func(string) {},
		failing: map[string]error{}, wait: func(until time.Time) { <-time.After(time.Until(until)) },
	}
}

// fails makes one method fail, and no other; "" is none.
func (m *memory) fails(method string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = map[string]error{method: errors.New("disk full")}
}

// create stores a project for a movie and returns it with its exports.
func (m *memory) create(id, source string) (project.Project, []movie.Export) {
	m.t.Helper()
	doc, err := movie.Parse([]byte(source))
	if err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	pr := project.Project{ID: id, Account: m.account, Status: project.Running, FileKey: "k/" + id + "-1.mp4", Source: []byte(source), CreatedAt: time.Now(), ClientData: doc.ClientData}
	m.projects[id] = pr
	m.mains[id] = map[[2]int]string{}
	m.destinations[id] = map[[2]int]project.Destination{}
	for _, d := range export.Destinations(doc.Exports) {
		m.settle(id, d)
	}
	return pr, doc.Exports
}

func (m *memory) settle(id string, d project.Destination) {
	m.destinations[id][[2]int{d.Export, d.Position}] = d
}

// shown lists a project's destinations in order, as their deliveries stand.
func (m *memory) shown(id string) []project.Destination {
	var list []project.Destination
	for place, d := range m.destinations[id] {
		if own, ok := m.deliveries[m.mains[id][place]]; ok {
			d = m.show(own).Destination()
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b project.Destination) int {
		return cmp.Or(a.Export-b.Export, a.Position-b.Position)
	})
	return list
}

// show is a delivery as it is read: running while an attempt is open.
func (m *memory) show(d export.Delivery) export.Delivery {
	if !d.State.Final() && m.open(d.ID) {
		d.State = export.Running
	}
	return d
}

// open tells whether a delivery's last attempt is open.
func (m *memory) open(id string) bool {
	list := m.attempts[id]
	return len(list) > 0 && list[len(list)-1].Result == export.Open
}

func (m *memory) Destinations(_ context.Context, ids ...string) (map[string][]project.Destination, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string][]project.Destination{}
	for _, id := range ids {
		all[id] = m.shown(id)
	}
	return all, nil
}

func (m *memory) Get(_ context.Context, id string) (project.Project, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["Get"]; err != nil {
		return project.Project{}, err
	}
	pr, ok := m.projects[id]
	if !ok {
		return pr, project.ErrNotFound
	}
	return pr, nil
}

func (m *memory) End(_ context.Context, o project.Outcome, step export.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["End"]; err != nil {
		return err
	}
	pr := m.projects[o.ID]
	if pr.Status.Ended() {
		return nil
	}
	pr.Status, pr.Message, pr.Result, pr.EndedAt = o.Status, o.Message, o.Result, o.EndedAt
	m.projects[o.ID] = pr
	m.take(o.ID, step)
	return nil
}

func (m *memory) take(id string, step export.Step) {
	for _, d := range step.Settled {
		m.settle(id, d)
	}
	if step.Endpoint != nil {
		m.setEndpoint(*step.Endpoint)
	}
	for _, d := range step.Deliveries {
		m.insert(d)
	}
}

func (m *memory) setEndpoint(c export.EndpointChange) {
	e := m.endpoints[c.ID]
	e.ID, e.URL, e.Group, e.State, e.Reason, e.ChangedAt = c.ID, c.URL, c.Group, c.State, c.Reason, c.At
	e.FailingSince, e.Failures = time.Time{}, 0
	m.endpoints[c.ID] = e
}

func (m *memory) insert(d export.Delivery) {
	if _, twice := m.deliveries[d.ID]; twice || d.State != export.Pending || d.ID == "" || d.MessageID == "" {
		m.t.Errorf("a new delivery is %+v", d)
	}
	if d.Main {
		m.turn(d)
		m.mains[d.Project][[2]int{d.Export, d.Position}] = d.ID
	} else if d.Event == export.ExportCompleted {
		m.turn(export.Delivery{Project: d.Project, Export: 1 << 30})
	}
	m.deliveries[d.ID] = d
	m.addJob(d, false)
}

// turn holds that it is a delivery's turn: nobody waits for one before it, and
// none before it was passed over.
func (m *memory) turn(d export.Delivery) {
	for place, dest := range m.destinations[d.Project] {
		before, ok := m.deliveries[m.mains[d.Project][place]]
		switch c := cmp.Or(place[0]-d.Export, place[1]-d.Position); {
		case c < 0 && !ok && dest.Status == "pending":
			m.t.Errorf("%d.%d of %s has its turn before %v", d.Export, d.Position, d.Project, place)
		case ok && before.Remaining != 0, c < 0 && before.Ordered && !m.over[before.ID]:
			m.t.Errorf("%d.%d of %s did not wait for %v", d.Export, d.Position, d.Project, place)
		case c == 0 && ok:
			m.t.Errorf("destination %d.%d of %s has a second delivery", d.Export, d.Position, d.Project)
		}
	}
}

// addJob replaces the job of a delivery; one that is not due at all has none.
func (m *memory) addJob(d export.Delivery, retry bool) {
	delete(m.jobs, d.ID)
	if !d.NextAt.IsZero() {
		m.newJob(queue.Job{Kind: d.Job(), Key: d.ID, Group: d.Group, RunAt: d.NextAt, Retry: retry})
	}
}

func (m *memory) newJob(j queue.Job) {
	m.lastJob++
	j.ID = m.lastJob
	m.jobs[j.Key] = j
	m.onJob(j)
}

func (m *memory) Emit(_ context.Context, deliveries ...export.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["Emit"]; err != nil {
		return err
	}
	for _, d := range deliveries {
		if _, known := m.deliveries[d.ID]; !known {
			m.insert(d)
		}
	}
	return nil
}

func (m *memory) Tally(_ context.Context, tallies []export.Tally) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["Tally"]; err != nil {
		return err
	}
	for _, t := range tallies {
		old, known := m.endpoints[t.Endpoint.ID]
		e := t.Endpoint
		e.State, e.Reason, e.ChangedAt, e.Traffic = old.State, old.Reason, old.ChangedAt, old.Traffic
		if !known {
			e.State = export.Enabled
		}
		if e.LastSuccess.IsZero() {
			e.LastSuccess = old.LastSuccess
		}
		if e.LastFailure.IsZero() {
			e.LastFailure = old.LastFailure
		}
		e.Traffic.Add(t.Traffic)
		m.endpoints[e.ID] = e
	}
	return nil
}

func (m *memory) Failing(context.Context) (all []export.Endpoint, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.endpoints {
		if e.Failures > 0 {
			all = append(all, e)
		}
	}
	return all, m.failing["Failing"]
}

func (m *memory) OpenAttempt(_ context.Context, id string, at time.Time) (export.Delivery, export.Attempt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.deliveries[id]
	if err := m.failing["Open"]; err != nil {
		return d, export.Attempt{}, err
	}
	if !ok {
		return d, export.Attempt{}, export.ErrNoDelivery
	}
	list := m.attempts[id]
	if m.open(id) {
		list[len(list)-1].Result, list[len(list)-1].EndedAt = export.Unknown, at
	}
	if d.State.Final() || d.State == export.Held {
		return d, export.Attempt{}, nil
	}
	if m.shut(d.Endpoint) {
		d.State = export.Held
		return d, export.Attempt{}, nil
	}
	if at.Add(m.lag).Before(d.NextAt) && !m.stepped && d.Project != "" { // a test is made by hand
		m.t.Errorf("%s is tried at %v, due at %v", id, at, d.NextAt)
	}
	d.Attempts++
	m.deliveries[id] = d
	d.State = export.Running
	a := export.Attempt{Delivery: id, Number: d.Attempts, StartedAt: at, Result: export.Open}
	m.attempts[id] = append(list, a)
	return d, a, nil
}

// shut tells whether an endpoint is not to be sent anything.
func (m *memory) shut(endpoint string) bool {
	e, ok := m.endpoints[endpoint]
	return ok && e.State != export.Enabled
}

func (m *memory) CloseAttempt(_ context.Context, d export.Delivery, a export.Attempt, step export.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["Close"]; err != nil {
		return err
	}
	list := m.attempts[d.ID]
	if len(list) == 0 || list[len(list)-1].Number != a.Number || list[len(list)-1].Result != export.Open {
		m.t.Errorf("attempt %d of %s is not open", a.Number, d.ID)
		return nil
	}
	retry := d.State == export.Retrying || d.State == export.InDoubt
	if a.Result == export.Open || a.EndedAt.Before(a.StartedAt) && !m.stepped || d.Remaining != 0 && !(d.Ordered && retry) {
		m.t.Errorf("closed with %+v: %+v", a, d)
	}
	if retry == d.NextAt.IsZero() || !retry && !d.State.Final() {
		m.t.Errorf("%s, next at %v", d.State, d.NextAt)
	}
	list[len(list)-1] = a
	now := m.deliveries[d.ID]
	m.keepsSecrets(d)
	now.Remaining, now.NextAt = d.Remaining, time.Time{}
	if now.State == export.Cancelled && d.State != export.Delivered { // meanwhile
		m.deliveries[d.ID] = now
		if now.NextAt = a.EndedAt; now.Remaining == 0 {
			now.NextAt = time.Time{}
		}
	} else {
		now.State, now.Failures, now.LastStatus, now.Message, now.NextAt, now.Receipt = d.State, d.Failures, d.LastStatus, d.Message, d.NextAt, d.Receipt
		m.deliveries[d.ID] = now
	}
	m.over[d.ID] = m.over[d.ID] || m.deliveries[d.ID].State.Final()
	m.addJob(now, true)
	m.take(d.Project, step)
	return nil
}

func (m *memory) Advance(_ context.Context, d export.Delivery, step export.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing["Advance"]; err != nil {
		return err
	}
	switch {
	case d.Remaining != 0,
		d.State == export.Retrying && d.NextAt.IsZero(), d.State != export.Retrying && !d.NextAt.IsZero(),
		d.State != export.Retrying && d.State != export.Held && d.State != export.Cancelled:
		m.t.Errorf("advanced as %+v", d)
	}
	m.keepsSecrets(d)
	now := m.deliveries[d.ID]
	if now.Remaining = d.Remaining; !now.State.Final() {
		now.State, now.Message, now.NextAt = d.State, d.Message, d.NextAt
	}
	m.deliveries[d.ID] = now
	m.over[d.ID] = m.over[d.ID] || now.State.Final()
	m.addJob(now, true)
	m.take(d.Project, step)
	return nil
}

// keepsSecrets holds that a delivery comes as it was given out: with what is
// secret of it sealed, or not at all.
func (m *memory) keepsSecrets(d export.Delivery) {
	if own := m.deliveries[d.ID]; len(own.Sealed) > 0 && (d.Target != own.Target || len(d.Headers) > 0) {
		m.t.Errorf("the store is told %s, %v", d.Target, d.Headers)
	}
}
