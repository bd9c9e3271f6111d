// Package webhook signs and verifies webhooks by the Standard Webhooks scheme
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
// Reelhook signs with it, and a receiver written in Go can verify with it; so
// can any other library of that specification.
//
// A webhook carries three headers beside its body:
//
//	webhook-id         the same on every attempt of one delivery; remember it to drop doubles
//	webhook-timestamp  when this attempt was made, in seconds since 1970
//	webhook-signature  signatures of id.timestamp.body with spaces between, each one
//	                   "v1," and the base64 of HMAC-SHA256 with a Secret, or
//	                   "v1a," and the base64 of ed25519 with a PrivateKey
//
// There is one signature for every key: of both kinds when an endpoint moves
// from one to the other, and of the old and the new one while a key is changed.
// A receiver needs one that matches a key of its own and passes over the others.
//
// The body must be verified as it arrived, before it is parsed. The package
// needs the standard library only and must not know what is sent.
package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
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

// Headers that Reelhook adds to those of the specification. They are there to
// route and to log by: no signature covers them, so what a receiver acts on is
// the body.
const (
	// HeaderEvent is the name of what happened.
	HeaderEvent = "webhook-event"
	// HeaderAttempt is which attempt of the delivery this is, from 1.
	HeaderAttempt = "webhook-attempt"
	// HeaderExport is how the destinations before this one fared: complete when all
	// of them were reached, else partial.
	HeaderExport = "webhook-export"
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

// maxSignatures bounds the work that a stranger's header can ask for: checking
// one ed25519 signature costs some forty microseconds, and a megabyte of headers
// has room for ten thousand.
const maxSignatures = 32

// Signer is what a webhook is signed with: a Secret or a PrivateKey.
type Signer interface {
	// appendSignature adds the message's signature, with its version, to dst.
	appendSignature(dst, message []byte) []byte
}

// Verifier is what a webhook is verified with: a Secret or a PublicKey.
type Verifier interface {
	// signed tells whether one of the signatures is this key's. Versions that it
	// does not know are passed over, as the specification asks.
	signed(given []string, message []byte) bool
}

// Sign makes the value of the webhook-signature header for an attempt made at
// the given time: one signature for each key, in their order. The id must hold
// no full stop, or it could not be told from what follows it (specification,
// "Signature scheme"); Verify refuses one that does. Sign panics when there is no
// key or one is the zero Secret or PrivateKey: what an empty key signs, anybody
// could forge.
func Sign(id string, at time.Time, body []byte, keys ...Signer) string {
	if len(keys) == 0 {
		panic("webhook: Sign without a key")
	}
	seconds := strconv.AppendInt(make([]byte, 0, 20), at.Unix(), 10)
	message := content(id, seconds, body, len(keys)*(signatureSize1a+1))
	header := message[len(message):] // in the room left after the message
	for i, key := range keys {
		if i > 0 {
			header = append(header, ' ')
		}
		header = key.appendSignature(header, message)
	}
	return string(header)
}

// Verify tells whether a webhook was signed with one of the keys within the
// last five minutes. nil means that it was.
func Verify(header http.Header, body []byte, keys ...Verifier) error {
	return VerifyAt(time.Now(), Tolerance, header, body, keys...)
}

// VerifyAt is Verify with a clock and a tolerance of one's own, for tests and
// for webhooks that were kept.
func VerifyAt(now time.Time, tolerance time.Duration, header http.Header, body []byte, keys ...Verifier) error {
	id, timestamp := header.Get(HeaderID), header.Get(HeaderTimestamp)
	given := strings.Fields(strings.Join(header.Values(HeaderSignature), " "))
	switch {
	case id == "" || timestamp == "" || len(given) == 0:
		return fmt.Errorf("%w: %s, %s and %s are needed", ErrHeader, HeaderID, HeaderTimestamp, HeaderSignature)
	case strings.Contains(id, "."):
		return fmt.Errorf("%w: %s holds a full stop", ErrHeader, HeaderID)
	case len(given) > maxSignatures:
		return fmt.Errorf("%w: %s holds more than %d signatures", ErrHeader, HeaderSignature, maxSignatures)
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
	message := content(id, []byte(timestamp), body, 0)
	if !slices.ContainsFunc(keys, func(key Verifier) bool { return key != nil && key.signed(given, message) }) {
		return ErrMismatch
	}
	return nil
}

// content is what is signed (specification, "Signature scheme"), with room for
// so many bytes after it.
func content(id string, timestamp, body []byte, room int) []byte {
	message := make([]byte, 0, len(id)+1+len(timestamp)+1+len(body)+room)
	message = append(append(message, id...), '.')
	message = append(append(message, timestamp...), '.')
	return append(message, body...)
}
