package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/reelhook/reelhook/internal/export"
)

// front stands before a gateway. change may answer a request itself; then it
// returns true. answered is given the gateway's answers and may be nil.
func front(t testing.TB, g *gateway, change func(http.ResponseWriter, *http.Request) bool, answered func(*http.Response) error) string {
	t.Helper()
	to, err := url.Parse(g.url)
	must(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }, // which is signed
		ModifyResponse: answered,
		ErrorLog:       log.New(io.Discard, "", 0), // connections are cut on purpose
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change == nil || !change(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = proxy.ErrorLog
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// parcel is a file on disk, of random bytes.
func parcel(t testing.TB, s export.Settings, size int64) (export.Parcel, []byte) {
	t.Helper()
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	file := filepath.Join(t.TempDir(), "movie.mp4")
	must(t, os.WriteFile(file, content, 0o600))
	last := int64(0)
	return export.Parcel{
		Settings: s, Size: size, Name: "movie.mp4", Type: "video/mp4", Part: "p1",
		Open: func() (io.ReadSeekCloser, error) { return os.Open(file) },
		Sent: func(n int64) {
			if n < last && n != 0 || n > size {
				t.Errorf("sent went from %d to %d of %d", last, n, size)
			}
			last = n
		},
	}, content
}

func sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// inOrder is a file that can only be read from its start.
type inOrder struct{ io.ReadSeekCloser }

// TestSizes: the ways in which files are sent, and what is held of them.
func TestSizes(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	var requests, parts, atOnceNow atomic.Int64
	var together chan struct{} // closed once as many parts are on their way as may be
	through := front(t, g, func(_ http.ResponseWriter, r *http.Request) bool {
		requests.Add(1)
		if r.URL.Query().Has("partNumber") {
			if parts.Add(1) == atOnceNow.Load() {
				close(together)
			}
			<-together
		}
		return false
	}, nil)
	for _, tc := range []struct {
		name            string
		size            int64
		hashed, inOrder bool
		requests, parts int64 // to list and to look again come on top
		atOnce          int64
	}{
		{"small", least, false, false, 1, 0, 0},
		{"unknown checksum", least + 1, false, false, 3, 1, 1},
		{"known checksum", most, true, false, 1, 0, 0},
		{"large", most + 1, true, false, 7, 5, atOnce},
		{"large, in order", most + 1, true, true, 7, 5, 1},
	} {
		p, content := parcel(t, settings(t, g.settings(with{"endpoint": through})), tc.size)
		if tc.hashed {
			p.SHA256 = sum(content)
		}
		if open := p.Open; tc.inOrder {
			p.Open = func() (io.ReadSeekCloser, error) { f, err := open(); return inOrder{f}, err }
		}
		requests.Store(0)
		parts.Store(0)
		atOnceNow.Store(tc.atOnce)
		together = make(chan struct{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
		runtime.ReadMemStats(&after)
		must(t, err)
		if got, err := g.read(r.Path); err != nil || !bytes.Equal(got, content) || r.ID == "" {
			t.Errorf("%s: %+v, %v", tc.name, r, err)
		}
		if n := requests.Load() - 2; n != tc.requests || parts.Load() != tc.parts {
			t.Errorf("%s: %d requests, %d of parts", tc.name, n, parts.Load())
		}
		if held := after.TotalAlloc - before.TotalAlloc; held > 24<<20 { // the proxy's and the store's test included
			t.Errorf("%s: %d bytes were allocated", tc.name, held)
		}
	}
	g.noParts(t)
}

// noParts holds that nothing is left of an upload that was not completed.
func (g *gateway) noParts(t *testing.T) {
	t.Helper()
	for upload := range g.root(t).ListIncompleteUploads(t.Context(), bucket, "", true) {
		t.Errorf("left behind: %+v", upload)
	}
}

// TestPartFails: the parts that arrived are removed, and nothing has the name.
func TestPartFails(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	for _, tc := range []struct {
		name, part string // of five
		fail       func(http.ResponseWriter, *http.Request)
	}{
		{"a part", "3", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
		{"a part's connection", "4", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, partSize/2)
			hangUp(w)
		}},
		{"the end", "", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<Error><Code>InternalError</Code><Message>after 200</Message></Error>")
		}},
	} {
		var others sync.WaitGroup // whether they would still arrive is the store's affair
		others.Add(4)
		through := front(t, g, func(w http.ResponseWriter, r *http.Request) bool {
			query := r.URL.Query()
			failing := tc.part != "" && query.Get("partNumber") == tc.part || tc.part == "" && r.Method == http.MethodPost && query.Has("uploadId")
			if failing && tc.part != "" {
				others.Wait()
			}
			if failing {
				tc.fail(w, r)
			}
			return failing
		}, func(resp *http.Response) error {
			if tc.part != "" && resp.Request.URL.Query().Has("partNumber") {
				others.Done()
			}
			return nil
		})
		p, _ := parcel(t, settings(t, g.settings(with{"endpoint": through})), most+1)
		_, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
		if f := asFault(t, err); f.Step != "write" || f.Permanent || f.Class != "protocol" && f.Class != "reset" {
			t.Errorf("%s: %+v", tc.name, f)
		}
		if names := g.names(""); len(names) > 0 {
			t.Errorf("%s: there is %q", tc.name, names)
		}
		g.noParts(t)
	}
}

// TestPartsThatComeLate: an upload is removed until the store knows of none.
func TestPartsThatComeLate(t *testing.T) {
	var removed atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			fmt.Fprint(w, "<ListBucketResult></ListBucketResult>")
		case http.MethodPost:
			fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
		case http.MethodPut:
			w.WriteHeader(http.StatusInternalServerError)
		case http.MethodDelete:
			status := http.StatusNoContent
			if removed.Add(1) == 3 {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
		}
	}))
	defer server.Close()
	p, _ := parcel(t, settings(t, minimal, with{"endpoint": server.URL}), least+1)
	_, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
	if f := asFault(t, err); f.Status != http.StatusInternalServerError || removed.Load() != 3 {
		t.Errorf("%+v, removed %d times", f, removed.Load())
	}
}

