package safehttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Options shape a client.
type Options struct {
	// RootCAs are trusted in place of the system's, nil for the system's. They
	// are trusted for an https proxy too.
	RootCAs *x509.CertPool
	// ConnectTimeout bounds everything until a request can be written, as one
	// budget: looking the name up, every address that is tried, the proxy, and
	// TLS. HeaderTimeout bounds waiting for an answer to begin. Zero is 10 s and
	// no bound.
	ConnectTimeout, HeaderTimeout time.Duration
	// Redirects is how many are followed, each checked again. 0 returns the
	// redirect itself as the answer.
	Redirects int
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// PerHost is how many idle connections to one host are kept.
	PerHost int
	// Certificate is shown to servers that ask for one; nil is none.
	Certificate *tls.Certificate
	// Proxy is a forward proxy that every connection goes through, nil for none:
	// see ParseProxy. Its own address is not subject to the policy.
	Proxy *url.URL
}

// Client is an HTTP client that reaches only what the policy permits.
func (p Policy) Client(o Options) *http.Client {
	d := p.dialer(o)
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // net/http would let the proxy resolve names, unchecked
			DialContext:            d.dialPlain,
			DialTLSContext:         d.dialTLS,
			ResponseHeaderTimeout:  o.HeaderTimeout,
			MaxIdleConnsPerHost:    max(2, o.PerHost),
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // a small answer must not unpack into a large one
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > o.Redirects {
				return http.ErrUseLastResponse
			}
			return p.checkRedirect(via[len(via)-1].URL, req.URL)
		},
	}
}

// Dial connects to host:port for a protocol other than HTTP, under the same
// rules and followed by the context's Trace. A proxy is not used, and TLS is the
// caller's.
func (p Policy) Dial(ctx context.Context, address string, o Options) (net.Conn, error) {
	o.Proxy = nil
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, blocked("the address %q cannot be dialled", address)
	}
	if name, err := lookupName(host); err == nil { // as a URL's would be
		host = name
	}
	return p.dialer(o).dialPlain(ctx, "tcp", net.JoinHostPort(host, port))
}

func (p Policy) dialer(o Options) *dialer {
	d := &dialer{
		policy:   p,
		timeout:  o.ConnectTimeout,
		resolver: o.Resolver,
		tls:      &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
	}
	if o.Certificate != nil {
		d.tls.Certificates = []tls.Certificate{*o.Certificate}
	}
	if d.timeout == 0 {
		d.timeout = 10 * time.Second
	}
	d.dial = d.direct
	if o.Proxy != nil {
		d.dial = newProxy(o.Proxy, d.resolver, d.tls).connect
	}
	return d
}

// Probe connects as a client would for a URL, TLS included, sends nothing and
// hangs up. The record tells how far it came, also with an error.
func (p Policy) Probe(ctx context.Context, u *url.URL, o Options) (Record, error) {
	ctx, trace := WithTrace(ctx)
	dial, port := p.dialer(o).dialTLS, "443"
	if u.Scheme == "http" {
		dial, port = p.dialer(o).dialPlain, "80"
	}
	if u.Port() != "" {
		port = u.Port()
	}
	host := u.Hostname()
	if name, err := lookupName(host); err == nil { // as the transport does; an address is none
		host = name
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(host, port))
	if err == nil {
		conn.Close()
	}
	return trace.Record(), err
}
