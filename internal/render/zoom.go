package render

import (
	"fmt"
	"strconv"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// oversample is how much larger than its box a picture is that is zoomed: the
// zoompan filter moves by whole pixels of its source, so finer ones make the
// movement smoother.
const oversample = 2

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

// zoom is the Ken Burns effect on a picture that is oversample times its box:
// over the clip's life the picture grows from its box to 1 + zoom/10 times
// that, or shrinks back to it when zoom is negative (section 15.2 of the
// contract), about the side that its pan names. With a pan alone it is larger
// by the pan's distance all along, and the view goes from the other side to the
// one that is named. Each picture coming in makes n going out; the first of them
// is the clip's frame at.
func (p *picture) zoom(c timeline.Clip, at, n int) []ffmpeg.Filter {
	v := c.Element.Visual
	gone := passed(c, "on", at)
	z := fmt.Sprintf("1+%.6f*%s", v.Zoom/10, gone)
	switch {
	case v.Zoom < 0:
		z = fmt.Sprintf("1+%.6f*(1-%s)", -v.Zoom/10, gone)
	case v.Zoom == 0:
		z = fmt.Sprintf("%.6f", 1+v.Pan.Distance)
	}
	if v.Zoom != 0 {
		gone = "1"
	}
	return []ffmpeg.Filter{
		f("zoompan", "zoom", z, "x", slide("iw", v.Pan.X, gone), "y", slide("ih", v.Pan.Y, gone), "d", n,
			"s", fmt.Sprintf("%dx%d", c.Box.W, c.Box.H), "fps", rate(p.FPS)),
		f("setsar", "sar", "1"),
	}
}

// slide is where the view begins in a picture size long, gone being the part of
// its way towards a side that is behind it.
func slide(size string, towards int, gone string) string {
	switch towards {
	case -1:
		return fmt.Sprintf("(%s-%s/zoom)*(1-%s)", size, size, gone)
	case 1:
		return fmt.Sprintf("(%s-%s/zoom)*%s", size, size, gone)
	}
	return fmt.Sprintf("%s/2-%s/zoom/2", size, size)
}

// passed is the part of a clip's life that is over, frame being the variable
// that counts a stream's frames and at the clip's frame where it is 0.
func passed(c timeline.Clip, frame string, at int) string {
	life := max(1, c.Out-c.In-1)
	return fmt.Sprintf("min(%s+%d,%d)/%d", frame, at, life, life)
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
	return fmt.Sprintf("%d+%.3f*(%s-0.5)", at, way, passed(c, frame, p.window.In-c.In))
}
