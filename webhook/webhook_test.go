package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/reelhook/reelhook/webhook"
)

// The vector that the specification's own libraries share.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var vectorTime = time.Unix(1614265330, 0)

func parse(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func header(id string, at time.Time, signature string) http.Header {
	h := http.Header{}
	h.Set(webhook.HeaderID, id)
	h.Set(webhook.HeaderTimestamp, fmt.Sprint(at.Unix()))
	h.Set(webhook.HeaderSignature, signature)
	return h
}

func TestReferenceVector(t *testing.T) {
	lib, err := official.NewWebhook(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := lib.Sign(vectorID, vectorTime, []byte(vectorBody)); err != nil || got != vectorSignature {
		t.Fatalf("the official library signs %s, %v: the vector is wrong", got, err)
	}
	for _, text := range []string{vectorSecret, strings.TrimPrefix(vectorSecret, "whsec_"), vectorSecret + "\n"} {
		if got := webhook.Sign(vectorID, vectorTime, []byte(vectorBody), parse(t, text)); got != vectorSignature {
			t.Errorf("got %s, want %s", got, vectorSignature)
		}
	}
	h := header(vectorID, vectorTime, vectorSignature)
	if err := webhook.VerifyAt(vectorTime, 0, h, []byte(vectorBody), parse(t, vectorSecret)); err != nil {
		t.Error(err)
	}
}

// TestInterop signs with one library and verifies with the other, both ways,
// with short and long keys and bodies that are no text.
func TestInterop(t *testing.T) {
	now := time.Now()
	for _, text := range []string{webhook.NewSecret(), "YQ==", vectorSecret, "whsec_" + strings.Repeat("QUJD", 100)} {
		for _, body := range []string{"", "{}", "a=1&b=%20", "\xff\x00\r\n", strings.Repeat("x", 1<<17)} {
			s := parse(t, text)
			lib, err := official.NewWebhook(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := lib.Verify([]byte(body), header("msg_1", now, webhook.Sign("msg_1", now, []byte(body), s))); err != nil {
				t.Errorf("official library on ours, %.9q: %v", body, err)
			}
			theirs, err := lib.Sign("msg_1", now, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if err := webhook.Verify(header("msg_1", now, theirs), []byte(body), s); err != nil {
				t.Errorf("ours on the official library's, %.9q: %v", body, err)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	older, newer, other := webhook.NewSecret(), webhook.NewSecret(), webhook.NewSecret()
	now, body := time.Now(), []byte("{}")
	h := header("msg_1", now, webhook.Sign("msg_1", now, body, parse(t, newer), parse(t, older)))
	for _, text := range []string{older, newer} {
		if err := webhook.Verify(h, body, parse(t, text)); err != nil {
			t.Error(err)
		}
		lib, _ := official.NewWebhook(text)
		if err := lib.Verify(body, h); err != nil {
			t.Errorf("official library: %v", err)
		}
		if err := webhook.Verify(h, body, parse(t, other), parse(t, text)); err != nil {
			t.Errorf("as the second of two secrets: %v", err)
		}
	}
	if err := webhook.Verify(h, body, parse(t, other)); !errors.Is(err, webhook.ErrMismatch) {
		t.Errorf("got %v", err)
	}
}

func TestVerify(t *testing.T) {
	s, now := parse(t, vectorSecret), vectorTime
	good := vectorSignature
	bad := "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	for _, tc := range []struct {
		name   string
		change func(http.Header)
		body   string
		want   error
	}{
		{"as signed", func(http.Header) {}, vectorBody, nil},
		{"white space added to the body", func(http.Header) {}, vectorBody + "\n", webhook.ErrMismatch},
		{"other id", func(h http.Header) { h.Set(webhook.HeaderID, "msg_2") }, vectorBody, webhook.ErrMismatch},
		{"other time", func(h http.Header) { h.Set(webhook.HeaderTimestamp, "1614265331") }, vectorBody, webhook.ErrMismatch},
		{"no id", func(h http.Header) { h.Del(webhook.HeaderID) }, vectorBody, webhook.ErrHeader},
		{"no timestamp", func(h http.Header) { h.Del(webhook.HeaderTimestamp) }, vectorBody, webhook.ErrHeader},
		{"no signature", func(h http.Header) { h.Del(webhook.HeaderSignature) }, vectorBody, webhook.ErrHeader},
		{"blank signature", func(h http.Header) { h.Set(webhook.HeaderSignature, " ") }, vectorBody, webhook.ErrHeader},
		{"timestamp in words", func(h http.Header) { h.Set(webhook.HeaderTimestamp, "noon") }, vectorBody, webhook.ErrHeader},
		{"timestamp out of range", func(h http.Header) { h.Set(webhook.HeaderTimestamp, strings.Repeat("9", 40)) }, vectorBody, webhook.ErrHeader},
		{"wrong signature", func(h http.Header) { h.Set(webhook.HeaderSignature, bad) }, vectorBody, webhook.ErrMismatch},
		{"empty signature", func(h http.Header) { h.Set(webhook.HeaderSignature, "v1,") }, vectorBody, webhook.ErrMismatch},
		{"start of a signature", func(h http.Header) { h.Set(webhook.HeaderSignature, good[:20]) }, vectorBody, webhook.ErrMismatch},
		{"no version", func(h http.Header) { h.Set(webhook.HeaderSignature, good[3:]) }, vectorBody, webhook.ErrMismatch},
		{"other version", func(h http.Header) { h.Set(webhook.HeaderSignature, "v1a"+good[2:]) }, vectorBody, webhook.ErrMismatch},
		{"among others", func(h http.Header) { h.Set(webhook.HeaderSignature, "v1a,x "+bad+" "+good) }, vectorBody, nil},
		{"in a second line", func(h http.Header) { h.Set(webhook.HeaderSignature, bad); h.Add(webhook.HeaderSignature, good) }, vectorBody, nil},
	} {
		h := header(vectorID, now, good)
		tc.change(h)
		if err := webhook.VerifyAt(now, webhook.Tolerance, h, []byte(tc.body), s); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestTolerance(t *testing.T) {
	s, h := parse(t, vectorSecret), header(vectorID, vectorTime, vectorSignature)
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

// TestNoSecret holds that an empty key neither signs nor verifies: anybody has it.
func TestNoSecret(t *testing.T) {
	lib, _ := official.NewWebhook("")
	forged, _ := lib.Sign(vectorID, vectorTime, []byte(vectorBody))
	for _, secrets := range [][]webhook.Secret{nil, {{}}} {
		err := webhook.VerifyAt(vectorTime, 0, header(vectorID, vectorTime, forged), []byte(vectorBody), secrets...)
		if !errors.Is(err, webhook.ErrMismatch) {
			t.Errorf("%d secrets: got %v", len(secrets), err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d secrets: signed", len(secrets))
				}
			}()
			webhook.Sign(vectorID, vectorTime, nil, secrets...)
		}()
	}
}

func TestParseSecret(t *testing.T) {
	for _, text := range []string{"", "whsec_", "whsec_not base64!", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsk_" + vectorSecret[6:],
		"whpk_" + vectorSecret[6:], "WHSEC_" + vectorSecret[6:]} {
		s, err := webhook.ParseSecret(text)
		if err == nil {
			t.Errorf("%q passed as %v", text, s)
		} else if len(text) > 12 && strings.Contains(err.Error(), text[8:]) {
			t.Errorf("the error holds the secret: %v", err)
		}
	}
	a, b := webhook.NewSecret(), webhook.NewSecret()
	if a == b || len(a) != len("whsec_")+44 {
		t.Errorf("new secrets %q and %q", a, b)
	}
}

// TestSecretIsSilent prints a secret in every way there is.
func TestSecretIsSilent(t *testing.T) {
	s := parse(t, vectorSecret)
	inside := struct{ hidden webhook.Secret }{s}
	shown := struct{ Shown webhook.Secret }{s}
	out := s.String() + s.GoString()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p"} {
		out += fmt.Sprintf(verb+verb+verb+verb+verb, s, &s, inside, shown, []webhook.Secret{s})
	}
	for _, v := range []any{s, &s, shown, map[string]webhook.Secret{"a": s}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out += string(text)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "shown", shown)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "inside", inside)
	out += log.String()
	// The key's start in base64, hex, bytes and quoted.
	for _, leak := range []string{vectorSecret[6:16], "31f290f6", "31F290F6", "49 242 144", "0x31, 0xf2", `1\xf2\x90`, "1\xf2\x90"} {
		if strings.Contains(out, leak) {
			t.Errorf("%q in %s", leak, out)
		}
	}
	if !strings.Contains(out, "whsec_(redacted)") {
		t.Errorf("nothing in %s", out)
	}
}

func BenchmarkSign(b *testing.B) {
	s, body := parse(b, vectorSecret), []byte(strings.Repeat("x", 510))
	b.ReportAllocs()
	for b.Loop() {
		webhook.Sign(vectorID, vectorTime, body, s)
	}
}
