package export_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

// recovery is one with what is left of what it chose.
type recovery struct {
	export.Recovery
	left []string
}

func (m *memory) Deliveries(_ context.Context, page export.Page) (list []export.Delivery, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.deliveries))) {
		d := m.show(m.deliveries[id])
		if page.After != "" && id >= page.After || !chosen(page.Filter, d) {
			continue
		}
		if len(list) == page.Limit {
			return list, list[len(list)-1].ID, nil
		}
		d.Body = nil
		list = append(list, d)
	}
	return list, "", nil
}

// chosen tells whether a filter chooses a delivery.
func chosen(f export.Filter, d export.Delivery) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, d.State)) && (f.Project == "" || f.Project == d.Project) &&
		(f.Endpoint == "" || f.Endpoint == d.Endpoint) && (f.Event == "" || f.Event == d.Event) &&
		(f.From.IsZero() || !d.CreatedAt.Before(f.From)) && (f.To.IsZero() || d.CreatedAt.Before(f.To))
}

func (m *memory) Delivery(_ context.Context, id string) (export.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.deliveries[id]
	if !ok {
		return d, export.ErrNoDelivery
	}
	return m.show(d), m.failing["Delivery"]
}

func (m *memory) Attempts(_ context.Context, id string) ([]export.Attempt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.attempts[id]), nil
}

func (m *memory) Redeliver(_ context.Context, id string, at time.Time) (export.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.redeliver(id, at)
}

func (m *memory) redeliver(id string, at time.Time) (export.Delivery, error) {
	d, ok := m.deliveries[id]
	switch {
	case !ok:
		return d, export.ErrNoDelivery
	case m.open(id):
		return m.show(d), export.ErrBusy
	case m.shut(d.Endpoint):
		return d, export.ErrNotEnabled
	}
	d.State, d.Failures, d.Message, d.NextAt = export.Retrying, 0, "", at
	if !d.Deadline.IsZero() {
		d.Deadline = at.Add(d.Timeout)
	}
	if d.Remaining > 0 { // it is a first attempt still, others wait for it
		d.State = export.Pending
	}
	m.deliveries[id] = d
	m.addJob(d, d.Remaining == 0)
	m.onRedeliver(id)
	return d, nil
}

func (m *memory) Cancel(_ context.Context, id string, at time.Time) (export.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.deliveries[id]
	switch {
	case !ok:
		return d, export.ErrNoDelivery
	case d.State.Final():
		return d, export.ErrFinal
	}
	d.State, d.Message, d.NextAt = export.Cancelled, "Cancelled", time.Time{}
	m.deliveries[id] = d
	switch {
	case d.Remaining > 0:
		m.newJob(queue.Job{Kind: d.Job(), Key: id, Group: d.Group, RunAt: at})
	case !m.open(id): // else whoever makes the attempt removes it, or finds that a crash did not
		delete(m.jobs, id)
	}
	return d, nil
}

func (m *memory) Endpoints(_ context.Context, _ string, _ time.Time, after string, limit int) (list []export.Endpoint, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(m.endpoints)) {
		if id <= after {
			continue
		}
		if len(list) == limit {
			return list, list[limit-1].ID, nil
		}
		list = append(list, m.endpoint(id))
	}
	return list, "", nil
}

func (m *memory) endpoint(id string) export.Endpoint {
	e := m.endpoints[id]
	for _, d := range m.deliveries {
		if d.Endpoint == id && d.State == export.Held {
			e.Held++
		}
	}
	return e
}

func (m *memory) Endpoint(_ context.Context, id string, _ time.Time) (export.Endpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.endpoints[id]; !ok {
		return export.Endpoint{}, export.ErrNoEndpoint
	}
	return m.endpoint(id), nil
}

func (m *memory) SetEndpoint(_ context.Context, c export.EndpointChange, tell ...export.Delivery) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e, ok := m.endpoints[c.ID]; {
	case !ok:
		return false, export.ErrNoEndpoint
	case e.State == c.State:
		return false, nil
	}
	m.take("", export.Step{Endpoint: &c, Deliveries: tell})
	return true, m.failing["SetEndpoint"]
}

func (m *memory) BeginRecovery(_ context.Context, r export.Recovery) (export.Recovery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(r.States) == 0 {
		r.States = []export.State{export.Failed, export.Held}
	}
	rec := &recovery{Recovery: r}
	for _, id := range slices.Sorted(maps.Keys(m.deliveries)) {
		if chosen(r.Filter, m.show(m.deliveries[id])) && !isTest(m.deliveries[id]) {
			rec.left = append(rec.left, id)
		}
	}
	rec.Total = len(rec.left)
	m.recoveries[r.ID] = rec
	m.newJob(queue.Job{Kind: export.Recover, Key: r.ID, RunAt: r.CreatedAt})
	return rec.Recovery, nil
}

func (m *memory) Recovery(_ context.Context, id string) (export.Recovery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.recoveries[id]; r != nil {
		return r.Recovery, nil
	}
	return export.Recovery{}, export.ErrNoRecovery
}

func (m *memory) GoOn(_ context.Context, id string, limit int, at time.Time) (export.Recovery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.recoveries[id]
	switch {
	case m.failing["GoOn"] != nil:
		return export.Recovery{}, m.failing["GoOn"]
	case r == nil:
		return export.Recovery{}, export.ErrNoRecovery
	}
	n := min(limit, len(r.left))
	for _, delivery := range r.left[:n] {
		if !chosen(r.Filter, m.show(m.deliveries[delivery])) || isTest(m.deliveries[delivery]) {
			continue // it went on by itself
		}
		if _, err := m.redeliver(delivery, at); err == nil {
			r.Done++
		}
	}
	if r.left = r.left[n:]; len(r.left) == 0 {
		r.EndedAt = at
	}
	return r.Recovery, nil
}

// Size counts a byte for each delivery.
func (m *memory) Size(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.deliveries)), m.failing["Size"]
}

func (m *memory) Shrink(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failing["Shrink"]
}

func (m *memory) Clean(_ context.Context, before time.Time, limit int) (removed int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(m.deliveries)) {
		d := m.deliveries[id]
		if removed == limit || !d.State.Final() || d.Remaining > 0 || m.open(id) || !d.CreatedAt.Before(before) {
			continue
		}
		if d.Main {
			m.settle(d.Project, d.Destination())
		}
		delete(m.deliveries, id)
		delete(m.attempts, id)
		removed++
	}
	return removed, m.failing["Clean"]
}

// Jobs is a queue.Store's.
func (m *memory) Jobs(_ context.Context, kind queue.Kind, after queue.Job, limit int) (list []queue.Job, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inOrder := func(a, b queue.Job) int { return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.ID, b.ID)) }
	for _, j := range m.jobs {
		if j.Kind == kind && (after.ID == 0 || inOrder(j, after) > 0) {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, inOrder)
	return list[:min(limit, len(list))], nil
}

func (m *memory) Finish(_ context.Context, id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.jobs, func(_ string, j queue.Job) bool { return j.ID == id })
	return nil
}

func (m *memory) Postpone(_ context.Context, id int64, runAt time.Time, faults int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, j := range m.jobs {
		if j.ID == id {
			j.RunAt, j.Faults = runAt, faults
			m.jobs[key] = j
		}
	}
	return nil
}

// isTest tells a delivery that was made by hand, to try something out.
func isTest(d export.Delivery) bool { return d.Project == "" && d.Endpoint == "" }
