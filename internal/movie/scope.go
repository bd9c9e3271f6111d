package movie

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/expression"
)

// errLater is the answer for a variable that says when an element is on: media have
// to be there first.
var errLater = errors.New("the length of a medium is not known yet")

// maxChain is how many variables may each need the next.
const maxChain = 100

// scope is the variables of the movie, of a scene or of an element; what it does
// not have it looks for further out. The value of a variable may name others, and
// is filled in when it is asked for.
type scope struct {
	*filler
	outer  *scope
	values map[string]any
	ready  bool   // the values have nothing to fill in
	at     *place // of the values
	done   map[string]any
	busy   map[string]bool
}

// scope is the scope of an object's own variables; without any it is the outer one.
func (f *filler) scope(outer *scope, o *object, at *place) *scope {
	values, known := f.variables[o]
	if !known {
		if v, ok := o.get("variables").(raw); ok {
			values, ok = decode(v.text).(map[string]any)
			if !ok && v.value != nil {
				f.m.warnings.add((&place{up: at, key: "variables"}).String(), "variables should be an object; it was ignored")
			}
		}
		f.variables[o] = values
	}
	if len(values) == 0 && outer != nil {
		return outer
	}
	return &scope{filler: f, outer: outer, values: values, at: &place{up: at, key: "variables"}}
}

// lookup is an expression.Scope. A variable that names itself means the one further
// out: {"title": "{{title}}!"} in a scene adds to the movie's title.
func (s *scope) lookup(name string) (any, bool, error) {
	var inside bool
	for c := s; c != nil; c = c.outer {
		v, ok := c.values[name]
		if !ok {
			continue
		}
		if c.busy[name] {
			inside = true
			continue
		}
		if !c.ready {
			v, err := c.filled(name, v)
			return v, err == nil, err
		}
		return v, true, nil
	}
	switch {
	case inside && s.chain[len(s.chain)-1] != name:
		return nil, false, fmt.Errorf("the variable '%s' needs itself", short(name))
	case s.dynamic(name):
		return s.time(name)
	}
	return nil, false, nil
}

// filled is the value of a variable with what it names filled in.
func (s *scope) filled(name string, v any) (any, error) {
	switch v := v.(type) {
	case string:
		if !expression.Has(v) {
			return v, nil
		}
	case []any, map[string]any:
	default:
		return v, nil
	}
	if done, ok := s.done[name]; ok {
		return done, nil
	}
	if s.done == nil {
		s.done, s.busy = map[string]any{}, map[string]bool{}
	}
	if len(s.chain) >= maxChain {
		return nil, fmt.Errorf("more than %d variables name one another in a row", maxChain)
	}
	s.busy[name] = true
	s.chain = append(s.chain, name)
	v, err := s.inside(v, &place{up: s.at, key: name})
	s.chain = s.chain[:len(s.chain)-1]
	delete(s.busy, name)
	if err == nil {
		s.done[name] = v
	}
	return v, err
}

// inside fills in the texts of a variable's value. What cannot be filled in is a
// fault of the variable and an empty text for who asked, unless it is not known yet
// or the movie was read long ago.
func (s *scope) inside(v any, at *place) (_ any, err error) {
	if err := s.look(1); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case string:
		if !expression.Has(v) {
			return v, nil
		}
		if Secret(at.key) {
			return s.discreet(v, at)
		}
		filled, err := s.evaluate(v, at, s)
		if err != nil && !errors.Is(err, errLater) && s.times == nil {
			s.fault(at, "%s: %s", at, err)
			return "", nil
		}
		return filled, err
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			if out[i], err = s.inside(item, &place{up: at, index: i}); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			if out[key], err = s.inside(v[key], &place{up: at, key: key}); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// discreet fills in what may be a password: it may look like a placeholder, and
// nothing of it is told.
func (s *scope) discreet(text string, at *place) (any, error) {
	filled, err := s.eval.Fill(text, s.lookup)
	switch {
	case errors.Is(err, errLater):
		return nil, err
	case err == nil && len(filled.Missing) == 0:
		return filled.Value, nil
	case s.times == nil:
		s.m.warnings.add(at.String(), "%s could not be filled in; it was left as it is", at)
	}
	return text, nil
}

// look counts values of variables that are looked through.
func (f *filler) look(values int) error {
	if f.looked -= values; f.looked < 0 {
		return errors.New("the variables of this document take too much work")
	}
	return nil
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// time is when an element is on, once that can be known.
func (s *scope) time(name string) (any, bool, error) {
	if s.times == nil {
		return nil, false, errLater
	}
	s.chain = append(s.chain, name)
	x, err := s.times(name)
	s.chain = s.chain[:len(s.chain)-1]
	return x, err == nil, err
}

// timeEnds are the ends of the variables that say when an element is on.
var timeEnds = []string{"_start", "_end", "_duration", "_extratime"}

// dynamic tells whether a name is an element's id with one of those ends. Where an
// id is still to be filled in, any may be.
func (f *filler) dynamic(name string) bool {
	return slices.ContainsFunc(timeEnds, func(end string) bool {
		id, ok := strings.CutSuffix(name, end)
		return ok && (f.ids[id] || f.ids[unfilledID])
	})
}

// unfilledID stands for all ids with placeholders.
const unfilledID = "{{"

// collectIDs notes the ids of the elements of the movie and of its scenes.
func (f *filler) collectIDs(doc *object) {
	f.collectFrom(doc.get("elements"))
	for _, item := range listed(doc.get("scenes")) {
		if o, ok := item.(*object); ok {
			f.collectFrom(o.get("elements"))
		}
	}
}

// collectFrom notes the ids of a list of elements.
func (f *filler) collectFrom(elements any) {
	for _, item := range listed(elements) {
		o, ok := item.(*object)
		if !ok {
			continue
		}
		id, _ := scalar(o.get("id"))
		if expression.Has(id) {
			id = unfilledID
		}
		if id = strings.TrimSpace(id); id != "" {
			f.ids[id] = true
		}
	}
}

// listed is an array as reader.items reads it.
func listed(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case *object:
		return []any{v}
	}
	return nil
}
