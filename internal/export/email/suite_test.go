package email

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest"
	"github.com/reelhook/reelhook/internal/export/exporttest/mailbox"
	"github.com/reelhook/reelhook/internal/safehttp"
)

func loopbackPolicy() safehttp.Policy {
	return safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

type with = map[string]any

// merged are members, with others over them; nil takes one away.
func merged(all ...with) with {
	one := with{}
	for _, m := range all {
		maps.Copy(one, m)
	}
	maps.DeleteFunc(one, func(_ string, value any) bool { return value == nil })
	return one
}

// given are members as a carrier is given them.
func given(t testing.TB, all ...with) export.Settings {
	t.Helper()
	s := export.Settings{}
	for name, value := range merged(all...) {
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		s[name] = raw
	}
	return s
}

// world is one authority and a carrier that trusts it.
type world struct {
	certificate tls.Certificate
	roots       *x509.CertPool
	carrier     *Carrier
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{roots: x509.NewCertPool()}
	certificate, authority := exporttest.Certificate(t)
	w.certificate = certificate
	w.roots.AppendCertsFromPEM([]byte(authority))
	w.carrier = New(Options{Policy: loopbackPolicy(), RootCAs: w.roots, From: "Videos <videos@example.org>", Version: "1"})
	return w
}

// settings lead to a server on loopback.
func settings(port int, more ...with) with {
	base := with{
		"host": "127.0.0.1", "port": port, "username": mailbox.User, "password": mailbox.Password,
		"from": "Rüdiger <r@example.org>", "to": "editor@example.org", "subject": "Done", "message": "It is done.\n\nSee there.",
	}
	return merged(append([]with{base}, more...)...)
}

// box starts a mailbox.
func (w *world) box(t testing.TB, b *mailbox.Box) *mailbox.Box {
	t.Helper()
	b.Start(t, w.certificate)
	return b
}

// counter tells how many mails came since it was asked last.
func counter(mails func() int) func() int {
	last := 0
	return func() int {
		n := mails()
		defer func() { last = n }()
		return n - last
	}
}

// TestRules holds the carrier to exporttest.
func TestRules(t *testing.T) {
	w := newWorld(t)
	for name, v := range map[string]struct {
		box  *mailbox.Box
		more with
	}{
		"STARTTLS, PLAIN":             {&mailbox.Box{}, with{"attach": true}},
		"implicit TLS, LOGIN, a page": {&mailbox.Box{Implicit: true, Mechanism: "LOGIN"}, with{"secure": "implicit", "html": "<p>Done</p>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			b := w.box(t, v.box)
			exporttest.Run(t, exporttest.Server{
				Carrier: w.carrier, Host: "host", Port: "port",
				Settings:  func() map[string]any { return settings(b.Addr.Port, v.more) },
				Secrets:   []string{mailbox.User, mailbox.Password},
				Delivered: counter(func() int { return len(b.Mails()) }),
				Faults:    w.faults(t),
			})
		})
	}
}

func refusal(code int) error { return &smtp.SMTPError{Code: code, Message: "no, by the test"} }

func refuse(code int) func(string) error { return func(string) error { return refusal(code) } }

// faults are what can be wrong with a mailbox.
func (w *world) faults(t *testing.T) map[string]exporttest.Fault {
	with := func(b *mailbox.Box, more map[string]any) func(*testing.T) map[string]any {
		return func(t *testing.T) map[string]any { return settings(w.box(t, b).Addr.Port, more) }
	}
	arriving := func(code int) *mailbox.Box {
		return &mailbox.Box{Arriving: func(mailbox.Mail) error { return refusal(code) }}
	}
	all := map[string]exporttest.Fault{}
	add := func(name string, settings func(*testing.T) map[string]any, step, class string, permanent bool) {
		all[name] = exporttest.Fault{Settings: settings, Step: step, Class: class, Permanent: permanent}
	}
	add("wrong password", func(t *testing.T) map[string]any {
		return settings(w.box(t, &mailbox.Box{}).Addr.Port, map[string]any{"password": "not the password"})
	}, "login", "login", true)
	add("login that fails for now", func(t *testing.T) map[string]any {
		return settings(w.box(t, &mailbox.Box{Login: func(string, string) error { return refusal(454) }}).Addr.Port)
	}, "login", "protocol", false)
	add("expired certificate", func(t *testing.T) map[string]any {
		b := &mailbox.Box{}
		b.Start(t, expired(t, w))
		return settings(b.Addr.Port)
	}, "tls", "tls", true)
	add("no space", with(arriving(452), nil), "send", "space", false)
	add("no space for it", with(arriving(552), nil), "send", "space", false)
	add("refuses the mail", with(arriving(554), nil), "send", "denied", true)
	add("cannot take the mail", with(arriving(451), nil), "send", "protocol", false)
	add("refuses a recipient", with(&mailbox.Box{Recipient: refuse(550)}, nil), "send", "denied", true)
	add("greylists a recipient", with(&mailbox.Box{Recipient: refuse(450)}, nil), "send", "protocol", false)
	add("refuses the sender", with(&mailbox.Box{Sender: refuse(553)}, nil), "send", "denied", true)
	add("cannot take the sender", with(&mailbox.Box{Sender: refuse(421)}, nil), "send", "protocol", false)
	add("wants a login", with(&mailbox.Box{Sender: refuse(530)}, map[string]any{"username": nil, "password": nil}), "login", "login", true)
	return all
}

// expired is a certificate of the world's own authority, of yesterday.
func expired(t testing.TB, w *world) tls.Certificate {
	t.Helper()
	leaf, err := x509.ParseCertificate(w.certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	old := *leaf
	old.NotBefore, old.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &old, leaf, leaf.PublicKey, w.certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: w.certificate.PrivateKey}
}
