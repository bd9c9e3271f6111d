// Package text draws a block of text into a bitmap of its own size: fonts and
// fall-back, shaping, bidirectional order, line breaking, colour emoji, box,
// shadow and stroke. It must not know what a movie, a timeline or FFmpeg is.
package text

import (
	"fmt"
	"image"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
)

// What one block may cost at most.
const (
	maxRunes  = 20_000
	maxSize   = 2_000
	maxPixels = 64 << 20
)

// What one style may cost at most; lengths are in pixels.
const (
	maxShadows = 16
	maxBlur    = 500.0
	maxStroke  = 200.0
)

// Library holds the fonts of this machine. It may be used from several
// goroutines; blocks are drawn one at a time.
type Library struct {
	mu     sync.Mutex
	fonts  *fontscan.FontMap
	shaper shaping.HarfbuzzShaper
	seg    shaping.Segmenter
	wrap   shaping.LineWrapper
	emoji  *font.Face
}

// emojiFamily is the colour font that emoji are drawn with.
const emojiFamily = "Noto Color Emoji"

// Open scans the system's fonts. The first scan takes about half a second; its
// index is kept in cacheDir, which makes later ones fast.
func Open(cacheDir string) (*Library, error) {
	l := &Library{fonts: fontscan.NewFontMap(silent{})}
	if err := l.fonts.UseSystemFonts(cacheDir); err != nil {
		return nil, fmt.Errorf("scan fonts: %w", err)
	}
	if _, ok := l.fonts.FindSystemFont(emojiFamily); ok {
		l.fonts.SetQuery(fontscan.Query{Families: []string{emojiFamily}})
		l.emoji = l.fonts.ResolveFace('\U0001F600')
	}
	return l, nil
}

// silent drops the font scanner's chatter about fonts it cannot read.
type silent struct{}

func (silent) Printf(string, ...any) {}

// Block is a drawn text.
type Block struct {
	// Image holds everything that was drawn; colours are not premultiplied.
	Image *image.NRGBA
	// Box is the block's box within Image: shadows may spill around it.
	Box image.Rectangle
	// Warnings say what could not be drawn as asked.
	Warnings []string
}

// Draw draws a text. Line breaks are newlines and <br>; everything else stands
// for itself. The error says what is too much.
func (l *Library) Draw(s string, st Style) (block *Block, err error) {
	if n := utf8.RuneCountInString(s); n > maxRunes {
		return nil, fmt.Errorf("the text has %d characters; at most %d can be drawn", n, maxRunes)
	}
	if st.Size > maxSize {
		return nil, fmt.Errorf("the font size is %.0f pixels; at most %d can be drawn", st.Size, maxSize)
	}
	// A downloaded font is an attacker's file, read by code that indexes tables
	// by numbers found in it.
	defer func() {
		if r := recover(); r != nil {
			block, err = nil, fmt.Errorf("the font could not be used: %v", r)
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	faces, warnings, err := l.choose(s, st)
	if err != nil {
		return nil, err
	}
	laid := l.layout(paragraphs(s, st), faces, st)
	block, err = paint(laid, st)
	if err != nil {
		return nil, err
	}
	block.Warnings = append(warnings, block.Warnings...)
	return block, nil
}

// Place is where Image's top left corner goes for the block's box to sit in
// canvas as its style says.
func (b *Block) Place(canvas image.Rectangle, st Style) image.Point {
	inner := image.Rect(canvas.Min.X+int(st.Margin.Left), canvas.Min.Y+int(st.Margin.Top),
		canvas.Max.X-int(st.Margin.Right), canvas.Max.Y-int(st.Margin.Bottom))
	at := func(a Align, low, high, size int) int {
		switch a {
		case Start:
			return low
		case End:
			return high - size
		}
		return low + (high-low-size)/2
	}
	return image.Pt(
		at(st.Horizontal, inner.Min.X, inner.Max.X, b.Box.Dx()),
		at(st.Vertical, inner.Min.Y, inner.Max.Y, b.Box.Dy()),
	).Sub(b.Box.Min)
}

// faces picks a face for each rune: the downloaded font first, then what the
// system has.
type faces struct {
	own  *font.Face
	rest *fontscan.FontMap
	// language picks among the forms that a font has of one character.
	language language.Language
	// last is the face of the last character that is not a mark.
	last *font.Face
}

// ResolveFace implements shaping.Fontmap. Marks stay in the font of their base,
// without which they would stand over a dotted circle.
func (f *faces) ResolveFace(r rune) *font.Face {
	if f.last != nil && unicode.Is(unicode.M, r) {
		if _, ok := f.last.NominalGlyph(r); ok {
			return f.last
		}
	}
	f.last = f.find(r)
	return f.last
}

func (f *faces) find(r rune) *font.Face {
	if f.own != nil {
		if _, ok := f.own.NominalGlyph(r); ok {
			return f.own
		}
	}
	return f.rest.ResolveFace(r)
}

// SetScript implements shaping.FontmapScript: fall-back prefers fonts made for
// the script.
func (f *faces) SetScript(s language.Script) { f.rest.SetScript(s) }

// choose sets the fonts up for a text and says which families are missing.
func (l *Library) choose(s string, st Style) (*faces, []string, error) {
	aspect := font.Aspect{Weight: font.Weight(st.Weight), Style: font.StyleNormal, Stretch: font.StretchNormal}
	if st.Italic {
		aspect.Style = font.StyleItalic
	}
	r := hanRegion(s, st.Families)
	families, found := installed(st.Families, l.has)
	l.fonts.SetQuery(fontscan.Query{Families: withFallback(families, s, r), Aspect: aspect})
	f := &faces{rest: l.fonts, language: r.language}
	if st.FontFile != "" {
		file, err := os.Open(st.FontFile)
		if err != nil {
			return f, nil, err
		}
		defer file.Close()
		if f.own, err = font.ParseTTF(file); err != nil {
			return f, nil, fmt.Errorf("the font is not a TTF, OTF or WOFF that can be used: %w", err)
		}
		return f, nil, nil
	}
	if found {
		return f, nil, nil
	}
	return f, l.missing(st.Families), nil
}

// has tells whether a family is on this machine.
func (l *Library) has(family string) bool {
	_, ok := l.fonts.FindSystemFont(family)
	return ok
}

// missing warns that the first family asked for is not on this machine.
func (l *Library) missing(families []string) []string {
	if len(families) == 0 || generic[strings.ToLower(families[0])] {
		return nil
	}
	used := "another font"
	if face := l.fonts.ResolveFace('A'); face != nil {
		if family, _ := l.fonts.FontMetadata(face.Font); family != "" {
			used = family
		}
	}
	return []string{fmt.Sprintf("The font '%s' was not found; %s was used", families[0], used)}
}

var generic = map[string]bool{"sans-serif": true, "serif": true, "monospace": true, "cursive": true, "fantasy": true, "system-ui": true}
