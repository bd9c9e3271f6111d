package render

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// TestHandOver has exports fail a number of times before they take a rendering.
func TestHandOver(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fails int
		// stop is when the process stops, 0 for never; took is how long it lasted.
		stop, took time.Duration
		ended      bool
	}{
		{name: "at once", ended: true},
		{name: "at the fourth try", fails: 3, took: 7 * time.Second, ended: true},
		{name: "the pauses grow to a minute", fails: 8, took: 183 * time.Second, ended: true},
		{name: "never", fails: 1000, took: 243 * time.Second},
		{name: "a stop is not held up", fails: 1000, stop: 2 * time.Second, took: 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{fails: func() error {
					if tc.fails--; tc.fails >= 0 {
						return os.ErrPermission
					}
					return nil
				}}
				w := &Worker{Exports: d, Log: slog.New(slog.DiscardHandler)}
				ctx, stop := context.WithCancelCause(t.Context())
				defer stop(nil)
				if tc.stop > 0 {
					time.AfterFunc(tc.stop, func() { stop(queue.ErrStopping) })
				}
				began := time.Now()
				err := w.handOver(ctx, project.Project{ID: "p"}, nil, project.Outcome{ID: "p"})
				if took := time.Since(began); took != tc.took || (err == nil) != tc.ended || len(d.ended) != map[bool]int{true: 1}[tc.ended] {
					t.Errorf("after %v: %v, ended %d times", took, err, len(d.ended))
				}
			})
		})
	}
}
