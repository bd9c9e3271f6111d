package text

import "unicode"

// emojiTable is where characters are drawn as emoji unless said otherwise
// (Unicode's Emoji_Presentation), with the blocks of pictographs taken whole:
// the colour font has them all.
var emojiTable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x23f0, 0x23f3, 3}, {0x25fd, 0x25fe, 1}, {0x2614, 0x2615, 1}, {0x2648, 0x2653, 1},
		{0x267f, 0x2693, 20}, {0x26a1, 0x26aa, 9}, {0x26ab, 0x26bd, 18}, {0x26be, 0x26c4, 6}, {0x26c5, 0x26ce, 9}, {0x26d4, 0x26ea, 22},
		{0x26f2, 0x26f3, 1}, {0x26f5, 0x26fa, 5}, {0x26fd, 0x2705, 8}, {0x270a, 0x270b, 1}, {0x2728, 0x274c, 36}, {0x274e, 0x2753, 5},
		{0x2754, 0x2755, 1}, {0x2757, 0x2795, 62}, {0x2796, 0x2797, 1}, {0x27b0, 0x27bf, 15}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b55, 5},
	},
	R32: []unicode.Range32{
		{0x1f004, 0x1f004, 1}, {0x1f0cf, 0x1f0cf, 1}, {0x1f18e, 0x1f18e, 1}, {0x1f191, 0x1f19a, 1}, {0x1f1e6, 0x1f1ff, 1},
		{0x1f201, 0x1f201, 1}, {0x1f21a, 0x1f21a, 1}, {0x1f22f, 0x1f22f, 1}, {0x1f232, 0x1f236, 1}, {0x1f238, 0x1f23a, 1},
		{0x1f250, 0x1f251, 1}, {0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f7e0, 0x1f7eb, 1}, {0x1f90c, 0x1f9ff, 1}, {0x1fa70, 0x1faff, 1},
	},
}

const (
	joiner        = '\u200d'
	emojiSelector = '\ufe0f'
	textSelector  = '\ufe0e'
	keycap        = '\u20e3'
)

// emojiRuns marks the runes that belong to emoji: a base, and what modifies or
// joins it. Left to font fall-back, a sequence would come apart into glyphs of
// whichever font has each part.
func emojiRuns(text []rune) []bool {
	mark := make([]bool, len(text))
	for i := 0; i < len(text); i++ {
		n := emojiLength(text[i:])
		for j := range n {
			mark[i+j] = true
		}
		i += max(0, n-1)
	}
	return mark
}

// emojiLength is how many runes at the start of text are one emoji, 0 for none.
func emojiLength(text []rune) int {
	next := func(i int) rune {
		if i < len(text) {
			return text[i]
		}
		return 0
	}
	switch {
	case next(1) == textSelector:
		return 0
	case isKeycapBase(text[0]):
		if next(1) == emojiSelector && next(2) == keycap {
			return 3
		}
		return 0
	case !unicode.Is(emojiTable, text[0]) && next(1) != emojiSelector:
		return 0
	}
	n := 1
	for {
		switch r := next(n); {
		case r == emojiSelector || r == keycap || isSkinTone(r) || isTag(r) || isRegional(r) && isRegional(text[n-1]):
			n++
		case r == joiner && n+1 < len(text):
			n += 2
		default:
			return n
		}
	}
}

func isKeycapBase(r rune) bool { return r >= '0' && r <= '9' || r == '#' || r == '*' }
func isSkinTone(r rune) bool   { return r >= 0x1f3fb && r <= 0x1f3ff }
func isTag(r rune) bool        { return r >= 0xe0020 && r <= 0xe007f }
func isRegional(r rune) bool   { return r >= 0x1f1e6 && r <= 0x1f1ff }
