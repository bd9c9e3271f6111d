package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/reelhook/reelhook/internal/project"
)

// movies is GET /v2/movies: one movie when the query names a project, else the
// list (section 4 of the contract).
func (s *server) movies(c *call) (any, error) {
	id, given := c.projectID()
	if !given {
		return s.list(c)
	}
	p, shown, err := s.one(c, id)
	if err != nil {
		return nil, err
	}
	reply := MovieReply{Success: true, RemainingQuota: unlimited}
	return withSource(c.sourceLimit(), []project.Project{p}, []Movie{shown}, func(movies []Movie) any {
		reply.Movie = movies[0]
		return reply
	})
}

// flatMovie is GET /v2/movies/<project>, which some applications poll, reading
// the movie's fields at the top level (section 8 of the contract). There success
// is the request's and the document is not repeated.
func (s *server) flatMovie(c *call) (any, error) {
	p, shown, err := s.one(c, strings.TrimSpace(c.PathValue("project")))
	if err != nil {
		return nil, err
	}
	type fields Movie
	reply := struct {
		Success        bool  `json:"success"`
		Movie          Movie `json:"movie"`
		RemainingQuota Quota `json:"remaining_quota"`
		fields
	}{Success: true, RemainingQuota: unlimited, fields: fields(shown)}
	return withSource(c.sourceLimit(), []project.Project{p}, []Movie{shown}, func(movies []Movie) any {
		reply.Movie = movies[0]
		return reply
	})
}

func (s *server) one(c *call, id string) (project.Project, Movie, error) {
	if err := c.checkID(id); err != nil {
		return project.Project{}, Movie{}, err
	}
	p, err := s.of(c).project(c.Context(), id)
	if err != nil {
		return project.Project{}, Movie{}, missing(id, err)
	}
	dests, err := s.Projects.Destinations(c.Context(), id)
	if err != nil {
		return project.Project{}, Movie{}, fmt.Errorf("destinations of %s: %w", id, err)
	}
	return p, s.show(p, dests[id]), nil
}

// list is GET /v2/movies without a project (section 4.2 of the contract).
func (s *server) list(c *call) (any, error) {
	w, err := readWindow(c.query, s.Now())
	if err != nil {
		return nil, err
	}
	w.Sources = c.sourceLimit()
	projects, next, err := s.of(c).list(c.Context(), w.Page)
	if errors.Is(err, project.ErrNotFound) {
		return nil, refuse(http.StatusBadRequest, "Unknown next_token")
	}
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	ids := make([]string, len(projects))
	for i, p := range projects {
		ids[i] = p.ID
	}
	dests, err := s.Projects.Destinations(c.Context(), ids...)
	if err != nil {
		return nil, fmt.Errorf("destinations of the list: %w", err)
	}
	shown := make([]Movie, len(projects))
	for i, p := range projects {
		shown[i] = s.show(p, dests[p.ID])
	}
	reply := MovieList{
		Success: true, From: w.firstDay(), To: w.lastDay(),
		Count: len(shown), Limit: w.Limit, HasNext: next != "", HasPrev: w.After != "",
		RemainingQuota: unlimited,
	}
	if next != "" {
		reply.NextToken = &next
	}
	return withSource(w.Sources, projects, shown, func(movies []Movie) any {
		reply.Movies = movies
		return reply
	})
}

// remove is DELETE /v2/movies (section 5 of the contract). The row stays, the
// files go. Again is the way to finish a deletion that did not come to its end.
func (s *server) remove(c *call) (any, error) {
	id, _ := c.projectID()
	if err := c.checkID(id); err != nil {
		return nil, err
	}
	p, err := s.of(c).project(c.Context(), id)
	if err == nil {
		p, err = s.delete(c.Context(), p)
	}
	if err != nil {
		return nil, undone{missing(id, err), "The server cannot delete now; the deletion may not be complete, try again later"}
	}
	return Deleted{Success: true, Project: id, DeletedAt: stamp(p.DeletedAt), Timestamp: stamp(s.Now())}, nil
}

// delete removes the files before the project is marked: a crash in between
// leaves a project without its files, which a repeated call ends, and never a
// public file of a project that is said to be deleted. It removes them once more
// at the end, for a rendering may have put them there meanwhile; one that ends
// later finds the mark and removes them itself.
func (s *server) delete(ctx context.Context, p project.Project) (project.Project, error) {
	if err := s.deleteFiles(ctx, p); err != nil {
		return p, fmt.Errorf("delete the files: %w", err)
	}
	marked, err := s.Projects.Delete(ctx, p.ID, s.Now().UTC().Truncate(1e6))
	if err != nil {
		return p, err
	}
	s.Cancel(p.ID)
	if err := s.deleteFiles(ctx, marked); err != nil {
		return marked, fmt.Errorf("delete the files again: %w", err)
	}
	return marked, nil
}

func (s *server) deleteFiles(ctx context.Context, p project.Project) error {
	for _, key := range []string{p.FileKey, p.ThumbnailKey()} {
		if err := s.Files.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// account is GET /v2/account, the way some clients test a key (section 8 of the
// contract).
func (s *server) account(*call) (any, error) {
	return Account{Success: true, RemainingQuota: unlimited}, nil
}

// projectID reads the project's id, by either name, and tells whether the query
// has one at all: an empty one is a mistake, not a wish for the list.
func (c *call) projectID() (id string, given bool) {
	for _, name := range []string{"project", "id"} {
		for _, value := range c.query[name] {
			given = true
			if value = strings.TrimSpace(value); value != "" {
				return value, true
			}
		}
	}
	return "", given
}

// checkID refuses what cannot be a project's id, with the contract's messages.
func (c *call) checkID(id string) error {
	if utf8.RuneCountInString(id) != project.IDLength {
		return refuse(http.StatusBadRequest, "A 16-character project ID must be provided in the 'project' query parameter")
	}
	if !project.IsID(id) {
		return missing(id, project.ErrNotFound)
	}
	c.project = id
	return nil
}

// missing words the error of a store that was asked for one project. It is 400:
// that is what the API answers live (section 27, item 10).
func missing(id string, err error) error {
	if errors.Is(err, project.ErrNotFound) {
		return refuse(http.StatusBadRequest, "Movie %s not found", id)
	}
	return fmt.Errorf("project %s: %w", id, err)
}

// How long a reply may become by the documents in it. Past the first, the Node
// SDK would not get it in one piece (section 27, item 34); the second bounds
// memory: one document always fits, however it is escaped.
const (
	shortReply = 12 << 10
	fullReply  = 16 << 20
)

// sourceLimit is how many bytes the documents of a reply may have, as the query
// asks for them.
func (c *call) sourceLimit() int {
	switch strings.ToLower(strings.TrimSpace(c.query.Get("format"))) {
	case "simple":
		return 0
	case "full":
		return fullReply
	}
	return shortReply
}

// withSource encodes a reply with the submitted documents in it: all of them
// when the reply stays short enough, else none, so that no movie of a list looks
// as if it had none.
func withSource(limit int, projects []project.Project, movies []Movie, reply func([]Movie) any) (any, error) {
	size := 0
	for _, p := range projects {
		size += len(p.Source)
	}
	if size == 0 || size > limit { // a list's were left out by the store
		return reply(movies), nil
	}
	with := append([]Movie{}, movies...)
	for i, p := range projects {
		with[i].JSON = string(p.Source)
	}
	body, err := encode(reply(with))
	if err == nil && len(body) > limit {
		return reply(movies), nil
	}
	return body, err
}
