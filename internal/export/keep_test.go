package export_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
)

// shelf is a memory with a delivery for each hour of ten days, oldest first; those
// of every tenth hour are not final.
func shelf(t *testing.T) *memory {
	m := newMemory(t)
	for i := range 240 {
		d := export.Delivery{ID: fmt.Sprintf("dlv_%03d", i), State: []export.State{export.Delivered, export.Failed, export.Cancelled}[i%3],
			CreatedAt: time.Now().Add(time.Duration(i-240) * time.Hour)}
		if i%10 == 0 {
			d.State = export.Retrying
		}
		m.deliveries[d.ID] = d
	}
	return m
}

// TestRetention holds what is cleaned away: what is too old, and what is too much,
// oldest first, and never what is not final.
func TestRetention(t *testing.T) {
	for _, c := range []struct {
		age   time.Duration
		bytes int64
		want  int
		first string
	}{
		{0, 0, 240, "dlv_000"}, {time.Hour * 24 * 30, 1000, 240, "dlv_000"}, {120*time.Hour + time.Minute, 0, 12 + 120, "dlv_120"},
		// It takes away a hundred at a time.
		{0, 200, 140, "dlv_112"}, {0, 239, 140, "dlv_112"}, {0, 140, 140, "dlv_112"}, {0, 139, 40, ""}, {0, 1, 24, ""},
		{230*time.Hour + time.Minute, 231, 231, "dlv_010"}, {time.Minute, 0, 24, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := shelf(t)
			var log strings.Builder
			r := export.Retention{Cleaner: m, Age: c.age, Bytes: c.bytes, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now}
			ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
			defer stop()
			r.Run(ctx)
			waiting := 0
			for _, d := range m.deliveries {
				if !d.State.Final() {
					waiting++
				}
			}
			if len(m.deliveries) != c.want || waiting != 24 {
				t.Errorf("%v, %d bytes: %d left, %d of them not final", c.age, c.bytes, len(m.deliveries), waiting)
			}
			logged := strings.Contains(log.String(), fmt.Sprintf(`msg="cleaned the delivery log" deliveries=%d`, 240-c.want))
			if logged != (c.want < 240) {
				t.Errorf("logged %s", &log)
			}
			for id := range m.deliveries {
				if c.first != "" && id < c.first && m.deliveries[id].State.Final() {
					t.Errorf("%v, %d bytes: %s is left", c.age, c.bytes, id)
				}
			}
		})
	}
}

// TestRetentionGoesOn holds that it cleans again a minute later, whatever failed,
// and that it ends with the server.
func TestRetentionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := shelf(t)
		var log strings.Builder
		r := export.Retention{Cleaner: m, Age: time.Minute, Bytes: 1, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now}
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		failing := []string{"Clean", "Shrink", "Size", ""}
		m.fails(failing[0])
		stopped := make(chan struct{})
		go func() { r.Run(ctx); close(stopped) }()
		for _, method := range failing[1:] {
			synctest.Wait()
			<-time.After(30 * time.Second)
			m.fails(method)
			<-time.After(30*time.Second + 500*time.Millisecond)
		}
		synctest.Wait()
		if left := len(m.deliveries); left != 24 || strings.Count(log.String(), "level=ERROR") != 3 {
			t.Errorf("%d left, logged %s", left, &log)
		}
		stop()
		<-stopped
		if took := time.Since(began); took > 4*time.Minute {
			t.Errorf("ended after %v", took)
		}
	})
}

// TestCleaned holds that a destination keeps its last state without its delivery.
func TestCleaned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, answers())
		ended(m, p, one, done)
		m.run(p)
		before := m.shown("p")
		<-time.After(time.Hour)
		if n, err := m.Clean(t.Context(), time.Now(), 9); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if diff := cmp.Diff(before, m.shown("p")); diff != "" {
			t.Error(diff)
		}
	})
}
