package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
)

// plan is how SQLite goes through deliveries and jobs for a query, and what it
// sorts.
func plan(t *testing.T, db *DB, query string, args ...any) (steps []string) {
	t.Helper()
	lines, err := all(t.Context(), db.reads, func(r row) (detail string, err error) {
		err = r.Scan(new(int), new(int), new(int), &detail)
		return detail, err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if strings.Contains(l, " d ") || strings.Contains(l, " j ") || strings.Contains(l, "ORDER BY") {
			steps = append(steps, l)
		}
	}
	return steps
}

const (
	seek    = "SEARCH d USING INDEX sqlite_autoindex_delivery_1 (id=?)"
	walk    = "SEARCH d USING INDEX sqlite_autoindex_delivery_1 (id>? AND id<?)"
	jobs    = "SEARCH j USING COVERING INDEX sqlite_autoindex_job_1 (kind=? AND key>? AND key<?)"
	states  = "SEARCH d USING INDEX delivery_state (state=? AND id>? AND id<?)"
	trouble = "SEARCH d USING INDEX delivery_trouble (endpoint=? AND state=? AND id>? AND id<?)"
	ofOne   = "SEARCH d USING INDEX delivery_endpoint (endpoint=? AND id>? AND id<?)"
	ofMovie = "SEARCH d USING INDEX delivery_project (project=?)"
	ofOwner = "SEARCH d USING INDEX delivery_account (account=? AND id>? AND id<?)"
	sorted  = "USE TEMP B-TREE FOR ORDER BY"
)

// No listing reads more than what it shows, whatever else is in the log. Of the
// walk over all ids: with a filter it is made for what was delivered alone, which
// most are. Only a movie's few are sorted.
func TestListingsUseIndexes(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	failed := []export.State{export.Failed}
	for name, c := range map[string]struct {
		filter export.Filter
		want   []string
	}{
		"all":              {export.Filter{}, []string{walk}},
		"account":          {export.Filter{Account: "x"}, []string{ofOwner}},
		"event":            {export.Filter{Event: "x"}, []string{walk}},
		"states":           {export.Filter{States: failed}, []string{jobs, seek, jobs, seek, walk, states, states, states, states, states}},
		"endpoint":         {export.Filter{Endpoint: "x"}, []string{ofOne}},
		"endpoint, states": {export.Filter{Endpoint: "x", States: failed}, []string{jobs, seek, jobs, seek, ofOne, trouble, trouble, trouble, trouble, trouble}},
		"movie":            {export.Filter{Project: "x"}, []string{ofMovie, sorted}},
		"all filters":      {export.Filter{Project: "x", Endpoint: "x", Event: "x", States: failed}, []string{ofMovie, sorted}},
	} {
		query, args := chosen(c.filter), append(filterArgs(c.filter, span{}), sql.Named("limit", 1))
		for of, got := range map[string][]string{
			"page":     plan(t, db, pageQuery(query), args...),
			"recovery": plan(t, db, nextQuery(query), args...),
		} {
			if diff := cmp.Diff(append([]string{seek}, c.want...), oneSeek(got)); diff != "" {
				t.Errorf("%s by %s (-want +got):\n%s", of, name, diff)
			}
		}
	}
}

// oneSeek makes no difference between the two ways to find a job's delivery.
func oneSeek(steps []string) []string {
	for i, s := range steps {
		if s == "SEARCH d USING INDEX delivery_endpoint (endpoint=? AND id=?)" {
			steps[i] = seek
		}
	}
	return steps
}

func TestOtherPlans(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	for name, c := range map[string]struct {
		query string
		args  []any
		want  string
	}{
		"held":    {heldQuery, []any{"[]"}, "SEARCH d USING COVERING INDEX delivery_trouble (endpoint=? AND state=?)"},
		"removal": {oldQuery, []any{"", "", 0, 1}, walk},
	} {
		if diff := cmp.Diff([]string{c.want}, plan(t, db, c.query, c.args...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
