package webhook_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/webhook"
)

func parseSecret(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parsePrivateKey(t testing.TB, text string) webhook.PrivateKey {
	t.Helper()
	k, err := webhook.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func header(id string, at time.Time, signature string) http.Header {
	h := http.Header{}
	h.Set(webhook.HeaderID, id)
	h.Set(webhook.HeaderTimestamp, fmt.Sprint(at.Unix()))
	h.Set(webhook.HeaderSignature, signature)
	return h
}

// TestSigned signs with some keys of both kinds and finds that the receiver of
// each of them believes it, whatever other keys there are, and nobody else; and
// that nobody does once the id, the time or the body is another.
func TestSigned(t *testing.T) {
	var signers []webhook.Signer
	var verifiers []webhook.Verifier
	for range 3 {
		s, k := parseSecret(t, webhook.NewSecret()), parsePrivateKey(t, webhook.NewPrivateKey())
		signers, verifiers = append(signers, s, k), append(verifiers, s, k.Public())
	}
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5}).Draw(t, "order")
		n := rapid.IntRange(1, len(order)).Draw(t, "n")
		id := rapid.StringMatching(`[!-~]{1,40}`).Filter(func(s string) bool { return !strings.Contains(s, ".") }).Draw(t, "id")
		at := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "at"), 0)
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")

		var keys []webhook.Signer
		for _, i := range order[:n] {
			keys = append(keys, signers[i])
		}
		signature := webhook.Sign(id, at, body, keys...)
		for place, i := range order {
			want := webhook.ErrMismatch
			if place < n {
				want = nil
			}
			if err := webhook.VerifyAt(at, 0, header(id, at, signature), body, verifiers[i]); !errors.Is(err, want) {
				t.Errorf("key %d, signed by %v: got %v, want %v", i, order[:n], err, want)
			}
		}
		for name, err := range map[string]error{
			"id":   webhook.VerifyAt(at, 0, header(id+"x", at, signature), body, verifiers...),
			"time": webhook.VerifyAt(at, 2*time.Second, header(id, at.Add(time.Second), signature), body, verifiers...),
			"body": webhook.VerifyAt(at, 0, header(id, at, signature), append(slices.Clip(body), 0), verifiers...),
		} {
			if !errors.Is(err, webhook.ErrMismatch) {
				t.Errorf("%s changed: got %v", name, err)
			}
		}
		if err := webhook.VerifyAt(at, 0, header(id, at, signature), body, verifiers...); err != nil {
			t.Errorf("to one who holds every key: %v", err)
		}
	})
}

