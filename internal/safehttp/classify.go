package safehttp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Classify names the kind of a request's error: blocked (the policy's refusal),
// proxy (the forward proxy's own fault), timeout, dns, refused, tls, reset, or
// error for the rest.
func Classify(err error) string {
	var proxy *ProxyError
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case IsBlocked(err):
		return "blocked"
	case errors.As(err, &proxy):
		return "proxy"
	case errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case isTLS(err):
		return "tls"
	case isReset(err):
		return "reset"
	}
	return "error"
}

// isTLS knows the faults of TLS. Alerts come as a net.OpError, and many faults
// of the handshake have no type, only a prefix.
func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	var op *net.OpError
	switch {
	case errors.As(err, &record), errors.As(err, &cert), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return true
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return true
	}
	return strings.HasPrefix(bare(err).Error(), "tls: ")
}

// isReset knows a connection that ended too early, also when it was an idle one
// that the server hung up before the request was written.
func isReset(err error) bool {
	for _, end := range []error{syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, end) {
			return true
		}
	}
	return bare(err).Error() == "http: server closed idle connection"
}

// bare is an error without the URL that a client puts around it.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
