package timeline

import (
	"fmt"
	"math"

	"github.com/reelhook/reelhook/internal/movie"
)

// margin is the part of the canvas that presets keep free at the edges they
// touch (section 20 of the contract).
const margin = 0.05

// box is where an element paints, and which part of its medium fills that.
func (b *builder) box(e *movie.Element) (Rect, Area) {
	v := e.Visual
	f, part := b.cropped(e)
	if e.Type != movie.Text && f.Width > 0 && f.Height > 0 {
		switch v.Resize {
		case movie.Cover:
			return Rect{W: b.Width, H: b.Height}, part.within(covering(f, b.Width, b.Height))
		case movie.Contain:
			w, h := fitting(f, b.Width, b.Height)
			return Rect{(b.Width - w) / 2, (b.Height - h) / 2, w, h}, part
		}
	}
	w, h := b.dimensions(e, f)
	x, y := b.preset(v.Position, w, h)
	return Rect{offset(x, v.X, b.Width, w), offset(y, v.Y, b.Height, h), w, h}, part
}

// cropped is an element's medium as if there were no more of it than its crop
// keeps, and which part of it that is.
func (b *builder) cropped(e *movie.Element) (Facts, Area) {
	f, c := b.facts(e), e.Visual.Crop
	if c == (movie.Crop{}) || f.Width == 0 || f.Height == 0 {
		return f, Area{W: 1, H: 1}
	}
	if c.X >= f.Width || c.Y >= f.Height {
		b.warn(e.Path+".crop", fmt.Sprintf("The crop lies outside of the picture, which is %d x %d pixels; it was ignored", f.Width, f.Height))
		return f, Area{W: 1, H: 1}
	}
	w, h := f.Width-c.X, f.Height-c.Y // all that is left
	if c.Width > w || c.Height > h {
		b.warn(e.Path+".crop", fmt.Sprintf("The crop reaches out of the picture, which is %d x %d pixels; it was shortened", f.Width, f.Height))
	}
	if c.Width > 0 {
		w = min(w, c.Width)
	}
	if c.Height > 0 {
		h = min(h, c.Height)
	}
	width, height := float64(f.Width), float64(f.Height)
	f.Width, f.Height = w, h
	return f, Area{float64(c.X) / width, float64(c.Y) / height, float64(w) / width, float64(h) / height}
}

// within is the part of a picture that in is of this part of it.
func (a Area) within(in Area) Area {
	return Area{a.X + in.X*a.W, a.Y + in.Y*a.H, in.W * a.W, in.H * a.H}
}

// covering is the middle part of a picture that has the canvas's shape, a pixel
// at least.
func covering(f Facts, width, height int) Area {
	want := float64(width) / float64(height)
	have := float64(f.Width) / float64(f.Height)
	if have > want {
		w := max(want/have, 1/float64(f.Width))
		return Area{(1 - w) / 2, 0, w, 1}
	}
	h := max(have/want, 1/float64(f.Height))
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
		return max(1, round(float64(h)*float64(f.Width)/float64(f.Height))), h
	case h < 0:
		return w, max(1, round(float64(w)*float64(f.Height)/float64(f.Width)))
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
