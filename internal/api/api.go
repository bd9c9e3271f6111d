// Package api is the HTTP edge: the JSON2Video v2 API as its clients know it
// (the contract in docs), the delivery log with what can be done about it, the
// finished files, and the health checks; and a small client of it. It turns
// requests into calls of stores and records into replies. openapi.yaml describes
// all of it.
//
// It must not know how anything is rendered or delivered, nor SQL: work reaches
// the renderer only through the queue.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/signing"
)

// Hooks is how webhooks are sent and endpoints are changed by hand. An
// export.Refusal is for the client.
type Hooks interface {
	// RedeliverTo sends what a delivery sent to another address, as a delivery of
	// its own; export.ErrNoDelivery.
	RedeliverTo(ctx context.Context, id, target string) (export.Delivery, error)
	// Test sends a made-up event once and returns how it went. With dry nothing is
	// sent and nothing is kept.
	Test(ctx context.Context, event, target string, failed, dry bool) (export.Delivery, export.Attempt, error)
	// SetEndpoint enables, pauses or disables one; export.ErrNoEndpoint.
	SetEndpoint(ctx context.Context, id string, state export.EndpointState, reason string) (export.Endpoint, error)
}

// Signing is the keys that webhooks are signed with. A signing.Refusal is for the
// client.
type Signing interface {
	Secrets() []signing.Key
	Public() []signing.PublicKey
	Rotate(ctx context.Context, kinds []signing.Kind, overlap time.Duration) ([]signing.Key, error)
	EndOverlap(ctx context.Context) (ended int, err error)
}

// Options are what the API is made of. Projects, Keys, Files and FileURL are
// needed; Deliveries, Hooks and Signing by the routes that are about them.
type Options struct {
	Projects project.Store
	// Keys tells who may call.
	Keys interface{ Valid(key string) bool }
	// Files holds the finished files, by blob key.
	Files blob.Store
	// FileURL makes the public, absolute address of a finished file; it must lead
	// to /files/<key> of this handler.
	FileURL func(key string) string
	// Deliveries is the delivery log.
	Deliveries export.Log
	Hooks      Hooks
	Signing    Signing
	// Metrics serves /metrics, which is not there when it is nil.
	Metrics http.Handler
	// PublicURL is the address of this server, named in proofs of delivery.
	PublicURL string
	// Progress tells how much of a running project is rendered, 0 to 100.
	Progress func(projectID string) (percent int)
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
}

// New makes the handler of every path of the server.
func New(o Options) http.Handler {
	if o.Progress == nil {
		o.Progress = func(string) int { return 0 }
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
	s := &server{o, http.NewServeMux()}
	for _, rt := range s.routes() {
		s.handle(rt)
	}
	return s
}

// routes lists everything that is served. Patterns have no method, for the mux
// would answer a wrong one in plain text, and before the key was checked. Those
// that end in a slash have a twin without one, or the mux would redirect it.
func (s *server) routes() []route {
	get := func(e endpoint) methods { return methods{http.MethodGet: e} }
	post := func(e endpoint) methods { return methods{http.MethodPost: e} }
	metrics := get(s.metrics)
	if s.Metrics == nil {
		metrics = nil
	}
	return []route{
		{path: "/v2/movies", keyed: true, methods: methods{
			http.MethodPost: s.submit, http.MethodGet: s.movies, http.MethodDelete: s.remove}},
		{path: "/v2/movies/{project}", keyed: true, methods: get(s.flatMovie)},
		{path: "/v2/account", keyed: true, methods: get(s.account)},
		{path: "/v2/deliveries", keyed: true, methods: get(s.deliveries)},
		{path: "/v2/deliveries/recover", keyed: true, methods: post(s.recoverMany)},
		{path: "/v2/deliveries/{id}", keyed: true, methods: get(s.delivery)},
		{path: "/v2/deliveries/{id}/proof", keyed: true, methods: get(s.proof)},
		{path: "/v2/deliveries/{id}/redeliver", keyed: true, methods: post(s.redeliver)},
		{path: "/v2/deliveries/{id}/cancel", keyed: true, methods: post(s.cancel)},
		{path: "/v2/recoveries/{id}", keyed: true, methods: get(s.recovery)},
		{path: "/v2/endpoints", keyed: true, methods: get(s.endpoints)},
		{path: "/v2/endpoints/{id}", keyed: true, methods: get(s.endpoint)},
		{path: "/v2/endpoints/{id}/enable", keyed: true, methods: post(s.enable)},
		{path: "/v2/endpoints/{id}/pause", keyed: true, methods: post(s.pause)},
		{path: "/v2/endpoints/{id}/disable", keyed: true, methods: post(s.disable)},
		{path: "/v2/webhooks/test", keyed: true, methods: post(s.test)},
		{path: "/v2/webhooks/secret", keyed: true, methods: get(s.secrets)},
		{path: "/v2/webhooks/secret/rotate", keyed: true, methods: post(s.rotate)},
		{path: "/v2/webhooks/secret/end-overlap", keyed: true, methods: post(s.endOverlap)},
		{path: "/v2/openapi.json", methods: get(s.openapi)},
		{path: "/v2", keyed: true},
		{path: "/v2/", keyed: true},
		{path: "/.well-known/webhook-keys", methods: get(s.publicKeys)},
		{path: "/files/{key...}", methods: get(s.file)},
		{path: "/files"},
		{path: "/healthz", quiet: true, methods: get(s.health)},
		{path: "/readyz", quiet: true, methods: get(s.ready)},
		{path: "/metrics", keyed: true, bearer: true, quiet: true, methods: metrics},
		{path: "/"},
	}
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
