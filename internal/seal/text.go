package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	keySize = 32
	// keyPrefix tells a master key from any other secret.
	keyPrefix = "rhm_"
	// maxKeys bounds the keys of one server: every one but the first is there to be
	// got rid of.
	maxKeys = 16
)

// New makes a master key of 32 random bytes, as text for Parse: rhm_ and base64url.
func New() string {
	var secret [keySize]byte
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	return keyPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
}

// Parse reads master keys that were given by flag: the first seals, all of them
// open. Its errors hold nothing of a key.
func Parse(texts []string) (*Keys, error) {
	k := &Keys{}
	for i, text := range texts {
		read, err := parseKey(strings.TrimSpace(text))
		switch {
		case err != nil:
		case len(k.keys) == maxKeys:
			err = fmt.Errorf("%d keys are the most there can be", maxKeys)
		case slices.ContainsFunc(k.keys, func(other *key) bool { return other.id == read.id }):
			err = errors.New("it is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("master key %d of %d: %w", i+1, len(texts), err)
		}
		k.keys = append(k.keys, read)
	}
	if len(k.keys) == 0 {
		return nil, errors.New("there is no master key; `reelhook master-key new` makes one")
	}
	return k, nil
}

func parseKey(text string) (*key, error) {
	encoded, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %s: a password is no key; `reelhook master-key new` makes one", keyPrefix)
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(secret) != keySize { // err would show where it differs from a key, and so a bit of it
		return nil, fmt.Errorf("it is not %s and 43 letters, digits, - and _: it is cut off or mistyped", keyPrefix)
	}
	return newKey([keySize]byte(secret)), nil
}
