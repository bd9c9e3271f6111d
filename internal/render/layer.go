package render

import (
	"fmt"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// layer is a clip by itself, at its size, with its fades; its frame 0 is the
// window's, whatever part of the clip that is.
func (p *picture) layer(c timeline.Clip) string {
	first, last := max(c.In, p.window.In), min(c.Out, p.window.Out)
	// A fade counts frames from its own start, so a window that begins inside
	// one begins earlier and drops what came before it.
	from := p.fadeStart(c, first)
	var pad string
	if s := p.sources[c.Element]; s.still() {
		pad = p.still(c, s, from, last)
	} else {
		pad = p.moving(c, s, from, last)
	}
	filters := p.fade(c, from)
	if from < first {
		filters = append(filters, f("trim", "start_frame", first-from))
	}
	if from < first || first > p.window.In {
		filters = append(filters, p.clock(first-p.window.In)...)
	}
	if len(filters) == 0 {
		return pad
	}
	return p.join([]string{pad}, filters...)
}

// fadeStart is where to begin a clip so that a fade running at frame at is
// whole.
func (p *picture) fadeStart(c timeline.Clip, at int) int {
	switch {
	case at < c.In+c.FadeIn:
		return c.In
	case at > c.Out-c.FadeOut:
		return c.Out - c.FadeOut
	}
	return at
}

// fade is the filters for a clip's fades, on a stream whose frame 0 is the
// movie's frame from.
func (p *picture) fade(c timeline.Clip, from int) []ffmpeg.Filter {
	if !p.fades(c) {
		return nil
	}
	filters := []ffmpeg.Filter{f("format", "pix_fmts", "yuva420p")}
	if c.FadeIn > 0 && from < c.In+c.FadeIn {
		filters = append(filters, f("fade", "type", "in", "start_frame", max(0, c.In-from), "nb_frames", c.FadeIn, "alpha", 1))
	}
	if start := c.Out - c.FadeOut; c.FadeOut > 0 && start >= from {
		filters = append(filters, f("fade", "type", "out", "start_frame", start-from, "nb_frames", c.FadeOut, "alpha", 1))
	}
	return filters
}

// clock numbers frames one by one, the first as frame at.
func (p *picture) clock(at int) []ffmpeg.Filter {
	return []ffmpeg.Filter{
		f("settb", "expr", fmt.Sprintf("%d/%d", p.FPS.Den, p.FPS.Num)),
		f("setpts", "expr", fmt.Sprintf("N+%d", at)),
	}
}

// still is the frames from..to of a picture that does not change: what can be
// is done to it once, and then it is repeated. A looped input would decode it
// for every frame.
func (p *picture) still(c timeline.Clip, s source, from, to int) string {
	if zooms(c) {
		t := p.burns(c, s, from-c.In, to-from)
		p.shape(t, c, from, to, func() {})
		return t.end()
	}
	t, stands := p.stand(c, s), true
	p.shape(t, c, from, to, func() {
		if stands {
			t.stand(to - from)
			stands = false
		}
	})
	return t.end()
}

// stand is one picture of a clip that does not change, fitted here or before.
func (p *picture) stand(c timeline.Clip, s source) *strand {
	f := p.apart(c, s)
	p.stills = append(p.stills, f)
	if !p.ready[f.name] {
		t := p.strand(p.input(s.input(), s.Name))
		p.fit(t, c, s)
		return t
	}
	p.fitted[len(p.inputs)] = f
	t := p.strand(p.input(p.samplesInput(f.size, f.alpha), f.name))
	t.alpha = f.alpha
	t.add(tagged...)
	return t
}

// shape masks and turns a clip's stream, whose frame 0 is the movie's frame from.
// move is called before the first thing that is not the same for every frame, or
// at the end.
func (p *picture) shape(t *strand, c timeline.Clip, from, to int, move func()) {
	has, moves := p.masked(c)
	if moves {
		move()
	}
	if has {
		t.hide(p.mask(c, from, to))
	}
	if turns(c) {
		move()
	}
	t.rotate(c, from-c.In)
	t.even(p.pane(c))
	move()
}

// fit crops and scales a source to its box, in the colours of the output, and
// changes them as its element says.
func (p *picture) fit(t *strand, c timeline.Clip, s source) {
	if c.Crop != (timeline.Area{W: 1, H: 1}) && c.Crop != (timeline.Area{}) {
		t.add(f("crop",
			"w", fmt.Sprintf("iw*%.6f", c.Crop.W), "h", fmt.Sprintf("ih*%.6f", c.Crop.H),
			"x", fmt.Sprintf("iw*%.6f", c.Crop.X), "y", fmt.Sprintf("ih*%.6f", c.Crop.Y), "exact", 1))
	}
	t.add(p.scale(c, s)...)
	v := c.Element.Visual
	if v.FlipHorizontal {
		t.add(f("hflip"))
	}
	if v.FlipVertical {
		t.add(f("vflip"))
	}
	format := "yuv420p"
	if s.alpha() || v.Opacity < 1 || v.ChromaKey != (movie.ChromaKey{}) {
		format = "yuva420p"
	}
	t.alpha = s.alpha()
	t.add(f("format", "pix_fmts", format), f("setsar", "sar", "1"))
	t.key(v.ChromaKey, p.scaled(c, s))
	t.add(correction(v.Correction)...)
	if v.Opacity < 1 { // here, so that a still is made fainter once and not for every frame
		t.add(f("lutyuv", "a", fmt.Sprintf("val*%.4f", v.Opacity)))
		t.alpha = true
	}
}

// scale brings a source to its size and into the colours of the output.
func (p *picture) scale(c timeline.Clip, s source) []ffmpeg.Filter {
	size := p.scaled(c, s)
	if s.hdr() {
		return append([]ffmpeg.Filter{f("scale", "w", size.W, "h", size.H, "flags", "bicubic")}, toneMap(s.Media.Video.Transfer)...)
	}
	colours := []any{"out_color_matrix", "bt709", "out_range", "tv"}
	if m := s.matrix(); m != "" {
		colours = append(colours, "in_color_matrix", m)
	}
	scale := append([]any{"w", size.W, "h", size.H, "flags", "bicubic"}, colours...)
	if s.Drawn != nil || !s.alpha() || !s.rgb() {
		return []ffmpeg.Filter{f("scale", scale...)}
	}
	// What is transparent is mostly black underneath. Weighted by its opacity it
	// leaves no dark edge when it is mixed with its neighbours.
	return []ffmpeg.Filter{
		f("format", "pix_fmts", "gbrap"), f("premultiply", "inplace", 1), f("scale", scale[:6]...), f("unpremultiply", "inplace", 1),
		f("scale", colours...),
	}
}

// solid is one colour over the whole canvas.
func (p *picture) solid(c movie.Color) string {
	y, u, v := yuv(c)
	filters := []ffmpeg.Filter{
		f("color", "color", "black", "size", fmt.Sprintf("%dx%d", p.Width, p.Height), "rate", rate(p.FPS)),
		f("trim", "end_frame", 1),
		f("format", "pix_fmts", "yuv420p"),
		// Set as bt709 numbers: the filter's own conversion of a colour is bt601.
		f("lutyuv", "y", y, "u", u, "v", v),
		f("loop", "loop", -1, "size", 1, "start", 0),
	}
	filters = append(filters, p.clock(0)...)
	return p.join(nil, append(filters, f("trim", "end_frame", p.window.frames()))...)
}

// veil lays a half transparent colour over base.
func (p *picture) veil(base string, c movie.Color) string {
	pane := p.join([]string{p.solid(c)}, f("format", "pix_fmts", "yuva420p"), f("lutyuv", "a", int(c.A)))
	return p.join([]string{base, pane}, f("overlay", "format", "yuv420"))
}
