package movie

import (
	"bytes"

	"github.com/reelhook/reelhook/internal/expression"
)

// references finds the variables that secrets name, as {"password": "{{ pw }}"} does
// pw: their values are as secret. Where a variable is seen from plays no part, so
// that one of a scene is found as well as one of the movie with the same name.
type references struct {
	// variables are the values of each name, as they were written.
	variables map[string][][]byte
	// secrets are yet to be looked through for names.
	secrets [][]byte
}

// variable notes a variable.
func (r *references) variable(name string, value []byte) {
	if r != nil {
		r.variables[name] = append(r.variables[name], value)
	}
}

// secret notes a value that may name variables. What has no braces, even spelled as
// escapes, names none.
func (r *references) secret(value []byte) {
	if r != nil && (bytes.Contains(value, []byte("{{")) || bytes.IndexByte(value, '\\') >= 0) {
		r.secrets = append(r.secrets, value)
	}
}

// follow finds the variables that are named, those that these name, and so on. Each
// value is looked through once.
func (r *references) follow() (named map[string]bool) {
	for len(r.secrets) > 0 && len(r.variables) > 0 {
		last := len(r.secrets) - 1
		value := r.secrets[last]
		r.secrets = r.secrets[:last]
		eachText(decode(value), func(text string) {
			for name := range expression.Names(text) {
				values, ok := r.variables[name]
				if !ok || named[name] {
					continue
				}
				if named == nil {
					named = map[string]bool{}
				}
				named[name] = true
				for _, value := range values {
					r.secret(value)
				}
			}
		})
	}
	return named
}

// eachText calls a function with every text in a decoded value.
func eachText(v any, with func(text string)) {
	switch v := v.(type) {
	case string:
		with(v)
	case []any:
		for _, item := range v {
			eachText(item, with)
		}
	case map[string]any:
		for _, item := range v {
			eachText(item, with)
		}
	}
}
