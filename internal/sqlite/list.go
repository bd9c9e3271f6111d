package sqlite

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

// List returns a page of projects, deleted ones too, created at or after From and
// before To; a zero bound is none. See project.Store.
func (db *DB) List(ctx context.Context, page project.Page) (_ []project.Project, next string, err error) {
	defer wrap(&err, "list projects")
	const query = "SELECT " + projectColumns + ` FROM project
		WHERE created_at >= ? AND created_at < ? AND (created_at, id) < (?, ?)
		ORDER BY created_at DESC, id DESC LIMIT ?`
	before, id, err := place(page.After)
	if err != nil {
		return nil, "", err
	}
	limit := max(page.Limit, 1)
	to := int64(math.MaxInt64)
	if !page.To.IsZero() {
		to = nanos(page.To)
	}
	if before < to { // a deep page begins its search here and not at To
		to = before + 1
	}
	found, err := all(ctx, db.reads, scanProject, query,
		nanos(page.From), to, before, id, limit+1)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	last := found[limit-1]
	return found[:limit], token(last.CreatedAt, last.ID), nil
}

// token names the last project of a page. It holds a place in the order and not
// a count, so that a page is not shifted by projects that came meanwhile.
func token(createdAt time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%s", createdAt.UnixNano(), id))
}

// place reads a token; "" is before the newest.
func place(token string) (createdAt int64, id string, err error) {
	if token == "" {
		return math.MaxInt64, "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		var nanos string
		nanos, id, _ = strings.Cut(string(text), ".")
		createdAt, err = strconv.ParseInt(nanos, 10, 64)
	}
	if err != nil {
		return 0, "", fmt.Errorf("not a page token: %q: %w", token, project.ErrNotFound)
	}
	return createdAt, id, nil
}
