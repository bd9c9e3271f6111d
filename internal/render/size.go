package render

import (
	"fmt"
	"slices"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// oversized names the elements that would be scaled to more pixels than a medium
// may have, however little of them the canvas shows.
func (j *job) oversized() []movie.Fault {
	t, most := j.timeline, ffmpeg.DefaultLimits().MaxPixels
	all := slices.Concat(t.Below, t.Above)
	for _, s := range t.Scenes {
		all = append(all, s.Clips...)
	}
	var list []movie.Fault
	for _, c := range all {
		if c.Element.Type != movie.Text && area(c.Box) > most {
			list = append(list, fault(c.Element, "width", fmt.Errorf("it would be %d x %d pixels large; at most %d million pixels are allowed", c.Box.W, c.Box.H, most/1_000_000)))
		}
	}
	return list
}

func area(r timeline.Rect) int64 { return int64(r.W) * int64(r.H) }
