package movie

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/reelhook/reelhook/internal/expression"
)

// The three ways a body can fail to be a movie at all, in the API's words
// (section 3 of the contract).
var (
	ErrEmpty    = errors.New("No movie JSON received")                          //nolint:staticcheck // the API's words
	ErrSyntax   = errors.New("Error parsing movie JSON or the movie was empty") //nolint:staticcheck // the API's words
	ErrNoObject = errors.New("No valid movie JSON received")                    //nolint:staticcheck // the API's words
)

// What one document may hold. A value costs a hundred times the two bytes it can
// be written in, so a body's size alone does not bound the work it makes.
const (
	maxDepth  = 64
	maxValues = 100_000
)

// SyntaxError is a body that is not JSON, and where it stops being so: line and
// column count from 1, columns in characters.
type SyntaxError struct {
	Line, Column int
	Reason       string
}

func (e *SyntaxError) Error() string { return ErrSyntax.Error() }

// Unwrap makes it an ErrSyntax.
func (e *SyntaxError) Unwrap() error { return ErrSyntax }

// object is a JSON object read tolerantly: keys in lower case with dashes, the
// last of duplicate keys counts, order kept.
type object struct {
	keys   []string
	values map[string]any
	// origin is where a scene or an element stood before the document was filled
	// in; nil when it stands there still.
	origin *origin
	// asked are the keys that were looked for; nil, which is outside of tests, for
	// nobody wants to know.
	asked map[string]bool
}

// origin is a place of the submitted document, and what messages call it.
type origin struct{ path, name string }

// get returns the value of a key, nil when it is missing or null.
func (o *object) get(key string) any {
	v, _ := o.find(key)
	return v
}

// find returns the value of a key, also null, and tells whether it is there.
func (o *object) find(key string) (v any, ok bool) {
	if o == nil {
		return nil, false
	}
	if o.asked != nil {
		o.asked[key] = true
	}
	v, ok = o.values[key]
	return v, ok
}

func (o *object) set(key string, v any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// raw is a value kept as it was written, beside its reading: client-data and
// destinations are passed on, not understood.
type raw struct {
	value any
	text  json.RawMessage
}

// keepRaw are the keys whose value is kept as written: the client's own data, and
// the names of HTTP headers and of variables, which are no keys of ours.
var keepRaw = map[string]bool{"client-data": true, "headers": true, "variables": true}

// fillKeys are the keys that change which scenes and elements there are.
var fillKeys = map[string]bool{"condition": true, "iterate": true, "import": true}

// document reads a whole body into an object. unfilled tells that something in it
// has to be filled in before it can be read.
func document(data []byte) (doc *object, unfilled bool, err error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, false, ErrEmpty
	}
	if !json.Valid(data) {
		var v any
		return nil, false, syntaxError(data, json.Unmarshal(data, &v))
	}
	p := parser{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
	p.dec.UseNumber()
	v, err := p.value(0)
	if err != nil {
		return nil, false, err
	}
	o, ok := v.(*object)
	if !ok {
		return nil, false, ErrNoObject
	}
	return o, p.unfilled, nil
}

func syntaxError(data []byte, err error) error {
	var at *json.SyntaxError
	if !errors.As(err, &at) {
		return &SyntaxError{Line: 1, Column: 1, Reason: "unexpected end"}
	}
	return errorAt(data[:min(int(at.Offset), len(data))], at.Error())
}

// errorAt is a SyntaxError at the last byte of what stands before it.
func errorAt(before []byte, reason string) error {
	return &SyntaxError{
		Line:   1 + bytes.Count(before, []byte("\n")),
		Column: utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]),
		Reason: reason,
	}
}

// parser reads valid JSON in one pass: what it costs must not grow with the
// depth at which something stands.
type parser struct {
	dec    *json.Decoder
	data   []byte
	values int
	// unfilled tells that a placeholder was read, or one of fillKeys.
	unfilled bool
}

// value reads one value. Objects become *object, arrays []any, numbers
// json.Number.
func (p *parser) value(depth int) (any, error) {
	from := p.dec.InputOffset()
	token, err := p.dec.Token()
	if err != nil {
		return nil, &SyntaxError{Reason: err.Error()}
	}
	p.values++
	switch {
	case depth > maxDepth:
		return nil, p.refuse(from, fmt.Sprintf("nested deeper than %d levels", maxDepth))
	case p.values > maxValues:
		return nil, p.refuse(from, fmt.Sprintf("more than %d values", maxValues))
	case token == json.Delim('{'):
		return p.object(depth)
	case token == json.Delim('['):
		return p.array(depth)
	}
	if s, ok := token.(string); ok && expression.Has(s) {
		p.unfilled = true
	}
	return token, nil
}

// written is what was read since an offset that the decoder had, without what
// separates it from the value before.
func (p *parser) written(from int64) []byte {
	return bytes.TrimLeft(p.data[from:p.dec.InputOffset()], " \t\r\n,:")
}

// refuse is an error at the first byte of the token read since an offset.
func (p *parser) refuse(from int64, reason string) error {
	first := int(p.dec.InputOffset()) - len(p.written(from))
	return errorAt(p.data[:first+1], reason)
}

func (p *parser) object(depth int) (*object, error) {
	o := &object{values: map[string]any{}}
	for p.dec.More() {
		token, err := p.dec.Token()
		if err != nil {
			return nil, &SyntaxError{Reason: err.Error()}
		}
		key := normalKey(token.(string)) // an object's odd tokens are strings
		from := p.dec.InputOffset()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if keepRaw[key] {
			v = raw{v, p.written(from)}
		}
		p.unfilled = p.unfilled || fillKeys[key]
		o.set(key, v)
	}
	return o, p.end()
}

func (p *parser) array(depth int) ([]any, error) {
	list := []any{}
	for p.dec.More() {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, p.end()
}

// end reads the bracket that closes an object or array.
func (p *parser) end() error {
	if _, err := p.dec.Token(); err != nil {
		return &SyntaxError{Reason: err.Error()}
	}
	return nil
}

// normalKey writes a key as the documents do: client_data is client-data.
func normalKey(key string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(key), "_", "-"))
}
