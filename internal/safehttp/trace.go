package safehttp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Record is what a Trace has seen.
type Record struct {
	// Addr is where the connection leads, or where it was tried last: the
	// target's address, also through a proxy. It is zero when none was dialled.
	Addr netip.AddrPort
	// Reused tells that the connection had served another request before.
	Reused bool
	// TLSVersion is such as "TLS 1.3", Fingerprint the SHA-256 of the server's
	// own certificate (DER) in hexadecimal. Both are empty without TLS.
	TLSVersion, Fingerprint string
	// DNS is how long the name was looked up, Connect how long its addresses were
	// tried, a proxy's work included, TLS how long the handshake took. They are
	// zero when the connection was reused or it did not come so far.
	DNS, Connect, TLS time.Duration
	// FirstByte is the time from when the request had been written whole until
	// the first byte of the answer came, that of an interim answer (1xx)
	// included. It is zero without an answer, or when the answer came first.
	FirstByte time.Duration
	// Sent tells that a byte of the request may have left. When it is false after
	// a failure, the server has seen nothing of it; when it is true the outcome
	// is unknown.
	Sent bool
}

// Trace follows one request. Of several in a row, as with redirects, or one
// that the transport sends again, it shows the last; only Sent stays. It is made
// by WithTrace.
type Trace struct {
	sent  atomic.Bool
	hooks httptrace.ClientTrace

	mu     sync.Mutex
	record Record
	wrote  time.Time
	// got tells that the request has its connection. One that is still being
	// made then, for whoever comes next, is none of this trace's.
	got bool
}

type traceKey struct{}

// WithTrace returns a context for one request to a client of this package, and
// the trace that will follow it.
func WithTrace(ctx context.Context) (context.Context, *Trace) {
	t := &Trace{}
	t.hooks = httptrace.ClientTrace{
		GetConn:              t.getConn,
		GotConn:              t.gotConn,
		WroteRequest:         t.wroteRequest,
		GotFirstResponseByte: t.firstByte,
	}
	return httptrace.WithClientTrace(context.WithValue(ctx, traceKey{}, t), &t.hooks), t
}

// traceOf is the trace of a request's context, nil if it has none.
func traceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

// Record is what has been seen so far. It may be called at any time.
func (t *Trace) Record() Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.record
	r.Sent = t.sent.Load()
	return r
}

// progress notes how far the making of a connection has come.
func (t *Trace) progress(made Record) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.got {
		t.record = made
	}
}

// Secured tells the trace of a context about TLS on a connection of Policy.Dial,
// which knows nothing of it.
func Secured(ctx context.Context, state tls.ConnectionState) {
	t := traceOf(ctx)
	if t == nil || len(state.PeerCertificates) == 0 {
		return
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.record.TLSVersion, t.record.Fingerprint = tls.VersionName(state.Version), hex.EncodeToString(sum[:])
}

func (t *Trace) getConn(string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.record, t.wrote, t.got = Record{}, time.Time{}, false
}

func (t *Trace) gotConn(info httptrace.GotConnInfo) {
	under := info.Conn
	if secure, ok := under.(*tls.Conn); ok {
		under = secure.NetConn()
	}
	c, ok := under.(*conn)
	if !ok {
		return // another package's client
	}
	c.trace.Store(t)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.record, t.got = c.made, true
	if info.Reused {
		t.record.Reused, t.record.DNS, t.record.Connect, t.record.TLS = true, 0, 0, 0
	}
}

func (t *Trace) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrote = time.Now()
}

func (t *Trace) firstByte() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.wrote.IsZero() {
		t.record.FirstByte = time.Since(t.wrote)
	}
}

// conn is a connection to a target that knows how it was made, and tells the
// trace of the request it serves when something is sent. TLS lies above it, a
// proxy below.
type conn struct {
	net.Conn
	// made is not written any more once the transport has the connection.
	made  Record
	trace atomic.Pointer[Trace]
}

// Write says that something was sent before it is, because a request may be
// given up while it is being written. It takes that back when nothing was.
func (c *conn) Write(p []byte) (int, error) {
	t := c.trace.Load()
	first := t != nil && t.sent.CompareAndSwap(false, true)
	n, err := c.Conn.Write(p)
	if first && n == 0 && err != nil {
		t.sent.Store(false)
	}
	return n, err
}
