package safehttp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// insides are addresses a request from outside must never reach.
var insides = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.254", "127.0.0.1", "127.1.2.3",
	"127.255.255.255", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
	"192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
}

// disguises are the ways to write an IPv4 address as a URL's host.
var disguises = map[string]func([4]byte) string{
	"plain":        func(b [4]byte) string { return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3]) },
	"trailing dot": func(b [4]byte) string { return fmt.Sprintf("%d.%d.%d.%d.", b[0], b[1], b[2], b[3]) },
	"decimal":      func(b [4]byte) string { return fmt.Sprint(word(b)) },
	"hex":          func(b [4]byte) string { return fmt.Sprintf("0x%08x", word(b)) },
	"HEX":          func(b [4]byte) string { return fmt.Sprintf("0X%08X", word(b)) },
	"octal":        func(b [4]byte) string { return fmt.Sprintf("0%o", word(b)) },
	"dotted hex":   func(b [4]byte) string { return fmt.Sprintf("0x%x.0x%x.0x%x.0x%x", b[0], b[1], b[2], b[3]) },
	"dotted octal": func(b [4]byte) string { return fmt.Sprintf("0%03o.0%03o.0%03o.0%03o", b[0], b[1], b[2], b[3]) },
	"two parts":    func(b [4]byte) string { return fmt.Sprintf("%d.%d", b[0], word(b)&0xffffff) },
	"three parts":  func(b [4]byte) string { return fmt.Sprintf("%d.%d.%d", b[0], b[1], word(b)&0xffff) },
	"mapped":       func(b [4]byte) string { return fmt.Sprintf("[::ffff:%d.%d.%d.%d]", b[0], b[1], b[2], b[3]) },
	"mapped hex":   func(b [4]byte) string { return fmt.Sprintf("[::ffff:%x:%x]", word(b)>>16, word(b)&0xffff) },
	"mapped long":  func(b [4]byte) string { return fmt.Sprintf("[0:0:0:0:0:ffff:%x:%x]", word(b)>>16, word(b)&0xffff) },
	"compatible":   func(b [4]byte) string { return fmt.Sprintf("[::%d.%d.%d.%d]", b[0], b[1], b[2], b[3]) },
	"SIIT":         func(b [4]byte) string { return fmt.Sprintf("[::ffff:0:%d.%d.%d.%d]", b[0], b[1], b[2], b[3]) },
	"NAT64":        func(b [4]byte) string { return fmt.Sprintf("[64:ff9b::%d.%d.%d.%d]", b[0], b[1], b[2], b[3]) },
	"local NAT64":  func(b [4]byte) string { return fmt.Sprintf("[64:ff9b:1::%x:%x]", word(b)>>16, word(b)&0xffff) },
	"6to4":         func(b [4]byte) string { return fmt.Sprintf("[2002:%x:%x::1]", word(b)>>16, word(b)&0xffff) },
	"Teredo": func(b [4]byte) string {
		return fmt.Sprintf("[2001:0:4136:e378:8000:63bf:%x:%x]", ^word(b)>>16, ^word(b)&0xffff)
	},
	"ISATAP":             func(b [4]byte) string { return fmt.Sprintf("[2607:f8b0::5efe:%x:%x]", word(b)>>16, word(b)&0xffff) },
	"user info":          func(b [4]byte) string { return fmt.Sprintf("example.com@%d.%d.%d.%d", b[0], b[1], b[2], b[3]) },
	"mapped with a zone": func(b [4]byte) string { return fmt.Sprintf("[::ffff:%d.%d.%d.%d%%25eth0]", b[0], b[1], b[2], b[3]) },
}

