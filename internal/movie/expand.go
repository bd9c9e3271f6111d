package movie

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/reelhook/reelhook/internal/expression"
)

// scenes are the scenes that the movie's make, each with its place in the document.
// What is no list of scenes, or too long, is left to the reader.
func (f *filler) scenes(v any, at *place, s *scope) any {
	list := listed(f.resolve(v, at, s))
	if list == nil || len(list) > maxScenes {
		return v
	}
	out := []any{}
	for i, item := range list {
		here := &place{up: at, index: i}
		o := f.item(item, here, s)
		loops, err := f.loops(o, s)
		if err != nil {
			f.fault(&place{up: here, key: "iterate"}, "%s.iterate: %s", here, err)
		}
		for _, l := range loops {
			if f.full {
				return out
			}
			if len(out) >= maxScenes {
				f.fault(&place{up: here, key: "iterate"}, "At most %d scenes fit into one movie; with what 'iterate' makes there are more", maxScenes)
				return out
			}
			if scene := f.scene(o, &place{up: at, index: i, note: l.note}, l.scope); scene != nil {
				out = append(out, scene)
			}
		}
	}
	return out
}

// resolve is a list or an object, also where a variable has it.
func (f *filler) resolve(v any, at *place, s *scope) any {
	if text, ok := v.(string); ok && expression.Has(text) {
		return f.text(text, at, s)
	}
	return v
}

// item is one object of a list; what is none reads as an empty one.
func (f *filler) item(v any, at *place, s *scope) *object {
	o, ok := f.resolve(v, at, s).(*object)
	if !ok {
		f.fault(at, "%s should be an object", at)
		return &object{}
	}
	return o
}

// loop is one copy of a scene: where its variables are, and what it is called.
type loop struct {
	scope *scope
	note  string
}

// variableName is a variable's name where a setting asks for one, with the path
// into it.
var variableName = regexp.MustCompile(`^[\pL_$][\pL\pN_$-]*(\.[\pL\pN_$-]+)*$`)

// loops are the copies of a scene: one, or with iterate one for each item of a list.
// An item's fields are variables, and so are the item and its index, counted from 0.
func (f *filler) loops(o *object, s *scope) ([]loop, error) {
	name, as := braceless(o.get("iterate"), ""), braceless(o.get("iterate-as"), "item")
	if name == "" {
		return []loop{{scope: s}}, nil
	}
	if !variableName.MatchString(name) || !variableName.MatchString(as) {
		return nil, errors.New("iterate should be the name of a variable that is a list, and iterate-as a name for its items")
	}
	filled, err := f.eval.Fill("{{"+name+"}}", s.lookup)
	items, ok := filled.Value.([]any)
	at, refused := errors.AsType[*expression.Error](err)
	switch {
	case refused: // its position is not in what was written
		return nil, errors.New(at.Reason)
	case len(filled.Missing) > 0:
		return nil, fmt.Errorf("there is no variable '%s'", short(name))
	case !ok:
		return nil, fmt.Errorf("the variable '%s' is not a list", short(name))
	}
	var list []loop
	for i, item := range items {
		fields, _ := item.(map[string]any)
		if err := f.look(10 + len(fields)); err != nil {
			return nil, err
		}
		values := map[string]any{"index": float64(i)}
		maps.Copy(values, fields)
		values["item"], values[as] = item, item
		list = append(list, loop{&scope{filler: f, outer: s, values: values, ready: true}, "(" + short(name) + "[" + strconv.Itoa(i) + "])"})
	}
	return list, nil
}

// braceless is a name, which somebody may have written as a placeholder.
func braceless(v any, otherwise string) string {
	name, ok := scalar(v)
	if name = strings.TrimSpace(name); v == nil || ok && name == "" {
		return otherwise
	}
	if inside, braced := strings.CutPrefix(name, "{{"); braced {
		name = strings.TrimSpace(strings.TrimSuffix(inside, "}}"))
	}
	if name == "" {
		return "?" // nobody's name
	}
	return name
}

