package movie

import (
	"fmt"
	"slices"
)

// Unknown are the keys of the document that nobody reads, each with the key that may
// be meant. They keep no movie from being rendered: real documents have many, and
// Parse says nothing of them. At most 100 are kept, like faults.
func (d *Document) Unknown() []Fault {
	u := unknowns{known: map[string]map[string]key{}}
	u.look(kinds["movie"], d.source, nil)
	return u.list()
}

type unknowns struct {
	notes
	// known are the keys of the kinds and types that were met.
	known map[string]map[string]key
}

// keys are those of a kind and type, by name.
func (u *unknowns) keys(k kind, of string) map[string]key {
	keys := u.known[k.name+"."+of]
	if keys == nil {
		keys = map[string]key{}
		for _, key := range k.names(of) {
			keys[key.name] = key
		}
		u.known[k.name+"."+of] = keys
	}
	return keys
}

// look goes through an object of a kind and those in it.
func (u *unknowns) look(k kind, o *object, at *place) {
	of, _ := scalar(o.get("type"))
	if of = normalKey(of); slices.Contains(later, of) {
		return // nobody reads any of it, and that is a fault already
	}
	if !slices.ContainsFunc(k.types, func(v variant) bool { return v.of == of }) {
		of = ""
	}
	keys := u.keys(k, of)
	for _, name := range o.keys {
		here := &place{up: at, key: name}
		known, ok := keys[name]
		switch {
		case ok && known.value.kind != "":
			u.inside(kinds[known.value.kind], o.values[name], here)
		case ok, k.open && len(k.types) == 0: // who reads it tells
		case !u.full():
			u.add(here.String(), "%s", k.unknown(name, of))
		}
	}
}

// inside looks into an object, or the objects of a list.
func (u *unknowns) inside(k kind, v any, at *place) {
	switch v := v.(type) {
	case *object:
		u.look(k, v, at)
	case []any:
		for i, item := range v {
			if o, ok := item.(*object); ok {
				u.look(k, o, &place{up: at, index: i})
			}
		}
	}
}

// unknown says what is wrong with a key of an object of a kind and a type.
func (k kind) unknown(name, of string) string {
	whose := k.plural
	switch {
	case whose == "":
		whose = "'" + k.name + "'"
	case of != "":
		whose = of + " " + whose
		if slices.ContainsFunc(k.names(""), func(k key) bool { return k.name == name }) {
			return fmt.Sprintf("'%s' means nothing to %s and is ignored", name, whose)
		}
	}
	if like := nearest(name, k.names(of)); like != "" {
		return fmt.Sprintf("'%s' is no key of %s and is ignored; did you mean '%s'?", short(name), whose, like)
	}
	return fmt.Sprintf("'%s' is no key of %s and is ignored", short(name), whose)
}

// nearest is the key that a name is a slip of the pen away from, "" for none.
func nearest(name string, keys []key) string {
	best, least := "", 1+min(3, (len(name)+1)/3)
	if len(name) > 40 { // no key is as long
		return ""
	}
	for _, k := range keys {
		if d := distance(name, k.name); d < least {
			best, least = k.name, d
		}
	}
	return best
}

// distance is how many letters have to be changed, added, left out or swapped with
// the next to make one word of the other (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			d := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
