package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/reelhook/reelhook/internal/safehttp"
)

// maxText bounds what of a stranger's text goes into a message.
const maxText = 200

// explain names the class of an error and tells the client what happened. Errors
// of net/http may quote the URL or what the endpoint echoed of it, and the URL
// is often a secret, so only texts that are known to be free of it are shown.
func (r try) explain(sent bool, err error) (class, message string) {
	class = safehttp.Classify(err)
	var blocked *safehttp.BlockedError
	var proxy *safehttp.ProxyError
	var op *net.OpError
	switch {
	case errors.Is(err, errNoKey), errors.As(err, new(notSent)):
		return class, "The webhook was not sent: " + err.Error()
	case errors.As(err, &blocked):
		return class, "The webhook's endpoint cannot be used: " + blocked.Reason
	case errors.As(err, &proxy):
		return class, "The webhook was not sent: " + cut(proxy.Error())
	}
	host := r.url.Host
	switch class {
	case "dns":
		return class, fmt.Sprintf("The host %s was not found", host)
	case "refused":
		return class, fmt.Sprintf("%s refused the connection", host)
	case "tls":
		return class, fmt.Sprintf("No safe connection to %s: %s", host, cut(err.Error()))
	case "timeout":
		return class, r.late(sent, err)
	case "reset":
		if !sent {
			return class, fmt.Sprintf("%s closed the connection before the webhook was sent", host)
		}
		return class, fmt.Sprintf("%s closed the connection before it answered", host)
	}
	if errors.As(err, &op) {
		return class, fmt.Sprintf("No connection to %s: %s", host, cut(op.Err.Error()))
	}
	return class, fmt.Sprintf("%s did not answer in HTTP that can be read", host)
}

// late tells what took too long.
func (r try) late(sent bool, err error) string {
	switch {
	case sent:
		return fmt.Sprintf("%s did not answer within %v", r.url.Host, r.timeout)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("No connection to %s within %v", r.url.Host, r.timeout)
	}
	return fmt.Sprintf("Connecting to %s took too long", r.url.Host)
}

// redirect tells where a redirect leads, without query or user info, and without
// what it repeats of the endpoint's own path and query or of the client's headers.
func redirect(from *url.URL, location string, headers map[string]string) string {
	const advice = " are not followed: set the endpoint to the address that answers"
	to, err := url.Parse(location)
	if err != nil || location == "" {
		return "; redirects" + advice
	}
	to = from.ResolveReference(to)
	if to.Scheme != "http" && to.Scheme != "https" || to.Host == "" { // then no part of it is what it seems
		return "; redirects" + advice
	}
	secrets := words(from.RequestURI())
	for _, value := range headers {
		secrets = append(secrets, words(value)...)
	}
	path := strings.Split(to.EscapedPath(), "/")
	for i, part := range path {
		path[i] = hide(part, secrets)
	}
	host := to.Host
	if host != from.Host {
		host = hide(host, secrets)
	}
	return fmt.Sprintf("; redirects, here to %s,%s", cut(to.Scheme+"://"+host+strings.Join(path, "/")), advice)
}

// words are the parts of a text that may be secret each for itself.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" :/?&=#,;", r) })
}

// hide is a text, or … when it is a secret, or one of the two holds the other and
// that is long enough to give something away.
func hide(text string, secrets []string) string {
	const long = 6
	for _, s := range secrets {
		if s == text || len(text) >= long && strings.Contains(s, text) || len(s) >= long && strings.Contains(text, s) {
			return "…"
		}
	}
	return text
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
