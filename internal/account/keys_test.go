package account_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

// hashes is a store in memory.
type hashes struct {
	kept        []account.Hash
	read, write error
}

func (s *hashes) KeyHashes(context.Context) ([]account.Hash, error) { return s.kept, s.read }

func (s *hashes) AddKeyHash(_ context.Context, h account.Hash, _ time.Time) error {
	if s.write == nil {
		s.kept = append(s.kept, h)
	}
	return s.write
}

func TestNewKey(t *testing.T) {
	form := regexp.MustCompile(`^rhk_[A-Za-z0-9]{40}$`)
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 500 {
		key := account.NewKey()
		if !form.MatchString(key) || seen[key] {
			t.Fatalf("got %q, seen before: %v", key, seen[key])
		}
		seen[key] = true
		for _, r := range strings.TrimPrefix(key, "rhk_") {
			letters[r] = true
		}
	}
	if len(letters) != 62 {
		t.Errorf("20000 random characters are of %d kinds, want 62", len(letters))
	}
}

func TestLoad(t *testing.T) {
	old := account.NewKey()
	for name, c := range map[string]struct {
		stored     []account.Hash
		fixed      string
		make       bool
		valid, not []string
	}{
		"first start makes one":             {make: true, not: []string{"", " ", "rhk_", old}},
		"a stored key":                      {stored: []account.Hash{account.HashKey(old)}, valid: []string{old}, not: []string{"", old + "x", old[:43]}},
		"a fixed key needs no other":        {fixed: "dev", valid: []string{"dev"}, not: []string{"", "DEV", old}},
		"a fixed key is trimmed":            {fixed: " dev\n", valid: []string{"dev"}},
		"a fixed key beside stored ones":    {stored: []account.Hash{account.HashKey(old)}, fixed: "dev", valid: []string{"dev", old}},
		"a fixed key of spaces is no key":   {fixed: "  ", make: true, not: []string{"", "  "}},
		"the hash of a key is not the key":  {stored: []account.Hash{account.HashKey(old)}, not: []string{string(hash(old))}},
		"a key with spaces is another key":  {stored: []account.Hash{account.HashKey(old)}, not: []string{old + " "}},
		"the empty key is never valid":      {stored: []account.Hash{account.HashKey("")}, not: []string{""}},
		"stored hash that nothing produces": {stored: []account.Hash{{}}, not: []string{"", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			store := &hashes{kept: c.stored}
			keys, made, err := account.Load(t.Context(), store, c.fixed, time.Now())
			if err != nil || (made != "") != c.make {
				t.Fatalf("made %q, error %v", made, err)
			}
			if c.make {
				again, second, err := account.Load(t.Context(), store, "", time.Now())
				if err != nil || second != "" || !keys.Valid(made) || !again.Valid(made) {
					t.Errorf("the made key must work now and after the next start, without another: %q, %v", second, err)
				}
			} else if len(store.kept) != len(c.stored) {
				t.Errorf("stored %d hashes, want %d: a fixed key is not kept", len(store.kept), len(c.stored))
			}
			for _, k := range c.valid {
				if !keys.Valid(k) {
					t.Errorf("%q should be valid", k)
				}
			}
			for _, k := range c.not {
				if keys.Valid(k) {
					t.Errorf("%q should not be valid", k)
				}
			}
		})
	}
}

func hash(key string) []byte {
	h := account.HashKey(key)
	return h[:]
}

func TestLoadErrors(t *testing.T) {
	full := errors.New("disk full")
	for _, store := range []*hashes{{read: full}, {write: full}} {
		keys, made, err := account.Load(t.Context(), store, "", time.Now())
		if keys != nil || made != "" || !errors.Is(err, full) {
			t.Errorf("got %v, %q, %v; a key that is not kept must not be shown", keys, made, err)
		}
	}
}

func TestKeysPrintNothing(t *testing.T) {
	keys, made, err := account.Load(t.Context(), &hashes{}, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("loaded", "keys", keys)
	fmt.Fprintf(&b, "%v %+v %#v %s %v", keys, keys, keys, keys, account.HashKey(made))
	whole := account.HashKey(made)
	for _, secret := range []string{made, fmt.Sprintf("%x", whole[:])} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("printed a secret: %s", b.String())
		}
	}
	if !strings.Contains(b.String(), "1 API keys") {
		t.Errorf("got %s", b.String())
	}
}
