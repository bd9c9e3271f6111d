package api

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// MaxBody is how many bytes a request's body may have.
const MaxBody = 2 << 20

// maxIdempotencyKey is how long an Idempotency-Key may be.
const maxIdempotencyKey = 255

// submit is POST /v2/movies (section 3 of the contract). A body that parses is
// accepted with 200 whatever is wrong in it: faults show in the project's
// status, for clients know no other way to read them (section 27, item 9).
func (s *server) submit(c *call) (any, error) {
	body, err := c.body("The movie JSON", MaxBody)
	if err != nil {
		return nil, err
	}
	m, err := movie.Parse(body)
	if err != nil {
		return nil, unreadable(err)
	}
	idem, err := c.idempotency(body)
	if err != nil {
		return nil, err
	}
	p, err := s.of(c).create(c.Context(), s.newProject(m, body), export.Destinations(m.Exports), idem)
	if errors.Is(err, project.ErrConflict) {
		return nil, refuse(http.StatusConflict, "This Idempotency-Key was used before with another body; take a new one for a new movie")
	}
	if err != nil {
		return nil, undone{fmt.Errorf("create project: %w", err),
			"The server cannot take work now; nothing was accepted, try again later"}
	}
	c.project = p.ID
	// Not the time of this call, so that a repeated one is answered with the same
	// bytes.
	return Accepted{Success: true, Project: p.ID, Timestamp: stamp(p.CreatedAt)}, nil
}

// body reads the request's body, whatever its content type; what says what it is.
func (c *call) body(what string, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.out.ResponseWriter, c.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(http.StatusRequestEntityTooLarge, "%s may have at most %d bytes", what, tooLarge.Limit)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "The request ended before its body was complete")
	}
	return body, nil
}

// unreadable puts a parser's error into the API's words; what is more to say
// goes to the details, for clients compare messages.
func unreadable(err error) error {
	f := refuse(http.StatusBadRequest, "%s", err.Error())
	if syntax, ok := errors.AsType[*movie.SyntaxError](err); ok {
		f.Details = syntax.Reason
		if syntax.Line > 0 {
			f.Details = fmt.Sprintf("line %d, column %d: %s", syntax.Line, syntax.Column, syntax.Reason)
		}
	}
	return f
}

// idempotency reads the optional header that makes a submission repeatable.
func (c *call) idempotency(body []byte) (*project.Idempotency, error) {
	key := strings.TrimSpace(c.Header.Get("Idempotency-Key"))
	if key == "" {
		return nil, nil
	}
	if len(key) > maxIdempotencyKey {
		return nil, refuse(http.StatusBadRequest, "An Idempotency-Key may have at most %d characters", maxIdempotencyKey)
	}
	return &project.Idempotency{Key: key, BodyHash: sha256.Sum256(body)}, nil
}

func (s *server) newProject(m *movie.Movie, body []byte) project.Project {
	// In milliseconds, as replies show it, whatever a store keeps of a time.
	now := s.Now().UTC().Truncate(1e6)
	id := project.NewID(now)
	source, sealed := s.Conceal(id, bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	return project.Project{
		ID:         id,
		Status:     project.Pending,
		MovieID:    m.ID,
		Source:     source,
		Sealed:     sealed,
		ClientData: bytes.ToValidUTF8(m.ClientData, []byte("\uFFFD")),
		Warnings:   m.Warnings,
		// The folder is what makes the file's address unguessable: files need no
		// key. The name follows the contract's pattern (section 4.1), with a longer
		// number: it is what the file is called in other people's folders too.
		FileKey:   rand.Text() + "/" + now.Format("2006-01-02-") + project.Random(9, "0123456789") + ".mp4",
		CreatedAt: now,
	}
}
