package export_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

// starts are the times of attempts since the first.
func starts(attempts []export.Attempt) (since []time.Duration) {
	for _, a := range attempts {
		since = append(since, a.StartedAt.Sub(attempts[0].StartedAt))
	}
	return since
}

// TestWholeSchedule walks all three days of the default schedule.
func TestWholeSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		ids := map[string]bool{}
		p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
			ids[d.ID+" "+d.MessageID+" "+string(d.Body)] = true
			<-time.After(100 * time.Millisecond) // the wait begins at the attempt's end
			return closed(a, 503)
		}))
		ended(m, p, one, done)
		m.run(p)
		d, attempts := m.only()
		var want []time.Duration
		at := time.Duration(0)
		for _, delay := range append([]time.Duration{0}, export.DefaultSchedule()...) {
			at += delay
			want = append(want, at)
			at += 100 * time.Millisecond
		}
		if diff := cmp.Diff(want, starts(attempts)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if hours := want[len(want)-1].Hours(); hours < 75 || hours > 76 {
			t.Errorf("the schedule lasts %v hours", hours)
		}
		if d.State != export.Failed || d.Attempts != 10 || d.Failures != 10 || d.LastStatus != 503 || !d.NextAt.IsZero() ||
			d.Message != "Gave up after 10 attempts: answered 503" {
			t.Errorf("ended as %+v", d)
		}
		if len(ids) != 1 {
			t.Errorf("ids and bodies differ: %v", ids)
		}
		if got := m.shown("p")[0]; got.Status != "failed" || got.Attempts != 10 || got.Message != d.Message || got.Delivery != d.ID {
			t.Errorf("shown as %+v", got)
		}
	})
}

func TestSucceedsInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, answers(500, 404))
		ended(m, p, one, done)
		m.run(p)
		d, attempts := m.only()
		if diff := cmp.Diff([]time.Duration{0, 5 * time.Second, 5*time.Minute + 5*time.Second}, starts(attempts)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if d.State != export.Delivered || d.Attempts != 3 || d.Failures != 2 || d.LastStatus != 200 || d.Message != "" {
			t.Errorf("ended as %+v", d)
		}
		if err := p.Work(context.Background(), queue.Job{Key: d.ID, Group: d.Group}); err != nil || len(m.attempts[d.ID]) != 3 {
			t.Errorf("done again: %v, %d attempts", err, len(m.attempts[d.ID]))
		}
	})
}

func TestNoRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, answers(500))
		ended(m, p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a","retries":0}]}]}`, done)
		m.run(p)
		if d, attempts := m.only(); d.State != export.Failed || len(attempts) != 1 || d.Message != "Gave up after 1 attempt: answered 500" {
			t.Errorf("ended as %+v", d)
		}
	})
}

func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
			a = closed(a, 410)
			a.Gone, a.RetryAfter = true, time.Hour
			return a
		}))
		ended(m, p, one, done)
		m.run(p)
		if d, attempts := m.only(); d.State != export.Failed || len(attempts) != 1 || d.LastStatus != 410 || d.Message != "answered 410" {
			t.Errorf("ended as %+v", d)
		}
	})
}

// TestJitter holds that each delay is moved by at most a fifth, to both sides.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var least, most float64 = 2, 0
		for _, jitter := range []func() float64{nil, rand.Float64, rand.Float64, rand.Float64, func() float64 { return 0 }, func() float64 { return 1 }} {
			m := newMemory(t)
			p := pipeline(m, answers(500, 500, 500, 500, 500, 500, 500, 500, 500))
			o := p.Options
			o.Jitter = jitter
			p = export.New(o)
			ended(m, p, one, done)
			m.run(p)
			_, attempts := m.only()
			for i, delay := range export.DefaultSchedule() {
				ratio := float64(attempts[i+1].StartedAt.Sub(attempts[i].StartedAt)) / float64(delay)
				least, most = min(least, ratio), max(most, ratio)
			}
		}
		if least != 0.8 || most != 1.2 {
			t.Errorf("delays are moved by %v to %v", least, most)
		}
	})
}

// TestRetryAfter holds that a receiver can put an attempt off, by a day at most,
// and never hasten it.
func TestRetryAfter(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		0: 5 * time.Second, time.Second: 5 * time.Second, time.Minute: time.Minute, 24 * time.Hour: 24 * time.Hour, 1000 * time.Hour: 24 * time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			p := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
				if a.Number > 1 {
					return closed(a, 200)
				}
				a = closed(a, 429)
				a.RetryAfter = asked
				return a
			}))
			ended(m, p, one, done)
			m.run(p)
			if _, attempts := m.only(); len(attempts) != 2 || starts(attempts)[1] != want {
				t.Errorf("asked for %v, came again after %v", asked, starts(attempts))
			}
		})
	}
}

