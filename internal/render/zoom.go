package render

import (
	"fmt"
	"image"
	"io"
	"math"
	"strconv"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/resample"
	"github.com/reelhook/reelhook/internal/timeline"
)

// zooms tells whether the view of the clip's picture moves within its box: it
// grows, shrinks or pans.
func zooms(c timeline.Clip) bool {
	v := c.Element.Visual
	return v.Zoom != 0 || v.Pan.Crop
}

// drifts tells whether the clip's box itself moves over the canvas.
func drifts(c timeline.Clip) bool {
	v := c.Element.Visual
	return v.Zoom == 0 && !v.Pan.Crop && v.Pan != (movie.Pan{})
}

// mostZoomed is the most pixels of a picture that is fitted to be zoomed.
const mostZoomed = 50_000_000

// closest is how much a clip's picture is enlarged where the view is closest: as
// large as that it is fitted, so that no view has to make up what the source had.
func closest(c timeline.Clip) float64 {
	v := c.Element.Visual
	z := 1.0
	switch {
	case v.Zoom != 0:
		z += math.Abs(v.Zoom) / 10
	case v.Pan.Crop:
		z += v.Pan.Distance
	}
	return max(1, min(z, math.Sqrt(mostZoomed/float64(c.Box.W*c.Box.H))))
}

// scaled is the size at which a clip's picture is fitted.
func (p *picture) scaled(c timeline.Clip, s source) timeline.Rect {
	size := s.size(c)
	if zooms(c) {
		z := closest(c)
		size.W, size.H = int(math.Round(z*float64(size.W))), int(math.Round(z*float64(size.H)))
	}
	return size
}

// sight is the part of a picture that is seen, as shares of its sides.
type sight struct{ x, y, size float64 }

// sight is the Ken Burns effect on a clip's frame: over the clip's life the
// picture grows from its box to 1 + zoom/10 times that, or shrinks back to it when
// zoom is negative (section 15.2 of the contract), about the side that its pan
// names. With a pan alone it is larger by the pan's distance all along, and the
// view goes from the other side to the one that is named.
func sightOf(c timeline.Clip, frame int) sight {
	v, gone := c.Element.Visual, passed(c, frame)
	way, zoom := 1.0, 1+v.Pan.Distance
	switch {
	case v.Zoom > 0:
		zoom = 1 + v.Zoom/10*gone
	case v.Zoom < 0:
		zoom = 1 - v.Zoom/10*(1-gone)
	default:
		way = gone
	}
	return sight{slide(v.Pan.X, zoom, way), slide(v.Pan.Y, zoom, way), 1 / zoom}
}

// slide is where the view begins along a side, way being the part of its way
// towards an end that is behind it.
func slide(towards int, zoom, way float64) float64 {
	room := 1 - 1/zoom
	switch towards {
	case -1:
		return room * (1 - way)
	case 1:
		return room * way
	}
	return room / 2
}

// passed is the part of a clip's life that is over at one of its frames.
func passed(c timeline.Clip, frame int) float64 {
	life := max(1, c.Out-c.In-1)
	return min(float64(frame)/float64(life), 1)
}

// burns are the n frames of a still picture whose view moves, the first of them
// the clip's frame at. FFmpeg's own filter moves by whole pixels.
func (p *picture) burns(c timeline.Clip, s source, at, n int) *strand {
	from := p.apart(c, s)
	in := p.samplesInput(image.Pt(c.Box.W, c.Box.H), from.alpha)
	in.Feed = func(w io.Writer) error { return p.show(w, from, c, at, n) }
	p.fitted[len(p.inputs)] = from
	v := c.Element.Visual
	t := p.strand(p.input(in, fmt.Sprintf("%s seen by %v %+v from %d to %d of %d", from.name, v.Zoom, v.Pan, at, at+n, c.Out-c.In)))
	t.alpha = from.alpha
	t.add(tagged...)
	t.add(p.clock(0)...)
	return t
}

// show writes the frames.
func (p *picture) show(w io.Writer, f fitted, c timeline.Clip, at, n int) error {
	from, err := p.darkroom.load(f)
	if err != nil {
		return err
	}
	r := resample.New(from, c.Box.W, c.Box.H)
	frame := make([]byte, resample.Bytes(c.Box.W, c.Box.H, f.alpha))
	width, height := float64(from.Width), float64(from.Height)
	for i := range n {
		s := sightOf(c, at+i)
		r.Draw(frame, resample.View{X: s.x * width, Y: s.y * height, Width: s.size * width, Height: s.size * height})
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	return nil
}

// follow moves the view over a video, whose stream's frame 0 is the clip's frame
// at: pictures that are decoded one after another do not come to us, and FFmpeg's
// perspective filter moves by fractions of a pixel too, at three times the cost.
func (p *picture) follow(t *strand, c timeline.Clip, at int) {
	v := c.Element.Visual
	life := max(1, c.Out-c.In-1)
	gone := fmt.Sprintf("min((on-1+%d)/%d,1)", at, life) // the filter counts from 1
	zoom, way := fmt.Sprintf("(1+%.6f)", v.Pan.Distance), gone
	switch {
	case v.Zoom > 0:
		zoom, way = fmt.Sprintf("(1+%.6f*%s)", v.Zoom/10, gone), "1"
	case v.Zoom < 0:
		zoom, way = fmt.Sprintf("(1+%.6f*(1-%s))", -v.Zoom/10, gone), "1"
	}
	left, top := begin("W", v.Pan.X, zoom, way), begin("H", v.Pan.Y, zoom, way)
	right, bottom := left+"+W/"+zoom, top+"+H/"+zoom
	t.add(
		f("perspective", "x0", left, "y0", top, "x1", right, "y1", top, "x2", left, "y2", bottom, "x3", right, "y3", bottom, "eval", "frame", "interpolation", "linear"),
		f("scale", "w", c.Box.W, "h", c.Box.H, "flags", "bicubic"), f("setsar", "sar", "1"))
}

// begin is slide as an expression, on a side of a length.
func begin(length string, towards int, zoom, way string) string {
	room := fmt.Sprintf("%s*(1-1/%s)", length, zoom)
	switch towards {
	case -1:
		return room + "*(1-" + way + ")"
	case 1:
		return room + "*" + way
	}
	return room + "/2"
}

// drift is where on the canvas an overlay goes that pans without being cropped:
// the view glides towards the named side, and so the picture the other way, half
// of its distance before its place and half of it behind.
func (p *picture) drift(c timeline.Clip, at, towards, canvas int) string {
	if towards == 0 || !drifts(c) {
		return strconv.Itoa(at)
	}
	// Seconds, because the filter's count of frames begins with 1.
	frame := fmt.Sprintf("t*%.6f", float64(p.FPS.Num)/float64(p.FPS.Den))
	way := -float64(towards) * c.Element.Visual.Pan.Distance * float64(canvas)
	life := max(1, c.Out-c.In-1)
	return fmt.Sprintf("%d+%.3f*(min(%s+%d,%d)/%d-0.5)", at, way, frame, p.window.In-c.In, life, life)
}
