package safehttp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// dialer connects to the hosts of URLs under a policy. It looks names up itself,
// for only so does it know both the name and the address: names are allowed by
// the one, refused by the other, and what was checked is what is dialled.
type dialer struct {
	policy   Policy
	timeout  time.Duration
	resolver *net.Resolver
	tls      *tls.Config
	// dial connects to an address that lookup has permitted for a host, directly
	// or through a proxy.
	dial func(ctx context.Context, host string, to netip.AddrPort) (net.Conn, error)
}

// dialPlain connects to the host and port of an http URL.
func (d *dialer) dialPlain(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	c, err := d.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// dialTLS connects to the host and port of an https URL. The transport is given
// a *tls.Conn, with our connection underneath.
func (d *dialer) dialTLS(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	c, err := d.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	config := d.tls.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address) // connect has split it already
	secure, began := tls.Client(c, config), time.Now()
	err = secure.HandshakeContext(ctx)
	c.made.TLS = time.Since(began)
	if err != nil {
		c.Close()
		traceOf(ctx).progress(c.made)
		return nil, slow(err, "the TLS handshake with "+config.ServerName)
	}
	state := secure.ConnectionState()
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	c.made.TLSVersion, c.made.Fingerprint = tls.VersionName(state.Version), hex.EncodeToString(sum[:])
	traceOf(ctx).progress(c.made)
	return secure, nil
}

// connect looks a host up and tries its addresses in order, each for its share
// of the time that is left. The error is that of the first, as with net.Dialer.
func (d *dialer) connect(ctx context.Context, address string) (*conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, blocked("the address %q cannot be dialled", address)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, blocked("the port of %q cannot be dialled", address)
	}
	trace, began := traceOf(ctx), time.Now()
	addrs, err := d.lookup(ctx, host)
	c := &conn{made: Record{DNS: time.Since(began)}}
	trace.progress(c.made)
	if err != nil {
		return nil, slow(err, "looking up "+host)
	}
	began = time.Now()
	var first error
	for i, addr := range addrs {
		c.made.Addr = netip.AddrPortFrom(addr, uint16(port))
		trace.progress(c.made)
		c.Conn, err = d.try(ctx, host, c.made.Addr, len(addrs)-i)
		c.made.Connect = time.Since(began)
		trace.progress(c.made)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = slow(err, "connecting to "+c.made.Addr.String())
		}
		var faulty *ProxyError
		if ctx.Err() != nil || errors.As(err, &faulty) {
			break // no other address would do better
		}
	}
	return nil, first
}

// lookup returns the addresses of a host, every one permitted, the two families
// of addresses taking turns.
//
// A name that has one refused address among others is refused whole. Nobody
// means such a name to be fetched; it is how an attacker gets past a check of the
// first address, or waits until the others fail.
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, d.policy.CheckAddr(addr)
	}
	addrs, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for i, addr := range addrs {
		// What is dialled for ::ffff:192.0.2.1 is 192.0.2.1, so that is checked.
		addrs[i] = addr.Unmap()
		if err := d.policy.checkNamed(host, addrs[i]); err != nil {
			return nil, err
		}
	}
	return takeTurns(addrs), nil
}

// takeTurns puts IPv4 and IPv6 in turns, beginning with the family that the
// resolver prefers (RFC 8305, section 4): a host whose IPv6 leads nowhere must
// not cost the whole budget.
func takeTurns(addrs []netip.Addr) []netip.Addr {
	var preferred, other []netip.Addr
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			preferred = append(preferred, a)
		} else {
			other = append(other, a)
		}
	}
	turns := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(preferred), len(other)) {
		if i < len(preferred) {
			turns = append(turns, preferred[i])
		}
		if i < len(other) {
			turns = append(turns, other[i])
		}
	}
	return turns
}

// try dials one of so many addresses that are left.
func (d *dialer) try(ctx context.Context, host string, to netip.AddrPort, left int) (net.Conn, error) {
	const least = 2 * time.Second // below which a far host would have no chance
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		share := max(least, time.Until(deadline)/time.Duration(left))
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	return d.dial(ctx, host, to)
}

// direct dials without a proxy.
func (d *dialer) direct(ctx context.Context, host string, to netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
		return d.wall(host, to, network, address)
	}}
	return dialer.DialContext(ctx, "tcp", to.String())
}

// wall is the last one, at the socket: nothing is connected but the very address
// that was permitted, and that is checked once more.
func (d *dialer) wall(host string, to netip.AddrPort, network, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || at != to || network != "tcp4" && network != "tcp6" {
		return blocked("the address %s cannot be dialled", address)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return d.policy.CheckAddr(at.Addr())
	}
	return d.policy.checkNamed(host, at.Addr())
}

// slow replaces the error of a deadline by one that says what took too long. Only
// our own deadlines pass here: the transport does not hand on the request's. The
// new one is not context.DeadlineExceeded, so that both can be told apart.
func slow(err error, doing string) error {
	var faulty *ProxyError
	late := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	if !late || errors.As(err, &faulty) {
		return err
	}
	return &timeoutError{doing}
}

// timeoutError is a connection that took longer than it may.
type timeoutError struct{ doing string }

func (e *timeoutError) Error() string   { return e.doing + " took too long" }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }
