package movie

import (
	"maps"
	"slices"
	"strings"
)

// The patterns of texts that the reader takes in place of other values.
const (
	// filledIn is a text with a placeholder in it: what comes of it nobody knows yet.
	filledIn = `\{\{`
	// blank is a text that says nothing, which is as good as none.
	blank     = `^\s*$`
	digits    = `^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?(px)?\s*$`
	autoText  = `^\s*[Aa][Uu][Tt][Oo]\s*$`
	trueText  = `^\s*[Tt][Rr][Uu][Ee]\s*$`
	falseText = `^\s*[Ff][Aa][Ll][Ss][Ee]\s*$`
	noneText  = `^\s*[Nn][Oo][Nn][Ee]\s*$`
	flagText  = `^\s*([01]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff])\s*$`
	// otherwiseSpelt is a name that is not written as it is listed: in capitals, with
	// underscores, or with space around it. The reader reads it, and judges it.
	otherwiseSpelt = `[A-Z_]|^\s|\s$`
)

// patterns are several as one.
func patterns(all ...string) string { return strings.Join(all, "|") }

func bound(x float64) *float64 { return &x }
func most(n int) *int          { return &n }

// number is a number between two bounds, also written as text.
func number(low, high float64) value {
	return value{node: node{Type: types{"number", "string", "null"}, Minimum: bound(low), Maximum: bound(high),
		Pattern: patterns(filledIn, blank, digits), Wanted: "It should be a number, or a text that holds one or {{ makes one }}."}}
}

// length is a number of seconds, or -1 or -2, or "auto".
func length() value {
	v := number(Container, maxSeconds)
	v.Pattern, v.Wanted = patterns(v.Pattern, autoText), "It should be a number of seconds, auto, or a text that {{ makes one }}."
	return v
}

// count is any number, also written as text.
func count() value {
	v := number(0, 0)
	v.Minimum, v.Maximum = nil, nil
	return v
}

// upTo is a number that only has an upper bound: from 0 down it means "not given".
func upTo(high float64) value {
	v := number(0, high)
	v.Minimum = nil
	return v
}

// flag is true or false, in all the ways that people write them.
func flag() value {
	return value{node: node{Type: types{"boolean", "string", "number", "null"}, Minimum: bound(0), Maximum: bound(1),
		Pattern: patterns(filledIn, blank, trueText, falseText, flagText), Wanted: "It should be true or false, or a text that {{ makes one }}."}}
}

// text is a text; numbers and booleans read as theirs.
func text() value {
	return value{node: node{Type: types{"string", "number", "boolean", "null"}}}
}

// needed is a text that must say something.
func needed() value {
	return value{node: node{Type: types{"string", "number"}, Pattern: `\S`, Wanted: "It must not be empty."}}
}

// words is one of several words. Editors offer them; other spellings of them are let
// pass.
func words(all ...string) value {
	list := make([]any, len(all))
	for i, word := range all {
		list[i] = word
	}
	return value{node: node{AnyOf: []node{
		{Enum: list},
		{Type: types{"string", "null"}, Pattern: patterns(filledIn, blank, otherwiseSpelt)},
	}}}
}

// option is a word with what it means.
type option struct{ word, about string }

// options is words that need an explanation.
func options(all ...option) value {
	var v value
	for _, o := range all {
		v.AnyOf = append(v.AnyOf, node{Const: o.word, Description: o.about})
	}
	v.AnyOf = append(v.AnyOf, node{Type: types{"string"}, Pattern: patterns(filledIn, otherwiseSpelt)})
	return v
}

// colour is a CSS colour.
func colour() value { return value{node: ref("color")} }

func colorNode() node {
	names := []any{"transparent"}
	for _, name := range slices.Sorted(maps.Keys(colorNames)) {
		names = append(names, name)
	}
	const hex, functional = `^\s*#?[0-9A-Fa-f]{3,8}\s*$`, `^\s*[Rr][Gg][Bb][Aa]?\(.*\)\s*$`
	return node{
		Description: "A CSS colour: #rgb, #rrggbb, #rrggbbaa, rgb(), rgba(), a name or transparent.",
		AnyOf: []node{
			{Type: types{"string", "number", "null"}, Pattern: patterns(filledIn, blank, hex, functional, otherwiseSpelt)},
			{Enum: names},
		},
	}
}

// offset is an x or y.
func offset() value {
	return value{node: node{Type: types{"number", "string", "null"}, Minimum: bound(-maxOffset), Maximum: bound(maxOffset),
		Pattern: patterns(filledIn, blank, `^\s*[Cc][Ee][Nn][Tt][Ee][Rr]\s*$`, `^\s*-?[0-9]+(\.[0-9]+)?\s*([Pp][Xx]|%)?\s*$`)}}
}

const wantObject = "It should be an object, or a text that {{ is one }}."

// one is an object of a kind, or a text that stands for one.
func one(kind string, instead ...string) value {
	n := ref(kind)
	n.Type, n.Pattern, n.Wanted = types{"object", "string", "null"}, patterns(append([]string{filledIn}, instead...)...), wantObject
	return value{n, kind}
}

// many is a list of objects of a kind; a lone object is one of one.
func many(kind string, atMost int) value {
	item := ref(kind)
	item.Type, item.Pattern, item.Wanted = types{"object", "string"}, filledIn, wantObject
	n := ref(kind)
	n.Type, n.Pattern, n.Wanted, n.Items = types{"array", "object", "string", "null"}, filledIn, "It should be a list of objects, or a text that {{ is one }}.", &item
	if atMost > 0 {
		n.MaxItems = most(atMost)
	}
	return value{n, kind}
}

// change is an object of a kind that changes a picture; what asks for nothing, such
// as false or "none", is none. alone is what may stand in its place.
func change(kind string, alone ...string) value {
	v := one(kind, append([]string{blank, noneText, falseText, `^\s*0\s*$`}, alone...)...)
	v.Type, v.Wanted = types{"object", "string", "boolean", "number", "null"}, ""
	return v
}

// refused is what this version cannot do: only what asks for nothing may stand there.
func refused() value {
	return value{node: node{Type: types{"object", "string", "boolean", "number", "null"}, Minimum: bound(0), Maximum: bound(0), MaxProps: most(0),
		Pattern: patterns(filledIn, blank, noneText, falseText, `^\s*0\s*$`), Wanted: "It is not supported yet."}}
}

// free is whatever the client likes.
func free(kinds ...string) value { return value{node: node{Type: kinds}} }