func word(b [4]byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// TestInsideIsRefused spells every inside address in every disguise: over six
// hundred URLs.
func TestInsideIsRefused(t *testing.T) {
	n := 0
	for _, inside := range insides {
		b := netip.MustParseAddr(inside).As4()
		for name, spell := range disguises {
			n++
			url := "https://" + spell(b) + "/hook"
			if _, err := (Policy{}).CheckURL(url); !IsBlocked(err) {
				t.Errorf("%s of %s: %s passed (%v)", name, inside, url, err)
			}
		}
	}
	if n < 600 {
		t.Errorf("only %d spellings", n)
	}
}

func TestCheckURL(t *testing.T) {
	for _, tc := range []struct {
		url    string
		policy Policy
		ok     bool
	}{
		{"https://example.com/hook?a=b#c", Policy{}, true},
		{"https://example.com:8443/", Policy{}, true},
		{"https://8.8.8.8/", Policy{}, true},
		{"https://[2606:4700:4700::1111]/", Policy{}, true},
		{"https://xn--bcher-kva.example/", Policy{}, true},
		{"https://bücher.example/", Policy{}, true},
		{"https://my_host.example/", Policy{}, true},
		{"https://123.example/", Policy{}, true},
		{"http://example.com/", Policy{}, false},
		{"http://example.com/", Policy{AllowHTTP: true}, true},
		{"https://127.0.0.1:9/x", Policy{AllowNetworks: nets("127.0.0.0/8")}, true},
		{"https://[::ffff:127.0.0.1]/", Policy{AllowNetworks: nets("127.0.0.0/8")}, true},
		{"https://localhost/", Policy{AllowNetworks: nets("127.0.0.0/8")}, true},
		{"https://10.0.0.1/", Policy{AllowNetworks: nets("127.0.0.0/8")}, false},
		{"https://[fd00::1]/", Policy{AllowNetworks: nets("fd00::/8")}, true},
		{"https://localhost/", Policy{}, false},
		{"https://LOCALHOST./", Policy{}, false},
		{"https://api.localhost/", Policy{}, false},
		{"https://[::1]/", Policy{}, false},
		{"https://[::]/", Policy{}, false},
		{"https://[fe80::1]/", Policy{}, false},
		{"https://[fe80::1%25eth0]/", Policy{}, false},
		{"https://[fec0::1]/", Policy{}, false},
		{"https://[fd00:ec2::254]/", Policy{}, false},
		{"https://[ff02::1]/", Policy{}, false},
		{"https://[2001:db8::1]/", Policy{}, false},
		{"https://[3fff::1]/", Policy{}, false},
		{"https://[5f00::1]/", Policy{}, false},
		{"https://[100::1]/", Policy{}, false},
		{"", Policy{}, false},
		{"/relative", Policy{}, false},
		{"//example.com/", Policy{}, false},
		{"https://", Policy{}, false},
		{"https:///path", Policy{}, false},
		{"https://:443/", Policy{}, false},
		{"https:example.com", Policy{}, false},
		{"ftp://example.com/", Policy{}, false},
		{"file:///etc/passwd", Policy{}, false},
		{"javascript:alert(1)", Policy{}, false},
		{"gopher://example.com/", Policy{}, false},
		{"https://user@example.com/", Policy{}, false},
		{"https://user:pass@example.com/", Policy{}, false},
		{"https://example.com:0/", Policy{}, false},
		{"https://example.com:70000/", Policy{}, false},
		{"https://example.com:/", Policy{}, false},
		{"https://exa mple.com/", Policy{}, false},
		{"https://example.com\\@10.0.0.1/", Policy{}, false},
		{"https://example.com\t/", Policy{}, false},
		{"https://example.com/\r\nHost: x", Policy{}, false},
		{"https://-example.com/", Policy{}, false},
		{"https://exa..mple.com/", Policy{}, false},
		{"https://①②⑦.⓪.⓪.①/", Policy{}, false},
		{"https://127。0。0。1/", Policy{}, false},
		{"https://" + strings.Repeat("a.", 130) + "com/", Policy{}, false},
	} {
		_, err := tc.policy.CheckURL(tc.url)
		if (err == nil) != tc.ok {
			t.Errorf("%q: got %v, want ok %v", tc.url, err, tc.ok)
		}
		if err != nil && !IsBlocked(err) {
			t.Errorf("%q: %T is no refusal", tc.url, err)
		}
	}
}

func nets(list ...string) (prefixes []netip.Prefix) {
	for _, s := range list {
		prefixes = append(prefixes, netip.MustParsePrefix(s))
	}
	return prefixes
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://u:p@x.test/a?token=s3cret#frag": "https://x.test/a?…",
		"https://x.test/a":                       "https://x.test/a",
		"https://x.test/%zz":                     "(unreadable URL)",
	} {
		if got := Redact(in); !strings.HasPrefix(got, strings.TrimSuffix(want, "…")) || strings.Contains(got, "s3cret") {
			t.Errorf("%s became %s", in, got)
		}
	}
}
