package movie

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// reader reads the values of one object, tolerantly, and notes what it had to
// bend.
type reader struct {
	*object
	m    *Movie
	path string
}

func (r reader) at(key string) string {
	if r.path == "" {
		return key
	}
	return r.path + "." + key
}

func (r reader) fault(key, format string, args ...any) {
	r.m.Faults = append(r.m.Faults, Fault{r.at(key), fmt.Sprintf(format, args...)})
}

func (r reader) warn(key, format string, args ...any) {
	r.m.Warnings = append(r.m.Warnings, Fault{r.at(key), fmt.Sprintf(format, args...)})
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
	if strings.Contains(s, "{{") && key != "text" {
		r.placeholder(key)
	}
	return s
}

// placeholder reports a value that waits for a variable.
func (r reader) placeholder(key string) {
	r.fault(key, "Variables and expressions ({{...}}) are not supported by this version of Reelhook; write the value out")
}

// number is a number, or text that holds one.
func (r reader) number(key string, otherwise float64) float64 {
	v := r.get(key)
	s, ok := scalar(v)
	s = strings.TrimSpace(s)
	switch {
	case v == nil || s == "" && ok:
		return otherwise
	case ok && strings.Contains(s, "{{"):
		r.placeholder(key)
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
		return otherwise
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off", "":
		return false
	}
	if strings.Contains(s, "{{") {
		r.placeholder(key)
	} else {
		r.warn(key, "%s should be true or false; %v was used", key, otherwise)
	}
	return otherwise
}

// list is an array of objects; a lone object counts as an array of one.
func (r reader) list(key string) []reader {
	var items []any
	switch v := r.get(key).(type) {
	case nil:
		return nil
	case []any:
		items = v
	case *object:
		items = []any{v}
	default:
		r.fault(key, "%s should be an array of objects", key)
		return nil
	}
	var list []reader
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", r.at(key), i)
		o, ok := item.(*object)
		if !ok {
			r.m.Faults = append(r.m.Faults, Fault{path, fmt.Sprintf("%s should be an object", path)})
			o = &object{values: map[string]any{}}
		}
		list = append(list, reader{o, r.m, path})
	}
	return list
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
