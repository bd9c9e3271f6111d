package text

import (
	"fmt"
	"image"
	"image/color"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Style is how a block of text looks. Lengths are in pixels.
type Style struct {
	// Families are the fonts asked for, the first having priority; FontURL is a
	// font to be downloaded, and FontFile where it then lies.
	Families          []string
	FontURL, FontFile string
	// Weight is 100 to 900.
	Weight int
	Italic bool
	Size   float64
	Color  color.NRGBA
	// Background fills the block's box, Radius rounds its corners; RadiusShare is
	// the same as a share of the box's smaller side.
	Background          color.NRGBA
	Radius, RadiusShare float64
	// Padding and Margin are top, right, bottom, left.
	Padding, Margin Edges
	// Align places lines within the box, Horizontal and Vertical the box within
	// its canvas.
	Align, Horizontal, Vertical Align
	// LineHeight is the distance of lines, 0 for the font's own.
	LineHeight    float64
	LetterSpacing float64
	// Transform is "uppercase", "lowercase", "capitalize" or "".
	Transform                string
	Underline, StrikeThrough bool
	Shadows                  []Shadow
	Stroke                   Stroke
	// Width is the box's width, 0 to fit the text; MaxWidth bounds it.
	Width, MaxWidth float64
	// NoWrap keeps lines whole; BreakWords allows breaks inside words; KeepSpaces
	// keeps runs of spaces and those at the ends of lines.
	NoWrap, BreakWords, KeepSpaces bool
	// Opacity is 0 to 1 for the whole block.
	Opacity float64
}

// Edges are four lengths around a box.
type Edges struct{ Top, Right, Bottom, Left float64 }

// Align is a place between a start and an end.
type Align int

// The places.
const (
	Center Align = iota
	Start
	End
)

// Shadow is one shadow of the text.
type Shadow struct {
	DX, DY, Blur float64
	Color        color.NRGBA
}

// Stroke is a line around the glyphs.
type Stroke struct {
	Width float64
	Color color.NRGBA
}

// Problem is a setting that was not used.
type Problem struct{ Key, Message string }

// ParseStyle reads CSS-like settings (section 17 of the contract) over the
// defaults of text style 001. Keys are lower case with dashes. vw, vh and
// percentages count from canvas. Settings it does not know or cannot read are
// reported and leave the default. parseColor reads a CSS colour.
func ParseStyle(settings map[string]string, canvas image.Point, parseColor ColorParser) (Style, []Problem) {
	p := &styleParser{
		canvas: canvas, parseColor: parseColor,
		Style: Style{
			Families: []string{"Inter"}, Weight: 400, Size: 0.04 * float64(canvas.X), Color: white, Opacity: 1,
			Shadows:  []Shadow{{2, 2, 0, color.NRGBA{33, 33, 33, 128}}},
			MaxWidth: float64(canvas.X),
		},
	}
	// The size comes first: em and % of other settings count from it.
	keys := slices.Sorted(maps.Keys(settings))
	slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
	for _, key := range keys {
		value := strings.TrimSpace(strings.ReplaceAll(settings[key], "!important", ""))
		read, known := properties[key]
		switch {
		case !known:
			p.problems = append(p.problems, Problem{key, fmt.Sprintf("Unknown text setting '%s' was ignored", key)})
		case value != "" && !read(p, value):
			p.problems = append(p.problems, Problem{key, fmt.Sprintf("The value %q of '%s' was not understood and was ignored", value, key)})
		}
	}
	return p.Style, p.problems
}

// Settings are the settings that ParseStyle knows, sorted.
func Settings() []string { return slices.Sorted(maps.Keys(properties)) }

func rank(key string) int {
	switch {
	case key == "font-size":
		return 0
	case strings.Count(key, "-") == 0: // shorthands before their long forms
		return 1
	}
	return 2
}

var white = color.NRGBA{255, 255, 255, 255}

// ColorParser reads a CSS colour and tells whether it could.
type ColorParser func(string) (color.NRGBA, bool)

type styleParser struct {
	Style
	canvas     image.Point
	parseColor ColorParser
	problems   []Problem
}

func (p *styleParser) setColor(field *color.NRGBA, v string) bool {
	c, ok := p.parseColor(v)
	if ok {
		*field = c
	}
	return ok
}

// property sets one property from its value and tells whether it could.
type property func(p *styleParser, value string) bool

var properties = map[string]property{
	"font-family": func(p *styleParser, v string) bool { return p.families(v) },
	"font-url":    func(p *styleParser, v string) bool { p.FontURL = v; return true },
	"font-size": func(p *styleParser, v string) bool {
		size, ok := p.length(v, p.Size, 16)
		if ok && size > 0 {
			p.Size = size
		}
		return ok && size > 0
	},
	"font-weight":         (*styleParser).weight,
	"font-style":          func(p *styleParser, v string) bool { p.Italic = v == "italic" || v == "oblique"; return true },
	"font-color":          func(p *styleParser, v string) bool { return p.setColor(&p.Color, v) },
	"color":               func(p *styleParser, v string) bool { return p.setColor(&p.Color, v) },
	"background-color":    func(p *styleParser, v string) bool { return p.setColor(&p.Background, v) },
	"background":          func(p *styleParser, v string) bool { return p.setColor(&p.Background, v) },
	"border-radius":       (*styleParser).radius,
	"padding":             func(p *styleParser, v string) bool { return p.edges(&p.Padding, v) },
	"padding-top":         func(p *styleParser, v string) bool { return p.set(&p.Padding.Top, v, float64(p.canvas.X)) },
	"padding-right":       func(p *styleParser, v string) bool { return p.set(&p.Padding.Right, v, float64(p.canvas.X)) },
	"padding-bottom":      func(p *styleParser, v string) bool { return p.set(&p.Padding.Bottom, v, float64(p.canvas.X)) },
	"padding-left":        func(p *styleParser, v string) bool { return p.set(&p.Padding.Left, v, float64(p.canvas.X)) },
	"margin":              func(p *styleParser, v string) bool { return p.edges(&p.Margin, v) },
	"margin-top":          func(p *styleParser, v string) bool { return p.set(&p.Margin.Top, v, float64(p.canvas.X)) },
	"margin-right":        func(p *styleParser, v string) bool { return p.set(&p.Margin.Right, v, float64(p.canvas.X)) },
	"margin-bottom":       func(p *styleParser, v string) bool { return p.set(&p.Margin.Bottom, v, float64(p.canvas.X)) },
	"margin-left":         func(p *styleParser, v string) bool { return p.set(&p.Margin.Left, v, float64(p.canvas.X)) },
	"text-align":          func(p *styleParser, v string) bool { return align(&p.Align, v) },
	"vertical-position":   func(p *styleParser, v string) bool { return align(&p.Vertical, v) },
	"vertical-align":      func(p *styleParser, v string) bool { return align(&p.Vertical, v) },
	"horizontal-position": func(p *styleParser, v string) bool { return align(&p.Horizontal, v) },
	"horizontal-align":    func(p *styleParser, v string) bool { return align(&p.Horizontal, v) },
	"line-height":         (*styleParser).lineHeight,
	"letter-spacing": func(p *styleParser, v string) bool {
		return v == "normal" || p.set(&p.LetterSpacing, v, p.Size)
	},
	"text-transform":            (*styleParser).transform,
	"text-decoration":           (*styleParser).decoration,
	"text-shadow":               (*styleParser).shadows,
	"width":                     func(p *styleParser, v string) bool { return v == "auto" || p.set(&p.Width, v, float64(p.canvas.X)) },
	"max-width":                 func(p *styleParser, v string) bool { return v == "none" || p.set(&p.MaxWidth, v, float64(p.canvas.X)) },
	"white-space":               (*styleParser).whiteSpace,
	"word-break":                func(p *styleParser, v string) bool { p.BreakWords = strings.HasPrefix(v, "break"); return true },
	"overflow-wrap":             func(p *styleParser, v string) bool { p.BreakWords = v == "break-word" || v == "anywhere"; return true },
	"word-wrap":                 func(p *styleParser, v string) bool { p.BreakWords = v == "break-word"; return true },
	"opacity":                   (*styleParser).opacity,
	"-webkit-text-stroke":       (*styleParser).stroke,
	"-webkit-text-stroke-width": (*styleParser).strokeWidth,
	"-webkit-text-stroke-color": func(p *styleParser, v string) bool { return p.setColor(&p.Stroke.Color, v) },
}

func (p *styleParser) families(v string) bool {
	var list []string
	for name := range strings.SplitSeq(v, ",") {
		name = strings.Trim(strings.TrimSpace(name), `"'`)
		if strings.Contains(name, "://") {
			p.FontURL = name
			continue
		}
		if name != "" {
			list = append(list, name)
		}
	}
	if len(list) > 0 {
		p.Families = append(list, "Inter")
	}
	return true
}

func (p *styleParser) weight(v string) bool {
	switch strings.ToLower(v) {
	case "normal":
		p.Weight = 400
	case "bold", "bolder":
		p.Weight = 700
	case "lighter":
		p.Weight = 300
	default:
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 1000 {
			return false
		}
		p.Weight = n
	}
	return true
}

func (p *styleParser) lineHeight(v string) bool {
	if v == "normal" {
		return true
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil && n > 0 && n < 100 {
		p.LineHeight = n * p.Size
		return true
	}
	return p.set(&p.LineHeight, v, p.Size)
}

func (p *styleParser) transform(v string) bool {
	switch v = strings.ToLower(v); v {
	case "uppercase", "lowercase", "capitalize":
		p.Transform = v
	case "none":
	default:
		return false
	}
	return true
}

func (p *styleParser) decoration(v string) bool {
	p.Underline = strings.Contains(v, "underline")
	p.StrikeThrough = strings.Contains(v, "line-through")
	return p.Underline || p.StrikeThrough || v == "none"
}

func (p *styleParser) opacity(v string) bool {
	n, err := strconv.ParseFloat(strings.TrimSuffix(v, "%"), 64)
	if strings.HasSuffix(v, "%") {
		n /= 100
	}
	if err == nil {
		p.Opacity = min(max(n, 0), 1)
	}
	return err == nil
}

func align(a *Align, v string) bool {
	switch strings.ToLower(v) {
	case "left", "top", "start", "justify", "flex-start":
		*a = Start
	case "center", "middle", "center-center":
		*a = Center
	case "right", "bottom", "end", "flex-end":
		*a = End
	default:
		return false
	}
	return true
}
