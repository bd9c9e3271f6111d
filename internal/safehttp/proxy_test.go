package safehttp

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// password is the proxies'; no error may hold it, nor the base64 that it is sent in.
const password = "pa$$ w0rd"

var basic = base64.StdEncoding.EncodeToString([]byte("user:" + password))

// testProxy is a small proxy that remembers what it was asked for.
type testProxy struct {
	url   *url.URL
	mu    sync.Mutex
	asked []string
}

// requests returns the targets asked for since the last call.
func (p *testProxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

func (p *testProxy) ask(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, target)
}

// serveProxy lets handle have every connection until the test ends.
func serveProxy(t testing.TB, scheme string, config *tls.Config, handle func(*testProxy, net.Conn)) *testProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &testProxy{url: &url.URL{Scheme: scheme, Host: l.Addr().String()}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if config != nil {
					c = tls.Server(c, config)
				}
				handle(p, c)
			}()
		}
	}()
	return p
}

// httpProxy answers CONNECT with a text, or, without one, by doing it. With
// config it speaks TLS.
func httpProxy(t testing.TB, config *tls.Config, answer string) *testProxy {
	scheme := "http"
	if config != nil {
		scheme = "https"
	}
	return serveProxy(t, scheme, config, func(p *testProxy, c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		p.ask(req.Host)
		switch {
		case answer == "silence":
			_, _ = io.Copy(io.Discard, c)
		case answer != "":
			_, _ = io.WriteString(c, strings.ReplaceAll(answer, "ECHO", req.Header.Get("Proxy-Authorization")+password))
		case req.Header.Get("Proxy-Authorization") != "Basic "+basic:
			_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 100\r\n\r\n")
		default:
			tunnel(c, req.Host, "HTTP/1.1 200 Connection established\r\nContent-Length: 0\r\n\r\n")
		}
	})
}

// tunnel joins a connection to a target, after a word of success.
func tunnel(c net.Conn, target, success string) {
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer to.Close()
	_, _ = io.WriteString(c, success)
	go func() {
		_, _ = io.Copy(to, c)
		to.Close()
	}()
	_, _ = io.Copy(c, to)
}

