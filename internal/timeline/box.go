package timeline

import (
	"math"

	"github.com/reelhook/reelhook/internal/movie"
)

// margin is the part of the canvas that presets keep free at the edges they
// touch (section 20 of the contract).
const margin = 0.05

// box is where an element paints, and which part of its medium fills that.
func (b *builder) box(e *movie.Element) (Rect, Area) {
	all := Area{W: 1, H: 1}
	v, f := e.Visual, b.facts(e)
	if e.Type != movie.Text && f.Width > 0 && f.Height > 0 {
		switch v.Resize {
		case movie.Cover:
			return Rect{W: b.Width, H: b.Height}, covering(f, b.Width, b.Height)
		case movie.Contain:
			w, h := fitting(f, b.Width, b.Height)
			return Rect{(b.Width - w) / 2, (b.Height - h) / 2, w, h}, all
		}
	}
	w, h := b.dimensions(e, f)
	x, y := b.preset(v.Position, w, h)
	return Rect{offset(x, v.X, b.Width, w), offset(y, v.Y, b.Height, h), w, h}, all
}

// covering is the middle part of a picture that has the canvas's shape.
func covering(f Facts, width, height int) Area {
	want := float64(width) / float64(height)
	have := float64(f.Width) / float64(f.Height)
	if have > want {
		w := want / have
		return Area{(1 - w) / 2, 0, w, 1}
	}
	h := have / want
	return Area{0, (1 - h) / 2, 1, h}
}

// fitting is the largest size within the canvas that keeps a picture's shape.
func fitting(f Facts, width, height int) (w, h int) {
	scale := min(float64(width)/float64(f.Width), float64(height)/float64(f.Height))
	return max(1, round(float64(f.Width)*scale)), max(1, round(float64(f.Height)*scale))
}

// dimensions is an element's size: what it says, a missing side following from
// the other, and with neither its natural size. Text has the canvas instead.
func (b *builder) dimensions(e *movie.Element, f Facts) (w, h int) {
	w, h = e.Visual.Width, e.Visual.Height
	if e.Type == movie.Text || f.Width == 0 || f.Height == 0 {
		if w < 0 {
			w = b.Width
		}
		if h < 0 {
			h = b.Height
		}
		return w, h
	}
	switch {
	case w < 0 && h < 0:
		return f.Width, f.Height
	case w < 0:
		return round(float64(h) * float64(f.Width) / float64(f.Height)), h
	case h < 0:
		return w, round(float64(w) * float64(f.Height) / float64(f.Width))
	}
	return w, h
}

// preset is the top left corner that a preset gives to a box.
func (b *builder) preset(p movie.Position, w, h int) (x, y int) {
	left, top := round(margin*float64(b.Width)), round(margin*float64(b.Height))
	right, bottom := b.Width-left-w, b.Height-top-h
	switch p {
	case movie.TopLeft:
		return left, top
	case movie.TopRight:
		return right, top
	case movie.BottomRight:
		return right, bottom
	case movie.BottomLeft:
		return left, bottom
	case movie.Center:
		return (b.Width - w) / 2, (b.Height - h) / 2
	}
	return 0, 0
}

// offset moves a coordinate by what the document says.
func offset(at int, c movie.Coord, canvas, size int) int {
	switch c.Unit {
	case movie.Centered:
		return (canvas - size) / 2
	case movie.Percent:
		return at + round(c.Value/100*float64(canvas))
	}
	return at + round(c.Value)
}

func round(x float64) int { return max(int(math.Round(x)), -1<<20) }
