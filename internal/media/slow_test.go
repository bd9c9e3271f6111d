package media

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// drip is a server that sends n bytes every 10 ms and never stalls.
func drip(t *testing.T, n int, hits *atomic.Int32) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if strings.HasSuffix(r.URL.Path, ".png") {
			_, _ = w.Write([]byte(read("a.png")))
			return
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, n))
			_ = http.NewResponseController(w).Flush()
			<-tick.C
		}
	})
}

// TestTooSlow tells a server that drips from one that is only not fast.
func TestTooSlow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		bytes int
		want  string
	}{{10, "(the server is too slow)"}, {10_000, "(timed out)"}} {
		var hits atomic.Int32
		f := fetcher(func(o *Options) {
			o.Limits.Timeout, o.Limits.Stall, o.Limits.Grace = 3*time.Second, 2*time.Second, 300*time.Millisecond
		})
		_, err := get(t, f, drip(t, tc.bytes, &hits)+"/a", Image)
		refused(t, err, tc.want)
		if hits.Load() != 1 {
			t.Errorf("%s: asked %d times", tc.want, hits.Load())
		}
	}
}

// TestTotalTime gives up on what is not there when all downloads of a movie have
// had their time, whether it was begun or still waits, and keeps the rest.
func TestTotalTime(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	base := drip(t, 10_000, &hits)
	f := fetcher(func(o *Options) { o.Limits.TotalTime, o.Limits.PerHost = 2*time.Second, 2 })
	wants := []Want{{base + "/a.png", Image}, {base + "/1", Image}, {base + "/2", Image}, {base + "/3", Image}}
	began := time.Now()
	assets, faults := f.Fetch(t.Context(), Order{Dir: t.TempDir(), Wants: append(wants, Want{serveSamples(t) + "/a.png", Image})})
	for _, w := range wants[1:] {
		refused(t, faults[w], "(the movie's sources took too long to download)")
	}
	if took := time.Since(began); took > 10*time.Second || len(assets) == 0 {
		t.Errorf("took %v: %v, faults %v", took, assets, faults)
	}
}
