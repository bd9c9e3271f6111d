package export_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
)

// TestRedeliverTo sends what was sent to another address, by itself.
func TestRedeliverTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		var targets []string
		p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
			targets = append(targets, d.Target)
			return closed(a, map[bool]int{true: 200, false: 500}[strings.HasPrefix(d.Target, "https://y")])
		}))
		ended(m, p, pair, done)
		m.run(p)
		first := m.deliveries[m.mains["p"][[2]int{}]]
		targets = nil
		again, err := p.RedeliverTo(t.Context(), first.ID, "https://y.test/new")
		if err != nil || again.ID == first.ID || again.MessageID != first.MessageID || again.Main || again.Remaining != 0 || again.State != export.Pending ||
			again.Attempts != 0 || again.Failures != 0 || again.LastStatus != 0 || again.Message != "" || again.Project != "p" {
			t.Errorf("%v, made %+v", err, again)
		}
		m.run(p)
		got := m.deliveries[again.ID]
		if got.State != export.Delivered || string(got.Body) != string(first.Body) || cmp.Diff([]string{"https://y.test/new"}, targets) != "" {
			t.Errorf("sent to %s: %+v", targets, got)
		}
		if diff := cmp.Diff(first, m.deliveries[first.ID]); diff != "" {
			t.Errorf("the first changed: %s", diff)
		}
		var refusal export.Refusal
		if _, err := p.RedeliverTo(t.Context(), first.ID, "never"); !errors.As(err, &refusal) {
			t.Error(err)
		}
		if _, err := p.RedeliverTo(t.Context(), "dlv_x", "https://y.test"); !errors.Is(err, export.ErrNoDelivery) {
			t.Error(err)
		}
		m.failing["Emit"] = errors.New("disk full")
		if _, err := p.RedeliverTo(t.Context(), first.ID, "https://y.test"); err == nil {
			t.Error("sent on a full disk")
		}
	})
}

// TestTest holds that a test is sent once, logged, and counted nowhere.
func TestTest(t *testing.T) {
	for name, c := range map[string]struct {
		leaf   fake
		state  export.State
		result export.Result
	}{
		"well":   {answers(), export.Delivered, export.Succeeded},
		"failed": {answers(500), export.Failed, export.Refused},
		"gone":   {func(_ export.Delivery, a export.Attempt) export.Attempt { a.Gone = true; return closed(a, 410) }, export.Failed, export.Refused},
		"doubt":  {func(_ export.Delivery, a export.Attempt) export.Attempt { return broken(a, export.Unknown, "reset") }, export.Failed, export.Unknown},
		"proxy":  {func(_ export.Delivery, a export.Attempt) export.Attempt { return broken(a, export.Refused, "proxy") }, export.Failed, export.Refused},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			var log strings.Builder
			o := pipeline(m, c.leaf).Options
			o.Log, o.PerGroup = slog.New(slog.NewTextHandler(&log, nil)), 9
			o.Count = func(event string) { t.Errorf("%s: the operator was told %s", name, event) }
			o.Observe = func(export.Delivery, export.Attempt) { t.Errorf("%s: counted", name) }
			p := export.New(o)
			d, a, err := p.Test(t.Context(), export.Trial{Event: export.MovieCompleted, Endpoint: "https://x.test/s3cret", Failed: true})
			if err != nil || d.State != c.state || a.Result != c.result || a.Number != 1 || d.Endpoint != "" || d.Event != export.MovieCompleted ||
				string(d.Body) != "movie.completed true" {
				t.Errorf("%s: %v, %+v, %+v", name, err, d, a)
			}
			kept, attempts := m.only()
			if kept.State != c.state || !kept.NextAt.IsZero() || len(attempts) != 1 || len(m.jobs) != 0 {
				t.Errorf("%s: %d jobs, kept %+v, %+v", name, len(m.jobs), kept, attempts)
			}
			if p.Keep(cancelled()); len(m.endpoints) != 0 {
				t.Errorf("%s: counted %+v", name, m.endpoints)
			}
			if strings.Count(log.String(), "msg=attempt") != 1 || strings.Contains(log.String(), "s3cret") {
				t.Errorf("%s: logged %s", name, &log)
			}
			if p.Gate("https://x.test:443", time.Now()).All != 4 {
				t.Errorf("%s: the breaker learned of it", name)
			}
		})
	}
}

// TestTestFails holds what a test leaves when it cannot be made, and that one
// that a crash ended is not left open for ever.
func TestTestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, answers())
		var refusal export.Refusal
		if _, _, err := p.Test(t.Context(), export.Trial{Event: export.MovieCompleted, Endpoint: "never"}); !errors.As(err, &refusal) || len(m.deliveries) != 0 {
			t.Errorf("%v, %d deliveries", err, len(m.deliveries))
		}
		d, a, err := p.Test(t.Context(), export.Trial{Event: export.MovieCompleted, Endpoint: "https://x.test", Dry: true})
		if err != nil || a.Peer.Address != "192.0.2.1:443" || a.Result != export.Succeeded || len(m.deliveries) != 0 || !d.NextAt.IsZero() {
			t.Errorf("dry: %v, %+v, %d deliveries", err, a, len(m.deliveries))
		}
		for _, method := range []string{"Emit", "Open", "Close"} {
			m.failing = map[string]error{method: errors.New("disk full")}
			if _, _, err := p.Test(t.Context(), export.Trial{Event: export.MovieCompleted, Endpoint: "https://x.test"}); err == nil {
				t.Errorf("%s: tested on a full disk", method)
			}
		}
		m.failing = map[string]error{}
		m.run(p)
		for id, d := range m.deliveries {
			if list := m.attempts[id]; !d.State.Final() || list[len(list)-1].Result == export.Open {
				t.Errorf("left as %+v, %+v", d, list)
			}
		}
		if len(m.deliveries) != 2 {
			t.Errorf("%d deliveries", len(m.deliveries))
		}
	})
}

// cancelling cancels what is emitted before anything else happens.
type cancelling struct{ *memory }

func (c cancelling) Emit(ctx context.Context, d ...export.Delivery) error {
	err := c.memory.Emit(ctx, d...)
	_, _ = c.Cancel(ctx, d[0].ID, time.Now())
	return err
}

// TestTestCancelled holds that a test that is cancelled at once is not sent.
func TestTestCancelled(t *testing.T) {
	m := newMemory(t)
	p := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
		t.Error("sent")
		return closed(a, 200)
	}))
	p.Store = cancelling{m}
	if d, _, err := p.Test(t.Context(), export.Trial{Event: export.MovieCompleted, Endpoint: "https://x.test"}); !errors.Is(err, export.ErrFinal) || d.State != export.Cancelled {
		t.Errorf("%v, %+v", err, d)
	}
}

// TestTestGoesOn holds that a client that hangs up does not end its test.
func TestTestGoesOn(t *testing.T) {
	m := newMemory(t)
	ctx, hangUp := context.WithCancel(t.Context())
	p := pipeline(m, watching{answers(), hangUp, t})
	if d, _, err := p.Test(ctx, export.Trial{Event: export.MovieCompleted, Endpoint: "https://x.test"}); err != nil || d.State != export.Delivered {
		t.Errorf("%v, %+v", err, d)
	}
}
