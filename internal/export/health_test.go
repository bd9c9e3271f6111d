package export_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

// cancelled is a context that has ended: Keep writes once and returns.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

const day = 24 * time.Hour

// clinic is one endpoint, "a", that movies are sent to one at a time.
type clinic struct {
	t      *testing.T
	m      *memory
	p      *export.Pipeline
	id     string
	status int
	class  string
}

func newClinic(t *testing.T) *clinic {
	c := &clinic{t: t, m: newMemory(t), id: export.EndpointID("https://x.test/s3cret/a")}
	c.restart()
	return c
}

// restart begins anew with what the store knows.
func (c *clinic) restart() {
	if c.p != nil {
		c.p.Keep(cancelled())
	}
	c.p = pipeline(c.m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
		if c.class != "" {
			return broken(a, export.Refused, c.class)
		}
		a = closed(a, c.status)
		a.Gone = c.status == 410
		return a
	}))
	if err := c.p.Load(context.Background()); err != nil {
		c.t.Fatal(err)
	}
}

// sends makes one attempt with this answer after a while and returns its delivery.
func (c *clinic) sends(after time.Duration, status int) export.Delivery {
	c.t.Helper()
	<-time.After(after)
	c.status = status
	ended(c.m, c.p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a","retries":0}]}]}`, done)
	id := c.m.mains["p"][[2]int{}]
	c.m.step(c.p)
	return c.m.deliveries[id]
}

func (c *clinic) state() export.EndpointState { return c.m.endpoints[c.id].State }

// TestDisabled holds when an endpoint is disabled, and when not yet.
func TestDisabled(t *testing.T) {
	type try struct {
		after  time.Duration
		status int
	}
	for _, c := range []struct {
		what    string
		tries   []try
		restart bool
		want    export.EndpointState
	}{
		{"gone", []try{{0, 200}, {0, 410}}, false, export.Disabled},
		{"five days, five failures", []try{{0, 500}, {day, 500}, {day, 500}, {day, 500}, {2 * day, 500}}, false, export.Disabled},
		{"five days over a restart", []try{{0, 500}, {day, 500}, {day, 500}, {day, 500}, {2 * day, 500}}, true, export.Disabled},
		{"a minute less", []try{{0, 500}, {day, 500}, {day, 500}, {day, 500}, {2*day - time.Minute, 500}}, false, ""},
		{"four failures", []try{{0, 500}, {day, 500}, {day, 500}, {9 * day, 500}}, false, ""},
		{"a success between", []try{{0, 500}, {day, 500}, {day, 500}, {day, 200}, {2 * day, 500}, {day, 500}, {day, 500}, {day, 500}}, false, ""},
		{"a success over a restart", []try{{0, 500}, {day, 500}, {day, 500}, {day, 200}, {2 * day, 500}, {day, 500}, {day, 500}, {day, 500}}, true, export.Enabled},
		{"many failures in a day", []try{{0, 500}, {0, 500}, {0, 500}, {0, 500}, {0, 500}, {0, 500}, {0, 500}, {day, 500}}, false, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newClinic(t)
			var d export.Delivery
			for _, try := range c.tries {
				if k.state() == export.Disabled {
					t.Errorf("%s: disabled early", c.what)
				}
				d = k.sends(try.after, try.status)
				if c.restart {
					k.restart()
				}
			}
			if k.state() != c.want {
				t.Errorf("%s: is %+v", c.what, k.m.endpoints)
			}
			if c.want == export.Disabled && (d.State != export.Failed || k.m.endpoints[k.id].Reason == "" || k.sends(0, 200).State != export.Held) {
				t.Errorf("%s: last delivery %+v", c.what, d)
			}
		})
	}
}

// TestEnabledAnew holds that an endpoint that is enabled again has five days more,
// even over a restart, and that its reason says since when it failed.
func TestEnabledAnew(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			k := newClinic(t)
			for range 6 {
				k.sends(day, 500)
			}
			if e := k.m.endpoints[k.id]; e.State != export.Disabled || e.Group != "https://x.test:443" || e.URL != "https://x.test/s3cret/a" ||
				e.Reason != "Every attempt since 2000-01-02T00:00:00Z failed, the last with: answered 500" {
				t.Errorf("is %+v", e)
			}
			k.p.Keep(cancelled())
			e, err := k.p.SetEndpoint(t.Context(), k.id, export.Enabled, "mended")
			if err != nil || e.State != export.Enabled || e.Reason != "mended" || !e.FailingSince.IsZero() {
				t.Errorf("%v, is %+v", err, e)
			}
			if restart {
				k.restart()
			}
			for range 5 {
				if k.sends(day, 500); k.state() != export.Enabled {
					t.Errorf("is %s", k.state())
				}
			}
			if k.sends(day, 500); k.state() != export.Disabled {
				t.Errorf("is %s", k.state())
			}
		})
	}
}

// TestNotItsFault holds that a proxy's faults disable nobody, and that tests and
// operator events are not counted.
func TestNotItsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		k.class = "proxy"
		for range 7 {
			k.sends(day, 0)
		}
		if k.p.Keep(cancelled()); len(k.m.endpoints) != 0 {
			t.Errorf("counted %+v", k.m.endpoints)
		}
	})
}

