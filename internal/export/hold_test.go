package export_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

// cutOff is a pipeline whose one group does not answer until up says so.
func cutOff(t *testing.T, m *memory, up *bool) *export.Pipeline {
	p := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
		if *up {
			return closed(a, 200)
		}
		return broken(a, export.Refused, "refused")
	}))
	pr, exports := m.create("first", `{"exports":[{"destinations":[{"type":"webhook","events":"movie.started"}]}]}`)
	if err := p.Started(t.Context(), pr, exports); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		m.step(p)
	}
	return p
}

// TestPutOff holds that a first attempt waits when its group is cut off, that
// the destinations behind it go on, and that all arrive once it answers.
func TestPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up bool
		m := newMemory(t)
		p := cutOff(t, m, &up)
		began := time.Now()
		ended(m, p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"},{"type":"ftp","endpoint":"b"},{"type":"webhook","events":"export.completed"}]}]}`, done)
		for len(m.mains["p"]) < 2 || m.deliveries[m.mains["p"][[2]int{0, 1}]].State == export.Pending {
			m.step(p)
		}
		want := []string{"0.0 webhook retrying Put off: its host is not answering, or asked for a pause", "0.1 ftp retrying Put off: its host is not answering, or asked for a pause",
			"0.2 webhook skipped It asks for no event of this end"}
		if diff := cmp.Diff(want, lines(m.shown("p"))); diff != "" || time.Since(began) != 0 {
			t.Errorf("after %v, -want +got\n%s", time.Since(began), diff)
		}
		events := 0
		for id, d := range m.deliveries {
			if d.Event == export.ExportCompleted {
				events++
			}
			if d.Project == "p" && (d.Attempts != 0 || d.Failures != 0 || len(m.attempts[id]) != 0 || !m.jobs[id].Retry && d.Main) {
				t.Errorf("it was tried: %+v, job %+v", d, m.jobs[id])
			}
		}
		if events != 1 {
			t.Errorf("%d were told of the export", events)
		}
		up = true
		m.run(p)
		for _, d := range m.deliveries {
			if d.State != export.Delivered {
				t.Errorf("ended as %+v", d)
			}
		}
	})
}

// TestDroppedWhenPutOff holds that progress does not wait for an endpoint.
func TestDroppedWhenPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up bool
		m := newMemory(t)
		p := cutOff(t, m, &up)
		pr, exports := m.create("p", `{"exports":[{"destinations":[{"type":"webhook","events":"movie.progress"}]}]}`)
		if err := p.Progress(t.Context(), pr, exports, 1); err != nil {
			t.Fatal(err)
		}
		m.run(p)
		for id, d := range m.deliveries {
			if d.Droppable && (d.State != export.Cancelled || d.Message != "Dropped: its host is not answering" || len(m.attempts[id]) != 0) {
				t.Errorf("ended as %+v", d)
			}
		}
	})
}

// TestPutOffAfterCrash holds that an attempt that a crash left open is made again
// even when the group is cut off by then: what it left must be closed.
func TestPutOffAfterCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up bool
		m := newMemory(t)
		p := cutOff(t, m, &up)
		ended(m, p, one, done)
		id := m.mains["p"][[2]int{}]
		if _, _, err := m.OpenAttempt(t.Context(), id, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := p.Work(t.Context(), m.jobs[id]); !errors.Is(err, queue.ErrRecorded) {
			t.Error(err)
		}
		attempts := m.attempts[id]
		if len(attempts) != 2 || attempts[0].Result != export.Unknown || attempts[1].Result != export.Refused || m.deliveries[id].Failures != 1 {
			t.Errorf("%+v: %+v", m.deliveries[id], attempts)
		}
	})
}

