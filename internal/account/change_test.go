package account_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/account"
)

var root = account.Caller{Role: account.Admin}

func TestCreateRefuses(t *testing.T) {
	keys, _ := load(t, &table{}, "dev", &clock{start})
	acme := account.Caller{Account: "acme", Role: account.Admin}
	for name, c := range map[string]struct {
		by     account.Caller
		wanted account.Key
		says   string
	}{
		"another account":     {acme, account.Key{Account: "other", Role: account.Viewer}, "Only an admin of the account other or default makes its keys"},
		"the default account": {acme, account.Key{Role: account.Viewer}, "Only an admin of the account default"},
		"no role":             {root, account.Key{}, "'role' is needed: one of viewer, render, editor, manager, admin"},
		"a role that is none": {root, account.Key{Role: account.Admin + 1}, "'role' is needed"},
		"a long name":         {root, account.Key{Role: account.Viewer, Name: strings.Repeat("é", 101)}, "'name' may have at most 100"},
		"a name that escapes": {root, account.Key{Role: account.Viewer, Name: "a\x1b[31m"}, "all of which print"},
		"expired at once":     {root, account.Key{Role: account.Viewer, ExpiresAt: start}, "'expires' must be in the future, not 2026-01-02T03:04:05Z"},
	} {
		made, text, err := keys.Create(t.Context(), c.by, c.wanted)
		if refusal, ok := errors.AsType[account.Refusal](err); !ok || !strings.Contains(string(refusal), c.says) || text != "" || made != (account.Key{}) {
			t.Errorf("%s: %+v, %q, %v", name, made, text, err)
		}
	}
	if all := keys.List(root); len(all) != 1 {
		t.Errorf("there are %+v", all)
	}
}

