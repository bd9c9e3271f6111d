package export

import (
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/queue"
)

// meets is what one attempt at a group does to its breaker.
type meets struct {
	after  time.Duration
	status int
	class  string
	asks   time.Duration
	// all and retries are what the group may do then; cut for how long it is cut off,
	// which shows as Until and, with first attempts, as closed.
	all, retries int
	cut          time.Duration
	closed       bool
}

// TestBreaker walks circuits of up to 16 attempts at once.
func TestBreaker(t *testing.T) {
	const ok, no = 200, 500
	for name, c := range map[string][]meets{
		"slow start": {{0, ok, "", 0, 5, 5, 0, false}, {0, ok, "", 0, 6, 6, 0, false}, {0, ok, "", 0, 7, 7, 0, false}, {0, no, "http", 0, 7, 7, 0, false}},
		"to the most": {{0, ok, "", 0, 5, 5, 0, false}, {0, ok, "", 0, 6, 6, 0, false}, {0, ok, "", 0, 7, 7, 0, false}, {0, ok, "", 0, 8, 8, 0, false},
			{0, ok, "", 0, 9, 9, 0, false}, {0, ok, "", 0, 9, 9, 0, false}},
		"trips after five": {{0, 0, "refused", 0, 2, 2, 0, false}, {0, 0, "timeout", 0, 1, 1, 0, false}, {0, 0, "dns", 0, 1, 1, 0, false},
			{0, 0, "reset", 0, 1, 1, 0, false}, {0, 0, "tls", 0, 1, 0, time.Second, true}},
		"an answer of any sort starts anew": {{0, 0, "refused", 0, 2, 2, 0, false}, {0, 0, "refused", 0, 1, 1, 0, false}, {0, 0, "refused", 0, 1, 1, 0, false},
			{0, 0, "refused", 0, 1, 1, 0, false}, {0, 404, "http", 0, 1, 1, 0, false}, {0, 0, "refused", 0, 1, 1, 0, false}},
		"not its fault": {{0, 0, "proxy", 0, 4, 4, 0, false}, {0, 0, "blocked", 0, 4, 4, 0, false}, {0, 0, "proxy", 0, 4, 4, 0, false},
			{0, 0, "proxy", 0, 4, 4, 0, false}, {0, 0, "blocked", 0, 4, 4, 0, false}, {0, 0, "proxy", 0, 4, 4, 0, false}},
		"pauses grow to a minute": {{0, 0, "dns", 0, 2, 2, 0, false}, {0, 0, "dns", 0, 1, 1, 0, false}, {0, 0, "dns", 0, 1, 1, 0, false}, {0, 0, "dns", 0, 1, 1, 0, false},
			{0, 0, "dns", 0, 1, 0, 1 * time.Second, true}, {1 * time.Second, 0, "dns", 0, 1, 0, 2 * time.Second, true},
			{2 * time.Second, 0, "dns", 0, 1, 0, 4 * time.Second, true}, {4 * time.Second, 0, "dns", 0, 1, 0, 8 * time.Second, true},
			{8 * time.Second, 0, "dns", 0, 1, 0, 16 * time.Second, true}, {16 * time.Second, 0, "dns", 0, 1, 0, 32 * time.Second, true},
			{32 * time.Second, 0, "dns", 0, 1, 0, time.Minute, true}, {time.Hour, 0, "dns", 0, 1, 0, time.Minute, true},
			{time.Minute, ok, "", 0, 2, 2, 0, false}, {0, 0, "dns", 0, 1, 1, 0, false}},
		"those under way say nothing new": {{0, 0, "dns", 0, 2, 2, 0, false}, {0, 0, "dns", 0, 1, 1, 0, false}, {0, 0, "dns", 0, 1, 1, 0, false},
			{0, 0, "dns", 0, 1, 1, 0, false}, {0, 0, "dns", 0, 1, 0, time.Second, true}, {time.Second / 4, 0, "dns", 0, 1, 0, time.Second * 3 / 4, true}},
		"braking": {{0, 429, "http", 0, 2, 0, time.Second, true}, {time.Second, 503, "http", time.Minute, 1, 0, time.Minute, true},
			{time.Second, 503, "http", time.Second, 1, 0, 59 * time.Second, true}, // the longer wish counts
			{59 * time.Second, 503, "http", 30 * time.Hour, 1, 0, time.Hour, true}, {time.Hour, 502, "http", time.Hour, 1, 1, 0, false},
			{0, 429, "http", time.Minute, 1, 0, time.Minute, true}, {time.Second, ok, "", 0, 2, 2, 0, false}},
	} {
		b, now := newBreaker(9), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if got := b.gate("g", now); got != (queue.Allowance{All: 4, Retries: 4}) {
			t.Errorf("%s: new, it may %+v", name, got)
		}
		for i, m := range c {
			now = now.Add(m.after)
			a := Attempt{EndedAt: now, Status: m.status, Class: m.class, RetryAfter: m.asks, Result: Refused}
			if m.status == ok {
				a.Result = Succeeded
			}
			b.observe("g", a)
			got, want := b.gate("g", now), queue.Allowance{All: m.all, Retries: m.retries}
			if m.cut > 0 {
				want.Until = now.Add(m.cut)
			}
			if got != want {
				t.Errorf("%s: after %d it may %+v, want %+v", name, i, got, want)
			}
			until, closed := b.closed("g", now)
			if closed != m.closed || closed && !until.Equal(now.Add(m.cut)) {
				t.Errorf("%s: after %d closed %v until %v", name, i, closed, until)
			}
			if g := b.gate("other", now); g.All != 4 {
				t.Errorf("%s: another may %+v", name, g)
			}
		}
	}
}

// TestProbe holds that between two pauses one retry is let through, and that
// first attempts line up for it.
func TestProbe(t *testing.T) {
	b, now := newBreaker(2), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if got := b.gate("g", now); got != (queue.Allowance{All: 2, Retries: 2}) {
		t.Errorf("it may %+v", got)
	}
	for range trip {
		b.observe("g", Attempt{EndedAt: now, Result: Unknown, Class: "timeout"})
	}
	now = now.Add(shortestPause)
	if got := b.gate("g", now); got != (queue.Allowance{All: 1, Retries: 1}) {
		t.Errorf("it may %+v", got)
	}
	if until, closed := b.closed("g", now); !closed || !until.Equal(now) {
		t.Errorf("closed %v until %v", closed, until)
	}
}

// TestForget holds what is forgotten when, so that memory is bounded.
func TestForget(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		a     Attempt
		times int
		after time.Duration
	}{
		"well":           {Attempt{Status: 200, Result: Succeeded}, 1, forgetAfter},
		"failing":        {Attempt{Class: "dns", Result: Refused}, trip - 1, forgetAfter},
		"cut off":        {Attempt{Class: "dns", Result: Refused}, trip, buryAfter},
		"braked for now": {Attempt{Status: 429, Result: Refused, RetryAfter: time.Hour}, 1, time.Hour},
	} {
		b := newBreaker(9)
		c.a.EndedAt = start
		for range c.times {
			b.observe("g", c.a)
		}
		if b.forget(start.Add(c.after)); len(b.circuits) != 1 {
			t.Errorf("%s: forgotten early", name)
		}
		if b.forget(start.Add(c.after + 1)); len(b.circuits) != 0 {
			t.Errorf("%s: not forgotten", name)
		}
	}
}
