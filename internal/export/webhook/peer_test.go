package webhook

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/reelhook/reelhook/internal/export"
)

// TestPeer holds what is kept of who answered, and what of the answer's headers.
func TestPeer(t *testing.T) {
	fat := atomic.Bool{}
	srv := serve(t, &tls.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		w.Header()["Set-Cookie"] = []string{"a=s3cret", "b=s3cret"}
		w.Header().Set("X-Server", "it")
		for i := range 50 {
			if fat.Load() {
				w.Header().Set(fmt.Sprintf("X-Fat-%02d", i), strings.Repeat("x", 1020))
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	trusted := x509.NewCertPool()
	trusted.AddCert(srv.Certificate())
	l := leaf(t, Options{Policy: local, RootCAs: trusted})
	sum := sha256.Sum256(srv.Certificate().Raw)
	want := export.Peer{Address: srv.Listener.Addr().String(), TLS: "TLS 1.3", Fingerprint: hex.EncodeToString(sum[:])}
	for i := range 2 {
		a := send(t, l, srv.URL, late)
		if (a.Peer.Connect > 0 && a.Peer.Handshake > 0) == (i > 0) || a.Peer.FirstByte < 0 {
			t.Errorf("attempt %d took %+v", i+1, a.Peer)
		}
		a.Peer.DNS, a.Peer.Connect, a.Peer.Handshake, a.Peer.FirstByte = 0, 0, 0, 0
		want.Reused = i > 0
		if diff := cmp.Diff(want, a.Peer); diff != "" {
			t.Errorf("attempt %d: -want +got\n%s", i+1, diff)
		}
		if diff := cmp.Diff(http.Header{"Set-Cookie": {redacted, redacted}, "X-Server": {"it"}}, a.Headers); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	fat.Store(true)
	a, size := send(t, l, srv.URL, late), 0
	for name, values := range a.Headers {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	// In the order of their names, as far as they fit: 7 of the fat ones, and what is small behind them.
	if size > maxHeaderBytes || len(a.Headers) != 9 || a.Headers.Get("X-Fat-06") == "" || a.Headers.Get("X-Server") != "it" {
		t.Errorf("%d bytes kept: %v", size, a.Headers)
	}
}

// TestDryRun holds that nothing is sent, and that everything else is as it would
// be: the address, the certificate, a signature that is good.
func TestDryRun(t *testing.T) {
	srv := serve(t, &tls.Config{}, func(http.ResponseWriter, *http.Request) { t.Error("sent") })
	plain := serve(t, nil, func(http.ResponseWriter, *http.Request) { t.Error("sent") })
	trusted := x509.NewCertPool()
	trusted.AddCert(srv.Certificate())
	l := leaf(t, Options{Policy: local, RootCAs: trusted})
	for server, version := range map[string]string{srv.URL: "TLS 1.3", plain.URL: ""} {
		d := delivery(server, late)
		a := l.DryRun(t.Context(), d, export.Attempt{Number: 1, Result: export.Open})
		if a.Result != export.Succeeded || a.Class+a.Error != "" || a.Status != 0 || a.Peer.Address != server[strings.Index(server, "//")+2:] ||
			a.Peer.TLS != version || (a.Peer.Fingerprint != "") != (version != "") {
			t.Errorf("%+v", a)
		}
		lib, _ := official.NewWebhook(secretText)
		if err := lib.Verify(d.Body, a.Request); err != nil {
			t.Error(err)
		}
		if shown := a.Request.Get("Authorization"); shown != redacted {
			t.Errorf("shown as sent: %s", shown)
		}
	}
	without := leaf(t, Options{Policy: local, Keys: keys(t)})
	if a := without.DryRun(t.Context(), delivery(srv.URL, late), export.Attempt{Number: 1}); a.Result != export.Refused || a.Error == "" {
		t.Errorf("without a key: %+v", a)
	}
}
