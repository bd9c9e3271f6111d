package text

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/cases"
	textlanguage "golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"
)

// lineBreak holds Unicode's other line ends too: the breaker would take them for
// breaks, the fonts for characters.
var lineBreak = regexp.MustCompile(`(?i)<br\s*/?>|\r\n|[\r\n\x{85}\x{2028}\x{2029}]`)

var spaces = regexp.MustCompile(`[ \t]+`)

// paragraphs divides a text at its line breaks, with runs of spaces collapsed as
// a browser does.
func paragraphs(s string, st Style) []string {
	s = strings.Map(drawable, s)
	switch st.Transform {
	case "uppercase":
		s = cases.Upper(textlanguage.Und).String(s)
	case "lowercase":
		s = cases.Lower(textlanguage.Und).String(s)
	case "capitalize":
		s = cases.Title(textlanguage.Und, cases.NoLower).String(s)
	}
	list := lineBreak.Split(s, -1)
	for i := range list {
		if st.KeepSpaces {
			list[i] = expandTabs(list[i])
		} else {
			list[i] = strings.Trim(spaces.ReplaceAllString(list[i], " "), " ")
		}
	}
	return list
}

// drawable drops characters that stand for nothing to be seen and that fonts
// have no glyph for: controls, byte order marks, what replaced a broken
// character, and code points that never are characters.
func drawable(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || r == 0x85:
		return r
	case unicode.Is(unicode.Cc, r) || r == 0xfeff || r >= 0xfff9 && r <= 0xfffd:
		return -1
	case r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef:
		return -1
	}
	return r
}

// expandTabs puts spaces for tabs, to every eighth column.
func expandTabs(s string) string {
	if !strings.Contains(s, "\t") {
		return s
	}
	var b strings.Builder
	column := 0
	for _, r := range s {
		n := 1
		if r == '\t' {
			n = 8 - column%8
			b.WriteString("        "[:n])
		} else {
			b.WriteRune(r)
		}
		column += n
	}
	return b.String()
}

// line is one line of shaped text, its runs from left to right.
type line struct {
	runs  []shaping.Output
	width float64
	// ascent and descent are around the baseline, height the distance to the
	// next line.
	ascent, descent, height float64
}

// layout shapes and breaks paragraphs into lines.
func (l *Library) layout(paragraphs []string, f *faces, st Style) []line {
	width := st.MaxWidth - st.Margin.Left - st.Margin.Right
	if st.Width > 0 { // margins lie outside of it
		width = st.Width
	}
	width -= st.Padding.Left + st.Padding.Right
	if st.NoWrap || width < 1 {
		width = math.MaxInt32 / 128
	}
	var lines []line
	for _, p := range paragraphs {
		lines = append(lines, l.paragraph([]rune(p), f, st, width)...)
	}
	return lines
}

func (l *Library) paragraph(text []rune, f *faces, st Style, width float64) []line {
	if len(text) == 0 { // an empty line is as high as one with text
		strut := l.paragraph([]rune{'x'}, f, st, width)
		strut[0].runs, strut[0].width = nil, 0
		return strut[:1]
	}
	input := shaping.Input{
		Text: text, RunEnd: len(text), Direction: direction(text), Size: fixedFrom(st.Size), Language: f.language,
	}
	var shaped []shaping.Output
	for _, run := range l.withEmoji(l.seg.Split(input, f), text, f) {
		out := l.shaper.Shape(run)
		if st.LetterSpacing != 0 {
			out.AddLetterSpacing(fixedFrom(st.LetterSpacing), run.RunStart == 0, run.RunEnd == len(text))
		}
		glue(out, text)
		shaped = append(shaped, out)
	}
	config := shaping.WrapConfig{
		Direction: input.Direction, BreakPolicy: shaping.Never, DisableTrailingWhitespaceTrim: st.KeepSpaces && st.NoWrap,
	}
	if st.BreakWords || slices.ContainsFunc(text, unspaced) {
		config.BreakPolicy = shaping.WhenNecessary
	}
	wrapped, _ := l.wrap.WrapParagraphF(config, fixedFrom(width), text, shaping.NewSliceIterator(shaped))
	lines := make([]line, len(wrapped))
	for i, w := range wrapped {
		lines[i] = measure(w, st)
	}
	return lines
}

// direction is a paragraph's base direction: that of its first strong character
// (Unicode Bidirectional Algorithm, P2 and P3).
func direction(text []rune) di.Direction {
	for _, r := range text {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.L:
			return di.DirectionLTR
		case bidi.R, bidi.AL:
			return di.DirectionRTL
		}
	}
	return di.DirectionLTR
}

// withEmoji gives emoji to the colour font, each sequence as one run whatever
// runs fall-back made of it.
func (l *Library) withEmoji(runs []shaping.Input, text []rune, f *faces) []shaping.Input {
	mark := emojiRuns(text)
	if l.emoji == nil || !slices.Contains(mark, true) {
		return slices.Clone(runs)
	}
	var out []shaping.Input
	for _, run := range runs {
		for i := run.RunStart; i < run.RunEnd; i++ {
			if n := len(out) - 1; n >= 0 && i > 0 && mark[i] == mark[i-1] && (i > run.RunStart || mark[i]) && out[n].Direction == run.Direction {
				out[n].RunEnd = i + 1
				continue
			}
			part := run
			part.RunStart, part.RunEnd = i, i+1
			switch {
			case mark[i]:
				part.Face, part.Script = l.emoji, language.Common
			case i > run.RunStart || mark[max(0, i-1)]:
				// What follows an emoji must not keep the face fall-back gave to it.
				part.Face = f.ResolveFace(text[i])
			}
			out = append(out, part)
		}
	}
	return out
}

// measure sums a wrapped line up.
func measure(wrapped shaping.Line, st Style) line {
	ln := line{runs: slices.Clone(wrapped)}
	slices.SortFunc(ln.runs, func(a, b shaping.Output) int { return int(a.VisualIndex - b.VisualIndex) })
	var gap float64
	for _, r := range ln.runs {
		ln.width += float(r.Advance)
		ln.ascent = max(ln.ascent, float(r.LineBounds.Ascent))
		ln.descent = max(ln.descent, -float(r.LineBounds.Descent))
		gap = max(gap, float(r.LineBounds.Gap))
	}
	ln.height = ln.ascent + ln.descent + gap
	if st.LineHeight > 0 {
		ln.height = st.LineHeight
	}
	return ln
}

func fixedFrom(x float64) fixed.Int26_6 { return fixed.Int26_6(math.Round(x * 64)) }
func float(x fixed.Int26_6) float64     { return float64(x) / 64 }
