package safehttp

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// numeric matches hosts whose last part is a number, decimal, octal or
// hexadecimal. No name of DNS ends so; some resolvers read it as an IPv4 address
// of one to four parts, and browsers refuse the rest (WHATWG URL, section 3.5).
var numeric = regexp.MustCompile(`(?i)^(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)\.?$`)

var hostname = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// ascii maps a name as a client does before it looks it up, so that digits in
// circles are seen for what they become.
var ascii = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false))

// lookupName is a host as a resolver is asked for it: mapped by IDNA (UTS 46),
// in lower case, without the dot at its end.
func lookupName(host string) (string, error) {
	return ascii.ToASCII(strings.TrimSuffix(host, "."))
}

// ParseHosts reads a list for Policy.AllowHosts, which it returns as resolvers
// are asked for it. It refuses what is no host name, and a wildcard below which
// strangers can register names, for those could then lead anywhere.
func ParseHosts(list []string) ([]string, error) {
	hosts := make([]string, len(list))
	for i, text := range list {
		host, err := parseHost(text)
		if err != nil {
			return nil, fmt.Errorf("allowed host %d: %w", i+1, err)
		}
		hosts[i] = host
	}
	return hosts, nil
}

func parseHost(text string) (string, error) {
	text = strings.TrimSpace(text)
	_, addrErr := netip.ParseAddr(strings.Trim(text, "[]"))
	_, prefixErr := netip.ParsePrefix(text)
	rest, wild := strings.CutPrefix(text, "*.")
	switch {
	case text == "":
		return "", errors.New("the name is empty; write a host name such as n8n.internal, or *.internal.example for all below one")
	case addrErr == nil, prefixErr == nil, numeric.MatchString(text):
		return "", fmt.Errorf("%q is an address, not a name; allow it with --allow-networks", text)
	case strings.ContainsAny(text, "/@?#"): // not quoted: a URL may hold a password
		return "", errors.New("a URL is no host name; write the name alone, such as n8n.internal")
	case strings.Contains(text, ":"):
		return "", fmt.Errorf("%q holds a port; write the name alone, its every port is allowed", text)
	case text == "*" || text == "*.":
		return "", fmt.Errorf("%q would allow every name; write the names that are meant, such as n8n.internal", text)
	case strings.Contains(rest, "*"):
		return "", fmt.Errorf(`in %q the * is misplaced; it may only come first, as in *.internal.example`, text)
	}
	name, err := lookupName(rest)
	if err != nil || len(name) > 253 || !hostname.MatchString(name) || numeric.MatchString(name) {
		return "", fmt.Errorf("%q is not a host name", text)
	}
	if !wild {
		return name, nil
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	if suffix == name && (icann || strings.Contains(name, ".")) {
		return "", fmt.Errorf("below %s anyone can register a name that leads inside; write the names that are meant", name)
	}
	return "*." + name, nil
}

// allows tells whether a host is named by AllowHosts. Entries that ParseHosts
// would refuse allow nothing, and no spelling of an address is a name.
func (p Policy) allows(host string) bool {
	if len(p.AllowHosts) == 0 {
		return false
	}
	name, err := lookupName(host)
	if err != nil {
		return false
	}
	for _, text := range p.AllowHosts {
		entry, err := parseHost(text)
		if err != nil {
			continue
		}
		// "*.example.com" is cut to ".example.com", which needs something before it.
		if name == entry || entry[0] == '*' && len(name) >= len(entry) && strings.HasSuffix(name, entry[1:]) {
			return true
		}
	}
	return false
}
