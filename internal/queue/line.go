package queue

import (
	"cmp"
	"container/heap"
	"time"
)

// line is a heap of items, the one whose turn it is first.
type line []*item

// before tells which of two items goes first.
func (it *item) before(other *item) bool {
	return cmp.Or(it.at.Compare(other.at), cmp.Compare(it.job.ID, other.job.ID)) < 0
}

// first returns the item whose turn it is, or nil.
func (l line) first() *item {
	if len(l) == 0 {
		return nil
	}
	return l[0]
}

func (l line) Len() int { return len(l) }

func (l line) Less(i, j int) bool { return l[i].before(l[j]) }

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

// clock is a time of a group, which stands at index in a heap of such. Zero, it
// stands in none.
type clock struct {
	group *group
	at    time.Time
	index int
}

// clocks is a heap, the earliest first.
type clocks []*clock

// set gives a clock another time, or with zero takes it out.
func (cs *clocks) set(c *clock, at time.Time) {
	was := c.at
	switch {
	case at.Equal(was):
	case at.IsZero():
		heap.Remove(cs, c.index)
		c.at = at
	case was.IsZero():
		c.at = at
		heap.Push(cs, c)
	default:
		c.at = at
		heap.Fix(cs, c.index)
	}
}

// first is the earliest time, zero if there is none.
func (cs clocks) first() time.Time {
	if len(cs) == 0 {
		return time.Time{}
	}
	return cs[0].at
}

func (cs clocks) Len() int { return len(cs) }

func (cs clocks) Less(i, j int) bool { return cs[i].at.Before(cs[j].at) }

func (cs clocks) Swap(i, j int) {
	cs[i], cs[j] = cs[j], cs[i]
	cs[i].index, cs[j].index = i, j
}

func (cs *clocks) Push(x any) {
	c := x.(*clock)
	c.index = len(*cs)
	*cs = append(*cs, c)
}

func (cs *clocks) Pop() any {
	last := len(*cs) - 1
	c := (*cs)[last]
	(*cs)[last] = nil
	*cs = (*cs)[:last]
	return c
}
