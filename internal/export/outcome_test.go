package export_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
)

// broken is an attempt without an answer.
func broken(a export.Attempt, result export.Result, class string) export.Attempt {
	a.Result, a.Class, a.Error = result, class, "no answer"
	return a
}

// TestUnknownOutcome holds that a delivery that may have arrived is sent again as
// it was, by the schedule, and shown as what it is.
func TestUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		sent := map[string]bool{}
		p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
			sent[d.MessageID+string(d.Body)] = true
			return broken(a, export.Unknown, "reset")
		}))
		ended(m, p, one, done)
		for n := 1; n <= len(schedule); n++ {
			m.step(p)
			if d, _ := m.only(); d.State != export.InDoubt || d.Failures != n || d.NextAt.IsZero() || d.Message != "no answer" {
				t.Errorf("after %d attempts: %+v", n, d)
			}
			if got := m.shown("p")[0]; got.Status != "unknown" || got.Attempts != n {
				t.Errorf("shown as %+v", got)
			}
		}
		m.run(p)
		d, attempts := m.only()
		want := []time.Duration{0}
		for i, delay := range schedule {
			want = append(want, want[i]+delay)
		}
		if diff := cmp.Diff(want, starts(attempts)); diff != "" || d.State != export.Failed || len(sent) != 1 {
			t.Errorf("%d messages, ended as %+v, -want +got\n%s", len(sent), d, diff)
		}
	})
}

// TestProxyFault holds that a fault of the way there is not charged, for a week.
func TestProxyFault(t *testing.T) {
	for _, c := range []struct {
		faults, attempts, failures int
		state                      export.State
	}{
		{1, 2, 0, export.Delivered}, {1000, 1001, 0, export.Delivered},
		// A week has 20160 half minutes; then it walks the schedule.
		{1 << 20, 20160 + 10, 10, export.Failed},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			p := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
				if a.Number > c.faults {
					return closed(a, 200)
				}
				return broken(a, export.Refused, "proxy")
			}))
			ended(m, p, one, done)
			for len(m.jobs) > 0 && m.lastJob < 30_000 {
				m.step(p)
			}
			d, attempts := m.only()
			if d.State != c.state || d.Failures != c.failures || len(attempts) != c.attempts {
				t.Errorf("%d attempts, ended as %+v", len(attempts), d)
			}
			if since := starts(attempts)[1]; since != 30*time.Second {
				t.Errorf("came again after %v", since)
			}
			if p.Keep(cancelled()); (len(m.endpoints) == 1) != (c.state == export.Delivered) || m.endpoints[d.Endpoint].Traffic.Refused != 0 {
				t.Errorf("counted %+v", m.endpoints)
			}
		})
	}
}