// socksProxy is of RFC 1928. It replies with a code, and does what it was asked
// when that is 0. With auth it wants user and password (RFC 1929).
func socksProxy(t testing.TB, auth bool, reply byte) *testProxy {
	return serveProxy(t, "socks5", nil, func(p *testProxy, c net.Conn) {
		head := make([]byte, 2)
		_, _ = io.ReadFull(c, head)
		methods := make([]byte, head[1])
		_, _ = io.ReadFull(c, methods)
		switch {
		case !auth:
			_, _ = c.Write([]byte{5, 0})
		case !strings.Contains(string(methods), "\x02"):
			_, _ = c.Write([]byte{5, 0xff})
			return
		default:
			_, _ = c.Write([]byte{5, 2})
			want := fmt.Sprintf("\x01\x04user%c%s", len(password), password)
			got := make([]byte, 512)
			if n, _ := c.Read(got); string(got[:n]) != want { // it is written at once
				_, _ = c.Write([]byte{1, 1})
				return
			}
			_, _ = c.Write([]byte{1, 0})
		}
		request := make([]byte, 4)
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		size := map[byte]int{1: 4, 4: 16}[request[3]] // a name is not expected
		target := make([]byte, size+2)
		_, _ = io.ReadFull(c, target)
		addr, _ := netip.AddrFromSlice(target[:size])
		to := netip.AddrPortFrom(addr, uint16(target[size])<<8|uint16(target[size+1])).String()
		p.ask(to)
		answer := string([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
		if reply != 0 {
			_, _ = io.WriteString(c, answer)
			return
		}
		tunnel(c, to, answer)
	})
}

func withUser(u *url.URL, password string) *url.URL {
	with := *u
	with.User = url.UserPassword("user", password)
	return &with
}

// secure is a server with a certificate for example.com and 127.0.0.1, and the
// pool that trusts it.
func secure(t *testing.T) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return srv, pool
}

// TestProxy goes through every kind of proxy to a target of http and of https:
// the proxy must be asked for the address that was checked, never for a name.
func TestProxy(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" || r.RequestURI != "/x" {
			t.Errorf("the target got %q and %v", r.RequestURI, r.Header)
		}
	}))
	defer plain.Close()
	srv, pool := secure(t)
	targets := map[string]*httptest.Server{"http": plain, "https": srv}
	open, guarded := socksProxy(t, false, 0), socksProxy(t, true, 0)
	for name, proxy := range map[string]*testProxy{
		"HTTP": httpProxy(t, nil, ""), "HTTPS": httpProxy(t, srv.TLS, ""), "SOCKS5": open, "SOCKS5 with a password": guarded,
	} {
		p := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}
		o := Options{RootCAs: pool, Resolver: dnstest.Resolver(t, [4]byte{127, 0, 0, 1}), Proxy: withUser(proxy.url, password)}
		client := p.Client(o)
		for scheme, target := range targets {
			address := target.Listener.Addr().String()
			_, port, _ := net.SplitHostPort(address)
			ctx, trace := WithTrace(t.Context())
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://example.com:"+port+"/x", nil)
			resp, err := client.Do(req)
			if err != nil {
				t.Errorf("%s to %s: %v", name, scheme, err)
				continue
			}
			resp.Body.Close()
			if diff := cmp.Diff([]string{address}, proxy.requests()); diff != "" {
				t.Errorf("%s to %s was asked for:\n%s", name, scheme, diff)
			}
			if r := trace.Record(); r.Addr.String() != address || !r.Sent || (r.TLSVersion != "") != (scheme == "https") {
				t.Errorf("%s to %s: %+v", name, scheme, r)
			}
		}
		client = Policy{AllowHTTP: true}.Client(o)
		for _, inside := range []string{"http://example.com/", "https://example.com/", "http://127.0.0.1/", "https://[::1]/", "http://169.254.169.254/"} {
			if err := get(client, inside); Classify(err) != "blocked" {
				t.Errorf("%s to %s: %v", name, inside, err)
			}
		}
		if asked := proxy.requests(); len(asked) > 0 {
			t.Errorf("%s was asked for %q", name, asked)
		}
	}
}

