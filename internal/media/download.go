package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/safehttp"
)

var (
	errTimeout   = errors.New("timed out")
	errEmpty     = errors.New("the answer is empty")
	errRedirects = errors.New("too many redirects")
	errRange     = errors.New("the server sent a part that was not asked for")
	errTooLong   = errors.New("the URL is too long")
	errSlow      = errors.New("the server is too slow")
	errTotalTime = errors.New("the movie's sources took too long to download")
)

// longestURL is more than any server takes.
const longestURL = 16 << 10

// longestWait is how long a Retry-After is waited for.
const longestWait = 30 * time.Second

// statusError is an answer that is not the file.
type statusError struct {
	code int
	// after is what Retry-After asks for, 0 for nothing.
	after time.Duration
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d", e.code) }

// download is one source on its way into its file.
type download struct {
	*run
	url  string
	sink *sink
	// etag is a strong validator for what the sink holds; without one a second
	// attempt begins anew.
	etag string
	// kept is asked for where unchanged may be the answer; has tells whether it is.
	kept           kept
	has, unchanged bool
	// validators are the headers of the answer that was taken.
	validators http.Header
}

// download fetches a remote source. The error is an *Error or a fault of this
// machine.
func (r *run) download(ctx context.Context, s *source) (stored, error) {
	file, err := r.fetch(ctx, s)
	var disk *diskError
	if err != nil && !errors.As(err, &disk) {
		err = &Error{fmt.Sprintf("Failed to download '%s' (%s)", s.shown(), reason(err)), err}
	}
	return file, err
}

func (r *run) fetch(ctx context.Context, s *source) (stored, error) {
	if len(s.url) > longestURL {
		return stored{}, errTooLong
	}
	if _, err := r.Policy.CheckURL(s.url); err != nil {
		return stored{}, err
	}
	ctx, cancel := context.WithDeadlineCause(ctx, r.deadline, errTotalTime)
	defer cancel()
	// The host's slot first: whoever waits for a busy host holds up no other.
	for _, slots := range []slots{r.hosts[s.host()], r.all} {
		if err := slots.take(ctx); err != nil {
			return stored{}, err
		}
		defer slots.free()
	}
	ctx, cancelOne := context.WithTimeoutCause(ctx, r.Limits.Timeout, errTimeout)
	defer cancelOne()
	sink, err := r.newSink(r.limit(s))
	if err != nil {
		return stored{}, err
	}
	d := &download{run: r, url: s.url, sink: sink}
	var path string
	d.kept, path, d.has = r.recall(s)
	attempts, err := d.try(ctx)
	switch {
	case err != nil:
		sink.discard()
		return stored{attempts: attempts}, err
	case d.unchanged:
		sink.discard()
		return stored{path, d.kept.Size, d.kept.SHA256, attempts}, r.spend(d.kept.Size, r.limit(s))
	}
	file, err := sink.finish()
	if err != nil {
		return file, err
	}
	file = r.keep(file)
	file.attempts = attempts
	r.remember(s, d, file)
	return file, nil
}

// spend counts what did not have to be downloaded: a movie is refused for its size
// the second time as the first.
func (r *run) spend(n, limit int64) error {
	switch {
	case n > limit:
		return &tooBig{limit: limit}
	case !r.budget.take(n):
		return r.overTotal()
	}
	return nil
}

// try makes attempts until one succeeds, none is left, or another would be no
// better.
func (d *download) try(ctx context.Context) (attempts int, err error) {
	for attempts = 1; ; attempts++ {
		err = d.attempt(ctx)
		if ctx.Err() != nil {
			return attempts, context.Cause(ctx)
		}
		if err == nil && d.sink.size == 0 && !d.unchanged {
			err = errEmpty
		}
		if err == nil || attempts == d.Limits.Attempts || !transient(err) {
			return attempts, err
		}
		wait := d.Limits.Backoff << (attempts - 1)
		// Many sources of one host fail together; they must not come back
		// together.
		wait += time.Duration(rand.Int64N(int64(wait)/2 + 1))
		if status := (*statusError)(nil); errors.As(err, &status) {
			wait = max(wait, status.after)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return attempts, context.Cause(ctx)
		}
	}
}

// attempt asks once, for what is still missing if that is possible.
func (d *download) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(d.Limits.Stall, func() { cancel(errStalled) })
	defer timer.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "identity")
	switch {
	case d.sink.size > 0 && d.etag != "":
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.sink.size))
		req.Header.Set("If-Range", d.etag)
	case d.has:
		d.kept.ask(req.Header)
	}
	resp, err := d.client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		if err = d.accept(resp); err == nil && !d.unchanged {
			body := &watched{Reader: resp.Body, timer: timer, limits: d.Limits, began: time.Now()}
			_, err = io.CopyBuffer(d.sink, body, make([]byte, 128<<10))
		}
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// accept decides by an answer's head whether its body is worth reading, and
// where it goes.
func (d *download) accept(resp *http.Response) error {
	switch code := resp.StatusCode; {
	case code == http.StatusNotModified && d.has:
		d.unchanged = true
		return nil
	case code == http.StatusPartialContent && d.continues(resp):
	case code == http.StatusOK || code == http.StatusNonAuthoritativeInfo:
		if err := d.sink.restart(); err != nil {
			return err
		}
		d.etag, d.validators = "", resp.Header
		if tag := resp.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
			d.etag = tag
		}
	case code == http.StatusPartialContent || code == http.StatusRequestedRangeNotSatisfiable && d.sink.size > 0:
		d.etag = ""
		return errRange
	case code >= 300 && code < 400 && resp.Header.Get("Location") != "":
		return errRedirects
	default:
		return &statusError{code, retryAfter(resp)}
	}
	return d.sink.room(resp.ContentLength)
}

// continues tells whether an answer is the rest of what the sink holds.
func (d *download) continues(resp *http.Response) bool {
	var first int64
	_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &first)
	tag := resp.Header.Get("ETag")
	return err == nil && d.sink.size > 0 && d.etag != "" && first == d.sink.size && (tag == "" || tag == d.etag)
}

// retryAfter reads the header in both its forms.
func retryAfter(resp *http.Response) time.Duration {
	raw := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if at, err := http.ParseTime(raw); err == nil {
		return max(0, time.Until(at))
	}
	seconds, err := strconv.ParseUint(raw, 10, 31)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64
	}
	return time.Duration(seconds) * time.Second
}

// transient tells whether another attempt may do better.
func transient(err error) bool {
	var status *statusError
	var big *tooBig
	var disk *diskError
	var dns *net.DNSError
	switch {
	case errors.As(err, &status):
		return (status.code >= 500 || status.code == http.StatusTooManyRequests) && status.after <= longestWait
	case errors.As(err, &big), errors.As(err, &disk), errors.Is(err, errRedirects), errors.Is(err, errSlow), errors.Is(err, http.ErrSchemeMismatch):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	kind := safehttp.Classify(err)
	return kind != "blocked" && kind != "tls"
}
