package safehttp

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// TestProbe holds that a probe shakes hands and sends nothing.
func TestProbe(t *testing.T) {
	var requests atomic.Int64
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	secure, plain := httptest.NewTLSServer(count), httptest.NewServer(count)
	t.Cleanup(secure.Close)
	t.Cleanup(plain.Close)
	trusting := x509.NewCertPool()
	trusting.AddCert(secure.Certificate())
	inside := Policy{AllowNetworks: nets("127.0.0.0/8"), AllowHTTP: true}
	for _, tc := range []struct {
		name, url string
		policy    Policy
		o         Options
		class     string
		tls       bool
	}{
		{"https", secure.URL, inside, Options{RootCAs: trusting}, "", true},
		{"http", plain.URL, inside, Options{}, "", false},
		{"a stranger's certificate", secure.URL, inside, Options{}, "tls", false},
		{"inside", secure.URL, Policy{}, Options{RootCAs: trusting}, "blocked", false},
	} {
		u, err := url.Parse(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		r, err := tc.policy.Probe(t.Context(), u, tc.o)
		if class := classOf(err); class != tc.class || (r.Fingerprint != "") != tc.tls || tc.class == "" && r.Addr.String() != u.Host {
			t.Errorf("%s: %v, %+v", tc.name, err, r)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func classOf(err error) string {
	if err == nil {
		return ""
	}
	return Classify(err)
}

// TestProbeMapsNames holds that a name is looked up as a client would.
func TestProbeMapsNames(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	_, port, _ := net.SplitHostPort(plain.Listener.Addr().String())
	resolver := dnstest.Rebinding(t, [][4]byte{{127, 0, 0, 1}}, [][4]byte{{127, 0, 0, 1}})
	for _, host := range []string{"bücher.test", "127.0.0.1"} {
		u := &url.URL{Scheme: "http", Host: host + ":" + port}
		if _, err := (Policy{AllowNetworks: nets("127.0.0.0/8"), AllowHTTP: true}).Probe(t.Context(), u, Options{Resolver: resolver}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}
