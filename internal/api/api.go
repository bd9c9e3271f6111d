// Package api is the HTTP edge: the JSON2Video v2 API as its clients know it
// (the contract in docs), the finished files, and the health checks; and a small
// client of it. It turns requests into calls of stores and records into replies.
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
	"github.com/reelhook/reelhook/internal/project"
)

// Options are what the API is made of. Projects, Keys, Files and FileURL are
// needed.
type Options struct {
	Projects project.Store
	// Keys tells who may call.
	Keys interface{ Valid(key string) bool }
	// Files holds the finished files, by blob key.
	Files blob.Store
	// FileURL makes the public, absolute address of a finished file; it must lead
	// to /files/<key> of this handler.
	FileURL func(key string) string
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
	s.routes()
	return s
}

// routes lists everything that is served. Patterns have no method, for the mux
// would answer a wrong one in plain text, and before the key was checked. Those
// that end in a slash have a twin without one, or the mux would redirect it.
func (s *server) routes() {
	s.handle(route{path: "/v2/movies", keyed: true, methods: methods{
		http.MethodPost: s.submit, http.MethodGet: s.movies, http.MethodDelete: s.remove}})
	s.handle(route{path: "/v2/movies/{project}", keyed: true, methods: methods{http.MethodGet: s.flatMovie}})
	s.handle(route{path: "/v2/account", keyed: true, methods: methods{http.MethodGet: s.account}})
	s.handle(route{path: "/v2", keyed: true})
	s.handle(route{path: "/v2/", keyed: true})
	s.handle(route{path: "/files/{key...}", methods: methods{http.MethodGet: s.file}})
	s.handle(route{path: "/files"})
	s.handle(route{path: "/healthz", quiet: true, methods: methods{http.MethodGet: s.health}})
	s.handle(route{path: "/readyz", quiet: true, methods: methods{http.MethodGet: s.ready}})
	s.handle(route{path: "/"})
}

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
