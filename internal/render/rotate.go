package render

import (
	"fmt"
	"image"
	"math"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// turns tells whether the clip's picture turns while it shows.
func turns(c timeline.Clip) bool { return c.Element.Visual.Rotate.Seconds > 0 }

// quarters is the clip's turn in quarters, clockwise; ok is false when it is no
// whole number of them, or takes time.
func quarters(c timeline.Clip) (n int, ok bool) {
	angle := c.Element.Visual.Rotate.Angle
	return (int(angle/90) + 4) % 4, !turns(c) && math.Mod(angle, 90) == 0
}

// rotate turns a clip's stream about its middle, into its pane; the stream's
// frame 0 is the clip's frame at.
func (s *strand) rotate(c timeline.Clip, at int) {
	if n, ok := quarters(c); ok {
		s.add([][]ffmpeg.Filter{{}, {f("transpose", "dir", "clock")}, {f("hflip"), f("vflip")}, {f("transpose", "dir", "cclock")}}[n]...)
		return
	}
	pane := s.p.pane(c)
	s.feather()
	s.add(f("rotate", "angle", turn(c.Element.Visual.Rotate, at, s.p.FPS), "out_w", pane.X, "out_h", pane.Y, "fillcolor", "black@0"))
}

// turn is the angle in radians, as a function of a stream's frames when it takes
// time: from no turn at the clip's first frame on, to stay when it is reached.
func turn(r movie.Rotate, at int, fps movie.Rate) string {
	radians := r.Angle * math.Pi / 180
	if r.Seconds == 0 {
		return fmt.Sprintf("%.9f", radians)
	}
	frames := max(1, r.Seconds*float64(fps.Num)/float64(fps.Den))
	return fmt.Sprintf("%.9f*min((n+%d)/%.6f,1)", radians, at, frames)
}

// rim is how many transparent pixels feather puts around a picture.
const rim = 2

// feather puts a transparent rim around the stream, under which its colours go
// on: between the two the rotate filter makes an edge that is smooth and not
// dark.
func (s *strand) feather() {
	s.add(f("format", "pix_fmts", "yuva420p"),
		f("pad", "w", fmt.Sprintf("iw+%d", 2*rim), "h", fmt.Sprintf("ih+%d", 2*rim), "x", rim, "y", rim, "color", "black@0"))
	own := s.fork()
	own.add(f("alphaextract"))
	s.add(f("fillborders", "left", rim, "right", rim, "top", rim, "bottom", rim, "mode", "smear"))
	s.pad = s.p.join([]string{s.end(), own.end()}, f("alphamerge"))
	s.alpha = true
}

// pane is the size of what a clip paints: its picture, or what room that takes
// when it is turned, as far as the canvas can show it.
func (p *picture) pane(c timeline.Clip) image.Point {
	s := p.sources[c.Element].size(c)
	r := c.Element.Visual.Rotate
	n, ok := quarters(c)
	switch {
	case ok && n%2 == 1:
		return image.Pt(s.H, s.W)
	case ok:
		return image.Pt(s.W, s.H)
	}
	w, h := float64(s.W+2*rim), float64(s.H+2*rim)
	wide, high := math.Hypot(w, h), math.Hypot(w, h)
	if r.Seconds == 0 {
		sin, cos := math.Sincos(r.Angle * math.Pi / 180)
		sin, cos = math.Abs(sin), math.Abs(cos)
		wide, high = w*cos+h*sin, w*sin+h*cos
	}
	at := p.corner(c)
	return image.Pt(around(s.W, at.X, p.Width, wide), around(s.H, at.Y, p.Height, high))
}

// around is a length of at least want about the middle of a side that begins at
// and is size long, and no longer than it takes to reach over a canvas. It
// begins an even number of pixels before the side: overlay rounds to chroma.
func around(size, at, canvas int, want float64) int {
	reach := max(2*at+size, 2*canvas-2*at-size)
	length := min(int(math.Ceil(want)), max(reach, 2))
	return length + (size-length)&3
}
