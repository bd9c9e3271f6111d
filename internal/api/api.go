// Package api is the HTTP edge: the JSON2Video v2 API as its clients know it
// (the contract in docs), the delivery log with what can be done about it, the
// finished files, and the health checks; and a small client of it. It turns
// requests into calls of stores and records into replies. openapi.yaml describes
// all of it.
//
// It must not know how anything is rendered or delivered, nor SQL: work reaches
// the renderer only through the queue. What a Planner says of a movie is no work:
// nothing is drawn or kept.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/signing"
)

// Keys are the API keys. An account.Refusal is for the client.
type Keys interface {
	// Caller tells whose a key is, and whether it may call.
	Caller(key string) (account.Caller, bool)
	// List returns the keys that a caller looks after.
	List(by account.Caller) []account.Key
	// Create makes a key and returns its text, which is seen this once.
	Create(ctx context.Context, by account.Caller, wanted account.Key) (made account.Key, text string, err error)
	// Revoke ends a key; account.ErrNoKey.
	Revoke(ctx context.Context, by account.Caller, id string) error
}

// Hooks is how webhooks are sent and endpoints are changed by hand. An
// export.Refusal is for the client.
type Hooks interface {
	// RedeliverTo sends what a delivery sent to another address, as a delivery of
	// its own; export.ErrNoDelivery.
	RedeliverTo(ctx context.Context, id, target string) (export.Delivery, error)
	// Test sends a made-up event once and returns how it went. A dry one is not
	// sent, and nothing of it is kept.
	Test(ctx context.Context, t export.Trial) (export.Delivery, export.Attempt, error)
	// SetEndpoint enables, pauses or disables one; export.ErrNoEndpoint.
	SetEndpoint(ctx context.Context, id string, state export.EndpointState, reason string) (export.Endpoint, error)
}

// Signing is the keys that an account's webhooks are signed with. A
// signing.Refusal is for the client.
type Signing interface {
	Secrets(ctx context.Context, account string) ([]signing.Key, error)
	// Public are the server's, which sign for all accounts.
	Public() []signing.PublicKey
	Rotate(ctx context.Context, account string, kinds []signing.Kind, overlap time.Duration) ([]signing.Key, error)
	EndOverlap(ctx context.Context, account string) (ended int, err error)
}

// Options are what the API is made of. Projects, Keys, Files and FileURL are
// needed; Deliveries, Hooks, Signing and Planner by the routes that are about them.
type Options struct {
	Projects project.Store
	// Keys tells who may call, and what.
	Keys Keys
	// Files holds the finished files, by blob key.
	Files blob.Store
	// FileURL makes the public, absolute address of a finished file; it must lead
	// to /files/<key> of this handler.
	FileURL func(key string) string
	// Deliveries is the delivery log.
	Deliveries export.Log
	Hooks      Hooks
	Signing    Signing
	// Planner looks at movies that are to be validated.
	Planner Planner
	// Connections are those that destinations may name.
	Connections Connections
	// Metrics serves /metrics, which is not there when it is nil.
	Metrics http.Handler
	// PublicURL is the address of this server, named in proofs of delivery.
	PublicURL string
	// Progress tells how much of a running project is rendered, 0 to 100.
	Progress func(projectID string) (percent int)
	// Watch follows a project that is rendered here, or may come to be: the channel
	// has its latest progress, and is closed when its end is durable or it was put
	// back. stop is called once nobody watches any more. Nil follows none.
	Watch func(projectID string) (progress <-chan project.Progress, stop func())
	// Stopping is closed when the server stops, to end the event streams; nil never
	// is. Streams is how many of them may be open at once, 0 for 256.
	Stopping <-chan struct{}
	Streams  int
	// Sending tells how much of a delivery's upload has been sent, in bytes; ok is
	// false when none is under way.
	Sending func(delivery string) (sent, total int64, ok bool)
	// Conceal takes the secrets out of the document of a project: shown is what is
	// kept for reading, sealed what is needed to put them back. Nil keeps documents
	// as they are.
	Conceal func(id string, document []byte) (shown, sealed []byte)
	// Cancel is called after a project was deleted, so that a rendering of it stops.
	Cancel func(projectID string)
	// Ready returns why the server cannot take work, nil when it can.
	Ready func(ctx context.Context) error
	Log   *slog.Logger
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Version is shown by /healthz.
	Version string
}

type server struct {
	Options
	mux *http.ServeMux
	// streams has one for each event stream that may be open.
	streams *semaphore.Weighted
	trials  trials
	// validations has room for those that run at once.
	validations chan struct{}
}

// New makes the handler of every path of the server.
func New(o Options) http.Handler {
	if o.Progress == nil {
		o.Progress = func(string) int { return 0 }
	}
	if o.Watch == nil {
		o.Watch = func(string) (<-chan project.Progress, func()) { return nil, func() {} }
	}
	if o.Streams == 0 {
		o.Streams = mostStreams
	}
	if o.Sending == nil {
		o.Sending = func(string) (int64, int64, bool) { return 0, 0, false }
	}
	if o.Conceal == nil {
		o.Conceal = func(_ string, document []byte) (shown, sealed []byte) { return document, nil }
	}
	if o.Cancel == nil {
		o.Cancel = func(string) {}
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &server{
		Options: o, mux: http.NewServeMux(), streams: semaphore.NewWeighted(int64(o.Streams)),
		trials: trials{of: map[string]int{}}, validations: make(chan struct{}, maxValidations),
	}
	for _, rt := range s.routes() {
		s.handle(rt)
	}
	return s
}

// now is in milliseconds, as replies show it.
func (s *server) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// ServeHTTP serves a path with a trailing or double slash as it is meant. The mux
// would redirect it, and some clients follow no redirect (section 2 of the
// contract).
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if clean := collapse(r.URL); clean != r.URL.Path || r.URL.RawPath != "" {
		plain := *r
		plain.URL = new(url.URL)
		*plain.URL = *r.URL
		plain.URL.Path, plain.URL.RawPath = clean, ""
		r = &plain
	}
	s.mux.ServeHTTP(w, r)
}

// collapse is a path without repeated and trailing slashes. One that could be
// taken for another path by whoever stands before this server, and was let pass
// as that, becomes one where nothing is: nobody means dots and encoded slashes.
func collapse(u *url.URL) string {
	escaped := strings.ToLower(u.EscapedPath())
	odd := strings.Contains(escaped, "%2f") || strings.Contains(escaped, "%5c")
	var parts []string
	for part := range strings.SplitSeq(u.Path, "/") {
		odd = odd || part == "." || part == ".."
		if part != "" {
			parts = append(parts, part)
		}
	}
	switch {
	case !odd:
		return "/" + strings.Join(parts, "/")
	case len(parts) > 0 && parts[0] == "v2":
		return "/v2" // a key is asked for before 404 is said
	}
	return "/"
}
