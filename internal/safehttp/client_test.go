package safehttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

func TestClientRefusesInsideWhenDialling(t *testing.T) {
	var reached bool
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer srv.Close()
	_, err := Policy{AllowHTTP: true}.Client(Options{}).Get(srv.URL)
	if Classify(err) != "blocked" || reached {
		t.Errorf("got %v, reached %v", err, reached)
	}
	resp, err := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}.Client(Options{}).Get(srv.URL)
	if err != nil || !reached {
		t.Fatalf("got %v, reached %v", err, reached)
	}
	resp.Body.Close()
}

func TestRedirects(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") }))
	defer inside.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/once":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "http://10.1.2.3/", http.StatusFound)
		case "/scheme":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	}))
	defer srv.Close()
	p := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}
	for path, want := range map[string]int{"/once": 200, "/inside": 0, "/scheme": 0, "/loop": 302} {
		status := 0
		if resp, err := p.Client(Options{Redirects: 5}).Get(srv.URL + path); err == nil {
			status = resp.StatusCode
			resp.Body.Close()
		}
		if status != want {
			t.Errorf("%s: got %d, want %d", path, status, want)
		}
	}
	resp, err := p.Client(Options{}).Get(srv.URL + "/once")
	if err != nil || resp.StatusCode != 302 {
		t.Errorf("with no redirects: %v %v", resp, err)
	}
	resp.Body.Close()
}

// TestRebinding answers a name's first lookup with a public address and every
// later one with this machine: the check must see what is dialled.
func TestRebinding(t *testing.T) {
	var reached bool
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	resolver := dnstest.Rebinding(t, [][4]byte{{93, 184, 216, 34}}, [][4]byte{{127, 0, 0, 1}, {10, 0, 0, 1}})
	u := "http://rebind.test:" + port + "/"
	p := Policy{AllowHTTP: true}
	if _, err := p.CheckURL(u); err != nil {
		t.Fatal(err)
	}
	looked, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.test")
	if err != nil || len(looked) != 1 || p.CheckAddr(looked[0]) != nil {
		t.Fatalf("the first lookup: %v %v", looked, err)
	}
	_, err = p.Client(Options{Resolver: resolver, ConnectTimeout: 5 * time.Second}).Get(u)
	if Classify(err) != "blocked" || reached {
		t.Errorf("got %v, reached %v", err, reached)
	}
}

// standsFor is a server that does nothing well, for Classify.
func standsFor(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-r.Context().Done()
		case "/reset":
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
		}
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = config
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestClassify(t *testing.T) {
	srv := standsFor(t, nil)
	old := standsFor(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	demanding := standsFor(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert})
	plain := httptest.NewServer(nil)
	defer plain.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	p := Policy{AllowNetworks: nets("127.0.0.0/8")}
	trusting := p.Client(Options{RootCAs: pool, HeaderTimeout: 50 * time.Millisecond, Resolver: dnstest.Resolver(t, [4]byte{127, 0, 0, 1})})
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	closed := newWitness(t)
	closed.Close()
	for _, tc := range []struct {
		name   string
		client *http.Client
		url    string
		want   string
	}{
		{"its name, in capitals and with a dot", trusting, "https://Example.COM.:" + port, ""},
		{"another's name", trusting, "https://other.test:" + port, "tls"},
		{"untrusted certificate", p.Client(Options{}), srv.URL, "tls"},
		{"old TLS", trusting, old.URL, "tls"},
		{"wants a client certificate", trusting, demanding.URL, "tls"},
		{"plain where TLS should be", trusting, strings.Replace(plain.URL, "http:", "https:", 1), "tls"},
		{"hanging", trusting, srv.URL + "/hang", "timeout"},
		{"closed in the middle", trusting, srv.URL + "/reset", "reset"},
		{"refused", trusting, "https://" + closed.Addr().String(), "refused"},
		{"unknown name", p.Client(Options{Resolver: dnstest.Resolver(t)}), "https://nowhere.test/", "dns"},
		{"inside", p.Client(Options{}), "https://10.0.0.1/", "blocked"},
	} {
		got := ""
		err := get(tc.client, tc.url)
		if err != nil {
			got = Classify(err)
		}
		if got != tc.want {
			t.Errorf("%s: got %q for %v, want %q", tc.name, got, err, tc.want)
		}
	}
}

// TestClassifyByText has the errors that are hard to provoke, or have no type.
func TestClassifyByText(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{errors.New("x"), "error"},
		{errors.New("what tls: is"), "error"},
		{errors.New("tls: server selected unsupported curve"), "tls"},
		{&url.Error{Op: "Get", URL: "https://x.test", Err: errors.New("tls: no supported versions")}, "tls"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: unknown alert")}, "tls"},
		{&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}, "tls"},
		{errors.New("http: server closed idle connection"), "reset"},
		{&url.Error{Op: "Get", URL: "https://x.test", Err: errors.New("http: server closed idle connection")}, "reset"},
		{fmt.Errorf("read: %w", syscall.ECONNRESET), "reset"},
		{context.DeadlineExceeded, "timeout"},
		{&ProxyError{"http://proxy:80", context.DeadlineExceeded}, "proxy"},
		{&ProxyError{"http://proxy:80", &net.DNSError{Err: "no such host", IsNotFound: true}}, "proxy"},
	} {
		if got := Classify(tc.err); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.err, got, tc.want)
		}
	}
}
