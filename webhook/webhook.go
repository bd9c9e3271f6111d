// Package webhook signs and verifies webhooks by the Standard Webhooks scheme
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
// Reelhook signs with it, and a receiver written in Go can verify with it; so
// can any other library of that specification.
//
// A webhook carries three headers beside its body:
//
//	webhook-id         the same on every attempt of one delivery; remember it to drop doubles
//	webhook-timestamp  when this attempt was made, in seconds since 1970
//	webhook-signature  "v1," and the base64 of HMAC-SHA256 over id.timestamp.body,
//	                   several of them with spaces between while a secret is changed
//
// The body must be verified as it arrived, before it is parsed. The package
// needs the standard library only and must not know what is sent.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a webhook.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far from now, before or after, a timestamp may be for Verify:
// what the specification's own libraries allow.
const Tolerance = 5 * time.Minute

// The reasons a webhook is not to be believed; test for them with errors.Is.
var (
	ErrHeader   = errors.New("webhook: a signature header is missing or cannot be read")
	ErrTooOld   = errors.New("webhook: the timestamp is too old")
	ErrTooNew   = errors.New("webhook: the timestamp is too far in the future")
	ErrMismatch = errors.New("webhook: no signature matches")
)

// version1 marks a symmetric signature; asymmetric ones are marked "v1a,".
const version1 = "v1,"

// Sign makes the value of the webhook-signature header for an attempt made at
// the given time: one signature for each secret, so that a receiver may hold
// either while a secret is changed. It panics when a secret is the zero Secret
// or there is none, since anybody could forge what an empty key signs.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) string {
	if len(secrets) == 0 {
		panic("webhook: Sign without a secret")
	}
	seconds := strconv.FormatInt(at.Unix(), 10)
	header := make([]byte, 0, len(secrets)*(len(version1)+base64.StdEncoding.EncodedLen(sha256.Size)+1))
	for i, s := range secrets {
		if s.key == nil {
			panic("webhook: Sign with the zero Secret")
		}
		if i > 0 {
			header = append(header, ' ')
		}
		header = append(header, version1...)
		header = s.append(header, id, seconds, body)
	}
	return string(header)
}

// Verify tells whether a webhook was signed with one of the secrets within the
// last five minutes. nil means that it was.
func Verify(header http.Header, body []byte, secrets ...Secret) error {
	return VerifyAt(time.Now(), Tolerance, header, body, secrets...)
}

// VerifyAt is Verify with a clock and a tolerance of one's own, for tests and
// for webhooks that were kept.
func VerifyAt(now time.Time, tolerance time.Duration, header http.Header, body []byte, secrets ...Secret) error {
	id, timestamp := header.Get(HeaderID), header.Get(HeaderTimestamp)
	given := strings.Fields(strings.Join(header.Values(HeaderSignature), " "))
	if id == "" || timestamp == "" || len(given) == 0 {
		return fmt.Errorf("%w: %s, %s and %s are needed", ErrHeader, HeaderID, HeaderTimestamp, HeaderSignature)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %s is not a number of seconds", ErrHeader, HeaderTimestamp)
	}
	switch at := time.Unix(seconds, 0); {
	case now.Sub(at) > tolerance:
		return ErrTooOld
	case at.Sub(now) > tolerance:
		return ErrTooNew
	}
	for _, s := range secrets {
		if s.key != nil && s.signed(given, id, strconv.FormatInt(seconds, 10), body) {
			return nil
		}
	}
	return ErrMismatch
}

// signed tells whether one of the signatures is this secret's. Signatures of
// versions it does not know are passed over, as the specification asks.
func (s Secret) signed(given []string, id, seconds string, body []byte) bool {
	want := s.append(nil, id, seconds, body)
	for _, g := range given {
		if v1, ok := strings.CutPrefix(g, version1); ok && hmac.Equal([]byte(v1), want) {
			return true
		}
	}
	return false
}

// append adds the base64 of the signature to dst.
func (s Secret) append(dst []byte, id, seconds string, body []byte) []byte {
	head := make([]byte, 0, 64)
	head = append(append(append(append(head, id...), '.'), seconds...), '.')
	mac := hmac.New(sha256.New, s.key())
	mac.Write(head)
	mac.Write(body)
	var sum [sha256.Size]byte
	return base64.StdEncoding.AppendEncode(dst, mac.Sum(sum[:0]))
}