// TestOrder holds that signatures come in the order of their keys, as versions
// that no receiver mistakes.
func TestOrder(t *testing.T) {
	s, k := parseSecret(t, vectorSecret), parsePrivateKey(t, svixPrivate)
	got := webhook.Sign(vectorID, vectorTime, []byte(vectorBody), k, s, k)
	if want := svixSignature + " " + vectorSignature + " " + svixSignature; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	keys := []webhook.Verifier{parseSecret(t, vectorSecret), parsePrivateKey(t, svixPrivate).Public()}
	const good, good1a = vectorSignature, svixSignature
	const bad = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	for _, tc := range []struct {
		name   string
		change func(http.Header)
		body   string
		want   error
	}{
		{"as signed", func(http.Header) {}, vectorBody, nil},
		{"white space added to the body", func(http.Header) {}, vectorBody + "\n", webhook.ErrMismatch},
		{"other id", set(webhook.HeaderID, "msg_2"), vectorBody, webhook.ErrMismatch},
		{"other time", set(webhook.HeaderTimestamp, "1614265331"), vectorBody, webhook.ErrMismatch},
		{"the time written otherwise", set(webhook.HeaderTimestamp, "+1614265330"), vectorBody, webhook.ErrMismatch},
		{"time in words", set(webhook.HeaderTimestamp, "noon"), vectorBody, webhook.ErrHeader},
		{"time with a fraction", set(webhook.HeaderTimestamp, "1614265330.0"), vectorBody, webhook.ErrHeader},
		{"time out of range", set(webhook.HeaderTimestamp, strings.Repeat("9", 40)), vectorBody, webhook.ErrHeader},
		{"blank signature", set(webhook.HeaderSignature, " "), vectorBody, webhook.ErrHeader},
		{"no version", set(webhook.HeaderSignature, good[3:]), vectorBody, webhook.ErrMismatch},
		{"v1 as v1a", set(webhook.HeaderSignature, "v1a"+good[2:]), vectorBody, webhook.ErrMismatch},
		{"v1a as v1", set(webhook.HeaderSignature, "v1"+good1a[3:]), vectorBody, webhook.ErrMismatch},
		{"v1a alone", set(webhook.HeaderSignature, good1a), vectorBody, nil},
		{"v1a with another body", set(webhook.HeaderSignature, good1a), vectorBody + " ", webhook.ErrMismatch},
		{"v1a empty", set(webhook.HeaderSignature, "v1a,"), vectorBody, webhook.ErrMismatch},
		{"v1a cut", set(webhook.HeaderSignature, good1a[:88]), vectorBody, webhook.ErrMismatch},
		{"v1a written otherwise", set(webhook.HeaderSignature, strings.Replace(good1a, "Ag==", "Ah==", 1)), vectorBody, webhook.ErrMismatch},
		{"v1a with the order added", set(webhook.HeaderSignature, malleated(good1a)), vectorBody, webhook.ErrMismatch},
		{"among others", set(webhook.HeaderSignature, "v1a,x "+bad+" "+good), vectorBody, nil},
		{"v1a among others", set(webhook.HeaderSignature, bad+" v1a,x v2,y "+good1a), vectorBody, nil},
		{"in a second line", func(h http.Header) { h.Set(webhook.HeaderSignature, bad); h.Add(webhook.HeaderSignature, good1a) }, vectorBody, nil},
		{"the last of 32", set(webhook.HeaderSignature, strings.Repeat(bad+" ", 31)+good), vectorBody, nil},
		{"the last of 33", set(webhook.HeaderSignature, strings.Repeat(bad+" ", 32)+good), vectorBody, webhook.ErrHeader},
	} {
		h := header(vectorID, vectorTime, good)
		tc.change(h)
		if err := webhook.VerifyAt(vectorTime, webhook.Tolerance, h, []byte(tc.body), keys...); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

// malleated adds the group's order to a signature's second half, S: the same
// equation holds, and RFC 8032 (5.1.7) asks to refuse it.
func malleated(v1a string) string {
	order := []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(v1a, "v1a,"))
	if err != nil {
		panic(err)
	}
	carry := 0
	for i, b := range order {
		carry += int(raw[32+i]) + int(b)
		raw[32+i], carry = byte(carry), carry>>8
	}
	return "v1a," + base64.StdEncoding.EncodeToString(raw)
}

// TestFullStop holds that what follows the id cannot be taken into it: both
// webhooks have the same content.
func TestFullStop(t *testing.T) {
	s, now := parseSecret(t, vectorSecret), vectorTime
	signature := webhook.Sign("msg_1", now, []byte("1614265330.{}"), s)
	if signature != webhook.Sign("msg_1.1614265330", now, []byte("{}"), s) {
		t.Fatal("the two are not the same: this test tests nothing")
	}
	if err := webhook.VerifyAt(now, 0, header("msg_1", now, signature), []byte("1614265330.{}"), s); err != nil {
		t.Error(err)
	}
	err := webhook.VerifyAt(now, 0, header("msg_1.1614265330", now, signature), []byte("{}"), s)
	if !errors.Is(err, webhook.ErrHeader) {
		t.Errorf("got %v", err)
	}
}

func TestTolerance(t *testing.T) {
	s, h := parseSecret(t, vectorSecret), header(vectorID, vectorTime, vectorSignature)
	for late, want := range map[time.Duration]error{
		0: nil, 5 * time.Minute: nil, -5 * time.Minute: nil,
		5*time.Minute + time.Nanosecond: webhook.ErrTooOld, -5*time.Minute - time.Nanosecond: webhook.ErrTooNew,
		50 * 365 * 24 * time.Hour: webhook.ErrTooOld,
	} {
		if err := webhook.VerifyAt(vectorTime.Add(late), webhook.Tolerance, h, []byte(vectorBody), s); !errors.Is(err, want) {
			t.Errorf("%v late: got %v, want %v", late, err, want)
		}
	}
}

// TestNoKey holds that an empty key neither signs nor verifies: anybody has it.
func TestNoKey(t *testing.T) {
	forged := header(vectorID, vectorTime, symmetric(t, "").sign(vectorID, vectorTime, vectorBody))
	for name, keys := range map[string][]webhook.Verifier{
		"none": nil, "nil": {nil}, "Secret": {webhook.Secret{}},
		"PublicKey": {webhook.PublicKey{}}, "Public": {webhook.PrivateKey{}.Public()},
	} {
		if err := webhook.VerifyAt(vectorTime, 0, forged, []byte(vectorBody), keys...); !errors.Is(err, webhook.ErrMismatch) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	good := parseSecret(t, vectorSecret)
	for name, keys := range map[string][]webhook.Signer{
		"none": nil, "Secret": {good, webhook.Secret{}}, "PrivateKey": {good, webhook.PrivateKey{}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: signed", name)
				}
			}()
			webhook.Sign(vectorID, vectorTime, nil, keys...)
		}()
	}
}

