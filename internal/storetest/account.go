package storetest

import (
	"slices"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

var accountRules = []rule{
	{"KeyHashes", keyHashes},
	{"FirstSecretStays", firstSecretStays},
	{"OneSecretForAll", oneSecretForAll},
}

func keyHashes(f *fixture) {
	none, err := f.KeyHashes(f.ctx)
	f.must(err)
	f.equal("at first", none, []account.Hash(nil))
	want := []account.Hash{{31: 1}, {0: 255}}
	for i, h := range []account.Hash{want[0], want[1], want[0]} {
		f.must(f.AddKeyHash(f.ctx, h, after(time.Duration(i))))
	}
	got, err := f.KeyHashes(f.ctx)
	f.must(err)
	f.equal("hashes", got, want)
}

func firstSecretStays(f *fixture) {
	none, err := f.Secret(f.ctx)
	f.must(err)
	f.equal("at first", none, "")
	for _, candidate := range []string{"whsec_one", "whsec_two"} {
		got, err := f.EnsureSecret(f.ctx, candidate, t0)
		f.must(err)
		f.equal("secret", got, "whsec_one")
	}
	got, err := f.Secret(f.ctx)
	f.must(err)
	f.equal("stored", got, "whsec_one")
}

func oneSecretForAll(f *fixture) {
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			var err error
			if got[i], err = f.EnsureSecret(f.ctx, string(rune('a'+i)), t0); err != nil {
				f.Error(err)
			}
		})
	}
	wg.Wait()
	f.equal("different secrets", len(slices.Compact(got)), 1)
}
