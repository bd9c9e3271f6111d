package safehttp

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// traced sends a request and returns what its trace saw.
func traced(t testing.TB, client *http.Client, method, url string, body io.Reader) (Record, error) {
	t.Helper()
	ctx, trace := WithTrace(t.Context())
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return trace.Record(), err
}

var alike = cmp.Options{cmpopts.IgnoreFields(Record{}, "DNS", "Connect", "TLS", "FirstByte"), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })}

func TestTrace(t *testing.T) {
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	old := httptest.NewUnstartedServer(handler)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	old.StartTLS()
	defer old.Close()
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())
	sum := sha256.Sum256(secure.Certificate().Raw)
	print := hex.EncodeToString(sum[:])
	client := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}.Client(Options{RootCAs: pool, Resolver: dnstest.Resolver(t, [4]byte{127, 0, 0, 1})})
	for _, tc := range []struct {
		srv                   *httptest.Server
		scheme, version, leaf string
	}{{plain, "http", "", ""}, {secure, "https", "TLS 1.3", print}, {old, "https", "TLS 1.2", print}} {
		addr := netip.MustParseAddrPort(tc.srv.Listener.Addr().String())
		_, port, _ := net.SplitHostPort(addr.String())
		url := tc.scheme + "://example.com:" + port + "/"
		for _, reused := range []bool{false, true} {
			r, err := traced(t, client, http.MethodPost, url, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			want := Record{Addr: addr, Reused: reused, TLSVersion: tc.version, Fingerprint: tc.leaf, Sent: true}
			if diff := cmp.Diff(want, r, alike); diff != "" {
				t.Errorf("%s, reused %v:\n%s", tc.scheme, reused, diff)
			}
			if (r.DNS > 0) == reused || (r.Connect > 0) == reused || (r.TLS > 0) != (tc.version != "" && !reused) {
				t.Errorf("%s, reused %v: %+v", tc.scheme, reused, r)
			}
		}
	}
}