// TestZeroPublicKey forges signatures for the key of zeros, a point of order 4:
// with S = 0, one of the point's four multiples is the R of every fourth message.
func TestZeroPublicKey(t *testing.T) {
	multiples := [][]byte{{}, {31: 0x80}, {0x01}, append(append([]byte{0xec}, slices.Repeat([]byte{0xff}, 30)...), 0x7f)}
	forged := 0
	for i := range 40 {
		id, signature := fmt.Sprint("msg_", i), make([]byte, ed25519.SignatureSize)
		copy(signature, multiples[i%4])
		if ed25519.Verify(make([]byte, ed25519.PublicKeySize), []byte(id+".1614265330."+vectorBody), signature) {
			forged++
		}
		h := header(id, vectorTime, "v1a,"+base64.StdEncoding.EncodeToString(signature))
		if err := webhook.VerifyAt(vectorTime, 0, h, []byte(vectorBody), webhook.PublicKey{}); !errors.Is(err, webhook.ErrMismatch) {
			t.Errorf("%s: got %v", id, err)
		}
	}
	if forged == 0 {
		t.Error("no forgery is good for crypto/ed25519: this test tests nothing")
	}
}

func BenchmarkSign(b *testing.B) {
	s, k := parseSecret(b, vectorSecret), parsePrivateKey(b, svixPrivate)
	body := []byte(strings.Repeat("x", 510))
	for _, bm := range []struct {
		name string
		keys []webhook.Signer
	}{{"v1", []webhook.Signer{s}}, {"v1a", []webhook.Signer{k}}, {"both", []webhook.Signer{s, k}}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				webhook.Sign(vectorID, vectorTime, body, bm.keys...)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	s, k := parseSecret(b, vectorSecret), parsePrivateKey(b, svixPrivate)
	body := []byte(strings.Repeat("x", 510))
	h := header(vectorID, vectorTime, webhook.Sign(vectorID, vectorTime, body, s, k))
	for name, key := range map[string]webhook.Verifier{"v1": s, "v1a": k.Public()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := webhook.VerifyAt(vectorTime, 0, h, body, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
