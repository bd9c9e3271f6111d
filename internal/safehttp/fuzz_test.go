package safehttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// inside is a reckoning of its own of what no address dialled may be: by the
// standard library's notions, and every IPv4 address that an IPv6 one may carry.
func inside(addr netip.Addr) bool {
	if addr.Is4() {
		b := addr.As4()
		return !addr.IsGlobalUnicast() || addr.IsPrivate() || b[0] == 0 || b[0] >= 240 || b[0] == 100 && b[1]&0xc0 == 64
	}
	b := addr.As16()
	carries := b[0] == 0x20 && b[1] == 2 || b[0] == 0x20 && b[1] == 1 && b[2] == 0 && b[3] == 0
	return !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Is4In6() || addr.Zone() != "" || b[0]&0xe0 != 0x20 || carries
}

// FuzzCheckURL asks for any URL, of a resolver that answers with any address,
// with and without regard for what CheckURL says. What a proxy, which stands for
// the world, is then asked for must be public.
func FuzzCheckURL(f *testing.F) {
	for _, host := range insides {
		for _, spell := range disguises {
			f.Add("http://"+spell(netip.MustParseAddr(host).As4())+"/", []byte{8, 8, 8, 8})
		}
		f.Add("http://example.com/", netip.MustParseAddr(host).AsSlice())
	}
	f.Add("https://8.8.8.8/", []byte{10, 0, 0, 1})
	f.Add("https://allowed.test/", []byte{10, 0, 0, 1})
	f.Add("http://x.test/", netip.MustParseAddr("2002:7f00:1::1").AsSlice())
	var answer atomic.Value
	resolver := dnstest.Serve(f, func(dnstest.Question) dnstest.Answer {
		addr, _ := netip.AddrFromSlice(answer.Load().([]byte))
		return dnstest.Answer{Addrs: []netip.Addr{addr}}
	})
	proxy := httpProxy(f, nil, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
	p := Policy{AllowHTTP: true, AllowHosts: []string{"allowed.test"}}
	client := p.Client(Options{Resolver: resolver, Proxy: proxy.url, ConnectTimeout: time.Minute})
	f.Fuzz(func(t *testing.T, raw string, addr []byte) {
		if len(addr) != 4 && len(addr) != 16 {
			return
		}
		answer.Store(addr)
		u, err := p.CheckURL(raw)
		if err == nil && (u.User != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "") {
			t.Fatalf("%q passed", raw)
		}
		_ = get(client, raw)
		for _, asked := range proxy.requests() {
			to, err := netip.ParseAddrPort(asked)
			if err != nil {
				t.Fatalf("%q: the proxy was asked for %q", raw, asked)
			}
			parsed, err := url.Parse(raw)
			if inside(to.Addr()) && (err != nil || !p.allows(parsed.Hostname())) {
				t.Errorf("%q with %v led to %v", raw, addr, to)
			}
		}
	})
}

// FuzzProxyAnswer lets a proxy say anything. It must lead to a tunnel without a
// byte lost, or to an error that is of a known kind and keeps the password.
func FuzzProxyAnswer(f *testing.F) {
	for _, status := range []string{"200 OK", "204 No", "100 Continue", "101 Switching Protocols", "407 Auth", "502 Bad Gateway", "504 Late", "999 ?"} {
		f.Add(false, []byte("HTTP/1.1 "+status+"\r\n\r\n"))
		f.Add(false, []byte("HTTP/1.0 "+status+"\r\nContent-Length: 5\r\n\r\nhello"))
	}
	f.Add(false, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"))
	f.Add(true, []byte{5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	f.Add(true, []byte{5, 2, 1, 0, 5, 0, 0, 3, 2, 'h', 'i', 0, 0})
	f.Add(true, []byte{5, 0, 5, 6, 0, 1})
	f.Add(true, []byte{5, 255})
	var says atomic.Value
	talk := func(_ *testProxy, c net.Conn) {
		_, _ = c.Write(says.Load().([]byte))
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	proxies := map[bool]*proxy{
		false: newProxy(withUser(serveProxy(f, "http", nil, talk).url, password), nil, &tls.Config{MinVersion: tls.VersionTLS12}),
		true:  newProxy(withUser(serveProxy(f, "socks5", nil, talk).url, password), nil, &tls.Config{MinVersion: tls.VersionTLS12}),
	}
	to := netip.MustParseAddrPort("1.1.1.1:443")
	f.Fuzz(func(t *testing.T, socks bool, answer []byte) {
		says.Store(answer)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c, err := proxies[socks].connect(ctx, "", to)
		if err == nil {
			defer c.Close()
			if rest, err := io.ReadAll(c); err != nil || !bytes.HasSuffix(answer, rest) {
				t.Errorf("%q: %q behind the answer, %v", answer, rest, err)
			}
			return
		}
		switch class := Classify(err); class {
		case "proxy", "refused", "timeout":
		default:
			t.Errorf("%q: %s, %v", answer, class, err)
		}
		if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), basic) {
			t.Errorf("%q: %v", answer, err)
		}
	})
}
