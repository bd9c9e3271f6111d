package storetest

import (
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

var accountRules = []rule{
	{"Keys", keysAreKept},
	{"NoKeyTwice", noKeyTwice},
	{"RevokeKey", revokeKey},
}

// apiKey is made so long after t0.
func apiKey(id, owner string, made time.Duration) account.Key {
	return account.Key{ID: id, Hash: account.HashKey(id), Account: owner, Role: account.Viewer, Name: "n8n \"é\" " + id, CreatedAt: after(made)}
}

func (f *fixture) apiKeys(when string, want ...account.Key) {
	f.Helper()
	got, err := f.Keys(f.ctx)
	f.must(err)
	f.equal(when, got, want)
}

func keysAreKept(f *fixture) {
	f.apiKeys("at first")
	var want []account.Key
	for i, id := range []string{"key_b", "key_c", "key_d", "key_e", "key_f", "key_a"} {
		k := apiKey(id, []string{"", "acme"}[i%2], time.Duration(i/2))
		k.Role = account.Viewer + account.Role(i%5)
		want = append(want, k)
	}
	want[4], want[5] = want[5], want[4] // made at once, so by id
	want[0].ExpiresAt, want[1].Name = after(time.Hour), ""
	for _, i := range []int{5, 0, 3, 1, 4, 2} {
		f.must(f.AddKey(f.ctx, want[i]))
	}
	f.apiKeys("all, in the order they were made", want...)
}

func noKeyTwice(f *fixture) {
	first := apiKey("key_a", "acme", 0)
	f.must(f.AddKey(f.ctx, first))
	sameID, sameHash := apiKey("key_a", "", 1), apiKey("key_b", "", 1)
	sameID.Hash, sameHash.Hash = account.HashKey("other"), first.Hash
	for _, k := range []account.Key{first, sameID, sameHash} {
		if err := f.AddKey(f.ctx, k); err == nil {
			f.Errorf("%+v was added", k)
		}
	}
	f.apiKeys("after that", first)
}

func revokeKey(f *fixture) {
	a, b := apiKey("key_a", "", 0), apiKey("key_b", "acme", 0)
	f.must(f.AddKey(f.ctx, a))
	f.must(f.AddKey(f.ctx, b))
	for owner, id := range map[string]string{"": "key_b", "acme": "key_a", "other": "key_c"} {
		f.is(id+" of "+owner, account.ErrNoKey, f.RevokeKey(f.ctx, owner, id))
	}
	f.apiKeys("of other accounts", a, b)
	f.must(f.RevokeKey(f.ctx, "acme", "key_b"))
	f.apiKeys("revoked", a)
	f.is("again", account.ErrNoKey, f.RevokeKey(f.ctx, "acme", "key_b"))
	f.must(f.AddKey(f.ctx, b))
}
