package export

import (
	"net/http"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/queue"
)

const (
	// trip is after how many attempts in a row without an answer a group is cut off.
	trip = 5
	// shortestPause doubles to longestPause while probes fail.
	shortestPause = time.Second
	longestPause  = time.Minute
	// longestBrake bounds what Retry-After does to a whole group.
	longestBrake = time.Hour
	// slowStart is how many attempts a group that is not known may have at once.
	slowStart = 4
	// forgetAfter is when an idle group that is well is not known any more, and
	// buryAfter when one that is cut off is not: nothing waits for it by then.
	forgetAfter = 10 * time.Minute
	buryAfter   = 2 * LongestWait
)

// breaker keeps groups that do not answer from taking the workers. A new group
// gets a few at once, and one more for each success. After trip failures in a row
// its retries wait, but for one probe after each pause; first attempts are put
// off, so that the destinations behind them go on.
type breaker struct {
	most int

	mu       sync.Mutex
	circuits map[string]*circuit
}

// circuit is what is known of one group.
type circuit struct {
	// allowed is how many attempts it may have at once.
	allowed int
	// failures counts attempts in a row that were not answered.
	failures int
	// pause is how long it was last cut off, until a time.
	pause time.Duration
	until time.Time
	used  time.Time
}

func newBreaker(most int) *breaker {
	return &breaker{most: most, circuits: map[string]*circuit{}}
}

// gate is the queue's: how many attempts of a group may run.
func (b *breaker) gate(group string, now time.Time) queue.Allowance {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[group]
	switch {
	case c == nil:
		n := min(slowStart, b.most)
		return queue.Allowance{All: n, Retries: n}
	case now.Before(c.until):
		return queue.Allowance{All: c.allowed, Retries: 0, Until: c.until}
	case c.failures >= trip:
		return queue.Allowance{All: c.allowed, Retries: 1}
	}
	return queue.Allowance{All: c.allowed, Retries: c.allowed}
}

// closed tells until when a group is cut off; first attempts are put off to then.
// Between two pauses that is now: they line up for the probe.
func (b *breaker) closed(group string, now time.Time) (until time.Time, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[group]
	switch {
	case c == nil:
		return now, false
	case now.Before(c.until):
		return c.until, true
	}
	return now, c.failures >= trip
}

// observe learns from an attempt.
func (b *breaker) observe(group string, a Attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[group]
	if c == nil {
		c = &circuit{allowed: min(slowStart, b.most)}
		b.circuits[group] = c
	}
	c.used = a.EndedAt
	switch {
	case a.Result == Succeeded:
		c.failures, c.pause, c.until = 0, 0, time.Time{}
		c.allowed = min(b.most, c.allowed+1)
	case a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable:
		c.failures = 0
		c.allowed = max(1, c.allowed/2)
		c.cut(a.EndedAt, min(max(shortestPause, a.RetryAfter), longestBrake))
	case a.Status != 0:
		c.failures = 0 // it answers, whatever it says
	case a.Class == "proxy" || a.Class == "blocked":
	default:
		c.failures++
		c.allowed = max(1, c.allowed/2)
		// Those that were under way when it was cut off say nothing new.
		if c.failures >= trip && !a.EndedAt.Before(c.until) {
			c.pause = min(max(shortestPause, 2*c.pause), longestPause)
			c.cut(a.EndedAt, c.pause)
		}
	}
}

func (c *circuit) cut(now time.Time, pause time.Duration) {
	if until := now.Add(pause); until.After(c.until) {
		c.until = until
	}
}

// reset has a group be as if it were not known.
func (b *breaker) reset(group string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.circuits, group)
}

// forget drops groups that were not used for a while, so that memory is bounded.
func (b *breaker) forget(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for group, c := range b.circuits {
		idle := now.Sub(c.used)
		if now.After(c.until) && (idle > buryAfter || idle > forgetAfter && c.failures < trip) {
			delete(b.circuits, group)
		}
	}
}
