package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/safehttp"
)

var (
	errNoSecret   = errors.New("there is no secret to sign with")
	errUnreadable = errors.New("the endpoint's URL cannot be read")
)

// maxText bounds what of a stranger's text goes into a message.
const maxText = 200

// explain names the class of an error and tells the client what happened. Errors
// of net/http may quote the URL or what the endpoint echoed of it, and the URL
// is often a secret, so only texts that are known to be free of it are shown.
func explain(host string, timeout time.Duration, err error) (class, message string) {
	class = classify(err)
	switch class {
	case "blocked":
		var b *safehttp.BlockedError
		errors.As(err, &b)
		return class, "The webhook's endpoint cannot be used: " + b.Reason
	case "dns":
		return class, fmt.Sprintf("The host %s was not found", host)
	case "refused":
		return class, fmt.Sprintf("%s refused the connection", host)
	case "tls":
		return class, fmt.Sprintf("No safe connection to %s: %s", host, cut(err.Error()))
	case "timeout":
		if errors.Is(err, context.DeadlineExceeded) {
			return class, fmt.Sprintf("%s did not answer within %v", host, timeout)
		}
		return class, fmt.Sprintf("Connecting to %s took too long", host)
	case "reset":
		return class, fmt.Sprintf("%s closed the connection before it answered", host)
	}
	var op *net.OpError
	switch {
	case errors.Is(err, errNoSecret), errors.Is(err, errUnreadable):
		return class, "The webhook was not sent: " + err.Error()
	case errors.As(err, &op):
		return class, fmt.Sprintf("No connection to %s: %s", host, cut(op.Err.Error()))
	}
	return class, fmt.Sprintf("%s did not answer in HTTP that can be read", host)
}

// classify is safehttp's, with the faults that have no type of their own.
func classify(err error) string {
	class := safehttp.Classify(err)
	var op *net.OpError
	switch {
	case class != "error":
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"), strings.HasPrefix(err.Error(), "tls: "):
		return "tls" // alerts, and faults of the handshake
	case err.Error() == "http: server closed idle connection":
		return "reset" // it hung up before the request was written
	}
	return class
}

// redirect tells where a redirect leads, without query or user info, and without
// the parts of the endpoint's own address that it repeats: those are secret.
func redirect(target, location string) string {
	const advice = " are not followed: set the endpoint to the address that answers"
	to, err := url.Parse(location)
	if err != nil || location == "" {
		return "; redirects" + advice
	}
	from, err := url.Parse(target)
	if err != nil {
		return "; redirects" + advice
	}
	to = from.ResolveReference(to)
	path := strings.Split(to.EscapedPath(), "/")
	for i, part := range path {
		if repeats(target, part) {
			path[i] = "…"
		}
	}
	return fmt.Sprintf("; redirects, here to %s,%s", cut(to.Scheme+"://"+to.Host+strings.Join(path, "/")), advice)
}

// repeats tells whether a part of a path is a word of the endpoint's address, or
// one of the two holds what is long enough in the other to be a secret.
func repeats(target, part string) bool {
	const long = 6
	if len(part) >= long && strings.Contains(target, part) {
		return true
	}
	for _, word := range strings.FieldsFunc(target, func(r rune) bool { return strings.ContainsRune(":/?&=#", r) }) {
		if word == part || len(word) >= long && strings.Contains(part, word) {
			return true
		}
	}
	return false
}

// cut shortens a stranger's text and takes control characters out of it.
func cut(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return s
}
