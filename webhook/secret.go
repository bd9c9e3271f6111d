package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"log/slog"
	"strings"
	"sync"
)

// secretSize is the number of random bytes in a new secret; the specification
// asks for 24 to 64.
const secretSize = 32

// version1 marks a symmetric signature.
const version1 = "v1,"

const redactedSecret = "whsec_(redacted)"

// Secret is the key that a sender and a receiver share. It shows itself
// redacted however it is printed, logged or marshalled. The zero Secret is none.
type Secret struct {
	// mac appends the base64 of HMAC-SHA256. The key is inside a function because
	// fmt prints what is in a field that is not exported without asking the value
	// how, and of a function it can print the address only.
	mac func(dst, message []byte) []byte
}

// NewSecret makes a secret of 32 random bytes, as text for ParseSecret and for
// the receiver: whsec_ and base64.
func NewSecret() string {
	key := make([]byte, secretSize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return secretText.encode(key)
}

// ParseSecret reads a secret: standard base64, with whsec_ before it or not.
// Any length but zero is accepted, as the specification's Go library does; 24
// to 64 bytes are recommended. Its errors hold nothing of the secret.
func ParseSecret(text string) (Secret, error) {
	key, err := secretText.decode(text)
	if err != nil {
		return Secret{}, err
	}
	if len(key) == 0 {
		return Secret{}, errors.New("webhook: the secret is empty")
	}
	return newSecret(key), nil
}

// newSecret keeps the hashes that were made with the key: one that is reset need
// not hash the key again, which on a short body is half of the work, and leaves no
// garbage.
func newSecret(key []byte) Secret {
	type scratch struct {
		hash.Hash
		sum [sha256.Size]byte
	}
	pool := sync.Pool{New: func() any { return &scratch{Hash: hmac.New(sha256.New, key)} }}
	return Secret{func(dst, message []byte) []byte {
		mac := pool.Get().(*scratch)
		defer pool.Put(mac)
		mac.Reset()
		mac.Write(message)
		return base64.StdEncoding.AppendEncode(dst, mac.Sum(mac.sum[:0]))
	}}
}

func (s Secret) appendSignature(dst, message []byte) []byte {
	if s.mac == nil {
		panic("webhook: Sign with the zero Secret")
	}
	return s.mac(append(dst, version1...), message)
}

func (s Secret) signed(given []string, message []byte) bool {
	if s.mac == nil {
		return false
	}
	want := s.mac(nil, message)
	for _, g := range given {
		if v1, ok := strings.CutPrefix(g, version1); ok && hmac.Equal([]byte(v1), want) {
			return true
		}
	}
	return false
}

// String is a text without the secret.
func (Secret) String() string { return redactedSecret }

// GoString is a text without the secret.
func (Secret) GoString() string { return redactedSecret }

// LogValue is a text without the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redactedSecret) }

// MarshalText gives a text without the secret, to JSON too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redactedSecret), nil }