// fillers are keys that are done with once a document is filled in.
var fillers = map[string]bool{"variables": true, "condition": true, "iterate": true, "iterate-as": true, "import": true, "comment": true}

// scene is a scene, nil when its condition drops it.
func (f *filler) scene(o *object, at *place, s *scope) any {
	s = f.scope(s, o, at)
	if !f.keep(o, at, s) {
		return nil
	}
	name := fmt.Sprintf("Scene #%d", at.index+1)
	if at.note != "" {
		name += " " + at.note
	}
	out := f.object(o, at, s, name, false)
	elements := f.elements(o.get("elements"), &place{up: at, key: "elements"}, s, name+", element #")
	if more := f.imported(o, at, s, name); more != nil {
		elements = append(listed(elements), more...)
	}
	out.set("elements", elements)
	return out
}

// object is a scene or an element with everything but elements filled in. The times
// of an element may have to wait.
func (f *filler) object(o *object, at *place, s *scope, name string, mayWait bool) *object {
	out := &object{values: make(map[string]any, len(o.keys)), origin: &origin{at.String(), name}, asked: o.asked}
	f.take(at, "")
	for _, key := range o.keys {
		if fillers[key] || key == "elements" {
			continue
		}
		v, here := o.values[key], &place{up: at, key: key}
		if text, ok := v.(string); ok && mayWait && slices.Contains(timeKeys, key) && f.waits(text, s) {
			out.set(key, &Later{text: text, at: here, scope: s})
			continue
		}
		out.set(key, f.value(v, here, s))
	}
	return out
}

// elements are the elements of a container; name is what messages call them.
func (f *filler) elements(v any, at *place, s *scope, name string) any {
	list := listed(f.resolve(v, at, s))
	if list == nil || len(list) > maxElements {
		return v
	}
	out := []any{}
	for i, item := range list {
		here := &place{up: at, index: i}
		o := f.item(item, here, s)
		inner := f.scope(s, o, here)
		if !f.keep(o, here, inner) {
			continue
		}
		element := f.object(o, here, inner, name+strconv.Itoa(i+1), true)
		if f.full {
			break
		}
		out = append(out, element)
	}
	return out
}

// imported are the elements of the scene that another one imports. They see the
// variables of the scene they come to.
func (f *filler) imported(o *object, at *place, s *scope, name string) []any {
	if o.get("import") == nil || o.get("import") == "" {
		return nil
	}
	here := &place{up: at, key: "import"}
	id, _ := scalar(f.value(o.get("import"), here, s))
	for i, item := range listed(f.doc.get("scenes")) {
		from, ok := item.(*object)
		if sceneID, _ := scalar(from.get("id")); !ok || strings.TrimSpace(sceneID) != strings.TrimSpace(id) {
			continue
		}
		if from == o || from.get("import") != nil {
			f.fault(here, "%s: the scene '%s' imports one itself; import that", here, short(id))
			return nil
		}
		source := &place{up: &place{up: &place{key: "scenes"}, index: i}, key: "elements"}
		return listed(f.elements(from.get("elements"), source, s, name+" (import "+short(id)+"), element #"))
	}
	f.fault(here, "%s: no scene has the id '%s'", here, short(id))
	return nil
}

// keep tells whether a scene or an element stays: without a condition it does.
func (f *filler) keep(o *object, at *place, s *scope) bool {
	v, ok := o.find("condition")
	if !ok {
		return true
	}
	if text, isText := v.(string); isText && expression.Has(text) {
		here := &place{up: at, key: "condition"}
		value, err := f.evaluate(text, here, s)
		switch {
		case errors.Is(err, errLater):
			f.fault(here, "%s: a condition cannot ask for the lengths of media, which are known too late", here)
		case err != nil:
			f.fault(here, "%s: %s", here, err)
		}
		return err == nil && expression.True(value)
	}
	return expression.True(v)
}
