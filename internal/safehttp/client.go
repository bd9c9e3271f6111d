package safehttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Options shape a client.
type Options struct {
	// RootCAs are trusted in place of the system's, nil for the system's.
	RootCAs *x509.CertPool
	// ConnectTimeout bounds connecting, TLS included; HeaderTimeout waiting for
	// an answer to begin. Zero is 10 s and no bound.
	ConnectTimeout, HeaderTimeout time.Duration
	// Redirects is how many are followed, each checked again. 0 returns the
	// redirect itself as the answer.
	Redirects int
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// PerHost is how many idle connections to one host are kept.
	PerHost int
}

// Client is an HTTP client that reaches only what the policy permits.
func (p Policy) Client(o Options) *http.Client {
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 10 * time.Second
	}
	dialer := &net.Dialer{
		Timeout:  o.ConnectTimeout,
		Resolver: o.Resolver,
		// Here the name has become the address that is about to be dialled, so
		// no answer of DNS can slip in between check and use.
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || network != "tcp4" && network != "tcp6" {
				return blocked("the address %s cannot be dialled", address)
			}
			return p.CheckAddr(at.Addr())
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy from the environment would dial unchecked
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout:    o.ConnectTimeout,
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
			_, err := p.CheckURL(req.URL.String())
			return err
		},
	}
}

// Classify names the kind of a request's error: dns, refused, tls, timeout,
// reset, blocked, or error for the rest.
func Classify(err error) string {
	var dns *net.DNSError
	var netErr net.Error
	var record tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case IsBlocked(err):
		return "blocked"
	case errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &record), errors.As(err, &cert), errors.As(err, &alert):
		return "tls"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "reset"
	}
	return "error"
}
