package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

var (
	errNoKey = errors.New("there is no key to sign with")
	// errSent keeps the transport from sending twice within one attempt, as it does
	// on its own when a client sends an Idempotency-Key.
	errSent = fmt.Errorf("the request may have been sent: %w", io.ErrUnexpectedEOF)
)

// Attempt sends a delivery once. An answer of 2xx within the timeout succeeds,
// whatever becomes of its body; any other answer fails, a redirect included: a
// POST that is sent on would lose its body or its secret. Without an answer it
// failed if nothing of it can have left, else it is unknown.
func (l *Leaf) Attempt(ctx context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	r, err := l.ready(ctx, &d, a.Number)
	if err != nil {
		return r.failed(a, false, err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	ctx, trace := safehttp.WithTrace(ctx)
	resp, err := r.transport.RoundTrip(r.request(ctx, d.Body, trace))
	seen := trace.Record()
	a.Peer = peer(seen)
	if err == nil || seen.Sent {
		a.Request = sent(r.header, d.Headers)
	}
	if err != nil {
		return r.failed(a, seen.Sent, err)
	}
	defer resp.Body.Close()
	return r.answered(a, d, resp)
}

// DryRun goes as far as an attempt can without sending: it looks the host up,
// connects and shakes hands under the same rules, and signs.
func (l *Leaf) DryRun(ctx context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	r, err := l.ready(ctx, &d, a.Number)
	if err != nil {
		return r.failed(a, false, err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	way, err := l.wayOf(r.identity)
	if err != nil {
		return r.failed(a, false, notSent{err})
	}
	a.Request = sent(r.header, d.Headers)
	seen, err := l.Policy.Probe(ctx, r.url, way)
	a.Peer = peer(seen)
	if err != nil {
		return r.failed(a, false, err)
	}
	a.Result = export.Succeeded
	return a
}

// try is an attempt that is about to be made.
type try struct {
	url     *url.URL
	header  http.Header
	timeout time.Duration
	// identity is what the delivery's connection adds; transport is its own, or the
	// leaf's.
	identity  Identity
	transport http.RoundTripper
}

// ready checks the address once more, for the server's flags may have changed
// since the delivery was prepared, adds what its connection has, and signs.
func (l *Leaf) ready(ctx context.Context, d *export.Delivery, number int) (r try, err error) {
	r.timeout = d.Timeout
	if r.timeout <= 0 {
		r.timeout = l.Timeout
	}
	if r.url, err = l.Policy.CheckURL(d.Target); err != nil {
		return r, err
	}
	if r.identity, err = l.identity(ctx, *d); err != nil {
		return r, notSent{err}
	}
	*d = r.identity.with(*d)
	if r.transport, err = l.roundTripper(*d, r.identity); err != nil {
		return r, notSent{err}
	}
	r.header, err = l.header(*d, number, r.identity.Signers)
	return r, err
}

// notSent is an error of ours, before anything was reached; its text is free of
// secrets.
type notSent struct{ error }

func (n notSent) Unwrap() error { return n.error }

func (r try) request(ctx context.Context, body []byte, trace *safehttp.Trace) *http.Request {
	req := &http.Request{
		Method: http.MethodPost, URL: r.url, Host: r.url.Host, Header: r.header, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body)),
		GetBody: func() (io.ReadCloser, error) { // for a connection that had gone away
			if trace.Record().Sent {
				return nil, errSent
			}
			return io.NopCloser(bytes.NewReader(body)), nil
		},
	}
	return req.WithContext(ctx)
}

func peer(r safehttp.Record) export.Peer {
	p := export.Peer{
		TLS: r.TLSVersion, Fingerprint: r.Fingerprint, Reused: r.Reused,
		DNS: r.DNS, Connect: r.Connect, Handshake: r.TLS, FirstByte: r.FirstByte,
	}
	if r.Addr.IsValid() {
		p.Address = r.Addr.String()
	}
	return p
}

// failed closes an attempt that got no answer.
func (r try) failed(a export.Attempt, sent bool, err error) export.Attempt {
	a.Result = export.Refused
	a.Class, a.Error = r.explain(sent, err)
	if sent {
		a.Result = export.Unknown
		a.Error += "; the webhook may have arrived"
	}
	// A name that leads inside from the first is a fault to be mended, or an
	// attack. Later it may be the server that was started with other flags, or an
	// answer of DNS that is wrong for a while.
	a.Gone = safehttp.IsBlocked(err) && a.Number == 1
	return a
}
