package safehttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxProxyAnswer bounds the head of a proxy's answer, in bytes.
const maxProxyAnswer = 64 << 10

// ProxyError is a fault of the forward proxy itself, not of what lies behind it.
// Its text holds nothing that the proxy sent, which may be an echo of the
// password.
type ProxyError struct {
	// Proxy is the proxy's URL without user info.
	Proxy string
	// Err is what went wrong.
	Err error
}

func (e *ProxyError) Error() string { return fmt.Sprintf("the proxy %s: %v", e.Proxy, e.Err) }

// Unwrap returns what went wrong.
func (e *ProxyError) Unwrap() error { return e.Err }

// unreachable is a target that the proxy says it cannot reach.
type unreachable struct {
	to      netip.AddrPort
	says    string
	timeout bool
}

func (e *unreachable) Error() string {
	return fmt.Sprintf("the proxy cannot reach %s: %s", e.to, e.says)
}
func (e *unreachable) Timeout() bool   { return e.timeout }
func (e *unreachable) Temporary() bool { return true }

// Is makes it count as a connection that was refused, unless it took too long.
func (e *unreachable) Is(target error) bool { return !e.timeout && target == syscall.ECONNREFUSED }

// ports are the default ports of the schemes a proxy may have.
var ports = map[string]string{"http": "80", "https": "443", "socks5": "1080"}

// ParseProxy reads the URL of a forward proxy: http, https or socks5, with user
// and password if it wants them. Its errors hold nothing of the text, which may
// be a secret.
func ParseProxy(text string) (*url.URL, error) {
	scheme, _, ok := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case text == "":
		return nil, errors.New("the proxy's URL is empty; write it as http://host:port")
	case scheme == "socks5h":
		return nil, errors.New("names are looked up and checked here, never by the proxy; write socks5:// in place of socks5h://")
	case !ok || ports[scheme] == "":
		return nil, errors.New("the proxy's URL must begin with http://, https:// or socks5://")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the proxy's URL cannot be read; write it as http://user:password@host:port, with %-escapes for special characters")
	case u.Hostname() == "":
		return nil, errors.New("the proxy's URL has no host; write it as http://host:port")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the proxy's URL must end after host and port; special characters of a password are written as %-escapes")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, errors.New("the proxy's port is not a number from 1 to 65535")
		}
	}
	password, _ := u.User.Password()
	name := u.User.Username()
	switch {
	case name == "" && password != "":
		return nil, errors.New("the proxy's URL has a password but no user name")
	case u.Scheme == "socks5" && (len(name) > 255 || len(password) > 255):
		return nil, errors.New("the proxy's user name and password may have 255 bytes each (RFC 1929)")
	case u.Scheme != "socks5" && strings.Contains(name, ":"):
		return nil, errors.New("the proxy's user name must not hold a colon (RFC 7617)")
	}
	return u, nil
}

// proxy makes tunnels to addresses. It is never told a name, so that its own
// resolver has no say in where they lead.
type proxy struct {
	url      *url.URL
	name     string // the URL without user info
	address  string
	resolver *net.Resolver
	tls      *tls.Config
}

func newProxy(u *url.URL, resolver *net.Resolver, config *tls.Config) *proxy {
	port := u.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	config = config.Clone()
	config.ServerName = u.Hostname()
	return &proxy{u, u.Scheme + "://" + address, address, resolver, config}
}

func (p *proxy) fault(err error) error { return &ProxyError{p.name, err} }

// connect asks the proxy for a tunnel to an address. A proxy answers when it has
// reached the target or not, so one that was reached and is silent counts as a
// target that is.
func (p *proxy) connect(ctx context.Context, _ string, to netip.AddrPort) (net.Conn, error) {
	if to.Addr().Zone() != "" {
		return nil, blocked("the address %s is of this machine's own network, where no proxy leads", to.Addr())
	}
	switch p.url.Scheme {
	case "socks5":
		return p.socks(ctx, to)
	case "http", "https":
		return p.tunnel(ctx, to)
	}
	return nil, p.fault(errors.New("it is none of http, https and socks5"))
}

// reach connects to the proxy itself.
func (p *proxy) reach(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Resolver: p.resolver}
	c, err := dialer.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, p.fault(err)
	}
	if p.url.Scheme != "https" {
		return c, nil
	}
	secure := tls.Client(c, p.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, p.fault(err)
	}
	return secure, nil
}

// tunnel asks an HTTP proxy with CONNECT (RFC 9110, section 9.3.6).
func (p *proxy) tunnel(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	c, err := p.reach(ctx)
	if err != nil {
		return nil, err
	}
	interrupt := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	err = p.ask(c, to)
	if !interrupt() && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (p *proxy) ask(c net.Conn, to netip.AddrPort) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: to.String()}, Host: to.String(), Header: http.Header{
		"User-Agent": {""}, // sends none: Go's own is turned away by some
	}}
	if p.url.User != nil {
		password, _ := p.url.User.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(p.url.User.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	if err := req.Write(c); err != nil {
		return p.fault(err)
	}
	r := bufio.NewReader(io.LimitReader(c, maxProxyAnswer))
	resp, err := http.ReadResponse(r, req)
	switch {
	case err != nil && isReset(err):
		return p.fault(errors.New("it hung up before it answered"))
	case err != nil:
		return p.fault(errors.New("it did not answer in HTTP that can be read"))
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		c.Close() // first, so that the body is not waited for
		resp.Body.Close()
		return p.refusal(resp.StatusCode, to)
	}
	// The target speaks only when spoken to, and no byte may be lost here.
	if r.Buffered() > 0 {
		return p.fault(errors.New("it sent more than its answer"))
	}
	return nil
}

// refusal tells the proxy's own faults from those of the target (RFC 9110,
// section 15.6).
func (p *proxy) refusal(status int, to netip.AddrPort) error {
	says := strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return &unreachable{to, says, false}
	case http.StatusGatewayTimeout:
		return &unreachable{to, says, true}
	case http.StatusProxyAuthRequired:
		says += "; check the user name and password of its URL"
	}
	return p.fault(errors.New("it answered " + says))
}
