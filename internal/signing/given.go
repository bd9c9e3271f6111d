package signing

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// Options are what rings are made from.
type Options struct {
	Store Store
	// Given are keys set by flag, of the default account: whsec_ (or base64 alone)
	// and whsk_. The first of a kind is its current key, and all of them sign. They
	// are not stored, and its stored keys of their kinds are not used.
	Given []string
	// Kinds are the signatures to make; none means both.
	Kinds []Kind
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Validate tells whether a ring can be made as far as is known before anything
// is opened. Its errors hold nothing of a key.
func (o Options) Validate() error {
	_, err := o.given()
	return err
}

// kinds are the signatures to make, each once and V1 before V1a.
func (o Options) kinds() []Kind {
	if len(o.Kinds) == 0 {
		return []Kind{V1, V1a}
	}
	return slices.Compact(slices.Sorted(slices.Values(o.Kinds)))
}

// given reads the keys set by flag, in the order they were set.
func (o Options) given() ([]entry, error) {
	kinds := o.kinds()
	for _, kind := range kinds {
		if kind != V1 && kind != V1a {
			return nil, fmt.Errorf("there are no signatures of kind %q; there are %s and %s", string(kind), V1, V1a)
		}
	}
	var read []entry
	for i, text := range o.Given {
		e, err := readGiven(text)
		switch {
		case err != nil:
		case !slices.Contains(kinds, e.Kind):
			err = fmt.Errorf("it makes %s signatures, and those are turned off", e.Kind)
		case slices.ContainsFunc(read, func(other entry) bool { return other.ID == e.ID }):
			err = fmt.Errorf("it is there twice")
		case count(read, e.Kind) == maxKeys:
			err = fmt.Errorf("%d keys of kind %s are the most that can sign at a time", maxKeys, e.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("key %d of %d: %w", i+1, len(o.Given), err)
		}
		e.rank = count(read, e.Kind)
		read = append(read, e)
	}
	return read, nil
}

func readGiven(text string) (entry, error) {
	k := Key{Kind: V1, Text: strings.TrimSpace(text)}
	if strings.HasPrefix(k.Text, "whsk_") {
		k.Kind = V1a
	}
	signer, err := k.signer()
	if err != nil {
		return entry{}, err
	}
	k.ID = fingerprint(signer)
	return entry{Key: k, signer: signer}, nil
}

// fingerprint names a key by what it alone can sign, so that it is the same after
// a restart and however the key was written.
func fingerprint(signer webhook.Signer) string {
	sum := sha256.Sum256([]byte(webhook.Sign("fingerprint", time.Unix(0, 0), nil, signer)))
	return "key_" + base32.StdEncoding.EncodeToString(sum[:10])
}
