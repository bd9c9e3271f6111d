package movie

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/reelhook/reelhook/internal/expression"
)

// maxFilled bounds what variables may make of a document: the text of its values,
// in bytes beyond its own length.
const maxFilled = 8 << 20

// filler puts the values of variables into a document, before it is read: what
// comes out has no placeholders, conditions or iterations. It evaluates in the order
// of section 22 of the contract.
type filler struct {
	m      *unfinished
	doc    *object
	eval   *expression.Evaluator
	values int // that may still be written
	bytes  int // of text that may still be written
	// looked is how many values of variables may still be looked through.
	looked int
	chain  []string // of variables that are being filled in, each for the one before
	full   bool
	times  Times           // nil while the movie is read
	ids    map[string]bool // of elements
	// variables are the variables of objects, decoded once for all copies.
	variables map[*object]map[string]any
}

// fill is the document with everything filled in. size is how long it was.
func (m *unfinished) fill(doc *object, size int) *object {
	f := &filler{
		m: m, doc: doc, eval: expression.New(), variables: map[*object]map[string]any{},
		values: maxValues, bytes: maxFilled + size, looked: 10 * maxValues,
		ids: map[string]bool{},
	}
	f.collectIDs(doc)
	s := f.scope(nil, doc, nil)
	out := &object{values: map[string]any{}, asked: doc.asked}
	for _, key := range doc.keys {
		at := &place{key: key}
		switch v := doc.values[key]; key {
		case "scenes":
			out.set(key, f.scenes(v, at, s))
		case "elements":
			out.set(key, f.elements(v, at, s, "Movie element #"))
		case "client-data", "variables", "settings", "project", "preload", "comment": // not ours to read
			out.set(key, v)
		default:
			out.set(key, f.value(v, at, s))
		}
	}
	return out
}

// place is a place of the submitted document, spelled out only when something is
// wrong there.
type place struct {
	up  *place
	key string
	// index counts when there is no key; note is added behind it.
	index int
	note  string
}

func (p *place) String() string {
	var buffer [128]byte
	return string(p.append(buffer[:0]))
}

func (p *place) append(b []byte) []byte {
	if p == nil {
		return b
	}
	b = p.up.append(b)
	if p.key == "" {
		b = strconv.AppendInt(append(b, '['), int64(p.index), 10)
		return append(append(b, ']'), p.note...)
	}
	if p.up != nil {
		b = append(b, '.')
	}
	return append(b, short(p.key)...)
}

// short cuts what somebody else made up.
func short(name string) string {
	count := 0
	for i := range name {
		if count++; count > 60 {
			return name[:i] + "…"
		}
	}
	return name
}

func (f *filler) fault(at *place, format string, args ...any) {
	if !f.m.faults.full() {
		f.m.faults.add(at.String(), format, args...)
	}
}

// take counts a value that is written; false means that there are too many.
func (f *filler) take(at *place, text string) bool {
	f.values--
	f.bytes -= len(text)
	if !f.full && (f.values < 0 || f.bytes < 0) {
		f.full = true
		f.fault(at, "With its variables filled in the movie has more than %d values or %d MiB of text", maxValues, maxFilled>>20)
	}
	return !f.full
}

// value is a value with everything in it filled in.
func (f *filler) value(v any, at *place, s *scope) any {
	return f.settle(v, at, s, false)
}

// settle is value; hidden says that the value may be a secret, of which nothing is
// told, and which is left as it is when it is no text to fill in.
func (f *filler) settle(v any, at *place, s *scope, hidden bool) any {
	text, _ := v.(string)
	if !f.take(at, text) {
		return nil
	}
	switch v := v.(type) {
	case string:
		if !expression.Has(v) {
			return v
		}
		if hidden {
			return f.secret(v, s)
		}
		return f.text(v, at, s)
	case *object:
		out := &object{values: make(map[string]any, len(v.keys)), asked: v.asked}
		for _, key := range v.keys {
			if key == "comment" {
				continue
			}
			out.set(key, f.settle(v.values[key], &place{up: at, key: key}, s, hidden || Secret(key)))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = f.settle(item, &place{up: at, index: i}, s, hidden)
		}
		return out
	case raw:
		return f.raw(v, at, s)
	}
	return v
}

// text fills in a text. What cannot be filled in is a fault, and is missing.
func (f *filler) text(text string, at *place, s *scope) any {
	v, err := f.evaluate(text, at, s)
	switch {
	case errors.Is(err, errLater):
		f.fault(at, "%s: the lengths of media are known too late to be used here; use them in start, duration, extra-time, fade-in and fade-out of elements", at)
	case err != nil:
		f.fault(at, "%s: %s", at, err)
	default:
		return f.tree(v, at)
	}
	return nil
}

// evaluate is the value of a text with placeholders.
func (f *filler) evaluate(text string, at *place, s *scope) (any, error) {
	filled, err := f.eval.Fill(text, s.lookup)
	if err != nil {
		return nil, err
	}
	for _, name := range filled.Missing {
		if f.m.warnings.full() {
			continue
		}
		f.m.warnings.add(at.String(), "%s: there is no variable '%s'; an empty text was used", at, short(name))
	}
	return filled.Value, nil
}

// secret fills in what may be a password: it may look like a placeholder, and
// nothing of it is shown.
func (f *filler) secret(text string, s *scope) any {
	filled, err := f.eval.Fill(text, s.lookup)
	if err != nil || len(filled.Missing) > 0 {
		return text
	}
	return f.tree(filled.Value, nil)
}

// raw fills in the values of headers, whose names are kept as they were written.
func (f *filler) raw(v raw, at *place, s *scope) any {
	headers, ok := decode(v.text).(map[string]any)
	if at.key != "headers" || !ok || !bytes.Contains(v.text, []byte("{{")) {
		return v
	}
	for name, value := range headers {
		if text, ok := value.(string); ok && expression.Has(text) && f.take(at, text) {
			headers[name], _ = scalar(f.secret(text, s))
		}
	}
	text, err := encode(headers)
	if err != nil {
		return v
	}
	return raw{headers, text}
}

// decode reads JSON without any idea of keys.
func decode(text []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// tree is a variable's value as a part of the document.
func (f *filler) tree(v any, at *place) any {
	text, _ := v.(string)
	if !f.take(at, text) {
		return nil
	}
	switch v := v.(type) {
	case float64:
		return json.Number(expression.Number(v))
	case []any:
		out := make([]any, len(v))
		for i := 0; i < len(v) && !f.full; i++ {
			out[i] = f.tree(v[i], at)
		}
		return out
	case map[string]any:
		out := &object{values: make(map[string]any, len(v))}
		for _, key := range sortedKeys(v) {
			out.set(normalKey(key), f.tree(v[key], at))
		}
		return out
	}
	return v
}
