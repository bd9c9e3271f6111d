package movie

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The three ways a body can fail to be a movie at all, in the API's words
// (section 3 of the contract).
var (
	ErrEmpty    = errors.New("No movie JSON received")                          //nolint:staticcheck // the API's words
	ErrSyntax   = errors.New("Error parsing movie JSON or the movie was empty") //nolint:staticcheck // the API's words
	ErrNoObject = errors.New("No valid movie JSON received")                    //nolint:staticcheck // the API's words
	errTooDeep  = fmt.Errorf("nested deeper than %d levels", maxDepth)
)

const maxDepth = 64

// SyntaxError is a body that is not JSON, and where it stops being so.
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
}

// get returns the value of a key, nil when it is missing or null.
func (o *object) get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
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

// keepRaw are the keys whose value is kept as written.
var keepRaw = map[string]bool{"client-data": true}

// document reads a whole body into an object.
func document(data []byte) (*object, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, ErrEmpty
	}
	if !json.Valid(data) {
		var v any
		return nil, syntaxError(data, json.Unmarshal(data, &v))
	}
	v, err := readValue(data, 0)
	if err != nil {
		return nil, &SyntaxError{Reason: err.Error()}
	}
	o, ok := v.(*object)
	if !ok {
		return nil, ErrNoObject
	}
	return o, nil
}

func syntaxError(data []byte, err error) error {
	e := &SyntaxError{Line: 1, Column: 1, Reason: "unexpected end"}
	var at *json.SyntaxError
	if errors.As(err, &at) {
		before := data[:min(int(at.Offset), len(data))]
		e.Line = 1 + bytes.Count(before, []byte("\n"))
		e.Column = len(before) - bytes.LastIndexByte(before, '\n') - 1
		e.Reason = at.Error()
	}
	return e
}

// readValue reads one valid JSON value. Objects become *object, arrays []any,
// numbers json.Number.
func readValue(data []byte, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	data = bytes.TrimSpace(data)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	switch data[0] {
	case '{':
		return readObject(dec, depth)
	case '[':
		return readArray(dec, depth)
	}
	var v any
	return v, dec.Decode(&v)
}

func readObject(dec *json.Decoder, depth int) (*object, error) {
	o := &object{values: map[string]any{}}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key := normalKey(token.(string)) // an object's odd tokens are strings
		var text json.RawMessage
		if err := dec.Decode(&text); err != nil {
			return nil, err
		}
		v, err := readValue(text, depth+1)
		if err != nil {
			return nil, err
		}
		if keepRaw[key] {
			v = raw{v, text}
		}
		o.set(key, v)
	}
	return o, nil
}

func readArray(dec *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		var text json.RawMessage
		if err := dec.Decode(&text); err != nil {
			return nil, err
		}
		v, err := readValue(text, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// normalKey writes a key as the documents do: client_data is client-data.
func normalKey(key string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(key), "_", "-"))
}
