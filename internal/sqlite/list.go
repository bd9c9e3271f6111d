package sqlite

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

// List returns a page of projects, deleted ones too, created at or after From and
// before To; a zero bound is none. See project.Store.
func (db *DB) List(ctx context.Context, page project.Page) (_ []project.Project, next string, err error) {
	defer wrap(&err, "list projects")
	rows, err := db.measure(ctx, page)
	if err != nil {
		return nil, "", err
	}
	rows, more := cut(rows, max(page.Limit, 1))
	ids, sources := make([]string, len(rows)), 0
	for i, r := range rows {
		ids[i] = r.id
		sources += r.source
	}
	found, err := all(ctx, db.reads, scanProject, listQuery, sources <= page.Sources, document{ids})
	// Sorted here, for SQLite would hold all the texts once more to do it.
	slices.SortFunc(found, func(a, b project.Project) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
	})
	if err != nil || !more {
		return found, "", err
	}
	last := rows[len(rows)-1]
	return found, token(last.createdAt, last.id), nil
}

// listQuery reads projects, with or without their documents.
var listQuery = "SELECT " + strings.TrimSuffix(projectColumns, "source") + `CASE WHEN ? THEN source ELSE x'' END FROM project
	WHERE id IN (SELECT value FROM json_each(?))`

// measured is a project of a page and how many bytes it has, of which those of
// the document are counted apart.
type measured struct {
	id            string
	createdAt     time.Time
	texts, source int
}

// measure returns the projects of a page and one more, if there is one. The
// lengths stand in the heads of the rows, so no text is read for them.
func (db *DB) measure(ctx context.Context, page project.Page) ([]measured, error) {
	const query = `SELECT id, created_at, octet_length(client_data) + octet_length(warnings) + octet_length(message)
		+ octet_length(movie_id), octet_length(source) FROM project
		WHERE account = ? AND created_at >= ? AND created_at < ? AND (created_at, id) < (?, ?)
		ORDER BY created_at DESC, id DESC LIMIT ?`
	before, id, err := place(page.After)
	if err != nil {
		return nil, err
	}
	to := int64(math.MaxInt64)
	if !page.To.IsZero() {
		to = nanos(page.To)
	}
	if before < to { // a deep page begins its search here and not at To
		to = before + 1
	}
	return all(ctx, db.reads, func(r row) (m measured, err error) {
		err = r.Scan(&m.id, (*stamp)(&m.createdAt), &m.texts, &m.source)
		return m, err
	}, query, page.Account, nanos(page.From), to, before, id, max(page.Limit, 1)+1)
}

// cut ends a page where it is full, and tells whether there is more.
func cut(rows []measured, limit int) (page []measured, more bool) {
	size := 0
	for i, r := range rows {
		size += r.texts
		if i == limit || i > 0 && size > project.MaxPage {
			return rows[:i], true
		}
	}
	return rows, false
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
