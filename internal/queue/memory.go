package queue

import (
	"cmp"
	"container/heap"
	"time"
)

// memory is what a pool knows of the store's jobs: every unfinished one.
type memory struct {
	// slots is how many jobs of one group run at once, 0 for no cap.
	slots int
	// held has every job by its key, which is unique among the unfinished jobs of
	// a kind.
	held map[string]*item
	// waiting has the jobs that are not due, earliest first.
	waiting line
	groups  map[string]*group
	// turns is the round robin: groups with a due job and a free slot.
	turns []*group
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
	// tries counts failures to record outcome.
	tries   int
	running bool
	// next is the row that took the place of this one while it ran.
	next *Job
	// in is the line it stands in, at index; nil while it runs.
	in    *line
	index int
}

// outcome is what came of an attempt.
type outcome int

const (
	untouched outcome = iota // nothing to tell the store
	over
	again
)

// group is the due jobs of one Group.
type group struct {
	name    string
	line    line
	running int
	inTurns bool
}

func newMemory(slots int) memory {
	return memory{slots: slots, held: map[string]*item{}, groups: map[string]*group{}}
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
		g = &group{name: it.job.Group}
		m.groups[g.name] = g
	}
	heap.Push(&g.line, it)
	m.tend(g)
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

// ripen moves the jobs whose time has come to their groups.
func (m *memory) ripen(now time.Time) {
	for len(m.waiting) > 0 && !m.waiting[0].at.After(now) {
		m.admit(heap.Pop(&m.waiting).(*item), now)
	}
}

// next starts the first due job of the group whose turn it is, or returns nil.
func (m *memory) next() *item {
	for len(m.turns) > 0 {
		g := m.turns[0]
		m.turns = m.turns[1:]
		g.inTurns = false
		if len(g.line) == 0 { // its job was replaced
			m.tend(g)
			continue
		}
		it := heap.Pop(&g.line).(*item)
		it.running = true
		g.running++
		m.tend(g)
		return it
	}
	return nil
}

// release drops an item that ran.
func (m *memory) release(it *item) {
	it.running = false
	m.groups[it.job.Group].running--
	m.forget(it)
}

// tend gives a group its place in the round robin after any change to it, and
// forgets one without jobs.
func (m *memory) tend(g *group) {
	switch {
	case len(g.line) > 0 && !g.inTurns && (m.slots == 0 || g.running < m.slots):
		g.inTurns = true
		m.turns = append(m.turns, g)
	case len(g.line) == 0 && g.running == 0 && !g.inTurns:
		delete(m.groups, g.name)
	}
}

// line is a heap of items, the one whose turn it is first.
type line []*item

func (l line) Len() int { return len(l) }

func (l line) Less(i, j int) bool {
	return cmp.Or(l[i].at.Compare(l[j].at), cmp.Compare(l[i].job.ID, l[j].job.ID)) < 0
}

func (l line) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *line) Push(x any) {
	it := x.(*item)
	it.in, it.index = l, len(*l)
	*l = append(*l, it)
}

func (l *line) Pop() any {
	last := len(*l) - 1
	it := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	it.in = nil
	return it
}
