package text

import (
	"image"
	"math"
)

// grow widens a mask by radius on every side. It costs the same for any radius.
func grow(mask *image.Alpha, radius float64) *image.Alpha {
	f := newField(mask, radius+1)
	f.sweep()
	out := image.NewAlpha(mask.Bounds())
	for i := range f.near {
		if cover := float32(radius) + 0.5 - f.cost(i, f.near[i]); cover > 0 {
			out.Pix[i] = uint8(min(cover, 1)*255 + 0.5)
		}
	}
	return out
}

// band is the line of a width centred on a mask's edge, grown the mask widened by
// half of it.
func band(mask, grown *image.Alpha, width float64) *image.Alpha {
	holes := image.NewAlpha(mask.Bounds())
	for i, v := range mask.Pix {
		holes.Pix[i] = 255 - v
	}
	out := grow(holes, width/2)
	for i, v := range grown.Pix {
		out.Pix[i] = min(out.Pix[i], v)
	}
	return out
}

// field knows for each pixel the way to the nearest one of a mask (Danielsson's
// sequential distance transform), counting from the edge within that pixel, which
// its alpha tells (Gustavson and Strand, "Anti-aliased Euclidean distance
// transform").
type field struct {
	mask *image.Alpha
	w, h int
	near []step
	// reach is the distance that nothing is looked for beyond.
	reach float32
}

// step is a way from one pixel to another.
type step struct{ x, y int16 }

// nowhere is the step of a pixel with nothing in reach.
var nowhere = step{math.MaxInt16, 0}

func newField(mask *image.Alpha, reach float64) *field {
	f := &field{mask: mask, w: mask.Bounds().Dx(), h: mask.Bounds().Dy(), reach: float32(reach)}
	f.near = make([]step, f.w*f.h)
	for i := range f.near {
		if mask.Pix[i] == 0 {
			f.near[i] = nowhere
		}
	}
	return f
}

// cost is the distance of pixel i from the edge in the pixel that a step leads
// to, negative within.
func (f *field) cost(i int, s step) float32 {
	if s == nowhere {
		return f.reach
	}
	x, y := float32(s.x), float32(s.y)
	alpha := f.mask.Pix[i+int(s.y)*f.w+int(s.x)]
	return float32(math.Sqrt(float64(x*x+y*y))) + 0.5 - float32(alpha)/255
}

var (
	above, below = []step{{-1, 0}, {-1, -1}, {0, -1}, {1, -1}}, []step{{1, 0}, {1, 1}, {0, 1}, {-1, 1}}
	left, right  = above[:1], below[:1]
)

// sweep fills the field in, down and up, each row in both directions.
func (f *field) sweep() {
	for y := range f.h {
		for x := range f.w {
			f.settle(x, y, above)
		}
		for x := f.w - 1; x >= 0; x-- {
			f.settle(x, y, right)
		}
	}
	for y := f.h - 1; y >= 0; y-- {
		for x := f.w - 1; x >= 0; x-- {
			f.settle(x, y, below)
		}
		for x := range f.w {
			f.settle(x, y, left)
		}
	}
}

// settle takes the shortest of the ways over neighbours.
func (f *field) settle(x, y int, over []step) {
	i := y*f.w + x
	if f.mask.Pix[i] == 255 {
		return // nothing is nearer than itself
	}
	best := f.near[i]
	cost := f.cost(i, best)
	for _, o := range over {
		nx, ny := x+int(o.x), y+int(o.y)
		if nx < 0 || ny < 0 || nx >= f.w || ny >= f.h {
			continue
		}
		s := f.near[ny*f.w+nx]
		if s == nowhere {
			continue
		}
		s.x += o.x
		s.y += o.y
		if c := f.cost(i, s); c < cost {
			best, cost = s, c
		}
	}
	f.near[i] = best
}