// TestProxyFaults tells the faults of proxies from those of targets.
func TestProxyFaults(t *testing.T) {
	srv, pool := secure(t)
	closed := newWitness(t)
	closed.Close()
	gone := func(scheme string) *url.URL { return &url.URL{Scheme: scheme, Host: closed.Addr().String()} }
	answers := func(text string) *url.URL { return httpProxy(t, nil, text).url }
	status := func(text string) *url.URL { return answers("HTTP/1.1 " + text + "\r\n\r\n") }
	raw := func(scheme, text string) *url.URL {
		return serveProxy(t, scheme, nil, func(_ *testProxy, c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, text)
		}).url
	}
	for _, tc := range []struct {
		name        string
		proxy       *url.URL
		class, says string
	}{
		{"nobody there", gone("http"), "proxy", "connection refused"},
		{"nobody there, https", gone("https"), "proxy", "connection refused"},
		{"nobody there, SOCKS", gone("socks5"), "proxy", "connection refused"},
		{"unknown name", &url.URL{Scheme: "http", Host: "proxy.invalid"}, "proxy", "no such host"},
		{"unknown name, SOCKS", &url.URL{Scheme: "socks5", Host: "proxy.invalid"}, "proxy", "no such host"},
		{"plain where TLS should be", raw("https", "HTTP/1.1 400 Bad Request\r\n\r\n"), "proxy", "tls: "},
		{"wrong password", withUser(httpProxy(t, nil, "").url, "wrong"), "proxy", "407 Proxy Authentication Required; check the user"},
		{"no password", httpProxy(t, nil, "").url, "proxy", "407"},
		{"forbidden", status("403 ECHO"), "proxy", "it answered 403 Forbidden"},
		{"too many", status("429 Slow down"), "proxy", "429 Too Many Requests"},
		{"method not allowed", status("405 No"), "proxy", "405"},
		{"broken", status("500 ECHO"), "proxy", "500 Internal Server Error"},
		{"redirect", status("302 Found\r\nLocation: http://127.0.0.1/"), "proxy", "302 Found"},
		{"interim", status("100 Continue"), "proxy", "100 Continue"},
		{"unknown status", status("999 ECHO"), "proxy", "it answered 999"},
		{"body without end", answers("HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000\r\n\r\nx"), "proxy", "403"},
		{"garbage", answers("ECHO\r\n\r\n"), "proxy", "not answer in HTTP"},
		{"garbage in the head", answers("HTTP/1.1 200 OK\r\nECHO\r\n\r\n"), "proxy", "not answer in HTTP"},
		{"hangs up", answers("HTTP/1.1 200 OK\r\n"), "proxy", "hung up"},
		{"head without end", answers("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 100)), "proxy", "hung up"},
		{"says too much", status("200 OK\r\n\r\nHTTP/1.1 200 OK"), "proxy", "more than its answer"},
		{"target's 502", status("502 Bad Gateway"), "refused", "502 Bad Gateway"},
		{"target's 503", status("503 ECHO"), "refused", "503 Service Unavailable"},
		{"target's 504", status("504 Gateway Timeout"), "timeout", "504 Gateway Timeout"},
		{"SOCKS, wrong password", withUser(socksProxy(t, true, 0).url, "wrong"), "proxy", "authentication failed"},
		{"SOCKS, no password", socksProxy(t, true, 0).url, "proxy", "no acceptable authentication methods"},
		{"SOCKS 1", socksProxy(t, false, 1).url, "proxy", "general SOCKS server failure"},
		{"SOCKS 2", socksProxy(t, false, 2).url, "proxy", "not allowed by ruleset"},
		{"SOCKS 3", socksProxy(t, false, 3).url, "refused", "network unreachable"},
		{"SOCKS 4", socksProxy(t, false, 4).url, "refused", "host unreachable"},
		{"SOCKS 5", socksProxy(t, false, 5).url, "refused", "connection refused"},
		{"SOCKS 6", socksProxy(t, false, 6).url, "timeout", "TTL expired"},
		{"SOCKS 7", socksProxy(t, false, 7).url, "proxy", "command not supported"},
		{"SOCKS 8", socksProxy(t, false, 8).url, "proxy", "address type not supported"},
		{"SOCKS 99", socksProxy(t, false, 99).url, "proxy", "unknown code"},
		{"SOCKS, speaks HTTP", raw("socks5", "HTTP/1.1 400 Bad Request\r\n\r\n"), "proxy", "unexpected protocol version"},
		{"SOCKS, hangs up", raw("socks5", ""), "proxy", "hung up"},
		{"unknown scheme", &url.URL{Scheme: "quic", Host: "127.0.0.1:1"}, "proxy", "none of http"},
	} {
		proxy := tc.proxy
		if proxy.User == nil && !strings.HasSuffix(tc.name, "no password") {
			proxy = withUser(proxy, password)
		}
		p := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}
		err := get(p.Client(Options{RootCAs: pool, Proxy: proxy, Resolver: dnstest.Resolver(t)}), srv.URL)
		if Classify(err) != tc.class || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %s, %v", tc.name, Classify(err), err)
		}
		var faulty *ProxyError
		if errors.As(err, &faulty) && (tc.class != "proxy" || faulty.Proxy != proxy.Scheme+"://"+proxy.Host && proxy.Port() != "") {
			t.Errorf("%s: %+v", tc.name, faulty)
		}
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, password) || strings.Contains(text, basic) {
			t.Errorf("%s: the error holds the password: %v", tc.name, err)
		}
	}
}