// TestCrash kills the process before and after sending, at each step of the
// schedule: what came of those attempts is unknown, and they cost no retry.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		sent := map[string]int{}
		p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
			sent[d.MessageID]++
			m.failing["Close"] = nil
			if a.Number%3 == 1 {
				m.failing["Close"] = errors.New("killed before the answer was written down")
				m.stop(queue.ErrStopping)
			}
			return closed(a, 500)
		}))
		ended(m, p, one, done)
		first, _ := m.only()
		if _, _, err := m.OpenAttempt(context.Background(), first.ID, time.Now()); err != nil { // killed before it was sent
			t.Fatal(err)
		}
		m.run(p)
		d, attempts := m.only()
		results := map[export.Result]int{}
		for _, a := range attempts {
			results[a.Result]++
		}
		refused := len(schedule) + 1
		if results[export.Refused] != refused || results[export.Unknown] < 4 || results[export.Open] != 0 || d.Failures != refused ||
			d.Attempts != len(attempts) || d.State != export.Failed {
			t.Errorf("ended as %+v with %v", d, results)
		}
		if len(sent) != 1 || sent[d.MessageID] != len(attempts)-1 {
			t.Errorf("sent %v times in %d attempts", sent, len(attempts))
		}
	})
}

// TestStoreFails holds that an error of the store is an error of the job, and
// that the delivery goes on once the store does.
func TestStoreFails(t *testing.T) {
	for _, method := range []string{"Open", "Get", "Close"} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			p := pipeline(m, answers())
			ended(m, p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"},{"type":"webhook","endpoint":"b"}]}]}`, done)
			d, _ := m.only()
			full := errors.New("disk full")
			m.failing[method] = full
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := p.Work(ctx, queue.Job{Key: d.ID, Group: d.Group}); !errors.Is(err, full) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: got %v", method, err)
			}
			m.failing[method] = nil
			m.run(p)
			for _, dest := range m.shown("p") {
				if dest.Status != "delivered" {
					t.Errorf("%s: ended as %+v", method, dest)
				}
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // mended in time, nothing is sent twice
		m := newMemory(t)
		p := pipeline(m, answers())
		ended(m, p, one, done)
		d, _ := m.only()
		m.failing["Close"] = errors.New("disk full")
		time.AfterFunc(10*time.Second, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.failing["Close"] = nil
		})
		if err := p.Work(context.Background(), queue.Job{Key: d.ID, Group: d.Group}); !errors.Is(err, queue.ErrRecorded) {
			t.Error(err)
		}
		if d, attempts := m.only(); d.State != export.Delivered || len(attempts) != 1 {
			t.Errorf("ended as %+v after %d attempts", d, len(attempts))
		}
	})
	m := newMemory(t)
	m.failing["End"] = errors.New("disk full")
	pr, exports := m.create("p", one)
	if err := pipeline(m, answers()).Ended(context.Background(), pr, exports, done); err == nil {
		t.Error("ended on a full disk")
	}
}

// TestStopping holds that no attempt is begun once the server stops, and that
// one that was begun is finished and recorded.
func TestStopping(t *testing.T) {
	m := newMemory(t)
	ctx, stop := context.WithCancelCause(context.Background())
	p := pipeline(m, watching{answers(), func() { stop(queue.ErrStopping) }, t})
	ended(m, p, one, done)
	d, _ := m.only()
	if err := p.Work(ctx, queue.Job{Key: d.ID, Group: d.Group}); !errors.Is(err, queue.ErrRecorded) {
		t.Error(err)
	}
	if d, _ = m.only(); d.State != export.Delivered {
		t.Errorf("ended as %+v", d)
	}

	m = newMemory(t)
	p = pipeline(m, answers())
	ended(m, p, one, done)
	d, _ = m.only()
	if err := p.Work(ctx, queue.Job{Key: d.ID, Group: d.Group}); !errors.Is(err, queue.ErrStopping) {
		t.Errorf("got %v", err)
	}
	if _, attempts := m.only(); len(attempts) != 0 || len(m.jobs) != 1 {
		t.Errorf("%d attempts, %d jobs", len(attempts), len(m.jobs))
	}
}

// watching does something in the middle of an attempt, whose context must not
// mind.
type watching struct {
	fake
	during func()
	t      *testing.T
}

func (w watching) Attempt(ctx context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	w.during()
	if ctx.Err() != nil {
		w.t.Error("the attempt was cut off")
	}
	return w.fake(d, a)
}

// FuzzRetryAfter holds that no header makes us wait longer than a day or less
// than nothing.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "0": 0, "1": time.Second, "0120": 2 * time.Minute, "86400": 24 * time.Hour, "86401": 24 * time.Hour, "-1": 0, "+1": 0, "1.5": 0,
		" 1": 0, "1e3": 0, "９": 0, "99999999999999999999": 24 * time.Hour,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute - 6, "Fri, 02 Jan 2026 03:04:05 GMT": 0, "Sunday, 06-Nov-94 08:49:37 GMT": 0,
		"Sat Jan  3 03:04:05 2026": 24*time.Hour - 6, "Fri, 01 Jan 2999 00:00:00 GMT": 24 * time.Hour,
	} {
		if got := export.RetryAfter(s, now); got != want {
			f.Errorf("%q: got %v, want %v", s, got, want)
		}
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := export.RetryAfter(s, now)
		if got < 0 || got > export.LongestWait {
			t.Errorf("%q: %v", s, got)
		}
		if n, err := time.ParseDuration(s + "s"); err == nil && strings.Trim(s, "0123456789") == "" && got != min(n, export.LongestWait) {
			t.Errorf("%q: %v", s, got)
		}
	})
}
