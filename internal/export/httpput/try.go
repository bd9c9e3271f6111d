package httpput

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

var (
	errStalled = errors.New("the server made no progress")
	errLocal   = errors.New("the file cannot be read")
	errShort   = errors.New("the file is shorter than it was said to be")
	errOver    = errors.New("the try is over")
)

// try is an upload that is being made.
type try struct {
	*upload
	carrier *Carrier
	ctx     context.Context
	cancel  context.CancelCauseFunc
	alarm   *time.Timer // rings when the other side makes no progress
	body    *body       // what is sent

	mu    sync.Mutex
	step  string
	note  func(step string)
	wrote bool // the request's head
	over  bool
}

func (c *Carrier) begin(ctx context.Context, up *upload, note func(string)) *try {
	t := &try{upload: up, carrier: c, note: note}
	ctx, t.cancel = context.WithCancelCause(ctx)
	t.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil && up.url.Scheme == "https" {
				t.reach(export.StepTLS)
			}
		},
		GotConn:        func(httptrace.GotConnInfo) { t.reach(export.StepLogin) },
		WroteHeaders:   t.wroteHead,
		Got100Continue: t.progress,
		WroteRequest:   func(httptrace.WroteRequestInfo) { t.progress() },
	})
	t.alarm = time.AfterFunc(c.stall, func() { t.cancel(errStalled) })
	t.reach(export.StepConnect)
	return t
}

// end makes sure that nothing of the parcel is touched any more.
func (t *try) end() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.alarm.Stop()
	t.cancel(errOver)
	t.body.end()
}

// order is that of an upload's steps.
var order = []string{"", export.StepConnect, export.StepTLS, export.StepLogin, export.StepWrite}

// reach notes a step unless it was reached before. Connections are made beside the
// request, so that this may come late.
func (t *try) reach(step string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || slices.Index(order, step) <= slices.Index(order, t.step) {
		return
	}
	t.step = step
	t.note(step)
	t.alarm.Reset(t.carrier.stall)
}

func (t *try) wroteHead() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrote = true
}

func (t *try) progress() { t.alarm.Reset(t.carrier.stall) }

// offer sends the request. The server is asked first whether it wants the file, so
// that a refusal comes before gigabytes went; one that does not understand the
// question is not asked again (RFC 9110, section 15.5.18).
func (t *try) offer(open func() (*body, error)) (*http.Response, error) {
	resp, err := t.send(open, true)
	if err == nil && resp.StatusCode == http.StatusExpectationFailed {
		resp.Body.Close()
		return t.send(open, false)
	}
	return resp, err
}

func (t *try) send(open func() (*body, error), ask bool) (*http.Response, error) {
	t.body.end()
	b, err := open()
	if err != nil {
		return nil, err
	}
	b.asked = func() { t.reach(export.StepWrite); t.progress() }
	t.body = b
	req := &http.Request{
		Method: t.method, URL: t.url, Host: t.url.Host, Header: t.header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, // of others, Expect is not heeded
		Body: io.NopCloser(b), ContentLength: b.size, // never chunked, which S3 refuses
		Close: true, // else the transport sends a file that was refused, to keep the connection
	}
	if b.size == 0 {
		req.Body, ask = http.NoBody, false
	}
	if ask {
		req.Header.Set("Expect", "100-continue")
	}
	return t.carrier.transport.RoundTrip(req.WithContext(t.ctx))
}

// sentAll tells that the other side may have the whole request.
func (t *try) sentAll() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wrote && t.body.whole()
}

// body is a file that is being sent. The transport may read it until after it has
// answered, but not after end.
type body struct {
	file  io.ReadCloser
	size  int64
	sent  func(bytes int64)
	asked func() // called before every read

	read atomic.Int64

	mu   sync.Mutex
	over bool
}

// Read is called when what was read before has been sent.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, errOver
	}
	b.asked()
	before := b.read.Load()
	if before > 0 {
		b.sent(before)
	}
	if before == b.size {
		return 0, io.EOF
	}
	n, err := b.file.Read(p[:min(b.size-before, int64(len(p)))])
	read := b.read.Add(int64(n))
	switch {
	case err == nil, errors.Is(err, io.EOF) && read == b.size, errors.Is(err, errAsked):
		return n, err
	case errors.Is(err, io.EOF):
		return n, errShort
	}
	return n, errors.Join(errLocal, err)
}

// whole tells that all of it was read.
func (b *body) whole() bool { return b.read.Load() == b.size }

func (b *body) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.over = true
		b.file.Close()
	}
}
