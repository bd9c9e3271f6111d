package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/account"
)

// call is one request on its way, and what the log will say about it.
type call struct {
	*http.Request
	route
	// caller is who calls, on keyed paths.
	caller  account.Caller
	out     recorder
	began   time.Time
	query   url.Values
	project string
	cause   error
}

// recorder counts what is written, and breaks off when nothing of it is taken.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

const (
	// stall is how long a client may take nothing of a reply. A server's own write
	// timeout would cut off whoever is slow but steady.
	stall = 30 * time.Second
	// piece is how much must be taken in that time. It is more than what the Node
	// SDK is to get at one stroke.
	piece = 64 << 10
)

// extend gives the client its time anew. It is not taken back here, for what
// net/http still holds is written after the call; then net/http takes it back.
func (r *recorder) extend() {
	// Writers that know no deadlines have none to miss.
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(stall))
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.extend()
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (written int, err error) {
	for part := range slices.Chunk(b, piece) {
		r.extend()
		n, err := r.ResponseWriter.Write(part)
		written += n
		r.bytes += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (s *server) handle(rt route) {
	s.mux.HandleFunc(rt.path, func(w http.ResponseWriter, r *http.Request) {
		s.serve(&call{Request: r, route: rt, out: recorder{ResponseWriter: w}, began: s.Now()})
	})
}

// serve is the one place that writes replies, statuses and log lines.
func (s *server) serve(c *call) {
	defer s.log(c)
	defer s.recovered(c)
	c.out.extend() // "100 Continue" is written when the body is read
	reply, err := s.answer(c)
	if err != nil {
		s.fail(c, err)
	} else if reply != nil {
		s.send(c, http.StatusOK, reply)
	}
}

func (s *server) answer(c *call) (any, error) {
	if err := s.identify(c); err != nil {
		return nil, err
	}
	if len(c.methods) == 0 {
		return nil, refuse(http.StatusNotFound, "There is nothing at this path of the API")
	}
	method := c.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	do, ok := c.methods[method]
	if !ok {
		c.out.Header().Set("Allow", c.allowed())
		return nil, refuse(http.StatusMethodNotAllowed, "Method not allowed; this path knows %s", c.allowed())
	}
	if err := c.permit(do.role); err != nil {
		return nil, err
	}
	if c.keyed && method != http.MethodPost { // which has nothing to say there
		if err := c.readQuery(); err != nil {
			return nil, err
		}
	}
	return do.serve(c)
}

// identify finds out who calls, where a key is needed.
func (s *server) identify(c *call) error {
	key, known := c.key(), false
	switch {
	case !c.keyed:
		return nil
	case key == "":
		return refuse(http.StatusBadRequest, "Error: API Key not provided")
	}
	if c.caller, known = s.Keys.Caller(key); !known {
		return refuse(http.StatusBadRequest, "Error: Invalid API Key")
	}
	return nil
}

// permit refuses what the caller's key may not do. It is 403: what is wrong with
// a key itself is 400 (section 27 of the contract, item 8).
func (c *call) permit(needed account.Role) error {
	switch {
	case !c.keyed:
	case !c.caller.Role.AtLeast(needed):
		return refuse(http.StatusForbidden, "This needs a key with the role %s or one above it; yours is %s", needed, c.caller.Role)
	case c.whole && c.caller.Account != "":
		return refuse(http.StatusForbidden, "%s is about the whole server; it needs a key of the account %s, and yours is of %s",
			c.path, account.Default, c.caller.Account)
	}
	return nil
}

// key is the API key that the call came with, "" for none.
func (c *call) key() string {
	key := strings.TrimSpace(c.Header.Get("X-Api-Key"))
	if key == "" && c.bearer {
		if scheme, token, _ := strings.Cut(c.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
			key = strings.TrimSpace(token)
		}
	}
	return key
}

// readQuery refuses what URL.Query would leave out without a word: a list would
// be the answer to whoever asked for one movie.
func (c *call) readQuery() (err error) {
	if c.query, err = url.ParseQuery(c.URL.RawQuery); err != nil {
		return refuse(http.StatusBadRequest, "The query cannot be read: %s; join parameters with '&' and escape what stands in them", err)
	}
	return nil
}

func (m methods) allowed() string {
	var all []string
	for method := range m {
		all = append(all, method)
		if method == http.MethodGet {
			all = append(all, http.MethodHead)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func refuse(status int, format string, args ...any) *Failure {
	return &Failure{Status: status, Message: fmt.Sprintf(format, args...)}
}

// undone is the error of a store that could not make a change. The disk may be
// full or the server stopping; either way the same call may work later.
type undone struct {
	error
	// message is for the client.
	message string
}

func (u undone) Unwrap() error { return u.error }

// retryAfter is in how many seconds an undone call is worth another try.
const retryAfter = "30"

// fail sends an error. What the client did not cause it is not told about.
func (s *server) fail(c *call, err error) {
	var f *Failure
	var u undone
	switch {
	case errors.As(err, &f):
	case c.Context().Err() != nil:
		f = refuse(http.StatusServiceUnavailable, "The request was cut off")
	case errors.As(err, &u):
		c.cause = err
		c.out.Header().Set("Retry-After", retryAfter)
		f = refuse(http.StatusServiceUnavailable, "%s", u.message)
	default:
		c.cause = err
		f = refuse(http.StatusInternalServerError, "Internal error; the server's log says more")
	}
	f.Timestamp = stamp(s.Now())
	s.send(c, f.Status, f)
}

// send writes a reply in the one way that reaches every client whole: the Node
// SDK takes the first chunk it receives for the whole body, so the headers are
// flushed alone and the body follows in one write, which is one TLS record up
// to 16 KiB (section 2 of the contract). With its length known it is never
// chunked, which HTTP/1.0 clients could not read.
func (s *server) send(c *call, status int, reply any) {
	body, err := encode(reply)
	if err != nil {
		s.fail(c, fmt.Errorf("encode the reply: %w", err)) // a Failure always encodes
		return
	}
	h := c.out.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	c.out.WriteHeader(status)
	if c.Method == http.MethodHead {
		return
	}
	// Errors mean that the client is gone; there is nobody left to tell.
	_ = http.NewResponseController(c.out.ResponseWriter).Flush()
	_, _ = c.out.Write(body)
}

// encode writes JSON with <, > and & as they are. What is encoded already stays
// as it is.
func encode(v any) (json.RawMessage, error) {
	if done, ok := v.(json.RawMessage); ok {
		return done, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// recovered answers a call that panicked. When the reply had begun it can only
// be broken off, so that nobody takes it for whole.
func (s *server) recovered(c *call) {
	v := recover()
	if v == nil {
		return
	}
	err, ok := v.(error)
	if ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	if c.out.status != 0 {
		c.cause = err
		panic(http.ErrAbortHandler)
	}
	s.fail(c, err)
}

// log writes the one line of a call. API keys but for their ids, header and query
// values stay out.
func (s *server) log(c *call) {
	level := slog.LevelInfo
	switch {
	case c.cause != nil:
		level = slog.LevelError
	case c.quiet:
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", c.Method), slog.String("path", c.path),
		slog.Int("status", c.out.status), slog.Int64("bytes", c.out.bytes),
		slog.Duration("duration", s.Now().Sub(c.began)),
	}
	if c.caller.Key != "" {
		attrs = append(attrs, slog.String("key", c.caller.Key))
	}
	if c.project != "" {
		attrs = append(attrs, slog.String("project", c.project))
	}
	if c.cause != nil {
		attrs = append(attrs, slog.String("error", c.cause.Error()))
	}
	s.Log.LogAttrs(c.Context(), level, "request", attrs...)
}
