// Package listen is a webhook receiver for the desk of whoever writes one: it
// shows each request, says whether the signature is right, hands the request to
// the user's application and its answer back, and misbehaves when told to. It
// must not know the command line, the render server or what a movie is.
package listen

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

const (
	// maxBody is how many bytes a request may have; more are answered 413.
	maxBody = 1 << 20
	// maxIDs is how many message ids are remembered before all are forgotten.
	maxIDs = 100_000
	// grace is what requests under way get to end once the receiver stops.
	grace = time.Second
)

// quiet is for servers and proxies whose errors are shown with the request.
var quiet = log.New(io.Discard, "", 0)

// Options says how a receiver behaves. The zero value shows everything, verifies
// nothing and answers 200.
type Options struct {
	Keys    []webhook.Verifier // one of which must have signed; none verifies nothing
	Forward *url.URL           // where requests are handed to, used as it is; nil for nowhere
	Fail    []Step             // how requests are answered, in order and over again
	Delay   time.Duration      // what is waited before each answer
	Count   int                // requests after which Serve ends; 0 for no end
	Out     io.Writer          // where requests are shown; nil for nowhere
	Colour  bool               // whether Out understands ANSI colours
}

// Handler receives webhooks; New makes one.
type Handler struct {
	Options
	transport http.RoundTripper // to the application
	done      chan struct{}     // closed once Count requests were handled

	mu      sync.Mutex // guards what follows and the writing to Out
	seen    map[string]bool
	steps   int // steps of Fail taken
	handled int
	total   Summary
}

// Summary is what came in so far. Without keys a request is neither verified nor
// forged; a double is one whose webhook-id had come before.
type Summary struct{ Received, Verified, Forged, Doubles int }

// String is the summary as one line.
func (s Summary) String() string {
	return fmt.Sprintf("%d received, %d verified, %d forged, %d doubles", s.Received, s.Verified, s.Forged, s.Doubles)
}

// New makes a receiver.
func New(o Options) *Handler {
	if o.Out == nil {
		o.Out = io.Discard
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // answers are handed on as they are
	return &Handler{Options: o, transport: transport, done: make(chan struct{}), seen: map[string]bool{}}
}

// Summary is what came in so far.
func (h *Handler) Summary() Summary {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total
}

// Serve answers on l, which it closes, until ctx ends or Count requests were
// handled; both return nil. What waits or hangs then is broken off.
func (h *Handler) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: h, BaseContext: func(net.Listener) context.Context { return ctx },
		// No ReadTimeout: it would end what hangs on purpose.
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, ErrorLog: quiet,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-h.done:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if server.Shutdown(last) != nil {
		server.Close()
	}
	return nil
}

// ServeHTTP reads, judges, shows and answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := h.begin(w, r)
	defer h.end()
	if err := v.read(); err != nil {
		v.unread(err)
		return
	}
	if h.judge(v); v.verdict == forged {
		v.answer(http.StatusUnauthorized, ": only what is signed with the secret gets through", "")
		return
	}
	step, which := h.next()
	switch {
	case step.do != nil:
		v.misbehave(step, which)
	case h.Forward != nil && step.status/100 == 2:
		v.forward()
	default:
		v.answer(step.status, "", which)
	}
}

// begin counts a request as received.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) *visit {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.total.Received++
	return &visit{h: h, w: w, r: r, at: time.Now()}
}

// end counts a request as handled, however it ended.
func (h *Handler) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.handled++; h.handled == h.Count {
		close(h.done)
	}
}

// judge verifies a request and remembers its id; of a forged one nothing, or it
// could make a genuine one look like a double.
func (h *Handler) judge(v *visit) {
	var err error
	if len(h.Keys) > 0 {
		err = webhook.Verify(v.r.Header, v.body, h.Keys...)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil:
		v.verdict, v.reason = forged, err
		h.total.Forged++
		return
	case len(h.Keys) > 0:
		v.verdict = verified
		h.total.Verified++
	}
	id := v.r.Header.Get(webhook.HeaderID)
	if id == "" {
		return
	}
	if v.double = h.seen[id]; v.double {
		h.total.Doubles++
	}
	if len(h.seen) == maxIDs {
		clear(h.seen)
	}
	h.seen[id] = true
}

// next is the step for the next request, and which of all it is, as words.
func (h *Handler) next() (step Step, which string) {
	if len(h.Fail) == 0 {
		return Step{status: http.StatusOK}, ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.steps % len(h.Fail)
	h.steps++
	return h.Fail[i], fmt.Sprintf(", step %d of %d", i+1, len(h.Fail))
}
