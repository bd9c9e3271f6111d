package sqlite

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

// What a filter chooses is found in different ways, for a log may hold millions
// that were delivered: by the movie, by the endpoint, or by the states through
// the index of what went wrong and the jobs of what is under way. Each way is one
// constant query for ids, so that few are ever prepared; a state that is not asked
// for costs nothing there, because SQLite looks at a term without columns once.
var (
	byID            = "SELECT d.id FROM delivery d WHERE " + within
	byAccount       = "SELECT d.id FROM delivery d INDEXED BY delivery_account WHERE d.account <> '' AND " + within
	byEndpoint      = "SELECT d.id FROM delivery d WHERE d.endpoint = :endpoint AND " + within
	byState         = byStates("delivery_state", "")
	byEndpointState = byStates("delivery_trouble", "d.endpoint = :endpoint AND ")
	byProject       = "SELECT d.id FROM delivery d WHERE d.project = :project AND (:endpoint = '' OR d.endpoint = :endpoint) AND " +
		within + " AND (:any OR CASE WHEN " + notFinal + " AND " + hasOpen +
		" THEN 'running' ELSE d.state END IN (SELECT value FROM json_each(:states)))"
)

const (
	within   = "d.id >= :low AND d.id < :high AND d.account = :account AND (:event = '' OR d.event = :event) AND (:tests OR d.project <> '' OR d.endpoint <> '')"
	notFinal = "d.state NOT IN ('delivered', 'failed', 'cancelled')"
	// indexed is the condition of the indexes delivery_state and delivery_trouble,
	// which SQLite wants to read in the query.
	indexed = "d.state NOT IN ('pending', 'delivered')"
)

// chosen is the query for the ids that a filter chooses.
func chosen(f export.Filter) string {
	switch {
	case f.Project != "":
		return byProject
	case len(f.States) > 0 && f.Endpoint != "":
		return byEndpointState
	case len(f.States) > 0:
		return byState
	case f.Endpoint != "":
		return byEndpoint
	case f.Account != "":
		return byAccount
	}
	return byID
}

// byStates puts together what is found for each state, what went wrong through
// an index. No delivery is in two of the parts, and each part comes in the order
// of ids, so that SQLite merges them and stops at a limit.
func byStates(index, where string) string {
	// What is pending or running has a job.
	withJob := func(kind queue.Kind) string {
		return fmt.Sprintf("SELECT j.key FROM job j CROSS JOIN delivery d ON d.id = j.key WHERE (:pending OR :running) AND j.kind = '%s' ", kind) +
			"AND j.key >= :low AND j.key < :high AND " + where + within + " AND " + notFinal +
			" AND CASE WHEN " + hasOpen + " THEN :running ELSE :pending AND d.state = 'pending' END"
	}
	parts := []string{
		withJob(export.Deliver), withJob(export.Transfer),
		"SELECT d.id FROM delivery d WHERE :delivered AND " + where + within + " AND d.state = 'delivered'",
	}
	for _, s := range []export.State{export.Retrying, export.InDoubt, export.Held, export.Failed, export.Cancelled} {
		part := fmt.Sprintf("SELECT d.id FROM delivery d INDEXED BY %s WHERE :%s AND %s%s AND d.state = '%s' AND %s",
			index, s, where, within, s, indexed)
		if !s.Final() {
			part += " AND NOT " + hasOpen
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " UNION ALL ")
}

// filterArgs are the parameters of every query that chosen makes.
func filterArgs(f export.Filter, s span) []any {
	args := []any{
		sql.Named("tests", s.tests), sql.Named("low", s.low), sql.Named("high", s.high), sql.Named("account", f.Account), sql.Named("event", f.Event), sql.Named("project", f.Project),
		sql.Named("endpoint", f.Endpoint), sql.Named("any", len(f.States) == 0), sql.Named("states", document{f.States}),
	}
	for _, state := range []export.State{export.Pending, export.Running, export.Retrying, export.InDoubt, export.Held,
		export.Delivered, export.Failed, export.Cancelled} {
		args = append(args, sql.Named(string(state), slices.Contains(f.States, state)))
	}
	return args
}
