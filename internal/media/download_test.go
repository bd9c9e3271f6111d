package media

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// drop closes a connection in the middle of an answer.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	conn.Close()
}

// reset is drop without goodbye.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// TestRetries lets a server fail in many ways before it answers: attempts says
// how often it is asked, want what the error says, "" for none.
func TestRetries(t *testing.T) {
	png := read("a.png")
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	for _, tc := range []struct {
		name     string
		failing  http.HandlerFunc
		times    int
		attempts int
		want     string
		stalls   bool
	}{
		{"fine", nil, 0, 1, "", false},
		{"500 twice", status(500), 2, 3, "", false},
		{"503 for ever", status(503), 99, 4, "(503)", false},
		{"429 that soon passes", status(429, "Retry-After", "0"), 1, 2, "", false},
		{"429 that takes an hour", status(429, "Retry-After", "3600"), 1, 1, "(429)", false},
		{"503 until 2099", status(503, "Retry-After", "Thu, 31 Dec 2099 23:59:59 GMT"), 1, 1, "(503)", false},
		{"404", status(404), 1, 1, "(404)", false},
		{"403", status(403), 1, 1, "(403)", false},
		{"410", status(410), 1, 1, "(410)", false},
		{"204", status(204), 1, 1, "(204)", false},
		{"empty", status(200), 1, 2, "", false},
		{"empty for ever", status(200), 99, 4, "(the answer is empty)", false},
		{"closed before the answer", func(w http.ResponseWriter, _ *http.Request) { drop(w) }, 2, 3, "", false},
		{"reset before the answer", func(w http.ResponseWriter, _ *http.Request) { reset(w) }, 2, 3, "", false},
		{"truncated", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write([]byte(png[:100]))
		}, 2, 3, "", false},
		{"truncated for ever", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write([]byte(png[:100]))
		}, 99, 4, "(the connection was closed too early)", false},
		{"a part not asked for", status(206, "Content-Range", "bytes 0-1/2"), 1, 2, "", false},
		{"no head in time", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 1, 2, "", true},
		{"stall in the body", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(png[:100]))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, 1, 2, "", true},
		{"stall for ever", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 99, 4, "(the server stopped sending)", true},
		{"nonsense", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_, _ = conn.Write([]byte("\x00\x01\x02 nonsense\r\n\r\n"))
			conn.Close()
		}, 99, 4, "(the answer could not be understood)", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var hits atomic.Int32
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if int(hits.Add(1)) <= tc.times {
					tc.failing(w, r)
					return
				}
				_, _ = w.Write([]byte(png))
			})
			f := fetcher(func(o *Options) {
				if tc.stalls { // elsewhere a busy machine must not look like a stall
					o.Limits.Stall = time.Second
				}
			})
			a, err := get(t, f, base+"/a.png?token=s3cret", Image)
			if tc.want != "" {
				refused(t, err, "Failed to download '"+base+"/a.png?…' "+tc.want)
			} else if err != nil || a.Size != int64(len(png)) {
				t.Errorf("got %+v %v", a, err)
			}
			if got := int(hits.Load()); got != tc.attempts {
				t.Errorf("asked %d times, want %d", got, tc.attempts)
			}
		})
	}
}

// TestResume drops a download after 1000 bytes, with and without what makes it
// safe to go on there.
func TestResume(t *testing.T) {
	clip := read("a.mp4")
	for _, tc := range []struct {
		name   string
		etag   []string // by attempt
		ranges string   // what was asked for
		answer func(w http.ResponseWriter, from int)
	}{
		{"strong validator", []string{`"v1"`}, " bytes=1000-", nil},
		{"weak validator", []string{`W/"v1"`}, " ", nil},
		{"no validator", []string{""}, " ", nil},
		{"content changed", []string{`"v1"`, `"v2"`}, " bytes=1000-", nil},
		{"a lying part", []string{`"v1"`}, " bytes=1000- ", func(w http.ResponseWriter, from int) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from-1, len(clip)-1, len(clip)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte(clip[from-1:]))
		}},
		{"a part of something else", []string{`"v1"`}, " bytes=1000- ", func(w http.ResponseWriter, from int) {
			w.Header().Set("ETag", `"v2"`)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(clip)-1, len(clip)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte(clip[from:]))
		}},
		{"cannot be satisfied", []string{`"v1"`}, " bytes=1000- ", func(w http.ResponseWriter, _ int) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked []string
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Header.Get("Range"))
				n := len(asked)
				if tag := tc.etag[min(n, len(tc.etag))-1]; tag != "" {
					w.Header().Set("ETag", tag)
				}
				switch from, err := strconv.Atoi(strings.Trim(r.Header.Get("Range"), "bytes=-")); {
				case n == 1:
					w.Header().Set("Content-Length", strconv.Itoa(len(clip)))
					_, _ = w.Write([]byte(clip[:1000]))
					_ = http.NewResponseController(w).Flush()
					drop(w)
				case err == nil && tc.answer != nil:
					tc.answer(w, from)
				default:
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(clip))
				}
			})
			// What is fetched again counts once.
			a, err := get(t, fetcher(func(o *Options) { o.Limits.MaxTotal = int64(len(clip)) }), base+"/a.mp4", Video)
			want, _ := get(t, fetcher(), serveSamples(t)+"/a.mp4", Video)
			if err != nil || a.SHA256 != want.SHA256 || a.Size != want.Size {
				t.Errorf("got %+v %v", a, err)
			}
			if got := strings.Join(asked, " "); got != tc.ranges {
				t.Errorf("asked for %q, want %q", got, tc.ranges)
			}
		})
	}
}

