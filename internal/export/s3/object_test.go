package s3

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// TestWriteOnly: a login that may neither list, look nor remove.
func TestWriteOnly(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	g.addUser(t)
	g.let(t, "s3:PutObject")
	user := with{"access-key": userAccess, "secret-key": userSecret}
	for _, more := range []with{{"file": "a.mp4"}, {"file": "b.mp4", "if-exists": "fail"}} {
		p, content := parcel(t, settings(t, g.settings(user, more)), least+1)
		r, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
		if got, _ := g.read(r.Path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%v: %+v, %v", more, r, err)
		}
	}
	err := New(Options{Policy: loopback()}).Probe(t.Context(), settings(t, g.settings(user)), func(string) {})
	if f := asFault(t, err); f.Step != "remove" || f.Class != "denied" || !strings.Contains(f.Message, ".reelhook-probe-") {
		t.Errorf("%+v", f)
	}
}

// TestObject: what goes with an object is there, and the receipt's URL opens it.
func TestObject(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	for _, size := range []int64{1000, least + 1} {
		p, content := parcel(t, settings(t, g.settings(with{
			"key": "a b/ü.mp4", "cache-control": "max-age=60", "content-disposition": `attachment; filename="m.mp4"`,
			"metadata": with{"Title": "A title", "n": 7}, "presign": "1h", "create-bucket": true, "bucket": "made-for-it",
		})), size)
		r, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
		must(t, err)
		info, err := g.root(t).StatObject(t.Context(), "made-for-it", r.Path, minio.StatObjectOptions{})
		must(t, err)
		got := []string{r.Path, r.ID, info.ContentType, info.Metadata.Get("Cache-Control"), info.Metadata.Get("Content-Disposition"), info.UserMetadata["Title"], info.UserMetadata["N"]}
		want := []string{"a b/ü.mp4", info.ETag, "video/mp4", "max-age=60", `attachment; filename="m.mp4"`, "A title", "7"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		resp, err := http.Get(r.URL)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Equal(body, content) || !strings.Contains(r.URL, "X-Amz-Expires=3600") {
			t.Errorf("%s leads to %d bytes, %v", r.URL, len(body), err)
		}
	}
}

// TestURL: the receipt has none but one that leads somewhere.
func TestURL(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	for _, tc := range []struct {
		with with
		url  string
	}{
		{with{}, ""},
		{with{"public-url": "https://cdn.example.org/m/"}, "https://cdn.example.org/m/in/a%20b%25.mp4"},
		{with{"acl": "public-read"}, g.url + "/movies/in/a%20b%25.mp4"},
	} {
		s := settings(t, g.settings(tc.with, with{"remote-path": "in", "file": "a b%.mp4"}))
		r, err := New(Options{Policy: loopback()}).Carry(t.Context(), small(s, "x"))
		if err != nil || r.URL != tc.url {
			t.Errorf("%v: %+v, %v", tc.with, r, err)
		}
	}
}

// TestVirtualHosted: the bucket is part of the host's name.
func TestVirtualHosted(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil, "--virtual-domain", "s3.test")
	resolver := dnstest.Resolver(t, [4]byte{127, 0, 0, 1})
	u, err := url.Parse(g.url)
	must(t, err)
	s := settings(t, g.settings(with{"endpoint": "http://s3.test:" + u.Port(), "path-style": false}))
	c := New(Options{Policy: loopback(), Resolver: resolver})
	r, err := c.Carry(t.Context(), small(s, "x"))
	if got, _ := g.read("movie.mp4"); err != nil || string(got) != "x" {
		t.Errorf("%+v, %v", r, err)
	}
	must(t, c.Probe(t.Context(), s, func(string) {}))
}

// TestProbeSteps: every step is told of, in its order.
func TestProbeSteps(t *testing.T) {
	certificate := newCertificate(t, time.Now().Add(time.Hour))
	g := startGateway(t, t.TempDir(), certificate)
	var steps []string
	c := New(Options{Policy: loopback(), RootCAs: certificate.pool})
	must(t, c.Probe(t.Context(), settings(t, g.settings()), func(step string) { steps = append(steps, step) }))
	want := []string{"settings", "connect", "tls", "login", "folder", "write", "size", "remove"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
	if names := g.names(""); len(names) > 0 {
		t.Errorf("there is %q", names)
	}
}

// TestSessionToken: it goes with every request, and to nobody else.
func TestSessionToken(t *testing.T) {
	var missing atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Security-Token") != "the-token" || !strings.HasPrefix(r.UserAgent(), "MinIO") || !strings.Contains(r.UserAgent(), "Reelhook/1.2") {
			missing.Add(1)
		}
		if r.Method == http.MethodGet {
			fmt.Fprint(w, "<ListBucketResult></ListBucketResult>")
			return
		}
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "1")
		}
	}))
	defer server.Close()
	s := settings(t, minimal, with{"endpoint": server.URL, "session-token": "the-token"})
	r, err := New(Options{Policy: loopback(), Version: "1.2"}).Carry(t.Context(), small(s, "x"))
	if err != nil || missing.Load() > 0 || r.ID != "e" {
		t.Errorf("%+v, %v, %d requests without", r, err, missing.Load())
	}
}
