// Package safehttp reaches out to addresses that strangers chose. Its clients
// refuse every address that is not public at the moment of dialling, on the
// address really dialled, for every connection, so that neither DNS nor a
// redirect can lead inside. It must not know what is fetched or sent.
package safehttp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"code.dny.dev/ssrf"
)

// Policy is where requests may go.
type Policy struct {
	// AllowNetworks are networks that may be reached although not public.
	AllowNetworks []netip.Prefix
	// AllowHosts are names that may be reached wherever they resolve to: a host
	// name, or one behind "*." for every name below it (see ParseHosts). Only the
	// host of the URL that was asked for is meant: an address stays an address, a
	// name that is an alias (CNAME) of an allowed one is not allowed by that, and
	// no redirect leads from another name to an allowed one.
	AllowHosts []string
	// AllowHTTP permits plain http beside https.
	AllowHTTP bool
}

// BlockedError is an address or URL that the policy refuses.
type BlockedError struct{ Reason string }

func (e *BlockedError) Error() string { return e.Reason }

func blocked(format string, args ...any) error {
	return &BlockedError{fmt.Sprintf(format, args...)}
}

// embedding are IPv6 prefixes that carry an IPv4 address a gateway may unwrap;
// the rest of such forms lie outside global unicast, which is all that the
// library permits.
var embedding = []netip.Prefix{
	netip.MustParsePrefix("64:ff9b::/96"),   // NAT64 (RFC 6052)
	netip.MustParsePrefix("64:ff9b:1::/48"), // local-use NAT64 (RFC 8215)
	netip.MustParsePrefix("2001::/32"),      // Teredo (RFC 4380)
	netip.MustParsePrefix("2002::/16"),      // 6to4 (RFC 3056)
}

var public = ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV6Prefixes(embedding...))

// CheckAddr refuses an address that is neither public nor allowed.
func (p Policy) CheckAddr(addr netip.Addr) error {
	plain := addr.WithZone("").Unmap()
	for _, n := range p.AllowNetworks {
		if n.Contains(plain) {
			return nil
		}
	}
	// ISATAP (RFC 5214) hides an IPv4 address behind a marker in any prefix.
	if raw := addr.As16(); addr.Is6() && raw[10] == 0x5e && raw[11] == 0xfe && raw[8]&0xfc == 0 && raw[9] == 0 {
		return blocked("the address %s is not public", addr)
	}
	if addr.Zone() != "" || addr.Is4In6() || public.SafeAddr(plain) != nil {
		return blocked("the address %s is not public; if it is meant to be reached, start the server with --allow-networks %s", plain, netip.PrefixFrom(plain, plain.BitLen()))
	}
	return nil
}

// checkNamed refuses an address that a host name has led to.
func (p Policy) checkNamed(host string, addr netip.Addr) error {
	err := p.CheckAddr(addr)
	if err == nil || p.allows(host) {
		return nil
	}
	name, bad := lookupName(host)
	if bad != nil || !hostname.MatchString(name) || numeric.MatchString(name) {
		return err
	}
	return blocked("%s leads inside: the address %s is not public; if it is meant to be reached, start the server with --allow-hosts %s or --allow-networks %s",
		name, addr, name, netip.PrefixFrom(addr.WithZone(""), addr.BitLen()))
}

// checkRedirect refuses where a redirect leads. An allowed host is reached by
// its own URL only: else any server of the world could choose what is asked of it.
func (p Policy) checkRedirect(from, to *url.URL) error {
	if _, err := p.CheckURL(to.String()); err != nil {
		return err
	}
	if !p.allows(to.Hostname()) {
		return nil
	}
	before, err := lookupName(from.Hostname())
	if name, _ := lookupName(to.Hostname()); err != nil || name != before {
		return blocked("a redirect from %s leads to %s, a host of --allow-hosts, which is only reached by its own URL", before, name)
	}
	return nil
}

// CheckURL refuses a URL that can never be reached under the policy: no host,
// another scheme, user info, a host in disguise, an address that is not public.
// A name is only checked when it is dialled.
func (p Policy) CheckURL(raw string) (*url.URL, error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return nil, blocked("the URL holds white space, control characters or backslashes")
	}
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, blocked("there is no URL")
	case err != nil || u.Opaque != "":
		return nil, blocked("the URL cannot be read; write it as https://host/path")
	case u.Scheme == "http" && !p.AllowHTTP:
		return nil, blocked("the URL must begin with https:// (plain http is allowed by --allow-http-endpoints)")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, blocked("the URL must begin with https://")
	case u.User != nil:
		return nil, blocked("the URL must not hold a user name or password")
	}
	return u, p.checkHost(u)
}

func (p Policy) checkHost(u *url.URL) error {
	host := u.Hostname()
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return blocked("the URL's port is not a number from 1 to 65535")
		}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return p.CheckAddr(addr)
	}
	name, err := lookupName(host)
	switch {
	case host == "" || len(name) > 253:
		return blocked("the URL has no host that can be looked up")
	case numeric.MatchString(host) || numeric.MatchString(name):
		return blocked("the host %q is an address in disguise; write it as four decimal numbers", host)
	case err != nil || !hostname.MatchString(name):
		return blocked("the host %q is not a host name", host)
	case (name == "localhost" || strings.HasSuffix(name, ".localhost")) && p.checkNamed(name, netip.AddrFrom4([4]byte{127, 0, 0, 1})) != nil:
		return blocked("the host %q is this machine; if it is meant to be reached, start the server with --allow-hosts %s or --allow-networks 127.0.0.0/8", host, name)
	}
	return nil
}

// Redact is a URL that can be shown: without user info, query values and
// fragment.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(unreadable URL)"
	}
	u.User, u.Fragment = nil, ""
	if u.RawQuery != "" {
		u.RawQuery = "…"
	}
	return u.String()
}

// IsBlocked tells whether an error is the policy's refusal.
func IsBlocked(err error) bool {
	var b *BlockedError
	return errors.As(err, &b)
}
