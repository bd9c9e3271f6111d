package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// serve starts a server that keeps its complaints to itself; a config of TLS makes
// it one of https.
func serve(t testing.TB, config *tls.Config, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog, srv.TLS = silent, config
	if config == nil {
		srv.Start()
	} else {
		srv.StartTLS()
	}
	t.Cleanup(srv.Close)
	return srv
}

// certificate is one for 127.0.0.1 that nobody else signed.
func certificate(t testing.TB, from, to time.Time) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, parsed
}

// nobody is an address where nothing listens.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

// TestUnreachable has the endpoints that do not even get a request: nothing of it
// was sent, so nothing is unknown.
func TestUnreachable(t *testing.T) {
	reached := func(http.ResponseWriter, *http.Request) { t.Error("reached") }
	secure, plain := serve(t, &tls.Config{}, reached), serve(t, nil, reached)
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	demanding := serve(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, reached)
	old := serve(t, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, reached)
	yesterday := time.Now().Add(-24 * time.Hour)
	expired, root := certificate(t, yesterday.Add(-time.Hour), yesterday)
	over := serve(t, &tls.Config{Certificates: []tls.Certificate{expired}}, reached)
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	trusted.AddCert(root)
	onlyHTTPS := safehttp.Policy{AllowNetworks: local.AllowNetworks}
	inside := dnstest.Resolver(t, [4]byte{127, 0, 0, 1})
	gone, mute := nobody(t), "https://"+listen(t, then(func(net.Conn) {}))
	for _, tc := range []struct {
		name, server string
		options      Options
		timeout      time.Duration
		class, says  string
		gone         bool
	}{
		{"untrusted certificate", secure.URL, Options{Policy: local}, late, "tls", "certificate signed by unknown authority", false},
		{"expired certificate", over.URL, Options{Policy: local, RootCAs: trusted}, late, "tls", "certificate has expired", false},
		{"certificate of another", "https://other.test:" + port, Options{Policy: local, RootCAs: trusted, Resolver: inside}, late, "tls", "not other.test", false},
		{"plain HTTP where TLS should be", strings.Replace(plain.URL, "http:", "https:", 1), Options{Policy: local}, late, "tls", "does not look like a TLS handshake", false},
		{"wants a client certificate", demanding.URL, Options{Policy: local, RootCAs: trusted}, late, "tls", "No safe connection", false},
		{"old TLS", old.URL, Options{Policy: local, RootCAs: trusted}, late, "tls", "protocol version", false},
		{"closes before TLS", "https://" + listen(t, func(net.Conn) {}), Options{Policy: local}, late, "reset", "closed the connection before the webhook was sent", false},
		{"closes in the handshake", "https://" + listen(t, func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 100)) }), Options{Policy: local}, late, "reset", "closed the connection before the webhook was sent", false},
		{"silent where TLS should be", mute, Options{Policy: local}, soon, "timeout", "No connection to " + mute[8:] + " within 1s", false},
		{"nobody there", "https://" + gone, Options{Policy: local}, late, "refused", gone + " refused the connection", false},
		{"unknown name", "https://nowhere.test", Options{Policy: local, Resolver: dnstest.Resolver(t)}, late, "dns", "The host nowhere.test was not found", false},
		{"name that leads inside", "https://inside.test:" + port, Options{Resolver: inside}, late, "blocked", "the address 127.0.0.1 is not public", true},
		{"address inside", secure.URL, Options{RootCAs: trusted}, late, "blocked", "the address 127.0.0.1 is not public", true},
		{"plain HTTP no longer allowed", plain.URL, Options{Policy: onlyHTTPS}, late, "blocked", "must begin with https://", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := send(t, leaf(t, tc.options), tc.server, tc.timeout)
			if a.Result != export.Refused || a.Status != 0 || a.Class != tc.class || !strings.Contains(a.Error, tc.says) || a.Gone {
				t.Errorf("got %+v", a)
			}
			if a := sendAs(t, 1, leaf(t, tc.options), tc.server, tc.timeout); a.Gone != tc.gone {
				t.Errorf("as the first one: %+v", a)
			}
			dry := leaf(t, tc.options).DryRun(t.Context(), delivery(tc.server, tc.timeout), export.Attempt{Number: 1})
			if dry.Result != export.Refused || dry.Class != tc.class || dry.Gone != tc.gone {
				t.Errorf("tried out: %+v", dry)
			}
		})
	}
	answers := serve(t, &tls.Config{Certificates: secure.TLS.Certificates}, func(http.ResponseWriter, *http.Request) {})
	if a := send(t, leaf(t, Options{Policy: onlyHTTPS, RootCAs: trusted}), answers.URL, late); a.Result != export.Succeeded {
		t.Errorf("trusted: %+v", a)
	}
	l := leaf(t, Options{Policy: local})
	l.transport = local.Client(safehttp.Options{ConnectTimeout: 50 * time.Millisecond}).Transport
	if a := send(t, l, mute, late); a.Result != export.Refused || a.Class != "timeout" || !strings.HasSuffix(a.Error, " took too long") {
		t.Errorf("longer than connecting may take: %+v", a)
	}
}

