package api_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
)

// TestKeyOfALife: a key works from its making until it is revoked, to the call.
func TestKeyOfALife(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w)
	defer srv.Close()
	root, ctx := api.Client{BaseURL: srv.URL, Key: key}, t.Context()
	made, err := root.CreateKey(ctx, api.KeyOrder{Role: "render", Account: "acme", Name: " n8n ", Expires: "90d"})
	if err != nil {
		t.Fatal(err)
	}
	created, expires := "2026-01-02T03:04:05.678Z", "2026-04-02T03:04:05.678Z"
	want := api.KeyRecord{ID: made.ID, Account: "acme", Role: "render", Name: "n8n", CreatedAt: &created, ExpiresAt: &expires}
	if diff := cmp.Diff(want, made.KeyRecord); diff != "" || !strings.HasPrefix(made.ID, "key_") {
		t.Errorf("-want +got\n%s", diff)
	}
	fixed := api.KeyRecord{ID: "key_fixed", Account: "default", Role: "admin", Name: "--api-key"}
	for name, keys := range map[string][]api.KeyRecord{"": {fixed, want}, "default": {fixed}, "acme": {want}, "zebra": {}} {
		got, err := root.Keys(ctx, name)
		if diff := cmp.Diff(api.KeyList{Success: true, Keys: keys}, got); err != nil || diff != "" {
			t.Errorf("of %q: %v, -want +got\n%s", name, err, diff)
		}
	}
	own := api.Client{BaseURL: srv.URL, Key: made.Key}
	if _, err := own.Submit(ctx, []byte(`{"scenes":[{}]}`)); err != nil {
		t.Errorf("it does not work at once: %v", err)
	}
	if _, err := root.RevokeKey(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := own.Submit(ctx, []byte(`{"scenes":[{}]}`)); err == nil || !strings.Contains(err.Error(), "Error: Invalid API Key") {
		t.Errorf("revoked: %v", err)
	}
	_, err = root.RevokeKey(ctx, made.ID)
	if f, ok := errors.AsType[*api.Failure](err); !ok || f.Status != 404 || f.Message != "Key "+made.ID+" not found; GET /v2/keys lists them" {
		t.Errorf("again: %v", err)
	}
	if log := w.log.String(); strings.Contains(log, "rhk_") || !strings.Contains(log, "duration=0s key="+made.ID) ||
		!strings.Contains(log, "key="+made.ID+" account=acme role=render by=key_fixed") || !strings.Contains(log, `"API key revoked" key=`+made.ID+" by=key_fixed") {
		t.Errorf("the log: %s", log)
	}
}

// TestExpiredKey: it is answered as one that never was.
func TestExpiredKey(t *testing.T) {
	w := newWorld(t)
	var made api.NewKey
	got := w.call("POST", "/v2/keys", `{"role":"viewer","expires":"1h"}`)
	if err := json.Unmarshal(got.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Hour - time.Millisecond)
	if got := w.call("GET", "/v2/account", "", "x-api-key", made.Key); got.Code != 200 {
		t.Errorf("at the last moment: %d %s", got.Code, got.Body)
	}
	w.clock.add(time.Millisecond)
	expired, never := w.call("GET", "/v2/account", "", "x-api-key", made.Key), w.call("GET", "/v2/account", "", "x-api-key", "rhk_never")
	if expired.Code != 400 || expired.Body.String() != never.Body.String() {
		t.Errorf("expired: %d %s, never made: %s", expired.Code, expired.Body, never.Body)
	}
}

func TestKeyExpiry(t *testing.T) {
	w := newWorld(t)
	for text, want := range map[string]string{
		"":                     "null",
		" ":                    "null",
		"1h":                   `"2026-01-02T04:04:05.678Z"`,
		"90d":                  `"2026-04-02T03:04:05.678Z"`,
		"3650d":                `"2035-12-31T03:04:05.678Z"`,
		"2026-01-02":           `"2026-01-03T00:00:00.000Z"`,
		"2026-02-01T12:00:00Z": `"2026-02-01T12:00:00.000Z"`,
		"59m":                  "'expires' must be a duration from 1h to 3650d, such as 90d, or a time such as 2026-01-31T12:00:00Z, not '59m'",
		"3651d":                "'expires' must be a duration",
		"-1h":                  "'expires' must be a duration",
		"soon":                 "'expires' must be a duration",
		"2026-01-01":           "'expires' must be in the future, not 2026-01-02T00:00:00Z",
		"2026-01-02T03:04:05Z": "'expires' must be in the future",
	} {
		got := w.call("POST", "/v2/keys", `{"role":"viewer","expires":"`+text+`"}`)
		if !strings.Contains(got.Body.String(), want) || (got.Code == 200) == strings.HasPrefix(want, "'") {
			t.Errorf("%q: %d %s, want %s", text, got.Code, got.Body, want)
		}
	}
}