// TestProxySilent holds that a proxy that was reached and says nothing counts as
// a target that does.
func TestProxySilent(t *testing.T) {
	silent := func(_ *testProxy, c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	for name, tc := range map[string]struct {
		proxy *url.URL
		class string
	}{
		"HTTP":         {httpProxy(t, nil, "silence").url, "timeout"},
		"SOCKS5":       {serveProxy(t, "socks5", nil, silent).url, "timeout"},
		"TLS to HTTPS": {serveProxy(t, "https", nil, silent).url, "proxy"},
	} {
		client := Policy{AllowHTTP: true}.Client(Options{Proxy: tc.proxy, ConnectTimeout: 50 * time.Millisecond})
		if err := get(client, "http://1.1.1.1/"); Classify(err) != tc.class {
			t.Errorf("%s: %s, %v", name, Classify(err), err)
		}
	}
}

// TestProxyTakesTheNextAddress asks for the other address of a name when the
// first cannot be reached.
func TestProxyTakesTheNextAddress(t *testing.T) {
	proxy := httpProxy(t, nil, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
	resolver := dnstest.Resolver(t, [4]byte{1, 1, 1, 1}, [4]byte{8, 8, 8, 8})
	_ = get(Policy{AllowHTTP: true}.Client(Options{Proxy: proxy.url, Resolver: resolver}), "http://two.test/")
	if asked := proxy.requests(); len(asked) != 2 || asked[0] == asked[1] {
		t.Errorf("asked for %q", asked)
	}
	proxy = httpProxy(t, nil, "HTTP/1.1 403 Forbidden\r\n\r\n")
	_ = get(Policy{AllowHTTP: true}.Client(Options{Proxy: proxy.url, Resolver: resolver}), "http://two.test/")
	if asked := proxy.requests(); len(asked) != 1 {
		t.Errorf("a proxy at fault was asked for %q", asked)
	}
}

func TestParseProxy(t *testing.T) {
	for _, text := range []string{
		"http://proxy:3128", "http://proxy", "https://proxy.example/", "socks5://127.0.0.1:1080", "SOCKS5://[::1]",
		"http://user:pass@proxy:3128", "http://user@proxy", "socks5://u%40x:p%3A%2F%20@proxy",
	} {
		if _, err := ParseProxy(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, says := range map[string]string{
		"":                             "is empty",
		"proxy:3128":                   "must begin with",
		"ftp://proxy":                  "must begin with",
		"user:s3cret@proxy:3128":       "must begin with",
		"s3cret://proxy":               "must begin with",
		"socks5h://proxy":              "write socks5://",
		"http://user:s3cret@":          "no host",
		"http://:3128":                 "no host",
		"http://user:s3cret@pro xy":    "cannot be read",
		"http://user:s3cret%zz@proxy":  "cannot be read",
		"http://user:s3cret\n@proxy":   "cannot be read",
		"http://user:s3cret@proxy:":    "port",
		"http://user:s3cret@proxy:0":   "port",
		"http://proxy:99999":           "port",
		"http://proxy/s3cret":          "end after host and port",
		"http://proxy?s3cret":          "end after host and port",
		"http://user:s3#cret@proxy":    "cannot be read",
		"http://proxy/#s3cret":         "end after host and port",
		"http://:s3cret@proxy":         "no user name",
		"http://a%3Ab:s3cret@proxy":    "colon",
		"socks5://" + long("s3cret"):   "255 bytes",
		"socks5://u:" + long("s3cret"): "255 bytes",
	} {
		u, err := ParseProxy(text)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3") {
			t.Errorf("%q: got %v, %v", text, u, err)
		}
	}
}

func long(word string) string { return strings.Repeat(word, 50) + "@proxy" }