// TestPutOffNobody holds what becomes of jobs of cut off groups whose delivery is
// not there, cannot be read, or has ended.
func TestPutOffNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up bool
		m := newMemory(t)
		p := cutOff(t, m, &up)
		ended(m, p, one, done)
		id := m.mains["p"][[2]int{}]
		if err := p.Work(t.Context(), queue.Job{Key: "dlv_x", Group: "https://x.test:443"}); err != nil {
			t.Error(err)
		}
		full := errors.New("disk full")
		for _, method := range []string{"Delivery", "Advance"} {
			m.failing = map[string]error{method: full}
			if err := p.Work(t.Context(), m.jobs[id]); !errors.Is(err, full) || m.deliveries[id].State != export.Pending {
				t.Errorf("%s: %v, %+v", method, err, m.deliveries[id])
			}
		}
		m.failing = map[string]error{}
		job := m.jobs[id]
		if _, err := m.Cancel(t.Context(), id, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := p.Work(t.Context(), job); err != nil || m.deliveries[id].State != export.Cancelled {
			t.Errorf("%v, %+v", err, m.deliveries[id])
		}
	})
}

// pair is a movie whose second destination waits for the first.
const pair = `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"},{"type":"webhook","endpoint":"b"}]}]}`

// TestCancel cancels the first of two destinations in every state.
func TestCancel(t *testing.T) {
	for _, c := range []struct {
		what   string
		before func(m *memory, p *export.Pipeline, id string)
		leaf   fake
		err    error
		state  export.State
		tries  int
	}{
		{"before its first attempt", nil, answers(), nil, export.Cancelled, 0},
		{"when its first attempt was lost", func(m *memory, _ *export.Pipeline, id string) {
			_, _, _ = m.OpenAttempt(t.Context(), id, time.Now())
		}, answers(), nil, export.Cancelled, 1},
		{"between attempts", func(m *memory, p *export.Pipeline, _ string) { m.step(p) }, answers(500, 500), nil, export.Cancelled, 1},
		{"in doubt", func(m *memory, p *export.Pipeline, _ string) { m.step(p) }, func(_ export.Delivery, a export.Attempt) export.Attempt {
			return broken(a, export.Unknown, "reset")
		}, nil, export.Cancelled, 1},
		{"held", func(m *memory, p *export.Pipeline, id string) {
			m.endpoints[m.deliveries[id].Endpoint] = export.Endpoint{State: export.Paused}
			m.step(p)
		}, answers(), nil, export.Cancelled, 0},
		{"delivered", func(m *memory, p *export.Pipeline, _ string) { m.step(p) }, answers(), export.ErrFinal, export.Delivered, 1},
		{"failed", func(m *memory, p *export.Pipeline, _ string) { m.step(p) }, func(_ export.Delivery, a export.Attempt) export.Attempt {
			a.Gone = true
			return closed(a, 410)
		}, export.ErrFinal, export.Failed, 1},
		{"cancelled", func(m *memory, _ *export.Pipeline, id string) { _, _ = m.Cancel(t.Context(), id, time.Now()) }, answers(), export.ErrFinal, export.Cancelled, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
				if strings.HasSuffix(d.Target, "/b") {
					return closed(a, 200)
				}
				return c.leaf(d, a)
			}))
			ended(m, p, pair, done)
			id := m.mains["p"][[2]int{}]
			if c.before != nil {
				c.before(m, p, id)
			}
			if _, err := m.Cancel(t.Context(), id, time.Now()); !errors.Is(err, c.err) {
				t.Errorf("%s: %v", c.what, err)
			}
			m.run(p)
			states := m.shown("p")
			if states[0].Status != string(c.state) || len(m.attempts[id]) != c.tries || slices.ContainsFunc(m.attempts[id], func(a export.Attempt) bool { return a.Result == export.Open }) {
				t.Errorf("%s: %+v, %+v", c.what, states[0], m.attempts[id])
			}
			if want := map[bool]string{true: "held", false: "delivered"}[c.what == "held"]; states[1].Status != "delivered" && states[1].Status != want {
				t.Errorf("%s: the next is %+v", c.what, states[1])
			}
		})
	}
}

