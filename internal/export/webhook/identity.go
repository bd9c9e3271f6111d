package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
	standard "github.com/reelhook/reelhook/webhook"
)

// Identity is what a connection adds to an attempt, as it stands at that moment:
// a corrected token or a rotated secret is used by the next attempt, also of old
// deliveries. Zero fields add nothing.
type Identity struct {
	// Signers take the place of the account's keys, the current one first.
	Signers []standard.Signer
	// Headers are sent beside the delivery's own, which go before them.
	Headers map[string]string
	// Certificate is shown to the endpoint; RootCAs, in PEM, are trusted beside the
	// others.
	Certificate *tls.Certificate
	RootCAs     []byte
	// Version changes whenever the certificate or the authorities do.
	Version string
}

// identity is that of a delivery's connection.
func (l *Leaf) identity(ctx context.Context, d export.Delivery) (id Identity, err error) {
	if d.Connection != "" && l.Identity != nil {
		if id, err = l.Identity(ctx, d.Account, d.Connection); err != nil {
			return id, err
		}
	}
	if len(id.Signers) == 0 {
		id.Signers, err = l.Keys(ctx, d.Account)
	}
	return id, err
}

// with is a delivery with the headers of its connection.
func (id Identity) with(d export.Delivery) export.Delivery {
	if len(id.Headers) == 0 {
		return d
	}
	headers := maps.Clone(id.Headers)
	maps.DeleteFunc(headers, func(name, _ string) bool { return isReserved(name) })
	for name, value := range d.Headers {
		maps.DeleteFunc(headers, func(other, _ string) bool { return strings.EqualFold(name, other) })
		headers[name] = value
	}
	d.Headers = headers
	return d
}

// mostTransports is how many are kept: connections come and go, and nobody tells
// of those that are gone.
const mostTransports = 1000

// transports keeps one for each connection that needs its own.
type transports struct {
	mu sync.Mutex
	by map[string]versioned
}

type versioned struct {
	version string
	http.RoundTripper
}

// roundTripper sends an attempt under an identity.
func (l *Leaf) roundTripper(d export.Delivery, id Identity) (http.RoundTripper, error) {
	if id.Certificate == nil && len(id.RootCAs) == 0 {
		return l.transport, nil
	}
	key := d.Account + "/" + d.Connection
	l.own.mu.Lock()
	defer l.own.mu.Unlock()
	if kept, ok := l.own.by[key]; ok && kept.version == id.Version {
		return kept, nil
	}
	way, err := l.wayOf(id)
	if err != nil {
		return nil, err
	}
	if l.own.by == nil || len(l.own.by) >= mostTransports { // their connections end by themselves
		l.own.by = map[string]versioned{}
	}
	l.own.by[key] = versioned{id.Version, l.Policy.Client(way).Transport}
	return l.own.by[key], nil
}

// wayOf is how connections are made under an identity.
func (l *Leaf) wayOf(id Identity) (safehttp.Options, error) {
	way := l.way
	way.Certificate = id.Certificate
	if len(id.RootCAs) > 0 {
		var ok bool
		if way.RootCAs, ok = export.TrustAlso(l.RootCAs, id.RootCAs); !ok {
			return way, errors.New(`the connection's "ca" holds no certificate`)
		}
	}
	return way, nil
}
