package account_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

// table is a store in memory.
type table struct {
	kept        []account.Key
	read, write error
}

func (s *table) Keys(context.Context) ([]account.Key, error) { return s.kept, s.read }

func (s *table) AddKey(ctx context.Context, k account.Key) error {
	err := errors.Join(ctx.Err(), s.write)
	if err == nil {
		s.kept = append(s.kept, k)
	}
	return err
}

func (s *table) RevokeKey(ctx context.Context, name, id string) error {
	if err := errors.Join(ctx.Err(), s.write); err != nil {
		return err
	}
	n := len(s.kept)
	s.kept = slices.DeleteFunc(s.kept, func(k account.Key) bool { return k.Account == name && k.ID == id })
	if len(s.kept) == n {
		return account.ErrNoKey
	}
	return nil
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

// clock is a time that tests move.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

// load reads a store as the server does.
func load(t *testing.T, store *table, fixed string, c *clock) (*account.Keys, string) {
	t.Helper()
	keys, made, err := account.Load(t.Context(), account.Options{Store: store, Fixed: fixed, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return keys, made
}

func valid(keys *account.Keys, key string) bool {
	_, ok := keys.Caller(key)
	return ok
}

// admin is a stored key of the default account.
func admin(text string) account.Key {
	return account.Key{ID: "key_" + text, Hash: account.HashKey(text), Role: account.Admin}
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
	expired, viewer, acme := admin(old), admin(old), admin(old)
	expired.ExpiresAt, viewer.Role, acme.Account = start, account.Manager, "acme"
	h := account.HashKey(old)
	for name, c := range map[string]struct {
		stored     []account.Key
		fixed      string
		make       bool
		valid, not []string
	}{
		"first start makes one":               {make: true, not: []string{"", " ", "rhk_", old}},
		"a stored key":                        {stored: []account.Key{admin(old)}, valid: []string{old}, not: []string{"", old + "x", old[:43]}},
		"a fixed key needs no other":          {fixed: "dev", valid: []string{"dev"}, not: []string{"", "DEV", old}},
		"a fixed key is trimmed":              {fixed: " dev\n", valid: []string{"dev"}},
		"a fixed key beside stored ones":      {stored: []account.Key{admin(old)}, fixed: "dev", valid: []string{"dev", old}},
		"a fixed key of spaces is no key":     {fixed: "  ", make: true, not: []string{"", "  "}},
		"a stored key that is fixed":          {stored: []account.Key{expired}, fixed: old, valid: []string{old}},
		"the hash of a key is not the key":    {stored: []account.Key{admin(old)}, not: []string{string(h[:])}},
		"a key with spaces is another key":    {stored: []account.Key{admin(old)}, not: []string{old + " "}},
		"the empty key is never valid":        {stored: []account.Key{admin("")}, not: []string{""}},
		"stored hash that nothing produces":   {stored: []account.Key{{ID: "x", Role: account.Admin}}, not: []string{"", "0"}},
		"no admin key that still works":       {stored: []account.Key{expired}, make: true, not: []string{old}},
		"no admin key":                        {stored: []account.Key{viewer}, make: true, valid: []string{old}},
		"no admin key of the default account": {stored: []account.Key{acme}, make: true, valid: []string{old}},
	} {
		t.Run(name, func(t *testing.T) {
			store := &table{kept: slices.Clone(c.stored)}
			keys, made := load(t, store, c.fixed, &clock{start})
			if (made != "") != c.make {
				t.Fatalf("made %q", made)
			}
			if c.make {
				again, second := load(t, store, "", &clock{start})
				caller, ok := keys.Caller(made)
				if second != "" || !valid(again, made) || !ok || caller.Role != account.Admin || caller.Account != "" {
					t.Errorf("the made key must be an admin's now and work after the next start, without another: %q, %+v", second, caller)
				}
			} else if len(store.kept) != len(c.stored) {
				t.Errorf("stored %d keys, want %d: a fixed key is not kept", len(store.kept), len(c.stored))
			}
			for _, k := range c.valid {
				if !valid(keys, k) {
					t.Errorf("%q should be valid", k)
				}
			}
			for _, k := range c.not {
				if valid(keys, k) {
					t.Errorf("%q should not be valid", k)
				}
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	full := errors.New("disk full")
	for _, store := range []*table{{read: full}, {write: full}} {
		keys, made, err := account.Load(t.Context(), account.Options{Store: store})
		if keys != nil || made != "" || !errors.Is(err, full) {
			t.Errorf("got %v, %q, %v; a key that is not kept must not be shown", keys, made, err)
		}
	}
}

// TestExpiry: until its time a key calls, and from then on it is as unknown.
func TestExpiry(t *testing.T) {
	c := &clock{start}
	keys, root := load(t, &table{}, "", c)
	caller, _ := keys.Caller(root)
	made, text, err := keys.Create(t.Context(), caller, account.Key{Account: "acme", Role: account.Render, Name: " n8n ", ExpiresAt: start.Add(time.Hour)})
	if err != nil || made.Name != "n8n" || made.Hash != account.HashKey(text) || !made.CreatedAt.Equal(start) {
		t.Fatalf("%+v, %v", made, err)
	}
	c.Time = start.Add(time.Hour - 1)
	if got, ok := keys.Caller(text); !ok || got != (account.Caller{Account: "acme", Role: account.Render, Key: made.ID}) {
		t.Errorf("at the last moment: %+v, %v", got, ok)
	}
	c.Time = start.Add(time.Hour)
	if got, ok := keys.Caller(text); ok || got != (account.Caller{}) {
		t.Errorf("then: %+v", got)
	}
	if all := keys.List(caller); len(all) != 2 {
		t.Errorf("it is listed all the same: %+v", all)
	}
}

func TestKeysPrintNothing(t *testing.T) {
	keys, made := load(t, &table{}, "", &clock{start})
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("loaded", "keys", keys)
	fmt.Fprintf(&b, "%v %+v %#v %s %d %v", keys, keys, keys, keys, keys, account.HashKey(made))
	whole := account.HashKey(made)
	for _, secret := range []string{made, fmt.Sprintf("%x", whole[:]), fmt.Sprint([32]byte(whole))} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("printed a secret: %s", b.String())
		}
	}
	if strings.Count(b.String(), "1 API keys") != 6 {
		t.Errorf("got %s", b.String())
	}
}
