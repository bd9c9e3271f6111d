package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// Planner tells what would become of a movie, without rendering it.
type Planner interface {
	// Plan fetches the movie's media and looks at them, or with media false does
	// without. The error is the server's, or the cause of ctx's end.
	Plan(ctx context.Context, m *movie.Movie, media bool) (Planned, error)
}

// Planned is what a Planner tells of a movie.
type Planned struct {
	// Faults keep it from being rendered, the document's own included; Warnings are
	// what was ignored or adjusted.
	Faults, Warnings []movie.Fault
	// Timeline is nil when there are faults, and when lengths are not known.
	Timeline *timeline.Timeline
	// Unseen tells that media were not looked at.
	Unseen bool
}

const (
	// maxValidations is how many movies are looked at at once. Each may download
	// gigabytes.
	maxValidations = 4
	// longestValidation is how long one may take. A client waits for it, and so does
	// whatever stands between.
	longestValidation = 2 * time.Minute
	// retryValidation is in how many seconds one that was turned away may come again.
	retryValidation = "5"
)

var errSlowMedia = errors.New("the media took too long")

// validate is POST /v2/movies/validate. Nothing of the movie is stored or sent.
func (s *server) validate(c *call) (any, error) {
	body, err := c.body("The movie JSON", MaxBody)
	if err != nil {
		return nil, err
	}
	d, err := movie.ParseDocument(body)
	if err != nil {
		return nil, unreadable(err)
	}
	select {
	case s.validations <- struct{}{}:
		defer func() { <-s.validations }()
	default:
		c.out.Header().Set("Retry-After", retryValidation)
		return nil, refuse(http.StatusTooManyRequests, "The server looks at %d movies already; try again in %s seconds", maxValidations, retryValidation)
	}
	p, err := s.plan(c, d)
	if err != nil {
		return nil, err
	}
	return NewValidation(d, p, s.Now()), nil
}

func (s *server) plan(c *call, d *movie.Document) (Planned, error) {
	ctx, cancel := context.WithTimeoutCause(c.Context(), longestValidation, errSlowMedia)
	defer cancel()
	p, err := s.Planner.Plan(ctx, d.Movie, c.wantsMedia())
	switch {
	case errors.Is(err, errSlowMedia):
		return p, refuse(http.StatusGatewayTimeout, "The media could not be fetched within %v; with ?media=false the document alone is looked at", longestValidation)
	case err != nil:
		return p, fmt.Errorf("plan a movie: %w", err)
	}
	return p, nil
}

// wantsMedia tells whether media are to be looked at.
func (c *call) wantsMedia() bool {
	switch strings.ToLower(strings.TrimSpace(c.URL.Query().Get("media"))) {
	case "false", "0", "no", "off":
		return false
	}
	return true
}

// schema is GET /v2/movie.schema.json, for editors.
func (s *server) schema(*call) (any, error) { return json.RawMessage(movie.Schema()), nil }
