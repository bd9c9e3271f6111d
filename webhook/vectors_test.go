package webhook_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

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

// The asymmetric vector of Svix's server (svix-server, worker.rs), of the same
// webhook; its signature is the one in the specification's "Example headers".
const (
	svixPrivate   = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	svixPublic    = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	svixSignature = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)

// wrong is the signature that the libraries' tests take for a wrong one.
const wrong = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="

// pair is the two halves of a key: of a Secret both are the same.
type pair struct {
	webhook.Signer
	webhook.Verifier
}

func secretPair(t testing.TB, text string) pair {
	t.Helper()
	s := parseSecret(t, text)
	return pair{s, s}
}

func keyPair(t testing.TB, text string) pair {
	t.Helper()
	k := parsePrivateKey(t, text)
	return pair{k, k.Public()}
}

// TestSignVectors holds every signature that a test of a library of the
// specification names, by the files under its libraries/.
func TestSignVectors(t *testing.T) {
	const rustID, rustBody = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", `{"email":"test@example.com","username":"test_user"}`
	bare := func(text string) string { _, b, _ := strings.Cut(text, "_"); return b }
	for _, tc := range []struct {
		name string
		key  pair
		id   string
		at   int64
		body string
		want string
	}{
		{name: "all of them", key: secretPair(t, vectorSecret), want: vectorSignature},
		{name: "all of them, no prefix", key: secretPair(t, bare(vectorSecret)), want: vectorSignature},
		{name: "white space around", key: secretPair(t, " "+vectorSecret+"\n"), want: vectorSignature},
		{name: "rust/src/lib.rs", key: secretPair(t, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), id: rustID, at: 1649367553, body: rustBody,
			want: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
		{name: "go/webhook_asymmetric_test.go", key: keyPair(t, "VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="),
			want: "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="},
		{name: "svix-server/src/worker.rs", key: keyPair(t, svixPrivate), want: svixSignature},
		{name: "svix-server/src/worker.rs, no prefix", key: keyPair(t, bare(svixPrivate)), want: svixSignature},
	} {
		id, at, body := vectorID, vectorTime, vectorBody
		if tc.id != "" {
			id, at, body = tc.id, time.Unix(tc.at, 0), tc.body
		}
		if got := webhook.Sign(id, at, []byte(body), tc.key.Signer); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
		if err := webhook.VerifyAt(at, 0, header(id, at, tc.want), []byte(body), tc.key.Verifier); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestVerifyVectors is the table that the specification's libraries have in
// common (go, javascript, python, rust, php, java, csharp, ruby, elixir), run
// for both kinds of key as go/webhook_asymmetric_test.go does.
func TestVerifyVectors(t *testing.T) {
	none, no := func(http.Header) {}, func(name string) func(http.Header) {
		return func(h http.Header) { h.Del(name) }
	}
	signed := func(change func(string) string) func(http.Header) {
		return func(h http.Header) { h.Set(webhook.HeaderSignature, change(h.Get(webhook.HeaderSignature))) }
	}
	version := func(signature string) string { v, _, _ := strings.Cut(signature, ","); return v + "," }
	for _, key := range []pair{secretPair(t, vectorSecret), keyPair(t, base64.StdEncoding.EncodeToString([]byte("WEBHOOKASYMMETRICTESTPRIVATEKEY1")))} {
		for _, tc := range []struct {
			name   string
			late   time.Duration // from the signing to now
			change func(http.Header)
			want   error
		}{
			{"valid signature is valid", 0, none, nil},
			{"missing id", 0, no(webhook.HeaderID), webhook.ErrHeader},
			{"missing timestamp", 0, no(webhook.HeaderTimestamp), webhook.ErrHeader},
			{"missing signature", 0, no(webhook.HeaderSignature), webhook.ErrHeader},
			{"invalid timestamp", 0, func(h http.Header) { h.Set(webhook.HeaderTimestamp, "hello") }, webhook.ErrHeader},
			{"invalid signature", 0, signed(func(s string) string { return version(s) + wrong }), webhook.ErrMismatch},
			{"invalid signature, no base64", 0, signed(func(string) string { return "v1,dawfeoifkpqwoekfpqoekf" }), webhook.ErrMismatch},
			{"invalid signature, cut short", 0, signed(func(string) string { return "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLawdd" }), webhook.ErrMismatch},
			{"invalid signature, one letter", 0, signed(func(string) string { return "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=" }), webhook.ErrMismatch},
			{"partial signature", 0, signed(func(s string) string { return s[:8] }), webhook.ErrMismatch},
			{"partial signature, empty", 0, signed(version), webhook.ErrMismatch},
			{"different version", 0, signed(func(s string) string { return "v2," + s[len(version(s)):] }), webhook.ErrMismatch},
			{"missing parts", 0, signed(func(string) string { return "invalid_signature" }), webhook.ErrMismatch},
			{"missing parts, spaced", 0, signed(func(string) string { return "invalid signature" }), webhook.ErrMismatch},
			{"old timestamp fails", 5*time.Minute + time.Second, none, webhook.ErrTooOld},
			{"new timestamp fails", -5*time.Minute - time.Second, none, webhook.ErrTooNew},
			{"valid multi sig is valid", 0, signed(func(s string) string { return "v1," + wrong + " v2," + wrong + " " + s + " v1," + wrong }), nil},
			{"multi sig without ours", 0, signed(func(string) string {
				return "v1,tFtCZ5RDCPxzWQRWXWPgrCgE2frDBe9gjpbWQxnVfsQ= v1,Mm7xgUVICxZfQ3bgf0h0Dof65L/IFx+PnZvnDWPCX6Q= v1,9DfC1c3eeOrXB6w/5dIDydLNQaEyww5KalE5jLBZucE="
			}), webhook.ErrMismatch},
		} {
			h := header(vectorID, vectorTime, webhook.Sign(vectorID, vectorTime, []byte(vectorBody), key.Signer))
			tc.change(h)
			err := webhook.VerifyAt(vectorTime.Add(tc.late), webhook.Tolerance, h, []byte(vectorBody), key.Verifier)
			if !errors.Is(err, tc.want) {
				t.Errorf("%T, %s: got %v, want %v", key.Signer, tc.name, err, tc.want)
			}
		}
	}
}