// TestFirstByte has an answer that is not begun before the request was written.
func TestFirstByte(t *testing.T) {
	written := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-written }))
	defer srv.Close()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(written) }})
	ctx, trace := WithTrace(ctx)
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	resp, err := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}.Client(Options{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if r := trace.Record(); r.FirstByte <= 0 || !r.Sent {
		t.Errorf("%+v", r)
	}
}

// TestTraceOfFailures tells requests that cannot have arrived from those that may.
func TestTraceOfFailures(t *testing.T) {
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	closed := newWitness(t)
	closed.Close()
	hangsUp := serveProxy(t, "http", nil, func(_ *testProxy, c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)) })
	silent := serveProxy(t, "http", nil, func(_ *testProxy, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	for name, tc := range map[string]struct {
		url, class string
		addr, sent bool
	}{
		"refused":         {"http://" + closed.Addr().String(), "refused", true, false},
		"blocked address": {"http://10.0.0.1/", "blocked", false, false},
		"blocked name":    {"http://inside.test/", "blocked", false, false},
		"TLS":             {secure.URL, "tls", true, false},
		"hangs up":        {hangsUp.url.String(), "reset", true, true},
		"silent":          {silent.url.String(), "timeout", true, true},
	} {
		p := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}
		client := p.Client(Options{HeaderTimeout: 50 * time.Millisecond, Resolver: dnstest.Resolver(t, [4]byte{10, 0, 0, 1})})
		r, err := traced(t, client, http.MethodPost, tc.url, strings.NewReader("body"))
		if Classify(err) != tc.class || r.Sent != tc.sent || r.Addr.IsValid() != tc.addr || r.FirstByte != 0 {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
}

// TestTraceOfGivenUp cancels a request whose body is still being written, and one
// that is still being connected.
func TestTraceOfGivenUp(t *testing.T) {
	silent := serveProxy(t, "http", nil, func(_ *testProxy, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithCancel(t.Context())
	ctx, trace := WithTrace(ctx)
	body, feed := io.Pipe()
	defer feed.Close()
	go func() {
		_, _ = io.WriteString(feed, strings.Repeat("x", 1<<16)) // past every buffer but the kernel's
		cancel()
		feed.CloseWithError(context.Canceled) // the transport may be waiting for more of the body
	}()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, silent.url.String(), body)
	resp, err := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}.Client(Options{}).Do(req)
	if err == nil {
		resp.Body.Close()
	}
	if r := trace.Record(); !errors.Is(err, context.Canceled) || !r.Sent {
		t.Errorf("written in part: %v, %+v", err, r)
	}

	ctx, cancel = context.WithCancel(t.Context())
	ctx, trace = WithTrace(ctx)
	resolver := dnstest.Serve(t, func(dnstest.Question) dnstest.Answer {
		cancel()
		return dnstest.Answer{Silent: true}
	})
	req, _ = http.NewRequestWithContext(ctx, http.MethodGet, "http://slow.test", nil)
	resp, err = Policy{AllowHTTP: true}.Client(Options{Resolver: resolver, ConnectTimeout: 50 * time.Millisecond}).Do(req)
	if err == nil {
		resp.Body.Close()
	}
	if r := trace.Record(); !errors.Is(err, context.Canceled) || r.Sent {
		t.Errorf("not connected: %v, %+v", err, r)
	}
}

// TestTraceOfStale has a server that hangs up an idle connection: the request is
// sent again, on a new one, and that is what the trace shows.
func TestTraceOfStale(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	client := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}.Client(Options{})
	if _, err := traced(t, client, http.MethodGet, srv.URL, nil); err != nil {
		t.Fatal(err)
	}
	srv.CloseClientConnections()
	if r, err := traced(t, client, http.MethodGet, srv.URL, nil); err != nil || r.Reused || r.Connect == 0 {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestTraceBeginsAnew has a reused connection fail, and none made in its place.
func TestTraceBeginsAnew(t *testing.T) {
	_, trace := WithTrace(t.Context())
	trace.getConn("")
	trace.gotConn(httptrace.GotConnInfo{Conn: &conn{made: Record{Addr: netip.MustParseAddrPort("1.1.1.1:80")}}, Reused: true})
	trace.progress(Record{DNS: 1}) // of a connection for somebody else
	if r := trace.Record(); !r.Reused || r.DNS != 0 || !r.Addr.IsValid() {
		t.Errorf("%+v", r)
	}
	trace.getConn("")
	trace.progress(Record{DNS: 2})
	if diff := cmp.Diff(Record{DNS: 2}, trace.Record(), alike); diff != "" {
		t.Error(diff)
	}
}

// failing is a connection that takes so many bytes and then fails.
type failing struct {
	net.Conn
	takes int
}

func (f failing) Write(p []byte) (int, error) {
	return min(f.takes, len(p)), errors.New("broken")
}

func TestSentIsTakenBack(t *testing.T) {
	for takes, want := range map[int]bool{0: false, 1: true} {
		var trace Trace
		c := &conn{Conn: failing{takes: takes}}
		c.trace.Store(&trace)
		_, _ = c.Write([]byte("xy"))
		if got := trace.Record().Sent; got != want {
			t.Errorf("with %d bytes taken: sent %v", takes, got)
		}
	}
}

// TestTraceRaces reads traces while the requests run, for the race detector.
func TestTraceRaces(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	client := Policy{AllowNetworks: nets("127.0.0.0/8")}.Client(Options{RootCAs: pool, PerHost: 2})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				ctx, trace := WithTrace(ctx)
				done := make(chan struct{})
				go func() {
					defer close(done)
					for !trace.Record().Sent && ctx.Err() == nil {
						runtime.Gosched()
					}
				}()
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
				if resp, err := client.Do(req); err != nil {
					t.Error(err)
				} else {
					resp.Body.Close()
				}
				cancel()
				<-done
				if r := trace.Record(); !r.Sent || r.Fingerprint == "" {
					t.Errorf("%+v", r)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkTrace posts over loopback, with and without a trace.
func BenchmarkTrace(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	client := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}.Client(Options{PerHost: 32})
	for name, start := range map[string]func(context.Context) context.Context{
		"without": func(ctx context.Context) context.Context { return ctx },
		"with": func(ctx context.Context) context.Context {
			ctx, _ = WithTrace(ctx)
			return ctx
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req, _ := http.NewRequestWithContext(start(b.Context()), http.MethodPost, srv.URL, strings.NewReader("body"))
				resp, err := client.Transport.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			}
		})
	}
}
