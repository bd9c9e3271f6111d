package queue

import (
	"container/heap"
	"time"
)

// Allowance is how many jobs of a group may run at once now.
type Allowance struct {
	// All is for all of them, bounded by PerGroup: few for an endpoint that is new
	// or slow. First tries take less than 1 for 1; what to do for a group that is
	// cut off their worker decides.
	All int
	// Retries is how many of them may be retries: none for one that is cut off.
	Retries int
	// Until is when the answer may change by itself. Zero: only when a job of the
	// group ends or Dispatcher.Reopen is called.
	Until time.Time
}

// lookAgain is when a gate is asked again whose Until has passed already. It
// keeps a gate that errs from turning the pool into a busy loop.
const lookAgain = 100 * time.Millisecond

// group is the due jobs of one Group.
type group struct {
	name string
	// firsts and retries stand apart: when no retry may start, a first try may.
	firsts, retries line
	// running jobs, and those of them that are retries.
	running, retrying int
	// inTurns and passed tell that it stands there in memory.
	inTurns, passed bool
	// parked: it had its turn and nothing may start until a job of it ends, a job
	// of a sort that it had none of becomes due, or its alarm goes.
	parked bool
	// alarm is when a parked group is looked at again; zero if only the rest helps.
	alarm clock
	// shut: at the last look its gate let no retry start.
	shut bool
	// gated retries are due all the same; oldest is when the first of the other
	// due jobs became due. Both are what memory's have of this group.
	gated  int
	oldest clock
}

func newGroup(name string) *group {
	g := &group{name: name}
	g.alarm.group, g.oldest.group = g, g
	return g
}

func (g *group) due() int { return len(g.firsts) + len(g.retries) }

// line is where a due item stands.
func (g *group) line(it *item) *line {
	if it.isRetry() {
		return &g.retries
	}
	return &g.firsts
}

// enter lines up a due item. A parked group is given its turn only for the first
// item of a line: where one waits in vain, so do others.
func (m *memory) enter(g *group, it *item) {
	l := g.line(it)
	if len(*l) == 0 {
		m.unpark(g)
	}
	heap.Push(l, it)
	m.tend(g)
}

// pick takes the earliest item of a group that may start now, or parks the
// group and returns nil.
func (m *memory) pick(g *group, now time.Time) *item {
	if g.due() == 0 { // its job was replaced
		return nil
	}
	a := m.allowance(g, now)
	first, retry := g.firsts.first(), g.retries.first()
	if g.running >= a.All || g.retrying >= a.Retries {
		retry = nil
	}
	if retry != nil && !m.retryWorkerFree() {
		m.pass(g)
		retry = nil
		a.All-- // the slot it will need
	}
	if g.running >= max(1, a.All) {
		first = nil
	}
	it := first
	if it == nil || retry != nil && retry.before(it) {
		it = retry
	}
	if it == nil {
		m.park(g, a.Until, now)
		return nil
	}
	heap.Pop(it.in)
	return it
}

// allowance is what PerGroup and the gate let a group do. Retries leave a
// quarter of PerGroup to first tries, so that these always find a slot.
func (m *memory) allowance(g *group, now time.Time) Allowance {
	a := Allowance{All: m.PerGroup, Retries: m.PerGroup - m.PerGroup/4}
	if m.Gate == nil {
		return a
	}
	gate := m.Gate(g.name, now)
	g.shut = gate.Retries <= 0
	return Allowance{All: min(a.All, gate.All), Retries: min(a.Retries, gate.Retries), Until: gate.Until}
}

// pass gives a group, whose retry found the retry workers taken, the claim to
// one: without it a group that always has first tries could never start a retry.
func (m *memory) pass(g *group) {
	if !g.passed {
		g.passed = true
		m.passed = append(m.passed, g)
	}
}

// park keeps a group out of the round robin until something about it changes.
func (m *memory) park(g *group, until, now time.Time) {
	g.parked = true
	if until.IsZero() {
		return
	}
	if !until.After(now) {
		until = now.Add(lookAgain)
	}
	m.alarms.set(&g.alarm, until.Round(0))
}

func (m *memory) unpark(g *group) {
	g.parked = false
	m.alarms.set(&g.alarm, time.Time{})
}

// reopen has the gate of a group asked again.
func (m *memory) reopen(name string) {
	if g := m.groups[name]; g != nil {
		m.unpark(g)
		m.tend(g)
	}
}
