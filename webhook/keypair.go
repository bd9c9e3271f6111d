package webhook

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// version1a marks an asymmetric signature.
const version1a = "v1a,"

// signatureSize1a is the length of an asymmetric signature with its version, in
// bytes: the longer of the two kinds.
const signatureSize1a = len(version1a) + (ed25519.SignatureSize+2)/3*4

const redactedPrivateKey = "whsk_(redacted)"

// strict refuses a second way to write the same bytes, which would let a
// signature be changed and still be good.
var strict = base64.StdEncoding.Strict()

// PrivateKey is an ed25519 key that a sender alone holds. It shows itself
// redacted however it is printed, logged or marshalled. The zero PrivateKey is
// none.
type PrivateKey struct {
	key func() ed25519.PrivateKey // a function for the reason that Secret's is one
}

// PublicKey is what a receiver verifies a PrivateKey's signatures with. It is no
// secret, and two of them can be compared with ==. The zero PublicKey is none.
type PublicKey struct {
	key [ed25519.PublicKeySize]byte
}

// NewPrivateKey makes a private key, as text for ParsePrivateKey: whsk_ and the
// base64 of 64 bytes, which are the seed and the public key (RFC 8032, as
// crypto/ed25519 has it).
func NewPrivateKey() string {
	_, key, _ := ed25519.GenerateKey(nil) // never fails with crypto/rand
	return privateText.encode(key)
}

// ParsePrivateKey reads a private key: standard base64, with whsk_ before it or
// not, of the 64 bytes of NewPrivateKey or of the 32 bytes of the seed, which is
// what the specification's Go library has. Its errors hold nothing of the key.
func ParsePrivateKey(text string) (PrivateKey, error) {
	raw, err := privateText.decode(text)
	if err != nil {
		return PrivateKey{}, err
	}
	if len(raw) != ed25519.PrivateKeySize && len(raw) != ed25519.SeedSize {
		return PrivateKey{}, fmt.Errorf("webhook: the private key has %d bytes; an ed25519 key has %d, or %d as a seed",
			len(raw), ed25519.PrivateKeySize, ed25519.SeedSize)
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	// To sign with another public half would give the private one away.
	if !bytes.HasPrefix(key, raw) {
		return PrivateKey{}, errors.New("webhook: the two halves of the private key do not belong together")
	}
	return PrivateKey{func() ed25519.PrivateKey { return key }}, nil
}

// Public is the key to give to receivers.
func (k PrivateKey) Public() PublicKey {
	if k.key == nil {
		return PublicKey{}
	}
	return PublicKey{[ed25519.PublicKeySize]byte(k.key()[ed25519.SeedSize:])}
}

func (k PrivateKey) appendSignature(dst, message []byte) []byte {
	if k.key == nil {
		panic("webhook: Sign with the zero PrivateKey")
	}
	return base64.StdEncoding.AppendEncode(append(dst, version1a...), ed25519.Sign(k.key(), message))
}

// String is a text without the key.
func (PrivateKey) String() string { return redactedPrivateKey }

// GoString is a text without the key.
func (PrivateKey) GoString() string { return redactedPrivateKey }

// LogValue is a text without the key.
func (PrivateKey) LogValue() slog.Value { return slog.StringValue(redactedPrivateKey) }

// MarshalText gives a text without the key, to JSON too.
func (PrivateKey) MarshalText() ([]byte, error) { return []byte(redactedPrivateKey), nil }

// ParsePublicKey reads a public key: standard base64 of 32 bytes, with whpk_
// before it or not.
func ParsePublicKey(text string) (PublicKey, error) {
	raw, err := publicText.decode(text)
	if err != nil {
		return PublicKey{}, err
	}
	if len(raw) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("webhook: the public key has %d bytes; an ed25519 key has %d", len(raw), ed25519.PublicKeySize)
	}
	key := PublicKey{[ed25519.PublicKeySize]byte(raw)}
	if key == (PublicKey{}) {
		return PublicKey{}, errors.New("webhook: the public key is all zeros, and anybody can sign for that one")
	}
	return key, nil
}

// String is whpk_ and the base64 of the key's 32 bytes.
func (p PublicKey) String() string { return publicText.encode(p.key[:]) }

// MarshalText is String, for JSON.
func (p PublicKey) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

func (p PublicKey) signed(given []string, message []byte) bool {
	if p == (PublicKey{}) {
		return false // a point of small order, for which signatures can be forged
	}
	for _, g := range given {
		v1a, ok := strings.CutPrefix(g, version1a)
		if !ok {
			continue
		}
		signature, err := strict.DecodeString(v1a)
		if err == nil && ed25519.Verify(p.key[:], message, signature) {
			return true
		}
	}
	return false
}