// TestClientCertificate has an endpoint that turns us away behind TLS 1.3's
// handshake, when the request is on its way already or not.
func TestClientCertificate(t *testing.T) {
	srv := serve(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(http.ResponseWriter, *http.Request) { t.Error("reached") })
	trusted := x509.NewCertPool()
	trusted.AddCert(srv.Certificate())
	if a := send(t, leaf(t, Options{Policy: local, RootCAs: trusted}), srv.URL, late); a.Result == export.Succeeded || a.Status != 0 {
		t.Errorf("got %+v", a)
	}
}

// TestProxy holds that faults of the proxy are not the endpoint's, and that what
// is reached through it is.
func TestProxy(t *testing.T) {
	tunnels := func(w http.ResponseWriter, r *http.Request) {
		out, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		in, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() { _, _ = io.Copy(out, in); out.Close() }()
		_, _ = io.Copy(in, out)
		in.Close()
	}
	refuses := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }
	open, closed := serve(t, nil, tunnels), serve(t, nil, refuses)
	target := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, tc := range []struct {
		name, proxy, target string
		status              int
		class, says         string
	}{
		{"answers", open.Listener.Addr().String(), target.URL, http.StatusTeapot, "http", "418"},
		{"cannot be reached by it", open.Listener.Addr().String(), "http://" + nobody(t), 0, "refused", "refused the connection"},
		{"turned away by it", closed.Listener.Addr().String(), target.URL, 0, "proxy", "The webhook was not sent: the proxy http://" + closed.Listener.Addr().String() + ": it answered 407"},
		{"no proxy there", nobody(t), target.URL, 0, "proxy", "connection refused"},
	} {
		l := leaf(t, Options{Policy: local, Proxy: &url.URL{Scheme: "http", Host: tc.proxy, User: url.UserPassword("user", "s3cret")}})
		a := send(t, l, tc.target, late)
		if a.Result != export.Refused || a.Status != tc.status || a.Class != tc.class || !strings.Contains(a.Error, tc.says) || a.Gone {
			t.Errorf("%s: %+v", tc.name, a)
		}
		if tc.status != 0 && a.Peer.Address != strings.TrimPrefix(tc.target, "http://") {
			t.Errorf("%s: reached %s", tc.name, a.Peer.Address)
		}
		dry := l.DryRun(t.Context(), delivery(tc.target, late), export.Attempt{Number: 1})
		if (dry.Result == export.Succeeded) != (tc.status != 0) || tc.status == 0 && dry.Class != tc.class {
			t.Errorf("%s, tried out: %+v", tc.name, dry)
		}
	}
}
