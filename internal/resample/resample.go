// Package resample draws a rectangle of a picture at another size, placed and
// sized in fractions of a pixel: a view that moves and grows smoothly, for the
// Ken Burns effect. FFmpeg's zoompan moves by whole pixels, and trembles.
//
// It works on planes of 8-bit samples as FFmpeg reads and writes them, one plane
// at a time: rows are blended first, then columns. It must not know of movies, of
// time, nor of where pictures come from or go to.
package resample

import "fmt"

// MaxSide is the largest width and height of a picture.
const MaxSide = 32768

// Picture is a planar YUV picture of 8 bits, its chroma at half the width and
// height, rounded up: FFmpeg's rawvideo of yuv420p, or with Alpha yuva420p. Planes
// are Y, U, V and, at full size, A, one after another without padding.
//
// Alpha is not multiplied in and every plane is resampled by itself, so the
// colours of transparent pixels show at the edges of what is opaque. They should
// be those of what is nearest.
type Picture struct {
	Width, Height int
	Alpha         bool
	Pix           []byte
}

// Size is the length of Pix in bytes.
func (p Picture) Size() int { return Bytes(p.Width, p.Height, p.Alpha) }

// Bytes is the length of a picture's planes.
func Bytes(width, height int, alpha bool) int {
	n := width*height + 2*half(width)*half(height)
	if alpha {
		n += width * height
	}
	return n
}

func half(n int) int { return (n + 1) / 2 }

// View is the rectangle of a picture that is shown, in its pixels: the place of
// its left upper corner and its size. Pixel 0 reaches from 0 to 1. What lies
// outside of the picture has the colour of its edge.
type View struct{ X, Y, Width, Height float64 }

// Resampler draws views of one picture at one size. It is for one goroutine;
// several may share the picture.
type Resampler struct {
	width, height float64
	size          int
	planes        []plane
	// row is what is drawn next, its rows blended.
	row blended
}

// New makes a resampler that draws views of a picture at a width and height. It
// panics when the sides of the picture are not in 1 to MaxSide, Pix is too short,
// or the size drawn is not positive.
func New(from Picture, width, height int) *Resampler {
	if from.Width < 1 || from.Height < 1 || from.Width > MaxSide || from.Height > MaxSide || len(from.Pix) < from.Size() || width < 1 || height < 1 {
		panic(fmt.Sprintf("resample: %d bytes of %dx%d drawn at %dx%d", len(from.Pix), from.Width, from.Height, width, height))
	}
	r := &Resampler{width: float64(width), height: float64(height), size: Bytes(width, height, from.Alpha)}
	full := &mapping{
		x: newAxis(whole, from.Width, width, columnBits),
		y: newAxis(whole, from.Height, height, rowBits),
	}
	chroma := &mapping{
		x: newAxis(chromaX, half(from.Width), half(width), columnBits),
		y: newAxis(chromaY, half(from.Height), half(height), rowBits),
	}
	of := []*mapping{full, chroma, chroma}
	if from.Alpha {
		of = append(of, full)
	}
	pix := from.Pix
	for _, m := range of {
		n := m.x.from * m.y.from
		r.planes = append(r.planes, plane{pix: pix[:n], mapping: m})
		pix = pix[n:]
	}
	return r
}

// Draw draws a view into the planes at to, which must hold Bytes of the size
// drawn. It allocates nothing.
//
// A picture is enlarged by linear interpolation. Where the view is larger than what
// is drawn, that is averaged over an area that grows from nothing with it, so
// that nothing pops as a view moves through equal size. From 2:1 on the area grows
// no more, and fine patterns flicker: prepare pictures no larger than that.
func (r *Resampler) Draw(to []byte, v View) {
	to = to[:r.size]
	for _, p := range r.planes {
		p.x.aim(v.X, v.Width/r.width)
		p.y.aim(v.Y, v.Height/r.height)
		p.draw(to, &r.row)
		to = to[p.x.to*p.y.to:]
	}
}

// mapping is the way from a plane's samples to those drawn.
type mapping struct{ x, y axis }

// plane is one of a picture's.
type plane struct {
	pix []byte
	*mapping
}

func (p *plane) draw(to []byte, row *blended) {
	for y := range p.y.to {
		r := p.rows(y)
		row.blend(p.x.first, &r, p.y.wide)
		row.edges(p.x.from)
		line := to[y*p.x.to:][:p.x.to]
		if p.x.wide {
			row.pick4(line, p.x.at, p.x.near, p.x.far)
		} else {
			row.pick2(line, p.x.at, p.x.near)
		}
	}
}

// rows are what is in view of the rows that row y drawn is made of.
func (p *plane) rows(y int) rows {
	r := rows{near: p.y.near[y], far: p.y.far[y]}
	for i := range r.line {
		begin := p.y.inside(int(p.y.at[y])-margin+i) * p.x.from
		r.line[i] = p.pix[begin+p.x.first : begin+p.x.end]
	}
	return r
}
