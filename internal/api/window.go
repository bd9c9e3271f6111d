package api

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

const (
	day = 24 * time.Hour
	// maxWindow is the contract's, from the first day to the last.
	maxWindow    = 93 * day
	maxLimit     = 100
	maxPageToken = 512
)

// window is what part of the list a query asks for (section 4.2 of the
// contract). It holds what was created at From or later and before To.
type window struct {
	project.Page
}

func (w window) firstDay() string { return w.From.Format(time.DateOnly) }
func (w window) lastDay() string  { return w.last().Format(time.DateOnly) }

// last is the last instant within.
func (w window) last() time.Time { return w.To.Add(-time.Millisecond) }

func readWindow(query url.Values, now time.Time) (window, error) {
	w := window{project.Page{Limit: maxLimit, After: first(query, "next_token")}}
	start, _, err := readDate(query, "date_start", "from")
	if err != nil {
		return w, err
	}
	end, whole, err := readDate(query, "date_end", "to")
	switch {
	case err != nil:
		return w, err
	case end.IsZero():
		// Never before the start: where the client is, tomorrow may have begun.
		w.To = now.UTC().Truncate(day).Add(day)
		if !start.Before(w.To) {
			w.To = start.Truncate(day).Add(day)
		}
	case whole:
		w.To = end.Add(day)
	default:
		w.To = end.Add(time.Millisecond) // times are kept in milliseconds, and the end counts
	}
	// The default is the current month's first day. With another end it is the
	// first day of that month: a window that ends before it starts helps nobody.
	if w.From = start; start.IsZero() {
		w.From = time.Date(w.last().Year(), w.last().Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	if err := w.readLimit(first(query, "limit")); err != nil {
		return w, err
	}
	return w, w.check()
}

// readDate reads one end of the window, zero when the query does not name it.
func readDate(query url.Values, name, alias string) (at time.Time, whole bool, err error) {
	text := first(query, name, alias)
	if text == "" {
		return time.Time{}, false, nil
	}
	at, whole, ok := readTime(text)
	if !ok {
		return time.Time{}, false, badTime(name, text)
	}
	return at, whole, nil
}

// readLimit takes a number out of range as the nearest one within: whoever asks
// for 500 wants as many as there are, and next_token leads to the rest.
func (w *window) readLimit(text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) {
		return refuse(http.StatusBadRequest, "'limit' must be a number from 1 to %d", maxLimit)
	}
	w.Limit = int(min(max(n, 1), maxLimit))
	return nil
}

func (w window) check() error {
	switch {
	case !w.From.Before(w.To):
		return refuse(http.StatusBadRequest, "'date_start' (%s) must not be after 'date_end' (%s)", w.firstDay(), w.lastDay())
	case w.last().Truncate(day).Sub(w.From.Truncate(day)) > maxWindow:
		return refuse(http.StatusBadRequest, "The window from 'date_start' (%s) to 'date_end' (%s) is longer than 93 days; ask in parts",
			w.firstDay(), w.lastDay())
	case len(w.After) > maxPageToken:
		return refuse(http.StatusBadRequest, "Unknown next_token")
	}
	return nil
}

func badTime(name, text string) error {
	return refuse(http.StatusBadRequest, "'%s' must be a date or an ISO 8601 time, such as 2026-01-31 or 2026-01-31T12:00:00Z, not '%s'", name, shorten(text))
}

// layouts are the spellings of a time; fractions are read after any seconds.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
}

// The years a store can be asked for: it may count nanoseconds in 64 bits.
const firstYear, lastYear = 1970, 2200

// readTime reads a date, which is a whole day, or an instant; both UTC unless
// they say otherwise.
func readTime(text string) (at time.Time, whole, ok bool) {
	at, whole, ok = spelledTime(text)
	return at, whole, ok && at.Year() >= firstYear && at.Year() <= lastYear
}

func spelledTime(text string) (at time.Time, whole, ok bool) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, true, true
	}
	// A space may stand for the T, and is what a plus sign becomes that was not
	// escaped.
	date, clock, _ := strings.Cut(strings.Replace(strings.ToUpper(text), " ", "T", 1), "T")
	text = date + "T" + strings.NewReplacer(" ", "+", "T", "+").Replace(clock)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), false, true
		}
	}
	return time.Time{}, false, false
}

// first is the first value that is not blank of a parameter known by several
// names.
func first(query url.Values, names ...string) string {
	for _, name := range names {
		for _, value := range query[name] {
			if value = strings.TrimSpace(value); value != "" {
				return value
			}
		}
	}
	return ""
}
