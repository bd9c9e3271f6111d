package movie

import (
	"bytes"
	"encoding/json"
)

// Resolved is the document as it is rendered: variables filled in, conditions
// applied, scenes repeated and imports done, keys in one spelling. Defaults are not
// written in. Times that wait for the lengths of media are as they were written
// until a timeline was built, and then what they came to. Secrets of exports are
// hidden as Hide does.
func (d *Document) Resolved() json.RawMessage {
	var w resolver
	w.movie(d.filled)
	if w.err != nil { // it was JSON before
		return json.RawMessage("{}")
	}
	shown, _ := Hide(bytes.ToValidUTF8(w.Bytes(), []byte("\uFFFD")))
	return shown
}

// resolver writes a filled in document as JSON, in its own order.
type resolver struct {
	bytes.Buffer
	err error
}

// movie writes what holds elements, without the keys that were done with when it was
// filled in.
func (w *resolver) movie(o *object) {
	w.object(o, func(key string, v any) bool {
		switch {
		case fillers[key], v == nil: // null is as good as nothing
			return false
		case key == "scenes" || key == "elements":
			w.key(key)
			w.movies(v)
		default:
			w.member(key, v)
		}
		return true
	})
}

// movies writes a list of what may hold elements.
func (w *resolver) movies(v any) {
	switch v := v.(type) {
	case *object:
		w.movie(v)
	case []any:
		w.list(v, w.movies)
	default:
		w.value(v)
	}
}

// object writes an object; write tells whether it wrote a member.
func (w *resolver) object(o *object, write func(key string, v any) bool) {
	w.WriteByte('{')
	for _, key := range o.keys {
		if write(key, o.values[key]) {
			w.WriteByte(',')
		}
	}
	w.end('}')
}

func (w *resolver) list(list []any, write func(any)) {
	w.WriteByte('[')
	for _, item := range list {
		write(item)
		w.WriteByte(',')
	}
	w.end(']')
}

// end closes what was opened, in the place of the last comma.
func (w *resolver) end(bracket byte) {
	if b := w.Bytes(); b[len(b)-1] == ',' {
		w.Truncate(len(b) - 1)
	}
	w.WriteByte(bracket)
}

func (w *resolver) key(key string) {
	w.value(key)
	w.WriteByte(':')
}

func (w *resolver) member(key string, v any) {
	w.key(key)
	w.value(v)
}

func (w *resolver) value(v any) {
	switch v := v.(type) {
	case *object:
		w.object(v, func(key string, v any) bool {
			w.member(key, v)
			return true
		})
		return
	case []any:
		w.list(v, w.value)
		return
	case *Later:
		if v.settled == nil {
			w.value(v.text)
			return
		}
		w.value(v.settled)
		return
	}
	text, err := encode(v)
	w.Write(text)
	if err != nil {
		w.err = err
	}
}