// TestTallies holds that what was counted is written every second, by the hour,
// and not lost when the store fails meanwhile.
func TestTallies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		began := time.Now()
		go func() { k.p.Keep(ctx); close(stopped) }()
		k.sends(500*time.Millisecond, 200)
		if _, err := k.m.Endpoint(t.Context(), k.id, began); !errors.Is(err, export.ErrNoEndpoint) {
			t.Error("written at once")
		}
		<-time.After(time.Second)
		synctest.Wait()
		first, err := k.m.Endpoint(t.Context(), k.id, began)
		if err != nil || first.Traffic.Succeeded != 1 || first.State != export.Enabled || !first.LastSuccess.Equal(began.Add(500*time.Millisecond)) || first.LastStatus != 200 {
			t.Errorf("wrote %+v", first)
		}
		k.m.mu.Lock()
		k.m.failing["Tally"] = errors.New("disk full")
		k.m.mu.Unlock()
		k.sends(0, 500)
		k.sends(time.Hour, 200)
		<-time.After(5 * time.Second)
		k.m.mu.Lock()
		if got := k.m.endpoints[k.id].Traffic.Refused; got != 0 {
			t.Errorf("wrote %d on a full disk", got)
		}
		delete(k.m.failing, "Tally")
		k.m.mu.Unlock()
		k.sends(0, 503)
		stop()
		<-stopped
		e := k.m.endpoints[k.id]
		want := export.Traffic{Succeeded: 2, Refused: 2}
		got := e.Traffic
		var answered uint32
		for _, n := range got.Latency {
			answered += n
		}
		got.Latency = nil
		if diff := cmp.Diff(want, got); diff != "" || answered != 4 || e.Failures != 1 || e.LastStatus != 503 || e.LastFailure.Before(e.LastSuccess) {
			t.Errorf("%d answered, is %+v, -want +got\n%s", answered, e, diff)
		}
	})
}

// TestDisabledOnce holds that attempts that were under way when their endpoint was
// disabled for its long failing do not disable it again.
func TestDisabledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		for range 6 {
			k.sends(day, 500)
		}
		if k.state() != export.Disabled {
			t.Fatalf("is %s", k.state())
		}
		e := k.m.endpoints[k.id]
		e.State = export.Enabled // as it was when they began
		k.m.endpoints[k.id] = e
		if k.sends(time.Second, 500); k.state() != export.Enabled {
			t.Error("disabled again")
		}
	})
}

// TestTallyMeanwhile holds that what happens while a writing fails is counted too.
func TestTallyMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		k.sends(0, 200)
		k.m.failing["Tally"] = errors.New("disk full")
		store := k.p.Store
		k.p.Store = spy{store, func([]export.Tally) { k.sends(0, 500) }}
		k.p.Keep(cancelled())
		k.p.Store, k.m.failing = store, map[string]error{}
		k.p.Keep(cancelled())
		if e := k.m.endpoints[k.id]; e.Traffic.Succeeded != 1 || e.Traffic.Refused != 1 || e.Failures != 1 || e.LastStatus != 500 {
			t.Errorf("is %+v", e)
		}
	})
}

// TestHours holds that traffic is counted in the hour it ended in.
func TestHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		k.m.failing["Tally"] = errors.New("disk full") // gathers three hours
		for range 3 {
			k.sends(0, 200)
			k.sends(59*time.Minute, 500)
			k.p.Keep(cancelled())
		}
		k.m.failing = map[string]error{}
		hours := map[string]int{}
		k.p.Store = spy{k.p.Store, func(tallies []export.Tally) {
			for _, tally := range tallies {
				hours[tally.Hour.UTC().Format(time.TimeOnly)] += tally.Traffic.Succeeded + 10*tally.Traffic.Refused
			}
		}}
		k.p.Keep(cancelled())
		// They ended at 0:00, 0:59, 0:59, 1:58, 1:58 and 2:57.
		if diff := cmp.Diff(map[string]int{"00:00:00": 12, "01:00:00": 11, "02:00:00": 10}, hours); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// spy sees the tallies.
type spy struct {
	export.Store
	see func([]export.Tally)
}

func (s spy) Tally(ctx context.Context, tallies []export.Tally) error {
	s.see(tallies)
	return s.Store.Tally(ctx, tallies)
}

// TestLoadFails holds that a store that fails keeps the server from starting.
func TestLoadFails(t *testing.T) {
	m := newMemory(t)
	m.failing["Failing"] = errors.New("disk full")
	if err := pipeline(m, answers()).Load(t.Context()); err == nil {
		t.Error("loaded")
	}
}