// TestCancelDuringAttempt holds that the attempt goes on, and that a success
// counts while a failure ends it; the next destination goes on in any case.
func TestCancelDuringAttempt(t *testing.T) {
	for status, want := range map[int]string{200: "delivered", 500: "cancelled"} {
		for _, remaining := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t)
				p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
					if d.Position == 0 {
						if shown, err := m.Cancel(t.Context(), d.ID, time.Now()); err != nil || shown.State != export.Cancelled {
							t.Errorf("%v, %+v", err, shown)
						}
						if _, err := m.Redeliver(t.Context(), d.ID, time.Now()); !errors.Is(err, export.ErrBusy) {
							t.Errorf("redelivered: %v", err)
						}
					}
					return closed(a, map[bool]int{true: status, false: 200}[d.Position == 0])
				}))
				ended(m, p, map[bool]string{true: pair, false: one}[remaining], done)
				m.run(p)
				states := m.shown("p")
				if states[0].Status != want || states[0].Attempts != 1 || states[len(states)-1].Status == "pending" || len(m.deliveries) != len(states) {
					t.Errorf("%d, others wait %v: %+v", status, remaining, states)
				}
			})
		}
	}
}

// TestRedeliver sends again what had ended, with its whole schedule before it.
func TestRedeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, answers(slices.Repeat([]int{500}, 12)...))
		ended(m, p, one, done)
		m.run(p)
		d, _ := m.only()
		if d.State != export.Failed {
			t.Fatalf("is %+v", d)
		}
		if d, err := m.Redeliver(t.Context(), d.ID, time.Now()); err != nil || d.State != export.Retrying || d.Failures != 0 {
			t.Errorf("%v, %+v", err, d)
		}
		m.run(p)
		again, attempts := m.only()
		if again.State != export.Delivered || len(attempts) != 13 || again.Failures != 2 || again.MessageID != d.MessageID {
			t.Errorf("%d attempts: %+v", len(attempts), again)
		}
	})
}

// TestRecovery brings home what failed and what is held, batch by batch, over
// faults of the store.
func TestRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		up := false
		p := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
			return closed(a, map[bool]int{true: 200, false: 400}[up])
		}))
		list := `{"type":"webhook","endpoint":"a","retries":0}` + strings.Repeat(`,{"type":"webhook","endpoint":"a","retries":0}`, 99)
		for _, id := range []string{"p", "q", "r", "s", "u"} {
			pr, exports := m.create(id, `{"exports":[{"destinations":[`+list+`]}]}`)
			o := done
			o.ID = id
			if err := p.Ended(t.Context(), pr, exports, o); err != nil {
				t.Fatal(err)
			}
			m.run(p)
			<-time.After(time.Hour)
		}
		up = true
		rec, err := m.BeginRecovery(t.Context(), export.NewRecovery(export.Filter{Event: export.MovieCompleted}, time.Now()))
		if err != nil || rec.Total != 500 {
			t.Fatalf("%v, %+v", err, rec)
		}
		m.failing["GoOn"] = errors.New("disk full")
		m.run(p)
		if rec, err = m.Recovery(t.Context(), rec.ID); err != nil || rec.Done != 500 || rec.EndedAt.IsZero() {
			t.Errorf("%v, %+v", err, rec)
		}
		for _, d := range m.deliveries {
			if d.State != export.Delivered || d.Attempts != 2 {
				t.Errorf("ended as %+v", d)
			}
		}
		r := export.Recoverer{Log: m, Now: time.Now}
		if err := r.Work(t.Context(), queue.Job{Key: "rec_x"}); err != nil {
			t.Error(err)
		}
		if err := r.Work(cancelled(), queue.Job{Key: rec.ID}); err == nil {
			t.Error("went on when the server stopped")
		}
	})
}
