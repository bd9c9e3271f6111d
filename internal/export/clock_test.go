package export_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
)

// wall is a clock that is set now and then while real time passes.
type wall struct {
	passed, offset time.Duration
	// steps are by how much it is set, by the minute it happens in.
	steps map[int]time.Duration
}

func (w *wall) now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(w.passed + w.offset)
}

// wait lets real time pass until the clock shows a time. As the dispatcher, it
// looks at the clock once a minute at least.
func (w *wall) wait(until time.Time) {
	for until.After(w.now()) {
		nap := min(until.Sub(w.now()), time.Minute)
		before := int(w.passed / time.Minute)
		w.passed += nap
		for minute := before + 1; minute <= int(w.passed/time.Minute); minute++ {
			w.offset += w.steps[minute]
		}
	}
}

// between is by how much the clock was set forward and back in a time.
func (w *wall) between(from, to time.Duration) (forward, back time.Duration) {
	for minute, by := range w.steps {
		at := time.Duration(minute) * time.Minute
		if at > from && at <= to {
			forward += max(0, by)
			back += max(0, -by)
		}
	}
	return forward, back
}

// TestClockSteps sets the wall clock by hours, back and forth. Every delivery
// still has each of its attempts once and no other; a pause is shorter by what the
// clock was set forward in it and longer by what it was set back.
func TestClockSteps(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &wall{steps: map[int]time.Duration{}}
		for range rapid.IntRange(0, 8).Draw(r, "steps") {
			hours := rapid.SampledFrom([]int{-12, -3, -1, 1, 2, 6}).Draw(r, "hours")
			w.steps[rapid.IntRange(1, 75*60).Draw(r, "minute")] = time.Duration(hours) * time.Hour
		}
		m := newMemory(t)
		m.wait, m.stepped = w.wait, true
		tried := map[string][]time.Duration{}
		o := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
			tried[d.ID] = append(tried[d.ID], w.passed)
			w.wait(w.now().Add(time.Second)) // it may be set during an attempt
			return closed(a, 500)
		})).Options
		o.Now = w.now
		p := export.New(o)
		movies := rapid.IntRange(1, 5).Draw(r, "destinations")
		ended(m, p, `{"exports":[{"destinations":[{"type":"webhook"}`+strings.Repeat(`,{"type":"webhook"}`, movies-1)+`]}]}`, done)
		m.run(p)
		for id, at := range tried {
			if d := m.deliveries[id]; d.State != export.Failed || len(at) != len(schedule)+1 {
				r.Errorf("%d attempts of %+v", len(at), d)
			}
			for i, delay := range schedule[:len(at)-1] {
				// The others' attempts come one after the other, a second each.
				pause, slack := at[i+1]-at[i], time.Minute+10*time.Second
				forward, back := w.between(at[i], at[i+1])
				if pause < delay-forward || pause > delay+back+slack {
					r.Errorf("pause %d was %v in place of %v, the clock was set by %v and -%v", i, pause, delay, forward, back)
				}
			}
		}
		if len(tried) != movies {
			r.Errorf("%d of %d were tried", len(tried), movies)
		}
		for _, e := range m.endpoints {
			r.Errorf("the endpoint is %+v", e)
		}
	})
}

// TestClockStepDuringAttempt holds that an attempt that ends before it began by
// the clock is recorded, and its pause counted from the end.
func TestClockStepDuringAttempt(t *testing.T) {
	for _, by := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		w := &wall{}
		m := newMemory(t)
		m.wait, m.stepped = w.wait, true
		o := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
			w.offset += by
			return closed(a, []int{500, 200}[a.Number-1])
		})).Options
		o.Now = w.now
		p := export.New(o)
		ended(m, p, one, done)
		m.run(p)
		if d, attempts := m.only(); d.State != export.Delivered || w.passed != 5*time.Second {
			t.Errorf("set by %v: %v", by, fmt.Sprint(w.passed, d, attempts))
		}
	}
}