// TestSetEndpoint holds that an unknown endpoint cannot be set, and that setting
// it to what it is tells nobody.
func TestSetEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		var events []string
		o := k.p.Options
		o.Count = func(event string) { events = append(events, event) }
		k.p = export.New(o)
		if _, err := k.p.SetEndpoint(t.Context(), "ep_x", export.Paused, ""); !errors.Is(err, export.ErrNoEndpoint) {
			t.Error(err)
		}
		k.sends(0, 200)
		k.p.Keep(cancelled())
		for _, state := range []export.EndpointState{export.Enabled, export.Paused, export.Paused, export.Disabled, export.Enabled} {
			if e, err := k.p.SetEndpoint(t.Context(), k.id, state, "by hand"); err != nil || e.State != state {
				t.Errorf("%v, is %+v", err, e)
			}
		}
		if diff := cmp.Diff([]string{"endpoint.paused", "endpoint.disabled", "endpoint.enabled"}, events); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		k.m.failing["SetEndpoint"] = errors.New("disk full")
		if _, err := k.p.SetEndpoint(t.Context(), k.id, export.Paused, ""); err == nil || len(events) != 3 {
			t.Errorf("%v, told %s", err, events)
		}
	})
}

// TestHeld holds a movie up at a paused endpoint while the others go on, and has
// a recovery bring it home.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		k.sends(0, 200)
		k.p.Keep(cancelled())
		if _, err := k.p.SetEndpoint(t.Context(), k.id, export.Paused, "by hand"); err != nil {
			t.Fatal(err)
		}
		ended(k.m, k.p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"},{"type":"webhook","endpoint":"b"}]}]}`, done)
		k.m.run(k.p)
		if diff := cmp.Diff([]string{"0.0 webhook held Held: the endpoint is not enabled", "0.1 webhook delivered"}, lines(k.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if e, err := k.m.Endpoint(t.Context(), k.id, time.Time{}); err != nil || e.Held != 1 {
			t.Errorf("%v, is %+v", err, e)
		}
		id := k.m.mains["p"][[2]int{}]
		if _, err := k.m.Redeliver(t.Context(), id, time.Now()); !errors.Is(err, export.ErrNotEnabled) {
			t.Errorf("redelivered: %v", err)
		}
		if err := k.p.Work(t.Context(), queue.Job{Key: id, Group: "https://x.test:443"}); !errors.Is(err, queue.ErrRecorded) || k.m.deliveries[id].State != export.Held {
			t.Errorf("%v, is %+v", err, k.m.deliveries[id])
		}
		if _, err := k.p.SetEndpoint(t.Context(), k.id, export.Enabled, ""); err != nil {
			t.Fatal(err)
		}
		rec, err := k.m.BeginRecovery(t.Context(), export.NewRecovery(export.Filter{Endpoint: k.id}, time.Now()))
		if err != nil || rec.Total != 1 || rec.ID[:4] != "rec_" {
			t.Errorf("%v, began %+v", err, rec)
		}
		k.m.run(k.p)
		if rec, err = k.m.Recovery(t.Context(), rec.ID); err != nil || rec.Done != 1 || rec.EndedAt.IsZero() || k.m.deliveries[id].State != export.Delivered {
			t.Errorf("%v, recovered %+v: %+v", err, rec, k.m.deliveries[id])
		}
	})
}

// TestDroppedWhenHeld holds that progress is not kept for a paused endpoint.
func TestDroppedWhenHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newClinic(t)
		k.sends(0, 200)
		k.p.Keep(cancelled())
		if _, err := k.p.SetEndpoint(t.Context(), k.id, export.Paused, ""); err != nil {
			t.Fatal(err)
		}
		pr, exports := k.m.create("p", `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a","events":"movie.started,movie.progress"}]}]}`)
		if err := errors.Join(k.p.Started(t.Context(), pr, exports), k.p.Progress(t.Context(), pr, exports, 1)); err != nil {
			t.Fatal(err)
		}
		k.m.run(k.p)
		for _, d := range k.m.deliveries {
			want := map[string]export.State{export.MovieStarted: export.Held, export.MovieProgress: export.Cancelled, export.MovieCompleted: export.Delivered}
			if d.State != want[d.Event] {
				t.Errorf("%s is %s: %s", d.Event, d.State, d.Message)
			}
		}
	})
}

// TestEnablingLiftsTheBrake holds that an operator's word counts for more than
// what the breaker knows: what waits for the host may go at once.
func TestEnablingLiftsTheBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
			a = closed(a, 503)
			a.RetryAfter = time.Hour
			return a
		}))
		var reopened []string
		p.Reopen = func(group string) { reopened = append(reopened, group) }
		ended(m, p, one, done)
		m.step(p)
		d, _ := m.only()
		m.endpoints[d.Endpoint] = export.Endpoint{ID: d.Endpoint, Group: d.Group, State: export.Enabled}
		if a := p.Gate(d.Group, time.Now()); a.Retries != 0 {
			t.Fatalf("it is not slowed down: %+v", a)
		}
		for _, state := range []export.EndpointState{export.Paused, export.Enabled} {
			if len(reopened) != 0 {
				t.Errorf("%s before it was enabled", reopened)
			}
			if _, err := p.SetEndpoint(t.Context(), d.Endpoint, state, ""); err != nil {
				t.Fatal(err)
			}
		}
		if a := p.Gate(d.Group, time.Now()); a.Retries == 0 || len(reopened) != 1 || reopened[0] != d.Group {
			t.Errorf("afterwards it may %+v, reopened %v", a, reopened)
		}
	})
}
