package render

import (
	"fmt"
	"math"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/timeline"
)

// oversample is how much larger than its box a picture is that is zoomed: the
// zoompan filter moves by whole pixels of its source, so finer ones make the
// movement smoother.
const oversample = 2

// zooms tells whether the clip's picture grows or shrinks while it shows.
func zooms(c timeline.Clip) bool { return c.Element.Visual.Zoom != 0 }

// zoom is the Ken Burns effect on a picture that is oversample times its box:
// over the clip's life the picture grows from its box to 1 + zoom/10 times
// that, or shrinks back to it when zoom is negative (section 15.2 of the
// contract). Each picture coming in makes n going out; the first of them is the
// clip's frame at.
func (p *picture) zoom(c timeline.Clip, at, n int) []ffmpeg.Filter {
	amount := math.Abs(c.Element.Visual.Zoom) / 10
	life := max(1, c.Out-c.In-1)
	z := fmt.Sprintf("1+%.6f*min(on+%d,%d)/%d", amount, at, life, life)
	if c.Element.Visual.Zoom < 0 {
		z = fmt.Sprintf("1+%.6f*(1-min(on+%d,%d)/%d)", amount, at, life, life)
	}
	return []ffmpeg.Filter{
		f("zoompan", "zoom", z, "x", "iw/2-iw/zoom/2", "y", "ih/2-ih/zoom/2", "d", n,
			"s", fmt.Sprintf("%dx%d", c.Box.W, c.Box.H), "fps", rate(p.FPS)),
		f("setsar", "sar", "1"),
	}
}
