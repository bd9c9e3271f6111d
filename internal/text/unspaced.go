package text

import (
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
)

// unspaced tells whether a character is of a script written without spaces
// between words. Where words end takes a dictionary to know; without one a line
// that is full ends anywhere between syllables.
func unspaced(r rune) bool {
	return r >= 0xe00 && unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet)
}

// glue makes one cluster of glyphs that no line may end between: the shaper keeps
// marks with their base, but Thai and Lao also write vowels as letters of their
// own before and after the consonant they belong to, and Myanmar final consonants.
func glue(run shaping.Output, text []rune) {
	if run.Direction.Progression() != di.FromTopLeft {
		return
	}
	for g := run.Glyphs; len(g) > 0; {
		n, runes := g[0].GlyphsCount(), g[0].RunesCount()
		for n < len(g) && joins(text, g[n].TextIndex()) {
			runes += g[n].RunesCount()
			n += g[n].GlyphsCount()
		}
		n = min(max(1, n), len(g))
		for i := range g[:n] {
			g[i].ClusterIndex, g[i].RuneCount, g[i].GlyphCount = g[0].TextIndex(), runes, n //nolint:staticcheck // there is no other way to set them
		}
		g = g[n:]
	}
}

// joins tells whether the rune at i belongs to the one before it.
func joins(text []rune, i int) bool {
	if i < 1 || i >= len(text) {
		return false
	}
	switch before := text[i-1]; {
	case before >= 'เ' && before <= 'ไ', before >= 'ເ' && before <= 'ໄ':
		return unspaced(text[i])
	}
	switch text[i] {
	case 'ะ', 'า', 'ำ', 'ๅ', 'ฯ', 'ๆ', 'ະ', 'າ', 'ຳ', 'ຽ', 'ຯ', 'ໆ':
		return unspaced(text[i-1])
	}
	return unspaced(text[i-1]) && killed(text[i:])
}

// killed tells whether text begins with a Myanmar consonant without a vowel: it
// ends the syllable before it.
func killed(text []rune) bool {
	const asat, dot = '\u103a', '\u1037'
	if len(text) < 2 || !unicode.Is(unicode.Myanmar, text[0]) {
		return false
	}
	return text[1] == asat || text[1] == dot && len(text) > 2 && text[2] == asat
}
