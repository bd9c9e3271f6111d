package render

import (
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// mask is the frames from..to of a clip's mask, stretched to the clip's box: as
// grey as the clip is to be seen. A still one is one picture. A video begins
// with the clip and keeps its last picture; an animated picture goes on.
func (p *picture) mask(c timeline.Clip, from, to int) *strand {
	s := *p.sources[c.Element].Mask
	prepare := func(t *strand) { t.add(p.grey(c, s)...) }
	if s.still() {
		t := p.strand(p.input(s.input(), s.Name))
		prepare(t)
		return t
	}
	play := timeline.Clip{Span: c.Span, Element: c.Element, Loop: 1}
	if s.Format.Kind == ffmpeg.Image {
		play.Loop = movie.Endless
	}
	t := p.play(play, s, from, to, prepare)
	t.add(p.clock(0)...)
	return t
}

// grey is the brightness of a mask in full range; what it leaves transparent is
// black.
func (p *picture) grey(c timeline.Clip, s source) []ffmpeg.Filter {
	var filters []ffmpeg.Filter
	if s.alpha() {
		filters = append(filters, f("format", "pix_fmts", "gbrap"), f("premultiply", "inplace", 1))
	}
	return append(filters, f("scale", "w", c.Box.W, "h", c.Box.H, "flags", "bicubic"), f("format", "pix_fmts", "gray"), f("setsar", "sar", "1"))
}

// masked tells whether the clip has a mask, and whether that one moves.
func (p *picture) masked(c timeline.Clip) (has, moves bool) {
	m := p.sources[c.Element].Mask
	return m != nil, m != nil && !m.still()
}
