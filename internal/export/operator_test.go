package export_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
)

// bell is an operator's webhook: what it was told, and how it answers.
type bell struct {
	events []export.OperatorEvent
	counts []string
	log    strings.Builder
	status int
}

// ring is a pipeline with an operator who wants to know. Deliveries to the operator
// go to https://ops.test.
func ring(m *memory, leaf fake, b *bell) *export.Pipeline {
	o := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
		if d.Target == "https://ops.test" {
			return closed(a, b.status)
		}
		return leaf(d, a)
	})).Options
	o.Tell = func(e export.OperatorEvent) (export.Delivery, error) {
		b.events = append(b.events, e)
		return export.Delivery{Target: "https://ops.test", Group: "https://ops.test:443", Type: "webhook", Endpoint: "ep_ops",
			Schedule: schedule, Body: []byte(e.Type), Timeout: time.Second}, nil
	}
	o.Count = func(event string) { b.counts = append(b.counts, event) }
	o.Log = slog.New(slog.NewTextHandler(&b.log, nil))
	return export.New(o)
}

// TestOperatorEvents holds what the operator is told of which outcome.
func TestOperatorEvents(t *testing.T) {
	gone := fake(func(_ export.Delivery, a export.Attempt) export.Attempt { a.Gone = true; return closed(a, 410) })
	for _, c := range []struct {
		what  string
		leaf  fake
		want  []string
		level string
	}{
		{"delivered", answers(), nil, ""},
		{"delivered after three", answers(500, 500, 500), nil, ""},
		{"delivered after four", answers(500, 500, 500, 500), []string{export.DeliveryRecovered}, "INFO"},
		{"given up", answers(slices.Repeat([]int{500}, 10)...), []string{export.DeliveryExhausted}, "WARN"},
		{"gone", gone, []string{export.DeliveryExhausted, export.EndpointDisabled}, "WARN"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m, b := newMemory(t), &bell{status: 200}
			p := ring(m, c.leaf, b)
			ended(m, p, one, done)
			m.run(p)
			own := m.deliveries[m.mains["p"][[2]int{}]]
			var types, bodies []string
			for _, e := range b.events {
				types = append(types, e.Type)
				if e.Endpoint != own.Endpoint || e.Address != "https://x.test/s3cret/a" || e.At.IsZero() || e.Reason == "" ||
					strings.HasPrefix(e.Type, "delivery.") && (e.Delivery != own.ID || e.Project != "p" || e.Attempts != own.Attempts) {
					t.Errorf("%s: told %+v", c.what, e)
				}
				if !strings.Contains(b.log.String(), "level="+c.level+" msg="+e.Type+" ") {
					t.Errorf("%s: logged %s", c.what, &b.log)
				}
			}
			for _, d := range m.deliveries {
				if d.Project == "" {
					bodies = append(bodies, d.Event+" "+string(d.Body))
					if d.State != export.Delivered || d.Main || !strings.HasPrefix(d.MessageID, "msg_") {
						t.Errorf("%s: %+v", c.what, d)
					}
				}
			}
			if diff := cmp.Diff(c.want, types); diff != "" || cmp.Diff(c.want, b.counts) != "" || len(bodies) != len(c.want) {
				t.Errorf("%s: counted %s, sent %s, -want +got\n%s", c.what, b.counts, bodies, diff)
			}
		})
	}
}

// TestOperatorItself holds that a failing operator's webhook tells nothing of
// itself.
func TestOperatorItself(t *testing.T) {
	for _, status := range []int{500, 410} {
		synctest.Test(t, func(t *testing.T) {
			m, b := newMemory(t), &bell{status: status}
			p := ring(m, answers(slices.Repeat([]int{500}, 10)...), b)
			ended(m, p, one, done)
			m.run(p)
			if len(b.events) != 1 || len(m.deliveries) != 2 {
				t.Errorf("%d: told %+v", status, b.events)
			}
		})
	}
}

// TestOperatorEndpoints holds that what is done to an endpoint is told once.
func TestOperatorEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, b := newMemory(t), &bell{status: 200}
		p := ring(m, answers(), b)
		ended(m, p, one, done)
		m.run(p)
		p.Keep(cancelled())
		id := export.EndpointID("https://x.test/s3cret/a")
		for _, state := range []export.EndpointState{export.Paused, export.Paused, export.Disabled, export.Enabled} {
			if _, err := p.SetEndpoint(t.Context(), id, state, "by hand"); err != nil {
				t.Error(err)
			}
		}
		if err := p.Announce(t.Context(), export.OperatorEvent{Type: export.SecretRotated, At: time.Now()}); err != nil {
			t.Error(err)
		}
		m.run(p)
		var sent []string
		for _, d := range m.deliveries {
			if d.Project == "" {
				sent = append(sent, string(d.Body))
			}
		}
		slices.Sort(sent)
		if diff := cmp.Diff([]string{"endpoint.disabled", "endpoint.enabled", "endpoint.paused", "secret.rotated"}, sent); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if diff := cmp.Diff([]string{"endpoint.paused", "endpoint.disabled", "endpoint.enabled", "secret.rotated"}, b.counts); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		m.failing["Emit"] = errors.New("disk full")
		if err := p.Announce(t.Context(), export.OperatorEvent{Type: export.SecretRotated}); err == nil || len(b.counts) != 4 {
			t.Errorf("%v, counted %s", err, b.counts)
		}
	})
}

// TestOperatorUnheard holds that an operator's webhook that cannot be used, and
// none at all, keep nothing from being logged and counted.
func TestOperatorUnheard(t *testing.T) {
	for _, none := range []bool{true, false} {
		m, b := newMemory(t), &bell{}
		o := ring(m, answers(), b).Options
		o.Tell = func(export.OperatorEvent) (export.Delivery, error) { return export.Delivery{}, errors.New("no secret") }
		if none {
			o.Tell = nil
		}
		p := export.New(o)
		if err := p.Announce(t.Context(), export.OperatorEvent{Type: export.SecretRotated}); err != nil || len(m.deliveries) != 0 || len(b.counts) != 1 {
			t.Errorf("%v, counted %s", err, b.counts)
		}
		if got := b.log.String(); strings.Contains(got, "cannot be used") == none || !strings.Contains(got, "level=INFO msg=secret.rotated") {
			t.Errorf("logged %s", got)
		}
	}
}
