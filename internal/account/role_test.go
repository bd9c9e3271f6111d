package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/account"
)

func TestRoles(t *testing.T) {
	all := []account.Role{account.Viewer, account.Render, account.Editor, account.Manager, account.Admin}
	for i, r := range all {
		if back, err := account.ParseRole(r.String()); err != nil || back != r {
			t.Errorf("%v is read as %v, %v", r, back, err)
		}
		for j, needed := range all {
			if r.AtLeast(needed) != (i >= j) {
				t.Errorf("%v at least %v: %v", r, needed, r.AtLeast(needed))
			}
		}
		if r.AtLeast(0) || account.Role(0).AtLeast(r) {
			t.Errorf("%v beside no role", r)
		}
	}
	for _, text := range []string{"", "Admin", "none", "owner", " viewer"} {
		_, err := account.ParseRole(text)
		if _, ok := errors.AsType[account.Refusal](err); !ok || !strings.Contains(err.Error(), "viewer, render, editor, manager, admin") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got := account.Role(9).String() + account.Role(0).String(); got != "nonenone" {
		t.Error(got)
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string]string{"default": "", "acme": "acme", "a": "a", "0-9": "0-9", strings.Repeat("z", 64): strings.Repeat("z", 64)} {
		got, err := account.ParseName(text)
		if err != nil || got != want || account.ShowName(got) != text {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "Acme", "a b", "ä", "a\n", "a/b", strings.Repeat("z", 65)} {
		if got, err := account.ParseName(text); err == nil || got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
}
