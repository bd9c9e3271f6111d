package safehttp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	xproxy "golang.org/x/net/proxy"
)

// forward lets the SOCKS library connect to the proxy in our way.
type forward func(context.Context) (net.Conn, error)

// Dial is needed by the library's interface and not called.
func (f forward) Dial(string, string) (net.Conn, error) { return f(context.Background()) }

// DialContext connects to the proxy.
func (f forward) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return f(ctx) }

// socks asks a SOCKS proxy (RFC 1928).
func (p *proxy) socks(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var auth *xproxy.Auth
	if p.url.User != nil {
		password, _ := p.url.User.Password()
		auth = &xproxy.Auth{User: p.url.User.Username(), Password: password}
	}
	dialer, err := xproxy.SOCKS5("tcp", p.address, auth, forward(p.reach))
	if err != nil {
		return nil, p.fault(err)
	}
	c, err := dialer.(xproxy.ContextDialer).DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, p.socksFault(ctx, err, to)
	}
	return c, nil
}

// socksFault tells the proxy's own faults from those of the target. The library
// has no types for what a proxy replies, only fixed texts (RFC 1928, section 6),
// which are therefore free of secrets.
func (p *proxy) socksFault(ctx context.Context, err error, to netip.AddrPort) error {
	var own *ProxyError
	var netErr net.Error
	switch {
	case errors.As(err, &own):
		return own
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &netErr) && netErr.Timeout():
		return err
	case isReset(err):
		return p.fault(errors.New("it hung up before it answered"))
	}
	says := err
	var op *net.OpError
	if errors.As(err, &op) {
		says = op.Err // without the addresses around it
	}
	reply, _ := strings.CutPrefix(says.Error(), "unknown error ")
	switch reply {
	case "network unreachable", "host unreachable", "connection refused":
		return &unreachable{to, reply, false}
	case "TTL expired":
		return &unreachable{to, reply, true}
	}
	return p.fault(errors.New(reply))
}
