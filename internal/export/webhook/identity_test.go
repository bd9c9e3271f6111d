package webhook

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"strconv"
	"testing"
	"time"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/reelhook/reelhook/internal/export"
)

// TestIdentity has an endpoint with an authority of its own, which asks for a
// certificate: what is sent there, and a dry run, is made by the connection's
// settings, and by them as they are at that moment.
func TestIdentity(t *testing.T) {
	const ownSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	client, _ := certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	var got http.Header
	srv := serve(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	signers, _ := keys(t, ownSecret)(t.Context(), "")
	stored := Identity{
		Signers: signers, Certificate: &client, Version: "1",
		RootCAs: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}),
		Headers: map[string]string{"X-Tenant": "s3cret", "AUTHORIZATION": "s3cret", "Webhook-Id": "forged", "Host": "forged", "Content-Length": "1"},
	}
	now := stored
	l := leaf(t, Options{Policy: local, Identity: func(_ context.Context, account, connection string) (Identity, error) {
		if account != "acme" || connection != "hook" {
			t.Errorf("asked for %s of %s", connection, account)
		}
		return now, nil
	}})
	d := delivery(srv.URL, late)
	d.Account, d.Connection = "acme", "hook"
	attempt := func() export.Attempt {
		a := l.Attempt(t.Context(), d, export.Attempt{Number: 1, Result: export.Open})
		closed(t, a)
		return a
	}
	if a := l.DryRun(t.Context(), d, export.Attempt{Number: 1}); a.Result != export.Succeeded || a.Request.Get("X-Tenant") != redacted {
		t.Errorf("tried out: %+v", a)
	}
	if a := attempt(); a.Result != export.Succeeded || a.Request.Get("X-Tenant") != redacted {
		t.Fatalf("got %+v", a)
	}
	if got.Get("X-Tenant") != "s3cret" || got.Get("Webhook-Id") != "msg_1" || len(got["Authorization"]) != 1 || got.Get("Authorization") != secretHeader {
		t.Errorf("sent %v", got)
	}
	if lib, _ := official.NewWebhook(ownSecret); lib.Verify(d.Body, got) != nil {
		t.Error("not signed by the connection")
	}
	now.Certificate, now.Version = nil, "2"
	if a := attempt(); a.Result == export.Succeeded {
		t.Errorf("with the certificate of before: %+v", a)
	}
	now.RootCAs, now.Version = []byte("no certificate"), "3"
	for what, a := range map[string]export.Attempt{"sent": attempt(), "tried out": l.DryRun(t.Context(), d, export.Attempt{Number: 1})} {
		if a.Result != export.Refused || a.Error != `The webhook was not sent: the connection's "ca" holds no certificate` {
			t.Errorf("%s: %+v", what, a)
		}
	}
}

// TestTransportsAreBounded has one connection after another that needs a transport
// of its own.
func TestTransportsAreBounded(t *testing.T) {
	l, id := leaf(t, Options{}), Identity{Certificate: &tls.Certificate{}, Version: "1"}
	for n := range mostTransports + 10 {
		d := export.Delivery{Connection: strconv.Itoa(n)}
		made, err := l.roundTripper(d, id)
		again, _ := l.roundTripper(d, id)
		if err != nil || made != again || len(l.own.by) > mostTransports {
			t.Fatalf("%d: %d are kept, %v", n, len(l.own.by), err)
		}
	}
}
