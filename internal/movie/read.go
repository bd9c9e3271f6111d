package movie

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// reader reads the values of one object, tolerantly, and notes what it had to
// bend.
type reader struct {
	*object
	m    *unfinished
	path string
}

// unfinished is a movie while it is read.
type unfinished struct {
	Movie
	faults, warnings notes
}

// finish is the movie with what was noted while it was read.
func (m *unfinished) finish() *Movie {
	m.Faults, m.Warnings = m.faults.list(), m.warnings.list()
	return &m.Movie
}

// maxNotes is how many faults, and how many warnings, a movie keeps. Nobody
// reads more of them, and each is longer than what makes it.
const maxNotes = 100

// notes are faults or warnings: the first of them, and how many there were.
type notes struct {
	kept  []Fault
	count int
}

// add notes something once, however often the value was looked at.
func (n *notes) add(path, format string, args ...any) {
	f := Fault{path, fmt.Sprintf(format, args...)}
	if slices.Contains(n.kept, f) {
		return
	}
	n.count++
	if len(n.kept) < maxNotes {
		n.kept = append(n.kept, f)
	}
}

// full tells that what is added now is only counted, so that it need not be worded.
func (n *notes) full() bool {
	if len(n.kept) < maxNotes {
		return false
	}
	n.count++
	return true
}

// list is what was kept; when that is not all, its last one counts the rest.
func (n *notes) list() []Fault {
	if more := n.count - len(n.kept); more > 0 {
		n.kept[maxNotes-1] = Fault{Message: fmt.Sprintf("and %d more", more+1)}
	}
	return n.kept
}

func (r reader) at(key string) string {
	if r.path == "" {
		return key
	}
	return r.path + "." + key
}

// fault notes what keeps a movie from being rendered, one fault a place: where a
// value could not be filled in, that it is missing need not be said.
func (r reader) fault(key, format string, args ...any) {
	path := r.at(key)
	if !slices.ContainsFunc(r.m.faults.kept, func(f Fault) bool { return f.Path == path }) {
		r.m.faults.add(path, format, args...)
	}
}

func (r reader) warn(key, format string, args ...any) {
	r.m.warnings.add(r.at(key), format, args...)
}

// text is a string value; numbers and booleans read as their text.
func (r reader) text(key, otherwise string) string {
	s, ok := scalar(r.get(key))
	if !ok {
		if r.get(key) != nil {
			r.warn(key, "%s should be text; it was ignored", key)
		}
		return otherwise
	}
	return s
}

// number is a number, or text that holds one.
func (r reader) number(key string, otherwise float64) float64 {
	v := r.get(key)
	s, ok := scalar(v)
	s = strings.TrimSpace(s)
	if v == nil || s == "" && ok {
		return otherwise
	}
	x, err := strconv.ParseFloat(strings.TrimSuffix(s, "px"), 64)
	if !ok || err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		r.warn(key, "%s should be a number; %s was used", key, trimNumber(otherwise))
		return otherwise
	}
	return x
}

// within is a number held between two bounds, with a warning when it was not.
func (r reader) within(key string, otherwise, low, high float64) float64 {
	x := r.number(key, otherwise)
	if y := min(max(x, low), high); y != x {
		r.warn(key, "%s was %s and became %s", key, trimNumber(x), trimNumber(y))
		return y
	}
	return x
}

func (r reader) boolean(key string, otherwise bool) bool {
	s, ok := scalar(r.get(key))
	if !ok {
		if r.get(key) != nil {
			r.warn(key, "%s should be true or false; %v was used", key, otherwise)
		}
		return otherwise
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off", "":
		return false
	}
	r.warn(key, "%s should be true or false; %v was used", key, otherwise)
	return otherwise
}

// items is an array; a lone object counts as an array of one.
func (r reader) items(key string) []any {
	switch v := r.get(key).(type) {
	case nil:
		return nil
	case []any:
		return v
	case *object:
		return []any{v}
	}
	r.fault(key, "%s should be an array of objects", r.at(key))
	return nil
}

// objects makes readers of what items returned; what is no object reads as an
// empty one.
func (r reader) objects(key string, items []any) []reader {
	list := make([]reader, len(items))
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", r.at(key), i)
		o, ok := item.(*object)
		if !ok {
			r.m.faults.add(path, "%s should be an object", path)
			o = &object{}
		}
		if o.origin != nil {
			path = o.origin.path
		}
		list[i] = reader{o, r.m, path}
	}
	return list
}

// part is an object inside this one. Anything else there is ignored with a
// warning.
func (r reader) part(key string) (reader, bool) {
	o, ok := r.get(key).(*object)
	if !ok && r.get(key) != nil {
		r.warn(key, "%s should be an object; it was ignored", key)
	}
	return reader{o, r.m, r.at(key)}, ok
}

// list is an array of objects. Too many are a fault, and none of them is read.
func (r reader) list(key string, most int, container string) []reader {
	items := r.items(key)
	if len(items) > most {
		r.fault(key, "At most %d %s fit into one %s; there are %d", most, key, container, len(items))
		return nil
	}
	return r.objects(key, items)
}

// scalar is the text of a string, number or boolean.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func trimNumber(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
