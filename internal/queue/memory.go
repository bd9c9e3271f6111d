package queue

import (
	"container/heap"
	"math"
	"time"
)

// memory is what a pool knows of the store's jobs: every unfinished one.
type memory struct {
	KindOptions
	// running jobs, and those of them that are retries.
	running, retrying int
	// held has every job by its key, which is unique among the unfinished jobs of
	// a kind.
	held map[string]*item
	// waiting has the jobs that are not due, earliest first.
	waiting line
	groups  map[string]*group
	// turns is the round robin: groups with a due job and a free slot.
	turns []*group
	// passed has the groups whose retry was passed over when it was their turn,
	// because no retry worker was free. They come first when one is.
	passed []*group
	// alarms has the parked groups that are looked at again at a time.
	alarms clocks
	// gated is how many retries are due in groups whose gate is shut; oldest has
	// when the first of the other due jobs of each group became due.
	gated  int
	oldest clocks
	// gone has what was dropped since the reading of a page began, by key, with
	// the highest ID: the page may still have it. It is nil while none is read.
	gone map[string]int64
}

// item is a job in memory. While it runs, its worker's goroutine alone writes
// job's RunAt and Faults, outcome and tries.
type item struct {
	job Job
	// at is when it is its turn: the job's RunAt, or later when the store failed.
	at      time.Time
	outcome outcome
	running bool
	// tries counts failures to record outcome.
	tries int32
	// next is the row that took the place of this one while it ran.
	next *Job
	// in is the line it stands in, at index; nil while it runs.
	in    *line
	index int
}

// outcome is what came of an attempt.
type outcome uint8

const (
	untouched outcome = iota // nothing to tell the store
	over
	again
)

// isRetry tells that the item is held back as a retry. One that was tried, and
// only has its record to be made, is not.
func (it *item) isRetry() bool { return it.job.Retry && it.tries == 0 }

func newMemory(k KindOptions) memory {
	k.Workers = max(1, k.Workers)
	k.Reserve = min(max(0, k.Reserve), k.Workers-1)
	if k.PerGroup <= 0 {
		k.PerGroup = math.MaxInt
	}
	return memory{KindOptions: k, held: map[string]*item{}, groups: map[string]*group{}}
}

// offer takes in a job that is in the store. One that is known changes nothing.
func (m *memory) offer(job Job, now time.Time) {
	job.RunAt = job.RunAt.Round(0) // the wall clock alone, as when the store is read
	if old := m.held[job.Key]; old != nil {
		switch {
		case job.ID <= old.job.ID:
			return
		case old.running:
			if old.next == nil || old.next.ID < job.ID {
				next := job
				old.next = &next
			}
			return
		}
		m.forget(old) // a key has one row: that of the older job is gone
	}
	m.admit(&item{job: job, at: job.RunAt}, now)
}

// admit lines an item up: with those that wait for their time, or in its group.
func (m *memory) admit(it *item, now time.Time) {
	m.held[it.job.Key] = it
	if it.at.After(now) {
		heap.Push(&m.waiting, it)
		return
	}
	g := m.groups[it.job.Group]
	if g == nil {
		g = newGroup(it.job.Group)
		m.groups[g.name] = g
	}
	m.enter(g, it)
}

// forget drops an item that does not run.
func (m *memory) forget(it *item) {
	delete(m.held, it.job.Key)
	if m.gone != nil {
		m.gone[it.job.Key] = max(m.gone[it.job.Key], it.job.ID)
	}
	if it.in != nil {
		heap.Remove(it.in, it.index)
	}
	if g := m.groups[it.job.Group]; g != nil {
		m.tend(g)
	}
}

// ripen moves the jobs whose time has come to their groups, and gives the groups
// whose time has come their turn.
func (m *memory) ripen(now time.Time) {
	for len(m.waiting) > 0 && !m.waiting[0].at.After(now) {
		m.admit(heap.Pop(&m.waiting).(*item), now)
	}
	for len(m.alarms) > 0 && !m.alarms[0].at.After(now) {
		g := m.alarms[0].group
		m.unpark(g)
		m.tend(g)
	}
}

// nextTime is when ripen has something to do, zero for never.
func (m *memory) nextTime() time.Time {
	alarm := m.alarms.first()
	if it := m.waiting.first(); it != nil && (alarm.IsZero() || it.at.Before(alarm)) {
		return it.at
	}
	return alarm
}

// next starts the first due job that may start, of the group whose turn it is.
// It returns nil when no worker is free or there is none.
func (m *memory) next(now time.Time) *item {
	for m.running < m.Workers {
		g := m.turn()
		if g == nil {
			return nil
		}
		it := m.pick(g, now)
		if it != nil {
			it.running = true
			m.count(g, it, 1)
		}
		m.tend(g)
		if it != nil {
			return it
		}
	}
	return nil
}

// turn takes the group whose turn it is out of the round robin, or returns nil.
func (m *memory) turn() (g *group) {
	switch {
	case len(m.passed) > 0 && m.retryWorkerFree():
		g, m.passed = m.passed[0], m.passed[1:]
		g.passed = false
	case len(m.turns) > 0:
		g, m.turns = m.turns[0], m.turns[1:]
		g.inTurns = false
	default:
		return nil
	}
	m.unpark(g) // passed has parked ones
	return g
}

func (m *memory) retryWorkerFree() bool { return m.retrying < m.Workers-m.Reserve }

// count adds an item to what runs, or with -1 takes it away.
func (m *memory) count(g *group, it *item, n int) {
	m.running += n
	g.running += n
	if it.isRetry() {
		m.retrying += n
		g.retrying += n
	}
}

// release drops an item that ran.
func (m *memory) release(it *item) {
	g := m.groups[it.job.Group]
	it.running = false
	m.count(g, it, -1)
	m.unpark(g)
	m.forget(it)
}

// tend gives a group its place in the round robin after any change to it, and
// forgets one without jobs.
func (m *memory) tend(g *group) {
	m.measure(g)
	switch {
	case g.inTurns:
	case g.due() > 0 && !g.parked && g.running < m.PerGroup:
		g.inTurns = true
		m.turns = append(m.turns, g)
	case g.due() == 0 && g.running == 0 && !g.passed:
		m.unpark(g)
		delete(m.groups, g.name)
	}
}

// measure keeps up what depth tells.
func (m *memory) measure(g *group) {
	oldest, gated := g.firsts.first(), 0
	if g.shut {
		gated = len(g.retries)
	} else if retry := g.retries.first(); oldest == nil || retry != nil && retry.before(oldest) {
		oldest = retry
	}
	m.gated += gated - g.gated
	g.gated = gated
	var at time.Time
	if oldest != nil {
		at = oldest.at
	}
	m.oldest.set(&g.oldest, at)
}

func (m *memory) depth(now time.Time) Depth {
	d := Depth{Held: len(m.held), Gated: m.gated, Running: m.running}
	d.Due = d.Held - d.Running - d.Gated - len(m.waiting)
	if at := m.oldest.first(); !at.IsZero() {
		d.Oldest = now.Sub(at)
	}
	return d
}
