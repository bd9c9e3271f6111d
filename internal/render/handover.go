package render

import (
	"context"
	"time"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// longestHandOver is how long the end of a rendering is tried to be written before
// the movie is put back.
const longestHandOver = 5 * time.Minute

// handOver hands a rendering on to its exports. What was rendered is worth waiting
// for: when its end cannot be written, as on a full disk, that is tried again, with
// pauses from a second to a minute. A stop ends the waiting. The error is the last one.
func (w *Worker) handOver(ctx context.Context, p project.Project, exports []movie.Export, o project.Outcome) error {
	durable := context.WithoutCancel(ctx)
	for pause, left := time.Second, longestHandOver; ; pause = min(2*pause, time.Minute) {
		err := w.Exports.Ended(durable, p, exports, o)
		if left -= pause; err == nil || left < 0 {
			return err
		}
		w.Log.WarnContext(ctx, "the end of a rendering could not be written", "project", p.ID, "again in", pause, "error", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
