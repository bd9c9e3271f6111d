package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

const (
	// maxOrder is how many bytes the body of a call may have that is no movie.
	maxOrder = 64 << 10
	// maxPage and defaultPage are how many entries a page of the log has.
	maxPage, defaultPage = 200, 50
	// maxCursor and maxReason are in bytes.
	maxCursor, maxReason = 512, 500
)

// parameters are those of a query, each known and given once. A blank one counts
// as not given: scripts send those for "any".
type parameters map[string]string

// parameters reads the query. Movies are asked for by any query, for that is how
// the original is; here a slip must not give another answer than was meant.
func (c *call) parameters(known ...string) (parameters, error) {
	all := parameters{}
	for name, values := range c.query {
		switch {
		case !slices.Contains(known, name):
			return nil, refuse(http.StatusBadRequest, "Unknown parameter '%s'; %s", shorten(name), knows(known))
		case len(values) > 1:
			return nil, refuse(http.StatusBadRequest, "The parameter '%s' is given %d times; give it once", name, len(values))
		}
		all[name] = strings.TrimSpace(values[0])
	}
	return all, nil
}

func knows(known []string) string {
	if len(known) == 0 {
		return "this call has none"
	}
	return "this call knows " + strings.Join(known, ", ")
}

// noParameters is for calls without a query.
func (c *call) noParameters() error {
	_, err := c.parameters()
	return err
}

// order reads the JSON body of a POST into v, which keeps what it holds when there
// is no body. What is not known is refused: a misspelt wish would be lost.
func (c *call) order(v any) error {
	if err := c.readQuery(); err != nil {
		return err
	}
	if len(c.query) > 0 {
		return refuse(http.StatusBadRequest, "This call takes no parameters in the query; put them into the body, as JSON")
	}
	body, err := c.body("The body", maxOrder)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	d.DisallowUnknownFields()
	if err = d.Decode(v); err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("something follows the first value")
	}
	return badOrder(err)
}

// badOrder puts a decoder's error into words for the client.
func badOrder(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return refuse(http.StatusBadRequest, "The body must be a JSON object; this is of type %s", wrong.Value)
		}
		return refuse(http.StatusBadRequest, "'%s' has a value of the wrong type, %s", wrong.Field, wrong.Value)
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, ok := strings.CutPrefix(text, "unknown field "); ok {
		return refuse(http.StatusBadRequest, "Unknown field '%s'; /v2/openapi.json names those that are known", shorten(strings.Trim(name, `"`)))
	}
	return refuse(http.StatusBadRequest, "The body is not JSON: %s", text)
}

// shorten is a client's own text for a message.
func shorten(text string) string {
	const most = 40
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

func (p parameters) limit() (int, error) {
	text := p["limit"]
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, refuse(http.StatusBadRequest, "'limit' must be a whole number from 1 to %d, not '%s'", maxPage, shorten(text))
	}
	return n, nil
}

func (p parameters) cursor() (string, error) {
	if len(p["cursor"]) > maxCursor {
		return "", badCursor()
	}
	return p["cursor"], nil
}

func badCursor() error {
	return refuse(http.StatusBadRequest, "Unknown 'cursor'; take it from the reply before, as next_cursor has it")
}

// readDuration reads a duration as Go writes them, or in days, from least to most.
func readDuration(name, text string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		if n, err = strconv.ParseUint(days, 10, 16); err == nil {
			d = time.Duration(n) * day
		}
	}
	if err != nil || d < least || d > most {
		return 0, refuse(http.StatusBadRequest, "'%s' must be a duration from %s to %s, such as 90m, 24h or 7d, not '%s'",
			name, hours(least), hours(most), shorten(text))
	}
	return d, nil
}

func hours(d time.Duration) string { return fmt.Sprintf("%gh", d.Hours()) }

// readBound reads one end of a span of time, zero when it is not given. The
// second is not in it, but a date means the whole day.
func readBound(name, text string, end bool) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	at, whole, ok := readTime(text)
	if !ok {
		return time.Time{}, badTime(name, text)
	}
	if whole && end {
		at = at.Add(day)
	}
	return at, nil
}

// choice is a filter as a client writes it, who is of an account; from and to name
// its ends there.
type choice struct {
	account                  string
	states                   []string
	project, endpoint, event string
	from, to                 [2]string // name and text
}

// filter checks a choice.
func (o choice) filter() (f export.Filter, err error) {
	f = export.Filter{Project: o.project, Endpoint: o.endpoint, Event: o.event}
	if f.States, err = readStates(o.states); err != nil {
		return f, err
	}
	if f.From, err = readBound(o.from[0], o.from[1], false); err != nil {
		return f, err
	}
	if f.To, err = readBound(o.to[0], o.to[1], true); err != nil {
		return f, err
	}
	if !f.To.IsZero() && !f.From.Before(f.To) {
		return f, refuse(http.StatusBadRequest, "'%s' must be before '%s'", o.from[0], o.to[0])
	}
	if strings.Contains(f.Endpoint, "://") {
		f.Endpoint = export.EndpointOf(o.account, f.Endpoint)
	}
	switch {
	case f.Project != "" && !project.IsID(f.Project):
		return f, refuse(http.StatusBadRequest, "'project' must be the 16-character ID of a movie, not '%s'", shorten(f.Project))
	case f.Endpoint != "" && !isEndpointID(f.Endpoint):
		return f, refuse(http.StatusBadRequest, "'endpoint' must be an id, as GET /v2/endpoints lists them, or a URL, not '%s'", shorten(f.Endpoint))
	case f.Event != "" && !slices.Contains(events(), f.Event):
		return f, refuse(http.StatusBadRequest, "'event' must be one of %s, not '%s'", strings.Join(events(), ", "), shorten(f.Event))
	}
	return f, nil
}

func isEndpointID(text string) bool {
	return len(text) == len(export.EndpointID("")) && strings.HasPrefix(text, "ep_") && strings.Trim(text[len("ep_"):], "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// events are those that a delivery may be about, the operator's own last.
func events() []string {
	return append(export.Events(), export.OperatorEvents()...)
}

// states are those that may be asked for.
var states = []export.State{export.Pending, export.Running, export.Retrying, export.InDoubt,
	export.Held, export.Delivered, export.Failed, export.Cancelled}

func readStates(names []string) (all []export.State, err error) {
	for _, name := range names {
		s := export.State(strings.TrimSpace(name))
		if !slices.Contains(states, s) {
			return nil, refuse(http.StatusBadRequest, "'status' must be one or several of pending, running, retrying, unknown, held, delivered, failed and cancelled, not '%s'", shorten(name))
		}
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all, nil
}

// statuses are one or several states, a list or comma separated.
type statuses []string

// UnmarshalJSON reads a text or an array of texts.
func (l *statuses) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*l = split(text)
		return nil
	}
	if json.Unmarshal(b, (*[]string)(l)) != nil {
		return refuse(http.StatusBadRequest, "'status' must be a text or a list of texts")
	}
	return nil
}

func split(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return strings.Split(text, ",")
}
