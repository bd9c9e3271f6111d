package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"

	"github.com/reelhook/reelhook/internal/blob"
)

// file is GET /files/<key>: a finished movie, or its thumbnail. It asks for no key, for the address
// is given to players and social networks; nobody guesses it.
func (s *server) file(c *call) (any, error) {
	key := c.PathValue("key")
	f, err := s.Files.Open(c.Context(), key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, refuse(http.StatusNotFound, "No such file; movies are gone once they are deleted")
	}
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err) // without the key, which is a secret
	}
	defer f.Close()
	h := c.out.Header()
	h.Set("Content-Type", contentType(key))
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": path.Base(key)}))
	h.Set("X-Content-Type-Options", "nosniff")
	// Rendering again after a crash may replace the file, so name and size are
	// not enough to tell two of them apart.
	h.Set("ETag", `"`+strconv.FormatInt(f.Size(), 36)+"-"+strconv.FormatInt(f.ModTime().UnixNano(), 36)+`"`)
	http.ServeContent(&c.out, c.Request, "", f.ModTime(), f)
	return nil, nil
}

// contentType is that of a file, by what its key ends in.
func contentType(key string) string {
	if path.Ext(key) == ".jpg" {
		return "image/jpeg"
	}
	return "video/mp4"
}

// health is GET /healthz: the process answers.
func (s *server) health(*call) (any, error) { return Health{Status: "ok", Version: s.Version}, nil }

// ready is GET /readyz: the server can take work.
func (s *server) ready(c *call) (any, error) {
	if err := s.Ready(c.Context()); err != nil {
		return nil, refuse(http.StatusServiceUnavailable, "Not ready: %s", err)
	}
	return Health{Status: "ok"}, nil
}
