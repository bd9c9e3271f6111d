package httpput

import (
	"encoding/base64"
	"maps"
	"net/netip"
	"testing"

	"github.com/reelhook/reelhook/internal/export/exporttest"
	"github.com/reelhook/reelhook/internal/safehttp"
)

var loopback = safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

type with = map[string]any

func basic(password string) with {
	return with{"authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(testUser+":"+password))}
}

// TestRules holds the carrier to exporttest with nginx, for both ways that a server
// knows who may upload.
func TestRules(t *testing.T) {
	n := startNginx(t)
	to := func(port int, folder string, more with) func() map[string]any {
		return func() map[string]any {
			all := with{"url": n.url(port, folder)}
			maps.Copy(all, more)
			return all
		}
	}
	at := func(port int, folder string, more with) func(*testing.T) map[string]any {
		return func(*testing.T) map[string]any { return to(port, folder, more)() }
	}
	faults := map[string]exporttest.Fault{
		"wrong password":      {Settings: at(n.port, "login", with{"headers": basic("wrong-" + testPassword)}), Step: "login", Class: "login", Permanent: true},
		"no password":         {Settings: at(n.port, "login", nil), Step: "login", Class: "login", Permanent: true},
		"read-only folder":    {Settings: at(n.port, "readonly", nil), Step: "write", Class: "denied", Permanent: true},
		"no space":            {Settings: at(n.port, "large", nil), Step: "write", Class: "space", Permanent: true},
		"expired certificate": {Settings: at(n.expired, "up", nil), Step: "tls", Class: "tls", Permanent: true},
		"method not allowed":  {Settings: at(n.port, "up", with{"method": "POST"}), Step: "write", Class: "protocol", Permanent: true},
	}
	for name, settings := range map[string]func() map[string]any{
		"presigned": to(n.port, "up", nil),
		"by login":  to(n.port, "login", with{"headers": basic(testPassword), "content-type": "video/x-test"}),
	} {
		t.Run(name, func(t *testing.T) {
			exporttest.Run(t, exporttest.Server{
				Carrier: New(Options{Policy: loopback, RootCAs: n.roots, Version: "1.2.3"}), Settings: settings,
				Secrets: []string{testPassword, testToken}, Host: "url", Flat: true, Fixed: true,
				Read: n.read, Names: n.list, Write: n.write(t), Faults: faults,
			})
		})
	}
}
