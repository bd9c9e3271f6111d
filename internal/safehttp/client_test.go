package safehttp

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

func TestClassify(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-r.Context().Done()
		case "/reset":
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
		}
	}))
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	p := Policy{AllowNetworks: nets("127.0.0.0/8")}
	trusting := p.Client(Options{RootCAs: pool, HeaderTimeout: 50 * time.Millisecond})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, tc := range []struct {
		name   string
		client *http.Client
		url    string
		want   string
	}{
		{"untrusted certificate", p.Client(Options{}), srv.URL, "tls"},
		{"hanging", trusting, srv.URL + "/hang", "timeout"},
		{"closed in the middle", trusting, srv.URL + "/reset", "reset"},
		{"refused", trusting, "https://" + closed.Addr().String(), "refused"},
		{"unknown name", p.Client(Options{Resolver: dnstest.Resolver(t)}), "https://nowhere.test/", "dns"},
		{"inside", p.Client(Options{}), "https://10.0.0.1/", "blocked"},
	} {
		_, err := tc.client.Get(tc.url)
		if got := Classify(err); got != tc.want {
			t.Errorf("%s: got %s for %v, want %s", tc.name, got, err, tc.want)
		}
	}
	if got := Classify(errors.New("x")); got != "error" {
		t.Errorf("got %s", got)
	}
}
