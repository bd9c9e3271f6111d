package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFiles(t *testing.T) {
	w := newWorld(t)
	const name = "/files/TOKEN/2026-01-02-36066.mp4"
	w.files.put("TOKEN/2026-01-02-36066.mp4", "0123456789", w.clock.Now())
	first := w.call("GET", name, "")
	etag, modified := first.Header().Get("ETag"), first.Header().Get("Last-Modified")
	for _, c := range []struct {
		name, method string
		headers      []string
		status       int
		body, rng    string
	}{
		{"whole", "GET", nil, 200, "0123456789", ""},
		{"HEAD", "HEAD", nil, 200, "", ""},
		{"no key", "GET", []string{"x-api-key", ""}, 200, "0123456789", ""},
		{"a range", "GET", []string{"Range", "bytes=2-4"}, 206, "234", "bytes 2-4/10"},
		{"from", "GET", []string{"Range", "bytes=7-"}, 206, "789", "bytes 7-9/10"},
		{"the last", "GET", []string{"Range", "bytes=-2"}, 206, "89", "bytes 8-9/10"},
		{"HEAD of a range", "HEAD", []string{"Range", "bytes=0-0"}, 206, "", "bytes 0-0/10"},
		{"behind the end", "GET", []string{"Range", "bytes=10-"}, 416, "*", "bytes */10"},
		{"If-Range holds", "GET", []string{"Range", "bytes=2-4", "If-Range", etag}, 206, "234", "bytes 2-4/10"},
		{"If-Range by time", "GET", []string{"Range", "bytes=2-4", "If-Range", modified}, 206, "234", "bytes 2-4/10"},
		{"If-Range of another", "GET", []string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, "0123456789", ""},
		{"If-None-Match", "GET", []string{"If-None-Match", etag}, 304, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.call(c.method, name, "", c.headers...)
			h := got.Header()
			if got.Code != c.status || c.body != "*" && got.Body.String() != c.body || h.Get("Content-Range") != c.rng {
				t.Errorf("%d %q %q", got.Code, got.Body, h.Get("Content-Range"))
			}
			if c.status < 300 && (h.Get("Content-Type") != "video/mp4" || h.Get("Accept-Ranges") != "bytes" ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("ETag") != etag || h.Get("Last-Modified") != modified) {
				t.Errorf("headers %v", h)
			}
		})
	}
	if want := `inline; filename=2026-01-02-36066.mp4`; first.Header().Get("Content-Disposition") != want {
		t.Errorf("got %q", first.Header().Get("Content-Disposition"))
	}
	w.files.put("TOKEN/2026-01-02-36066.mp4", "9876543210", w.clock.Now().Add(time.Millisecond))
	if again := w.call("GET", name, "").Header().Get("ETag"); again == etag {
		t.Errorf("a file that was rendered again must not have the old ETag %s", again)
	}
}

// A download has time as long as it moves.
func TestDownloadsMayBeSlow(t *testing.T) {
	w := newWorld(t)
	w.files.put("TOKEN/x.mp4", strings.Repeat("x", 80<<10), w.clock.Now())
	s := &spy{ResponseWriter: httptest.NewRecorder()}
	w.ServeHTTP(s, httptest.NewRequest("GET", "/files/TOKEN/x.mp4", nil))
	want := []string{"deadline", "deadline", "headers 200", "deadline", "write 32768", "deadline", "write 32768",
		"deadline", "write 16384"}
	if diff := cmp.Diff(want, s.notes); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestKeepAliveAfterDownload(t *testing.T) {
	w := newWorld(t)
	w.files.put("TOKEN/x.mp4", strings.Repeat("x", 1<<20), w.clock.Now())
	srv := httptest.NewUnstartedServer(w)
	srv.Config.WriteTimeout = time.Minute
	srv.Start()
	defer srv.Close()
	for range 3 {
		resp, err := http.Get(srv.URL + "/files/TOKEN/x.mp4")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 1<<20 || err != nil || resp.ContentLength != 1<<20 {
			t.Errorf("%d bytes, %v", n, err)
		}
		resp.Body.Close()
	}
}

func TestFilesNeverLeak(t *testing.T) {
	w := newWorld(t)
	w.files.err = fmt.Errorf("open /data/files/TOKEN/x.mp4: too many open files")
	got := w.call("GET", "/files/TOKEN/x.mp4", "")
	if got.Code != 500 || strings.Contains(got.Body.String(), "/data") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// broken breaks when the body is written, as a bug in the middle of it would.
type broken struct{ *httptest.ResponseRecorder }

func (broken) Write([]byte) (int, error) { panic("in the middle") }

func TestPanicInTheMiddleBreaksTheConnection(t *testing.T) {
	w := newWorld(t)
	w.files.put("TOKEN/x.mp4", "x", w.clock.Now())
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v: half a file was passed off as whole", err)
		}
		if log := w.log.String(); !strings.Contains(log, "panic: in the middle") || !strings.Contains(log, "status=200") {
			t.Errorf("logged %s", log)
		}
	}()
	w.ServeHTTP(broken{httptest.NewRecorder()}, httptest.NewRequest("GET", "/files/TOKEN/x.mp4", nil))
}
