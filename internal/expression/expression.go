// Package expression fills the placeholders of a text: {{ name }},
// {{ item.price * 2 }} (section 22 of the contract).
//
// What is written between the braces is read by expr-lang; what it means is the
// contract's: numbers may be text, what is missing is an empty text. So its tree is
// walked here, over a few kinds of node and a fixed list of functions, with every
// step counted. Nothing can be reached but the variables that a scope hands out.
//
// It must not know what the text is for: no movie, no files, no clock, no network.
package expression

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/conf"
)

// What one expression, and all of them together, may cost.
const (
	// maxSource is how long one expression may be, in bytes; it bounds how deep one
	// can be nested.
	maxSource = 2000
	// maxNodes is of how many parts one expression may consist.
	maxNodes = 500
	// maxOutput is how much placeholders may put into one text, and how long a text
	// may become on the way, in bytes.
	maxOutput = 64 << 10
	// maxSteps is the work that one Evaluator does, about a quarter of a second.
	maxSteps = 2_000_000
)

// Scope is where names get their values: nil, bool, string, json.Number, float64,
// []any or map[string]any. What it refuses, as a variable that needs itself, is an
// error; ok is false when there is no such variable.
type Scope func(name string) (value any, ok bool, err error)

// Filled is what became of a text.
type Filled struct {
	// Value is the text, or the value of a text that is one placeholder: of the
	// types that a Scope has.
	Value any
	// Missing are the names that were no variables; each was an empty text.
	Missing []string
}

// Error is a placeholder that cannot be filled, and where in its text.
type Error struct {
	// Position is in characters, the first being 1.
	Position int
	// Reason quotes at most a name or a sign of the text.
	Reason string
	cause  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s, at character %d", e.Reason, e.Position) }

// Unwrap is the error of a Scope.
func (e *Error) Unwrap() error { return e.cause }

// Evaluator fills the texts of one document and counts what they cost. It is not
// safe for concurrent use.
type Evaluator struct {
	steps    int // left
	programs map[string]program
	grammar  *conf.Config // made for the first program
}

// New is an Evaluator that has done nothing yet.
func New() *Evaluator { return &Evaluator{steps: maxSteps, programs: map[string]program{}} }

// Has tells whether a text has placeholders.
func Has(text string) bool { return strings.Contains(text, "{{") }

// Fill puts values in the places of a text's placeholders. A text that is nothing
// but one placeholder becomes that placeholder's value. The error is an *Error.
func (e *Evaluator) Fill(text string, scope Scope) (Filled, error) {
	parts, err := split(text)
	if err != nil {
		return Filled{}, err
	}
	r := &run{Evaluator: e, scope: scope}
	var b strings.Builder
	room := maxOutput
	for _, p := range parts {
		if !p.code {
			b.WriteString(p.text)
			continue
		}
		r.offset = p.position
		v, err := r.source(p.text)
		if err != nil {
			return Filled{}, err
		}
		if _, scalar := scalar(v); len(parts) == 1 && !scalar {
			return Filled{v, r.missing}, nil
		}
		s, err := r.text(v)
		if err != nil {
			return Filled{}, r.refuse(0, err)
		}
		if len(parts) == 1 {
			return Filled{v, r.missing}, nil
		}
		if room -= len(s); room < 0 {
			return Filled{}, r.refuse(0, errTooLong)
		}
		b.WriteString(s)
	}
	return Filled{b.String(), r.missing}, nil
}

// part is a piece of a text: as it stands, or code between braces.
type part struct {
	text string
	code bool
	// position is of the code's first character, counted from 0.
	position int
}

// split takes a text apart. A }} inside of quotes closes nothing.
func split(text string) ([]part, error) {
	var parts []part
	position := 0
	for text != "" {
		start := strings.Index(text, "{{")
		if start < 0 {
			return append(parts, part{text: text}), nil
		}
		if start > 0 {
			parts = append(parts, part{text: text[:start]})
			position += utf8.RuneCountInString(text[:start])
		}
		inside := text[start+2:]
		end := closing(inside)
		if end < 0 {
			return nil, &Error{Position: position + 1, Reason: "this {{ is never closed by }}"}
		}
		code := inside[:end]
		if len(code) > maxSource {
			return nil, &Error{Position: position + 1, Reason: fmt.Sprintf("an expression may have %d bytes at most", maxSource)}
		}
		parts = append(parts, part{code, true, position + 2})
		position += utf8.RuneCountInString(code) + 4
		text = inside[end+2:]
	}
	return parts, nil
}

// closing is where the braces close, -1 when they do not. When a quote never ends
// the first braces count, and the quote is for the parser to complain about.
func closing(s string) int {
	first := strings.Index(s, "}}")
	if first < 0 {
		return -1
	}
	var quote byte
	for i := 0; i < min(len(s), maxSource+2); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(s[i:], "}}"):
			return i
		}
	}
	return first
}
