package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// errStalled ends a try whose store takes nothing any more.
var errStalled = errors.New("stalled")

// maxAnswer bounds a store's answer: what is asked for takes a few hundred bytes.
const maxAnswer = 1 << 20

// try is one try of a parcel or a probe.
type try struct {
	*destination
	carrier *Carrier
	ctx     context.Context
	cancel  context.CancelCauseFunc
	export.Steps

	// watch ends the try unless something moves from time to time.
	watch *time.Timer
	// bodies are those that the transport may still read from.
	bodies sync.WaitGroup
	// whole tells that the request that makes the object may have left whole.
	whole atomic.Bool
	// wait is what the store last asked for in Retry-After, in nanoseconds.
	wait atomic.Int64
}

// begin reads the settings; the error is a Fault.
func (c *Carrier) begin(ctx context.Context, s export.Settings, name string, note func(string)) (*try, error) {
	t := &try{carrier: c, Steps: export.Steps{Note: note}}
	d, err := c.read(s, name, t)
	if err != nil {
		return nil, export.BadSettings(err)
	}
	t.destination = d
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	t.watch = time.AfterFunc(c.stall, func() { t.cancel(errStalled) })
	return t, nil
}

// end waits until nothing of the try is left.
func (t *try) end() {
	t.cancel(nil)
	t.bodies.Wait()
	t.watch.Stop()
}

func (t *try) alive() { t.watch.Reset(t.carrier.stall) }

// reach connects, and asks for what every login can be asked for whatever its
// rights are: so a wrong one is known before a large file is sent, and by a body,
// which the answer to HEAD has not.
func (t *try) reach() error {
	t.Enter(export.StepConnect)
	// The dialler knows addresses, but not that plain http may be forbidden.
	_, err := t.carrier.Policy.CheckURL(t.endpoint.String())
	if err != nil {
		return err
	}
	err = t.look()
	var lost *lostError
	if errors.As(err, &lost) && !lost.seen.Sent {
		if classify(err) == "tls" {
			t.Enter(export.StepTLS)
		}
		return err
	}
	if t.endpoint.Scheme == "https" {
		t.Enter(export.StepTLS)
	}
	t.Enter(export.StepLogin)
	said := answer(err)
	meant := explain(said)
	if err != nil && (said.Code == "" || meant.class == "login") {
		return err
	}
	t.Enter(export.StepFolder)
	switch {
	case said.Code == minio.NoSuchBucket && t.create:
		return t.createBucket()
	case said.Code == minio.AccessDenied, meant.code == "" && said.StatusCode == http.StatusForbidden, said.StatusCode == http.StatusMethodNotAllowed, said.StatusCode == http.StatusNotImplemented:
		return nil // a login may write without being let to look
	}
	return err
}

// look lists at most one object.
func (t *try) look() error {
	opts := minio.ListObjectsOptions{Prefix: key(t.place), MaxKeys: 1, FetchOwner: new(bool)}
	for object := range t.client.ListObjectsIter(t.ctx, t.bucket, opts) {
		return object.Err
	}
	return t.ctx.Err()
}

func (t *try) createBucket() error {
	err := t.client.MakeBucket(t.ctx, t.bucket, minio.MakeBucketOptions{Region: t.region})
	if code := answer(err).Code; code == minio.BucketAlreadyOwnedByYou {
		return nil // another try was faster
	}
	return err
}

// lostError is a request without an answer. The library would make other errors
// of some of those that are underneath.
type lostError struct {
	error
	seen safehttp.Record
}

func (e *lostError) Error() string { return "there was no answer" }
func (e *lostError) Unwrap() error { return e.error }

// RoundTrip makes the library's requests and watches them.
func (t *try) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, trace := safehttp.WithTrace(req.Context())
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		t.bodies.Add(1)
		req.Body = &outgoing{ReadCloser: req.Body, closed: sync.OnceFunc(t.bodies.Done)}
	}
	resp, err := t.carrier.transport.RoundTrip(req)
	if err != nil {
		return nil, &lostError{err, trace.Record()}
	}
	t.alive()
	if wait := export.RetryAfter(resp.Header.Get("Retry-After"), time.Now()); wait > 0 {
		t.wait.Store(int64(wait))
	}
	resp.Body = &incoming{Reader: io.LimitReader(resp.Body, maxAnswer), Closer: resp.Body, alive: t.alive}
	return resp, nil
}

// outgoing is a request's body. The transport reads from it for a while after it
// has returned, until it closes it.
type outgoing struct {
	io.ReadCloser
	closed func()
}

func (o *outgoing) Close() error {
	defer o.closed()
	return o.ReadCloser.Close()
}

// incoming is an answer's body. A store that puts parts together may send a space
// from time to time while it does.
type incoming struct {
	io.Reader
	io.Closer
	alive func()
}

func (i *incoming) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	if n > 0 {
		i.alive()
	}
	return n, err
}
