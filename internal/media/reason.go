package media

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/reelhook/reelhook/internal/safehttp"
)

// reason says in a few words why a download failed. It must not let out more
// than the client knows already, so it never shows an error of net/http whole:
// that names the URL with its query.
func reason(err error) string {
	var status *statusError
	var big *tooBig
	switch {
	case errors.As(err, &status):
		return strconv.Itoa(status.code)
	case errors.As(err, &big):
		return big.Error()
	case errors.Is(err, errStalled):
		return "the server stopped sending"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "the server speaks plain http where https was asked for"
	}
	for _, known := range []error{errTimeout, errEmpty, errRedirects, errRange, errTooLong, errSlow, errTotalTime} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return classified(err)
}

func classified(err error) string {
	switch safehttp.Classify(err) {
	case "blocked":
		var b *safehttp.BlockedError
		errors.As(err, &b)
		return b.Reason
	case "timeout":
		return "timed out"
	case "dns":
		return "the host was not found"
	case "refused":
		return "connection refused"
	case "tls":
		var cert *tls.CertificateVerificationError
		if errors.As(err, &cert) {
			return fmt.Sprintf("the server's certificate is not valid: %v", cert.Err)
		}
		return "no secure connection could be made"
	case "reset":
		return "the connection was closed too early"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return "the answer could not be understood"
}
