package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// prefix marks a symmetric secret; whsk_ and whpk_ mark the asymmetric keys.
const prefix = "whsec_"

// secretSize is the number of random bytes in a new secret; the specification
// asks for 24 to 64.
const secretSize = 32

const redacted = "whsec_(redacted)"

// Secret is the key that a sender and a receiver share. It shows itself
// redacted however it is printed, logged or marshalled. The zero Secret is none.
type Secret struct {
	// key is a function because fmt prints what is in a field that is not exported
	// without asking the value how, and of a function it can print the address only.
	key func() []byte
}

// NewSecret makes a secret of 32 random bytes, as text for ParseSecret and for
// the receiver: whsec_ and base64.
func NewSecret() string {
	key := make([]byte, secretSize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return prefix + base64.StdEncoding.EncodeToString(key)
}

// ParseSecret reads a secret: standard base64, with whsec_ before it or not.
// Any length but zero is accepted, as the specification's Go library does; 24
// to 64 bytes are recommended. Its errors hold nothing of the secret.
func ParseSecret(text string) (Secret, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "whsk_") || strings.HasPrefix(text, "whpk_") {
		return Secret{}, errors.New("webhook: this is an asymmetric key; a secret begins with whsec_")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, prefix))
	if err != nil {
		return Secret{}, fmt.Errorf("webhook: the secret is not %s followed by standard base64: %w", prefix, err)
	}
	if len(key) == 0 {
		return Secret{}, errors.New("webhook: the secret is empty")
	}
	return Secret{func() []byte { return key }}, nil
}

// String is a text without the secret.
func (Secret) String() string { return redacted }

// GoString is a text without the secret.
func (Secret) GoString() string { return redacted }

// LogValue is a text without the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText gives a text without the secret, to JSON too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
