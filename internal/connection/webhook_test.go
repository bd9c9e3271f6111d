package connection_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/webhook"
)

// signedBy tells whether an identity signs with exactly these secrets, in order.
func (f *fixture) signedBy(when, id string, secrets ...string) connection.Identity {
	f.Helper()
	i, err := f.Identity(f.Context(), "", id)
	f.must(err)
	var want []webhook.Signer
	for _, text := range secrets {
		s, err := webhook.ParseSecret(text)
		f.must(err)
		want = append(want, s)
	}
	if len(i.Signers) != len(want) || webhook.Sign("m", f.now, nil, i.Signers...) != webhook.Sign("m", f.now, nil, want...) {
		f.Errorf("%s: %d secrets sign, or others than %d expected", when, len(i.Signers), len(want))
	}
	return i
}

func TestRotateSecret(t *testing.T) {
	f := setup(t)
	a := f.create(`{"id":"w","type":"webhook"}`)
	if !strings.HasPrefix(a, "whsec_") {
		t.Fatalf("the first secret is %q", a)
	}
	before := f.signedBy("at first", "w", a)
	rotate := func(overlap time.Duration) string {
		t.Helper()
		secret, err := f.RotateSecret(t.Context(), "", "w", overlap)
		f.must(err)
		return secret
	}
	b := rotate(connection.DefaultOverlap)
	if after := f.signedBy("an overlap", "w", b, a); after.Version == before.Version {
		t.Error("the version stays the same")
	}
	f.now = f.now.Add(time.Hour)
	c := rotate(time.Hour)
	overlapping := f.signedBy("a second, shorter one", "w", c, b, a)
	f.must(f.put(`{"id":"w","type":"webhook","retries":1}`))
	f.signedBy("after other changes", "w", c, b, a)
	f.open()
	f.signedBy("after a restart", "w", c, b, a)
	f.now = f.now.Add(time.Hour)
	if after := f.signedBy("after it", "w", c); after.Version == overlapping.Version {
		t.Error("the version stays the same")
	}
	short := rotate(time.Hour)
	long := rotate(24 * time.Hour)
	f.now = f.now.Add(time.Hour)
	f.signedBy("a longer overlap holds up no shorter one", "w", long, short)
	d := rotate(0)
	f.signedBy("without an overlap", "w", d)
	rotate(time.Hour)
	f.must(f.put(`{"id":"w","type":"webhook","secret":["` + a + `","` + b + `"]}`))
	f.signedBy("two that were given", "w", a, b)
	e := rotate(time.Minute)
	f.signedBy("over two that were given", "w", e, a, b)
	for range 5 {
		rotate(time.Minute)
	}
	_, err := f.RotateSecret(t.Context(), "", "w", time.Minute)
	refuses(t, "a ninth", err, "8 secrets sign already")

	for _, overlap := range []time.Duration{-1, connection.MaxOverlap + 1} {
		_, err := f.RotateSecret(t.Context(), "", "w", overlap)
		refuses(t, overlap.String(), err, "The overlap must be from 0 to 30 days")
	}
	f.create(`{"id":"f","type":"ftp"}`)
	_, err = f.RotateSecret(t.Context(), "", "f", 0)
	refuses(t, "no webhook", err, "only those of webhooks sign")
	if _, err := f.RotateSecret(t.Context(), "", "none", 0); !errors.Is(err, connection.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestIdentity(t *testing.T) {
	f := setup(t)
	cert, key := certificate(t)
	ca, _ := certificate(t)
	f.create(fmt.Sprintf(`{"id":"w","type":"webhook","endpoint":"https://h","secret":"whsec_aHVudGVyMg==",
		"headers":{"X-Own":"a","x-n":1,"x-none":null},"token":"t","client-cert":%s,"client-key":%s,"ca":%s}`, quote(cert), quote(key), quote(ca+ca)))
	i := f.signedBy("given", "w", "whsec_aHVudGVyMg==")
	if diff := cmp.Diff(map[string]string{"X-Own": "a", "x-n": "1", "Authorization": "Bearer t"}, i.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if i.Certificate == nil || i.Certificate.Leaf.SerialNumber.Int64() != 7 || string(i.RootCAs) != ca+ca {
		t.Errorf("certificate %v, authorities %s", i.Certificate, i.RootCAs)
	}
	if again := f.signedBy("again", "w", "whsec_aHVudGVyMg=="); again.Version != i.Version {
		t.Error("the version changes by itself")
	}
	f.must(f.put(`{"id":"w","type":"webhook","endpoint":"https://h","secret":"(redacted)","username":"u","password":" p"}`))
	j := f.signedBy("changed", "w", "whsec_aHVudGVyMg==")
	if diff := cmp.Diff(map[string]string{"Authorization": "Basic dTogcA=="}, j.Headers); diff != "" || j.Certificate != nil || j.RootCAs != nil || j.Version == i.Version {
		t.Errorf("%v with (-want +got):\n%s", j, diff)
	}
	f.create(`{"id":"f","type":"ftp"}`)
	_, err := f.Identity(t.Context(), "", "f")
	refuses(t, "no webhook", err, "of type ftp and not for webhooks")
	if _, err := f.Identity(t.Context(), "acme", "w"); !errors.Is(err, connection.ErrNotFound) {
		t.Errorf("another account: got %v", err)
	}
}

func TestWebhookIsRefused(t *testing.T) {
	f := setup(t)
	cert, key := certificate(t)
	_, otherKey := certificate(t)
	pair := func(cert, key string) string {
		return `"client-cert":` + quote(cert) + `,"client-key":` + quote(key)
	}
	for _, c := range []struct{ settings, says string }{
		{`"secret":"hunter2!"`, `"secret" must be whsec_ and the base64 of`},
		{`"secret":"whsk_aHVudGVyMg=="`, `"secret" must be whsec_`},
		{`"secret":["whsec_aHVudGVyMg==","s3cret"]`, `"secret" must be whsec_`},
		{`"secret":[` + strings.Repeat(`"whsec_aHVudGVyMg==",`, 8) + `"whsec_aHVudGVyMg=="]`, `at most 8 secrets`},
		{`"secret":7.5`, `"secret" must be whsec_`},
		{`"secret":{}`, `needs a "secret"`},
		{`"headers":"hunter2"`, `"headers" must be an object`},
		{`"headers":{"a b":"hunter2"}`, `A name in "headers" cannot be sent`},
		{`"headers":{"a":"hunter2\n"}`, ``},
		{`"headers":{"a":"hunter2\nx"}`, `The header "a" holds a line break`},
		{`"headers":{"a":["hunter2"]}`, `The header "a" must be a text or a number`},
		{`"headers":{"authorization":"hunter2"},"token":"hunter2"`, `two Authorization headers`},
		{`"username":"u","token":"hunter2"`, `in one way: leave all but one of`},
		{`"authorization":"hunter2","token":"hunter2"`, `in one way`},
		{`"username":"u:v","password":"hunter2"`, `"username" may hold no colon`},
		{`"username":"u","password":"hunter2\u0000"`, `no control characters`},
		{`"token":"hunter2\r\nX: y"`, `may hold no line break`},
		{`"token":"hunter2 hunter2"`, `and a token no space`},
		{pair(cert, ""), `"client-cert" and "client-key" must be`},
		{pair(cert, otherKey), `that belong together`},
		{pair(key, cert), `that belong together`},
		{pair(cert, key), ``},
		{`"ca":` + quote(key), `"ca" must be the PEM text of one or more certificates`},
		{`"ca":"hunter2"`, `"ca" must be the PEM text`},
		{`"ca":` + quote(cert+"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), `"ca" has a certificate that cannot be read`},
	} {
		_, _, err := f.Create(t.Context(), parse(t, `{"id":"w","type":"webhook","endpoint":"https://h",`+c.settings+`}`))
		if c.says != "" {
			refuses(t, cut(c.settings), err, c.says)
			continue
		}
		f.must(err)
		f.must(f.Delete(t.Context(), "", "w"))
	}
	for _, lacking := range []string{`{"id":"w","type":"webhook","token":"hunter2"}`, `{"id":"w","type":"webhook","token":"hunter2","url":"https://h"}`} {
		_, _, err := f.Create(t.Context(), parse(t, lacking))
		refuses(t, "a token for anybody", err, `"token" is for one host: set "endpoint", or set "allow-host-override" to true`)
	}
	f.create(`{"id":"w","type":"webhook","token":"hunter2","allow-host-override":true}`)
}

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// certificate makes a certificate with its key, both in PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}
