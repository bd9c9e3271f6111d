package text

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"
)

// length reads a CSS length in pixels. whole is what a percentage counts from,
// em what an em is.
func (p *styleParser) length(v string, whole, em float64) (float64, bool) {
	v = strings.ToLower(strings.TrimSpace(v))
	number := strings.TrimRight(v, "abcdefghijklmnopqrstuvwxyz%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(x) || math.Abs(x) > 1e5 {
		return 0, false
	}
	switch v[len(number):] {
	case "", "px":
	case "vw":
		x *= float64(p.canvas.X) / 100
	case "vh":
		x *= float64(p.canvas.Y) / 100
	case "vmin":
		x *= float64(min(p.canvas.X, p.canvas.Y)) / 100
	case "vmax":
		x *= float64(max(p.canvas.X, p.canvas.Y)) / 100
	case "em":
		x *= em
	case "rem":
		x *= 16
	case "pt":
		x *= 4.0 / 3
	case "%":
		x *= whole / 100
	default:
		return 0, false
	}
	return x, true
}

// set reads a length into a field.
func (p *styleParser) set(field *float64, v string, whole float64) bool {
	x, ok := p.length(v, whole, p.Size)
	if ok {
		*field = x
	}
	return ok
}

// edges reads a shorthand of one to four lengths.
func (p *styleParser) edges(e *Edges, v string) bool {
	var n []float64
	for _, part := range strings.Fields(v) {
		x, ok := p.length(part, float64(p.canvas.X), p.Size)
		if !ok && part != "auto" {
			return false
		}
		n = append(n, x)
	}
	switch len(n) {
	case 1:
		*e = Edges{n[0], n[0], n[0], n[0]}
	case 2:
		*e = Edges{n[0], n[1], n[0], n[1]}
	case 3:
		*e = Edges{n[0], n[1], n[2], n[1]}
	case 4:
		*e = Edges{n[0], n[1], n[2], n[3]}
	default:
		return false
	}
	return true
}

// shadows reads a list of "dx dy blur colour", the colour on either side.
func (p *styleParser) shadows(v string) bool {
	if v == "none" {
		p.Shadows = nil
		return true
	}
	var list []Shadow
	parts := splitOutside(v, ',')
	if len(parts) > maxShadows {
		p.bounded("text-shadow", fmt.Sprintf("Only the first %d of %d shadows are drawn", maxShadows, len(parts)))
		parts = parts[:maxShadows]
	}
	for _, part := range parts {
		s := Shadow{Color: color.NRGBA{A: 255}}
		if c := p.Color; c.A > 0 {
			s.Color = c
		}
		var n []float64
		for _, word := range splitOutside(part, ' ') {
			if x, ok := p.length(word, p.Size, p.Size); ok {
				n = append(n, x)
			} else if !p.setColor(&s.Color, word) {
				return false
			}
		}
		if len(n) < 2 || len(n) > 3 {
			return false
		}
		s.DX, s.DY = n[0], n[1]
		if len(n) == 3 {
			s.Blur = p.atMost("text-shadow", max(0, n[2]), maxBlur)
		}
		list = append(list, s)
	}
	p.Shadows = list
	return true
}

// stroke reads "width colour" in either order.
func (p *styleParser) stroke(v string) bool {
	before := p.Stroke
	p.Stroke.Color = color.NRGBA{A: 255}
	for _, word := range splitOutside(v, ' ') {
		if !p.strokeWidth(word) && !p.setColor(&p.Stroke.Color, word) {
			p.Stroke = before
			return false
		}
	}
	return true
}

func (p *styleParser) strokeWidth(v string) bool {
	x, ok := p.length(v, p.Size, p.Size)
	if ok = ok && x >= 0; ok {
		p.Stroke.Width = p.atMost("-webkit-text-stroke", x, min(2*p.Size, maxStroke))
	}
	return ok
}

// radius reads the radius of the box's corners.
func (p *styleParser) radius(v string) bool {
	x, ok := p.length(v, 1, p.Size)
	switch {
	case !ok || x < 0:
		return false
	case strings.HasSuffix(v, "%"): // of a box that is not laid out yet
		p.Radius, p.RadiusShare = 0, x
	default:
		p.Radius, p.RadiusShare = x, 0
	}
	return true
}

// whiteSpace reads what becomes of spaces. A newline breaks the line whatever
// it says.
func (p *styleParser) whiteSpace(v string) bool {
	switch strings.ToLower(v) {
	case "normal", "pre-line":
		p.NoWrap, p.KeepSpaces = false, false
	case "nowrap":
		p.NoWrap, p.KeepSpaces = true, false
	case "pre":
		p.NoWrap, p.KeepSpaces = true, true
	case "pre-wrap", "break-spaces":
		p.NoWrap, p.KeepSpaces = false, true
	default:
		return false
	}
	return true
}

// atMost bounds a length whose cost grows with it.
func (p *styleParser) atMost(key string, x, most float64) float64 {
	if x > most {
		p.bounded(key, fmt.Sprintf("The length %g of '%s' is more than can be drawn; %g pixels were used", x, key, most))
	}
	return min(x, most)
}

// bounded reports a setting of which only a part is used.
func (p *styleParser) bounded(key, message string) {
	p.problems = append(p.problems, Problem{key, message})
}

// splitOutside splits at a separator that stands outside parentheses, and drops
// empty parts.
func splitOutside(s string, sep byte) []string {
	var parts []string
	depth, from := 0, 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == sep && depth == 0 {
			if part := strings.TrimSpace(s[from:i]); part != "" {
				parts = append(parts, part)
			}
			from = i + 1
			continue
		}
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	return parts
}