// TestKeysOfAccounts: an admin looks after the keys of its own account, and one
// of the default account after all.
func TestKeysOfAccounts(t *testing.T) {
	w := newWorld(t)
	acme := w.key(t, "acme", account.Admin)
	caller, _ := w.keys.Caller(acme)
	for _, c := range []struct {
		name, key, method, target, body string
		code                            int
		says                            string
	}{
		{"its own by default", acme, "POST", "/v2/keys", `{"role":"viewer"}`, 200, `"account":"acme"`},
		{"its own by name", acme, "POST", "/v2/keys", `{"role":"admin","account":"acme"}`, 200, `"account":"acme"`},
		{"another", acme, "POST", "/v2/keys", `{"role":"viewer","account":"zebra"}`, 403, "The keys of the account zebra need an admin key of it or of the account default; yours is of acme"},
		{"the default one", acme, "POST", "/v2/keys", `{"role":"viewer","account":"default"}`, 403, "The keys of the account default"},
		{"the list of another", acme, "GET", "/v2/keys?account=zebra", "", 403, "The keys of the account zebra"},
		{"the list of all", acme, "GET", "/v2/keys", "", 200, `"account":"acme"`},
		{"the fixed key", acme, "DELETE", "/v2/keys/key_fixed", "", 404, "Key key_fixed not found"},
		{"the fixed key, by an admin", key, "DELETE", "/v2/keys/key_fixed", "", 400, "This key is set by --api-key"},
		{"no role", key, "POST", "/v2/keys", "", 400, "'role' must be one of viewer, render, editor, manager, admin, not ''"},
		{"no such role", key, "POST", "/v2/keys", `{"role":"owner"}`, 400, "not 'owner'"},
		{"no such name", key, "POST", "/v2/keys", `{"role":"viewer","account":"ACME"}`, 400, "1 to 64 of the characters a-z, 0-9 and -, not 'ACME'"},
		{"a list of no such name", key, "GET", "/v2/keys?account=A", "", 400, "not 'A'"},
		{"an unknown field", key, "POST", "/v2/keys", `{"role":"viewer","expiry":"1d"}`, 400, "Unknown field 'expiry'"},
		{"an unknown parameter", key, "DELETE", "/v2/keys/x?force=1", "", 400, "Unknown parameter 'force'"},
		{"no id", key, "DELETE", "/v2/keys/", "", 405, "this path knows GET, HEAD, POST"},
		{"the last of another account", key, "DELETE", "/v2/keys/" + caller.Key, "", 200, caller.Key},
	} {
		got := w.call(c.method, c.target, c.body, "x-api-key", c.key)
		if got.Code != c.code || !strings.Contains(got.Body.String(), c.says) || c.key == acme && got.Code == 200 && strings.Contains(got.Body.String(), "key_fixed") {
			t.Errorf("%s: %d %s\nwant %d %s", c.name, got.Code, got.Body, c.code, c.says)
		}
	}
}

// TestNobodyLocksEverybodyOut: the longest lasting admin key of the default
// account stays, when none is fixed.
func TestNobodyLocksEverybodyOut(t *testing.T) {
	w := newWorld(t)
	keys, first, err := account.Load(t.Context(), account.Options{Store: w.keyTable, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.Handler = checked(t, api.New(api.Options{Keys: keys, Now: w.clock.Now}))
	caller, _ := keys.Caller(first)
	got := w.call("DELETE", "/v2/keys/"+caller.Key, "", "x-api-key", first)
	if got.Code != 400 || !strings.Contains(got.Body.String(), "create one first") {
		t.Errorf("the last one: %d %s", got.Code, got.Body)
	}
	w.call("POST", "/v2/keys", `{"role":"admin","expires":"90d"}`, "x-api-key", first)
	if got := w.call("DELETE", "/v2/keys/"+caller.Key, "", "x-api-key", first); got.Code != 400 {
		t.Errorf("beside one that expires: %d %s", got.Code, got.Body)
	}
	w.call("POST", "/v2/keys", `{"role":"admin"}`, "x-api-key", first)
	if got := w.call("DELETE", "/v2/keys/"+caller.Key, "", "x-api-key", first); got.Code != 200 {
		t.Errorf("beside one that lasts: %d %s", got.Code, got.Body)
	}
	if got := w.call("GET", "/v2/keys", "", "x-api-key", first); got.Code != 400 {
		t.Errorf("after it revoked itself: %d %s", got.Code, got.Body)
	}
}

// TestKeysThatCannotBeStored: the caller may try again.
func TestKeysThatCannotBeStored(t *testing.T) {
	w := newWorld(t)
	acme := w.key(t, "acme", account.Viewer)
	caller, _ := w.keys.Caller(acme)
	w.keyTable.err = errors.New("secret-table is full")
	for method, target := range map[string]string{"POST": "/v2/keys", "DELETE": "/v2/keys/" + caller.Key} {
		got := w.call(method, target, `{"role":"viewer"}`)
		if got.Code != 503 || got.Header().Get("Retry-After") == "" || strings.Contains(got.Body.String(), "secret-table") || strings.Contains(got.Body.String(), "rhk_") {
			t.Errorf("%s: %d %s", method, got.Code, got.Body)
		}
	}
	if got := w.call("GET", "/v2/account", "", "x-api-key", acme); got.Code != 200 {
		t.Errorf("the key that is not revoked: %d %s", got.Code, got.Body)
	}
	w.ring.err = errors.New("secret-table is full")
	if got := w.call("GET", "/v2/webhooks/secret", ""); got.Code != 503 || strings.Contains(got.Body.String(), "secret-table") {
		t.Errorf("the first secret: %d %s", got.Code, got.Body)
	}
}
