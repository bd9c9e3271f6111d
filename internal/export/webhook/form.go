package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/reelhook/reelhook/internal/export"
)

// maxForm bounds a form: a long key is written again for each value beneath it,
// so that a small document could grow without end.
const maxForm = 8 << 20

// maxDepth bounds the nesting of what is read; movies are held to less.
const maxDepth = 100

// form writes application/x-www-form-urlencoded bodies the way PHP's
// http_build_query does with PHP_QUERY_RFC3986, since the original and most of
// its receivers are PHP: nested values in brackets (a[b][0]=c), brackets and all
// but RFC 3986's unreserved characters percent-encoded, booleans as 1 and 0,
// null and empty containers left out. Numbers stay as they were written.
type form struct {
	out  []byte
	name []byte
	err  error
}

// add writes a value, as a field has it or readJSON returns it.
func (f *form) add(key string, v any) {
	f.name = escape(f.name[:0], key)
	f.value(v)
}

// value writes what stands under f.name, and leaves f.name as it was.
func (f *form) value(v any) {
	if len(f.out) > maxForm {
		f.err = export.Refusal(`The movie's client-data is too large as a form; set the webhook's "content-type" to "json"`)
	}
	if f.err != nil {
		return
	}
	switch v := v.(type) {
	case bool:
		text := "0"
		if v {
			text = "1"
		}
		f.pair(text)
	case string:
		f.pair(v)
	case json.Number:
		f.pair(v.String())
	case []any:
		for i, item := range v {
			f.under(strconv.Itoa(i), item)
		}
	case *object:
		for _, key := range v.keys {
			f.under(key, v.values[key])
		}
	case fields:
		for _, member := range v {
			f.under(member.name, member.value)
		}
	case json.RawMessage:
		read, err := readJSON(v)
		if f.err = err; err == nil {
			f.value(read)
		}
	}
}

func (f *form) under(key string, v any) {
	n := len(f.name)
	f.name = append(escape(append(f.name, "%5B"...), key), "%5D"...)
	f.value(v)
	f.name = f.name[:n]
}

func (f *form) pair(text string) {
	if len(f.out) > 0 {
		f.out = append(f.out, '&')
	}
	f.out = escape(append(append(f.out, f.name...), '='), text)
}

func (f *form) bytes() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.out, nil
}

// escape percent-encodes all but the unreserved characters of RFC 3986, section
// 2.3. url.QueryEscape would write a space as +.
func escape(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// object keeps its keys in order, since the order of a body is part of it. A
// key that comes twice has its last value in its first place, as in PHP.
type object struct {
	keys   []string
	values map[string]any
}

// readJSON reads one JSON value with the order of keys and the text of numbers.
func readJSON(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return nil, errors.New("the movie's client-data cannot be read")
	}
	return v, nil
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil || depth > maxDepth {
		return nil, errors.Join(err, errors.New("nested too deep"))
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			item, err := readValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = dec.Token()
		return list, err
	case json.Delim('{'):
		return readObject(dec, depth)
	}
	return token, nil
}

func readObject(dec *json.Decoder, depth int) (any, error) {
	o := &object{values: map[string]any{}}
	for dec.More() {
		token, err := dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, errors.Join(err, errors.New("no key"))
		}
		if _, ok := o.values[key]; !ok {
			o.keys = append(o.keys, key)
		}
		if o.values[key], err = readValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return o, err
}