// hangUp closes a request's connection.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

// TestLostAnswer: the answer to an upload is lost. The next try knows its own file
// again, and does not take it for another's.
func TestLostAnswer(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	for _, size := range []int64{1000, least + 1} {
		for _, policy := range []string{export.Fail, export.Unique, export.Overwrite} {
			var once sync.Once
			var w atomic.Pointer[http.ResponseWriter]
			through := front(t, g, func(to http.ResponseWriter, _ *http.Request) bool { w.Store(&to); return false }, func(resp *http.Response) error {
				finished := resp.Request.Method == http.MethodPut && !resp.Request.URL.Query().Has("partNumber") ||
					resp.Request.Method == http.MethodPost && resp.Request.URL.Query().Has("uploadId")
				if finished {
					once.Do(func() { hangUp(*w.Load()) })
				}
				return nil
			})
			name := fmt.Sprintf("%s-%d.mp4", policy, size)
			p, content := parcel(t, settings(t, g.settings(with{"endpoint": through, "file": name, "if-exists": policy})), size)
			c := New(Options{Policy: loopback()})
			_, err := c.Carry(t.Context(), p)
			if f := asFault(t, err); f.Class != "reset" || !f.Unknown || f.Permanent {
				t.Errorf("%s: the first try: %+v", name, f)
			}
			r, err := c.Carry(t.Context(), p)
			if got, _ := g.read(name); err != nil || r.Path != name || r.ID == "" || !bytes.Equal(got, content) {
				t.Errorf("%s: the second: %+v, %v", name, r, err)
			}
			p.Part = "p2" // another parcel
			if _, err := c.Carry(t.Context(), p); policy == export.Fail && asFault(t, err).Class != "exists" {
				t.Errorf("%s: another's file: %v", name, err)
			}
		}
	}
}

// TestRace: the key is taken after it was looked for. The store holds to the
// policy if it knows how to; if not, that is as good as it gets.
func TestRace(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	blind := func(ignorant bool) string { // says once that nothing is there
		var once sync.Once
		return front(t, g, func(w http.ResponseWriter, r *http.Request) (done bool) {
			if r.Method == http.MethodHead {
				once.Do(func() { w.WriteHeader(http.StatusNotFound); done = true })
			}
			if ignorant && r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotImplemented)
				done = true
			}
			return done
		}, nil)
	}
	for _, tc := range []struct {
		policy   string
		ignorant bool
		size     int64
		path     string // "" when it must fail
	}{
		{export.Fail, false, 1000, ""},
		{export.Fail, false, least + 1, ""},
		{export.Unique, false, 1000, "taken-1.mp4"},
		{export.Unique, false, least + 1, "taken-1.mp4"},
		{export.Fail, true, 1000, "taken.mp4"},
		{export.Fail, true, least + 1, "taken.mp4"},
	} {
		must(t, os.RemoveAll(g.path("taken-1.mp4")))
		// The gateway keeps ETags beside its files: one that it has not made itself has none
		// and is not seen here.
		_, err := g.root(t).PutObject(t.Context(), bucket, "taken.mp4", strings.NewReader("old"), 3, minio.PutObjectOptions{})
		must(t, err)
		s := settings(t, g.settings(with{"endpoint": blind(tc.ignorant), "file": "taken.mp4", "if-exists": tc.policy}))
		p, content := parcel(t, s, tc.size)
		r, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
		if f := asFault(t, err); tc.path == "" && (f.Class != "exists" || !f.Permanent) || tc.path != "" && err != nil {
			t.Errorf("%+v: %+v, %v", tc, r, err)
		}
		if got, _ := g.read(tc.path); tc.path != "" && (r.Path != tc.path || !bytes.Equal(got, content)) {
			t.Errorf("%+v: %+v has %d bytes", tc, r, len(got))
		}
		if got, _ := g.read("taken.mp4"); tc.path != "taken.mp4" && string(got) != "old" {
			t.Errorf("%+v: what was there has %d bytes", tc, len(got))
		}
		g.noParts(t)
	}
}

// TestHungUpOn: a store that says no while a file is sent, and hangs up, is asked
// again what it was.
func TestHungUpOn(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	g.addUser(t)
	user := with{"access-key": userAccess, "secret-key": userSecret}
	p, content := parcel(t, settings(t, g.settings(user)), 32<<20)
	p.SHA256 = sum(content)
	_, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
	if f := asFault(t, err); f.Class != "denied" || !f.Permanent || f.Unknown {
		t.Errorf("%+v", f)
	}
}

// TestLies: an object that is said to be of another size does not stay.
func TestLies(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	_, err := New(Options{Policy: loopback()}).Carry(t.Context(), small(settings(t, g.settings(with{"endpoint": liar(t, g)})), "x"))
	if f := asFault(t, err); f.Class != "size" || !strings.Contains(f.Message, "2 of its 1 bytes") {
		t.Errorf("%+v", f)
	}
	if names := g.names(""); len(names) > 0 {
		t.Errorf("there is %q", names)
	}
}

// TestOtherFile: what arrives is not what the checksum is of.
func TestOtherFile(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	p, _ := parcel(t, settings(t, g.settings()), 1000)
	p.SHA256 = sum([]byte("another"))
	_, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
	if f := asFault(t, err); f.Class != "size" || f.Permanent {
		t.Errorf("%+v", f)
	}
}
