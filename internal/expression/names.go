package expression

import (
	"iter"
	"regexp"
	"strings"
)

// word is what may be a name with dashes, or several with minus signs between.
var word = regexp.MustCompile(`[\pL_$][\pL\pN_$]*(?:-[\pL\pN_$]+)*`)

// Names are those that a text's placeholders can ask a Scope for, without a scope to
// tell: words that are fields, functions or quoted are among them, and where there
// are dashes each way to read them.
func Names(text string) iter.Seq[string] {
	parts, _ := split(text) // what cannot be taken apart is not filled either
	return func(yield func(string) bool) {
		for _, p := range parts {
			if !p.code {
				continue
			}
			for _, w := range word.FindAllString(p.text, -1) {
				if !readings(dashed(w), yield) {
					return
				}
			}
		}
	}
}

// readings are the names that a word may begin with, and those behind each dash:
// joinNames takes the longest one there is.
func readings(w string, yield func(string) bool) bool {
	for i := range len(w) {
		if w[i] == '-' && !yield(w[:i]) {
			return false
		}
	}
	if !yield(w) {
		return false
	}
	if _, rest, more := strings.Cut(w, "-"); more {
		for single := range strings.SplitSeq(rest, "-") {
			if !yield(single) {
				return false
			}
		}
	}
	return true
}
