package webhook_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// FuzzVerifyAt looks for a webhook that is believed and is not the one that was
// signed. Two signatures of it are known to the forger.
func FuzzVerifyAt(f *testing.F) {
	keys := []webhook.Verifier{parseSecret(f, vectorSecret), parsePrivateKey(f, svixPrivate).Public()}
	const timestamp = "1614265330"
	for _, signature := range []string{vectorSignature, svixSignature, vectorSignature + " " + svixSignature, "v1,", "v1a,AA== v2,x"} {
		f.Add(vectorID, timestamp, signature, []byte(vectorBody))
	}
	f.Add(vectorID+".1614265330", timestamp, vectorSignature, []byte(vectorBody))
	f.Add(vectorID, "+1614265330", vectorSignature, []byte(vectorBody))
	f.Add("", "-9223372036854775808", strings.Repeat(svixSignature+"\n", 40), []byte{})
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		h := http.Header{}
		h.Set(webhook.HeaderID, id)
		h.Set(webhook.HeaderTimestamp, at)
		h.Set(webhook.HeaderSignature, signature)
		if webhook.VerifyAt(vectorTime, 1<<62, h, body, keys...) != nil {
			return
		}
		given := strings.Fields(signature)
		if !slices.Contains(given, vectorSignature) && !slices.Contains(given, svixSignature) {
			t.Errorf("believed with the signatures %q", given)
		}
		if id != vectorID || at != timestamp || string(body) != vectorBody {
			t.Errorf("believed: %q, %q, %q", id, at, body)
		}
	})
}

// parseError is every error that a Parse function may make: none has a place
// for a part of the key.
var parseError = regexp.MustCompile(`^webhook: (` + strings.Join([]string{
	`the secret is empty`,
	`the (secret is not whsec_|private key is not whsk_|public key is not whpk_) followed by standard base64: illegal base64 data at input byte \d+`,
	`this is a (secret \(whsec_\)|private key \(whsk_\)|public key \(whpk_\)); a (secret begins with whsec_|private key begins with whsk_|public key begins with whpk_)`,
	`the private key has \d+ bytes; an ed25519 key has 64, or 32 as a seed`,
	`the two halves of the private key do not belong together`,
	`the public key has \d+ bytes; an ed25519 key has 32`,
	`the public key is all zeros, and anybody can sign for that one`,
}, "|") + `)$`)

// FuzzParse holds that a key which is accepted signs what its other half
// verifies, that a prefix has one meaning, and that errors are silent.
func FuzzParse(f *testing.F) {
	for _, text := range []string{vectorSecret, svixPrivate, svixPublic, vectorSecret[6:], svixPrivate[5:], svixPublic[5:], "whsk_" + svixPublic[5:],
		"", "whsec_", "whsk_whsec_", "whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret, secretErr := webhook.ParseSecret(text)
		private, privateErr := webhook.ParsePrivateKey(text)
		public, publicErr := webhook.ParsePublicKey(text)
		accepted := 0
		for _, err := range []error{secretErr, privateErr, publicErr} {
			if err == nil {
				accepted++
			} else if !parseError.MatchString(err.Error()) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if strings.Contains(text, "_") && accepted > 1 {
			t.Errorf("%q is of %d kinds", text, accepted)
		}
		if secretErr == nil {
			believed(t, pair{secret, secret})
		}
		if privateErr == nil {
			believed(t, pair{private, private.Public()})
		}
		if again, err := webhook.ParsePublicKey(public.String()); publicErr == nil && (err != nil || again != public) {
			t.Errorf("%q: %v, and again %v, %v", text, public, again, err)
		}
	})
}

func believed(t *testing.T, key pair) {
	t.Helper()
	at := time.Unix(0, 0)
	h := header("msg_1", at, webhook.Sign("msg_1", at, nil, key.Signer))
	if err := webhook.VerifyAt(at, 0, h, nil, key.Verifier); err != nil {
		t.Errorf("%T: %v", key.Signer, err)
	}
}