func TestManyKeys(t *testing.T) {
	keys, _ := load(t, &table{}, "dev", &clock{start})
	for range 1000 {
		if _, _, err := keys.Create(t.Context(), root, account.Key{Account: "acme", Role: account.Viewer}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := keys.Create(t.Context(), root, account.Key{Account: "acme", Role: account.Viewer}); err == nil || !strings.Contains(err.Error(), "acme has 1000 keys") {
		t.Error(err)
	}
	if _, _, err := keys.Create(t.Context(), root, account.Key{Account: "other", Role: account.Viewer}); err != nil {
		t.Errorf("another account pays for it: %v", err)
	}
}

// TestUnstored: what the store did not take is not known, and what it did not
// give up still is.
func TestUnstored(t *testing.T) {
	store := &table{}
	store.kept = []account.Key{admin("stored")}
	keys, _ := load(t, store, "dev", &clock{start})
	id, text := store.kept[0].ID, "stored"
	store.write = errors.New("disk full")
	if _, made, err := keys.Create(t.Context(), root, account.Key{Role: account.Viewer}); !errors.Is(err, store.write) || made != "" || len(keys.List(root)) != 2 {
		t.Errorf("%q, %v", made, err)
	}
	if err := keys.Revoke(t.Context(), root, id); !errors.Is(err, store.write) || !valid(keys, text) {
		t.Error(err)
	}
	store.write, store.kept = nil, nil // it is gone already
	if err := keys.Revoke(t.Context(), root, id); err != nil || valid(keys, text) {
		t.Error(err)
	}
}

// TestRevoked: the next call fails, while others go on, and after a start too.
func TestRevoked(t *testing.T) {
	store, c := &table{}, &clock{start}
	keys, first := load(t, store, "", c)
	made, text, err := keys.Create(t.Context(), root, account.Key{Account: "acme", Role: account.Admin})
	if err != nil {
		t.Fatal(err)
	}
	var calling sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 4 {
		calling.Go(func() {
			for ctx.Err() == nil {
				if !valid(keys, first) {
					t.Error("another key was lost")
					return
				}
			}
		})
	}
	for _, by := range []account.Caller{{Account: "other", Role: account.Admin}, {Account: "acm", Role: account.Admin}} {
		if err := keys.Revoke(t.Context(), by, made.ID); !errors.Is(err, account.ErrNoKey) || !valid(keys, text) {
			t.Errorf("%+v: %v", by, err)
		}
	}
	own := account.Caller{Account: "acme", Role: account.Admin}
	if all := keys.List(own); len(all) != 1 || all[0] != made || len(keys.List(root)) != 2 {
		t.Errorf("acme sees %+v", all)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := keys.Revoke(gone, own, made.ID); err != nil || valid(keys, text) {
		t.Errorf("its own admin, who did not wait: %v", err)
	}
	stop()
	calling.Wait()
	if err := keys.Revoke(t.Context(), root, made.ID); !errors.Is(err, account.ErrNoKey) {
		t.Errorf("again: %v", err)
	}
	if again, _ := load(t, store, "", c); valid(again, text) || !valid(again, first) {
		t.Error("it is back after a start")
	}
}

// TestExpiredAdminKeysGo: they let nobody in, so nobody is locked out.
func TestExpiredAdminKeysGo(t *testing.T) {
	first, second, c := admin("first"), admin("second"), &clock{start}
	first.ExpiresAt, second.ExpiresAt = start.Add(time.Hour), start.Add(time.Minute)
	keys, _ := load(t, &table{kept: []account.Key{first, second}}, "", c)
	if err := keys.Revoke(t.Context(), root, first.ID); err == nil {
		t.Error("the one that lasts longest went")
	}
	c.Time = start.Add(2 * time.Hour)
	for _, k := range []account.Key{first, second} {
		if err := keys.Revoke(t.Context(), root, k.ID); err != nil {
			t.Error(err)
		}
	}
}

func TestTheFixedKeyStays(t *testing.T) {
	keys, _ := load(t, &table{}, "dev", &clock{start})
	fixed := keys.List(root)[0]
	err := keys.Revoke(t.Context(), root, fixed.ID)
	if _, ok := errors.AsType[account.Refusal](err); !ok || !strings.Contains(err.Error(), "--api-key") || !valid(keys, "dev") {
		t.Error(err)
	}
	if fixed.Role != account.Admin || fixed.Account != "" || fixed.Name != "--api-key" {
		t.Errorf("%+v", fixed)
	}
	if again, _ := load(t, &table{}, "dev", &clock{start}); again.List(root)[0] != fixed {
		t.Error("its id is another after a start")
	}
}

// TestNeverLockedOut makes and revokes keys at random, as time goes by: whenever
// there was an admin of the default account there still is one, for as long, and
// after a start there always is.
func TestNeverLockedOut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		store, c := &table{}, &clock{start}
		keys, _ := load(t, store, "", c)
		// longest is how long some admin lasts at least.
		longest := func() (at time.Time, ever bool) {
			for _, k := range store.kept {
				if k.Account == "" && k.Role == account.Admin {
					ever = ever || k.ExpiresAt.IsZero()
					if k.ExpiresAt.After(at) {
						at = k.ExpiresAt
					}
				}
			}
			return at, ever
		}
		r.Repeat(map[string]func(*rapid.T){
			"create": func(r *rapid.T) {
				k := account.Key{Role: account.Role(rapid.IntRange(1, 5).Draw(r, "role")), Account: rapid.SampledFrom([]string{"", "acme"}).Draw(r, "account")}
				if hours := rapid.IntRange(0, 5).Draw(r, "hours"); hours > 0 {
					k.ExpiresAt = c.Add(time.Duration(hours) * time.Hour)
				}
				if _, _, err := keys.Create(t.Context(), root, k); err != nil {
					r.Fatal(err)
				}
			},
			"revoke": func(r *rapid.T) {
				k := rapid.SampledFrom(store.kept).Draw(r, "key")
				at, ever := longest()
				err := keys.Revoke(t.Context(), root, k.ID)
				if _, refused := errors.AsType[account.Refusal](err); err != nil && !refused {
					r.Fatal(err)
				}
				if left, still := longest(); ever && !still || !ever && left.Before(at) && at.After(c.Time) {
					r.Fatalf("%+v was the last admin key", k)
				}
				if k.Account != "" && err != nil {
					r.Fatalf("a key of %s is kept: %v", k.Account, err)
				}
			},
			"wait": func(*rapid.T) { c.Time = c.Add(time.Hour) },
			"start": func(r *rapid.T) {
				keys, _ = load(t, store, "", c)
				if at, ever := longest(); !ever && !at.After(c.Time) {
					r.Fatal("nobody is an admin after a start")
				}
			},
		})
	})
}
