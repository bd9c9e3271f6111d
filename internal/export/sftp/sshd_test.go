package sftp

import (
	"net/netip"
	"testing"

	"github.com/reelhook/reelhook/internal/safehttp"
)

const testPassphrase = "open sesame"

// loopback permits what the tests listen on.
func loopback() safehttp.Policy {
	return safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
