package storetest

import (
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

var accountRules = []rule{
	{"KeyHashes", keyHashes},
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