// TestTooBig holds that what is announced as too big is refused by its head, and
// what is not announced is cut off.
func TestTooBig(t *testing.T) {
	var sent, hits atomic.Int64
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", strconv.Itoa(10<<30))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		block := make([]byte, 64<<10)
		for {
			n, err := w.Write(block)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	f := fetcher(func(o *Options) { o.Limits.MaxBytes = 3 << 20 })
	for _, path := range []string{"/announced", "/endless"} {
		hits.Store(0)
		_, err := get(t, f, base+path, Video)
		refused(t, err, "Failed to download '"+base+path+"' (larger than 3 MiB)")
		if hits.Load() != 1 {
			t.Errorf("%s: asked %d times", path, hits.Load())
		}
	}
	if sent.Load() > 100<<20 {
		t.Errorf("%d bytes were taken", sent.Load())
	}
}

func TestRedirects(t *testing.T) {
	var referer atomic.Value
	files := http.FileServer(http.Dir(samples))
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/once": "/a.png", "/inside": "http://10.1.2.3/a.png", "/meta": "http://169.254.169.254/latest", "/file": "file:///etc/passwd", "/loop": "/loop",
			"/5": "/4", "/4": "/3", "/3": "/2", "/2": "/once",
		}[r.URL.Path]
		if to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		referer.Store(r.Header.Get("Referer"))
		files.ServeHTTP(w, r)
	})
	for path, want := range map[string]string{
		"/once": "", "/5": "",
		"/inside": "(the address 10.1.2.3 is not public; if it is meant to be reached, start the server with --allow-networks 10.1.2.3/32)",
		"/meta":   "(the address 169.254.169.254 is not public",
		"/file":   "(the URL must begin with https://)",
		"/loop":   "(too many redirects)",
	} {
		_, err := get(t, fetcher(), base+path+"?token=s3cret", Image)
		if want != "" {
			refused(t, err, want)
		} else if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%s: the error shows a secret: %v", path, err)
		}
	}
	if referer.Load() != "" {
		t.Errorf("the next host was told %v", referer.Load())
	}
}

func TestTLS(t *testing.T) {
	var hits atomic.Int32
	files := http.FileServer(http.Dir(samples))
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		files.ServeHTTP(w, r)
	}))
	defer srv.Close()
	_, err := get(t, fetcher(), srv.URL+"/a.png", Image)
	refused(t, err, "(the server's certificate is not valid: x509: certificate signed by unknown authority)")
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	if _, err := get(t, fetcher(func(o *Options) { o.RootCAs = pool }), srv.URL+"/a.png", Image); err != nil || hits.Load() != 1 {
		t.Errorf("got %v after %d requests", err, hits.Load())
	}
	_, err = get(t, fetcher(), strings.Replace(serveSamples(t), "http:", "https:", 1)+"/a.png", Image)
	refused(t, err, "(the server speaks plain http where https was asked for)")
}

func TestNobodyThere(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	_, err = get(t, fetcher(), "http://"+closed.Addr().String()+"/a.png", Image)
	refused(t, err, "(connection refused)")
}

// TestTimeout is slow, but never stalls.
func TestTimeout(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			<-tick.C
		}
	})
	f := fetcher(func(o *Options) { o.Limits.Timeout, o.Limits.Stall = 2*time.Second, time.Second })
	_, err := get(t, f, base+"/a.png", Image)
	refused(t, err, "/a.png' (timed out)")
	if hits.Load() != 1 {
		t.Errorf("asked %d times", hits.Load())
	}
}

// TestAtOnce lets nobody go before as many are there as are allowed, and counts
// whether more come.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	const perHost, all = 2, 3
	var total, most, mostOfHost atomic.Int32
	full := make(chan struct{})
	png := read("a.png")
	enter := func(now, most *atomic.Int32) int32 {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return n
	}
	host := func() string {
		var here atomic.Int32
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			enter(&here, &mostOfHost)
			defer here.Add(-1)
			if enter(&total, &most) == all {
				select {
				case <-full:
				default:
					close(full)
				}
			}
			defer total.Add(-1)
			select {
			case <-full:
			case <-r.Context().Done():
			}
			_, _ = w.Write([]byte(png))
		})
	}
	one, two := host(), host()
	f := fetcher(func(o *Options) {
		o.Limits.PerHost, o.Limits.All = perHost, all
		o.Limits.Attempts, o.Limits.Stall = 1, 10*time.Second
	})
	var wants []Want
	for i := range 30 { // most are one host's: they must not keep the other out
		host := one
		if i == 15 {
			host = two
		}
		wants = append(wants, Want{fmt.Sprintf("%s/%d", host, i), Image})
	}
	assets, faults := f.Fetch(t.Context(), Order{Dir: t.TempDir(), Wants: wants})
	if len(assets) != len(wants) || most.Load() != all || mostOfHost.Load() != perHost {
		t.Errorf("%d at once, %d of a host, %d assets, %v", most.Load(), mostOfHost.Load(), len(assets), faults)
	}
}

// TestReasons are those that need a network to come about.
func TestReasons(t *testing.T) {
	of := func(err error) error { return &url.Error{Op: "Get", URL: "https://x.test/?token=s3cret", Err: err} }
	for _, tc := range []struct {
		err   error
		want  string
		again bool
	}{
		{of(&net.DNSError{Name: "x.test", IsNotFound: true}), "the host was not found", false},
		{of(&net.DNSError{Name: "x.test", IsTemporary: true}), "the host was not found", true},
		{of(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}), "connect: no route to host", true},
		{of(os.ErrDeadlineExceeded), "timed out", true},
		{of(tls.AlertError(40)), "no secure connection could be made", false},
		{&statusError{code: 599}, "599", true},
	} {
		if got, again := reason(tc.err), transient(tc.err); got != tc.want || again != tc.again {
			t.Errorf("%v: got %q, again %v", tc.err, got, again)
		}
	}
}
