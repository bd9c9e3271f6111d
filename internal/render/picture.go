package render

import (
	"fmt"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// picture builds the inputs and the filtergraph of one window. Streams inside it
// are named by pads; frame 0 of every stream is the window's first frame.
type picture struct {
	*timeline.Timeline
	sources map[*movie.Element]source
	window  window
	// grounded draws a background even where a clip should hide all of it: the
	// clip's pictures may end early.
	grounded bool
	inputs   []ffmpeg.Input
	// names tell what the inputs hold.
	names []string
	graph ffmpeg.Graph
	// decoded are the sources whose pictures are decoded one after another.
	decoded []source
	// repeated is how many pixels are kept to be played again.
	repeated int64
	// stills are the pictures that are fitted here, or that have been before: those
	// whose names are in ready.
	stills []fitted
	ready  map[string]bool
	// fitted are the inputs that are fitted pictures, or views of them.
	fitted   map[int]fitted
	darkroom *darkroom
}

// output is the pad that carries the finished picture.
const output = "out"

// draw builds the graph of a window. Scenes paint over the movie's elements
// below them, and the movie's own elements paint over scenes.
func (p *picture) draw() {
	base := p.scene(p.window.to)
	if p.window.from != noScene {
		base = p.blend(p.scene(p.window.from), base, p.Scenes[p.window.to])
	}
	for _, c := range p.Above {
		base = p.paint(base, c)
	}
	p.chain([]string{base}, output, append([]ffmpeg.Filter{
		f("tpad", "stop", -1, "stop_mode", "clone"), f("trim", "end_frame", p.window.frames()), f("format", "pix_fmts", "yuv420p"),
	}, tagged...)...)
}

// scene composes one scene, or black over which only the movie's own elements
// paint, and returns its pad.
func (p *picture) scene(index int) string {
	background := movie.Color{A: 255}
	var clips []timeline.Clip
	if index != noScene {
		background, clips = p.Scenes[index].Background, p.Scenes[index].Clips
	}
	var layers []timeline.Clip
	if index == noScene || background.A < 255 {
		layers = append(layers, p.Below...)
	}
	if index != noScene && background.A > 0 && background.A < 255 {
		return p.paintAll(p.veil(p.paintAll(p.solid(movie.Color{A: 255}), layers), background), clips)
	}
	if background.A == 0 {
		background = movie.Color{A: 255}
	}
	layers = append(layers, clips...)
	if i := p.lowest(layers); i >= 0 {
		return p.paintAll(p.layer(layers[i]), layers[i+1:])
	}
	return p.paintAll(p.solid(background), layers)
}

func (p *picture) paintAll(base string, clips []timeline.Clip) string {
	for _, c := range clips {
		base = p.paint(base, c)
	}
	return base
}

// lowest is the topmost clip that hides everything under it for the whole
// window, or -1: nothing below it needs to be drawn.
func (p *picture) lowest(clips []timeline.Clip) int {
	for i := len(clips) - 1; i >= 0 && !p.grounded; i-- {
		c := clips[i]
		if c.In <= p.window.In && c.Out >= p.window.Out && !p.fades(c) && p.opaque(c) &&
			c.Box == (timeline.Rect{W: p.Width, H: p.Height}) {
			return i
		}
	}
	return -1
}

// opaque tells whether no part of a clip's box shows what is under it.
func (p *picture) opaque(c timeline.Clip) bool {
	s := p.sources[c.Element]
	v := c.Element.Visual
	return c.Element.Type != movie.Text && !s.alpha() && s.Mask == nil && v.Opacity == 1 &&
		v.ChromaKey == (movie.ChromaKey{}) && v.Rotate == (movie.Rotate{}) && !drifts(c)
}

// fades tells whether a clip fades anywhere in the window.
func (p *picture) fades(c timeline.Clip) bool {
	in := c.FadeIn > 0 && p.window.In < c.In+c.FadeIn
	out := c.FadeOut > 0 && p.window.Out > c.Out-c.FadeOut
	return in || out
}

// paint lays a clip over base.
func (p *picture) paint(base string, c timeline.Clip) string {
	if c.Out <= p.window.In || c.In >= p.window.Out {
		return base
	}
	at, pan := p.origin(c), c.Element.Visual.Pan
	// The layer's own clock says when it begins; after its end the base shows
	// again.
	return p.join([]string{base, p.layer(c)},
		f("overlay", "x", p.drift(c, at.X, pan.X, p.Width), "y", p.drift(c, at.Y, pan.Y, p.Height), "format", "yuv420", "eof_action", "pass"))
}

// blend lets the scene that enters take over from the one that leaves.
func (p *picture) blend(leaving, entering string, s timeline.Scene) string {
	// A third of the work of xfade, and the same picture. Of a single frame xfade
	// makes none.
	if s.Style == "fade" || s.Transition == 1 {
		veiled := p.join([]string{entering}, f("format", "pix_fmts", "yuva420p"),
			f("fade", "type", "in", "start_frame", 0, "nb_frames", s.Transition, "alpha", 1))
		return p.join([]string{leaving, veiled}, f("overlay", "format", "yuv420"))
	}
	steady, style, after := p.steady(), s.Style, []ffmpeg.Filter(nil)
	if style == "slideup" {
		// Its first frame shows a row of memory that is behind the picture (FFmpeg
		// 5.1); slidedown upside down is the same without that.
		style, after = "slidedown", []ffmpeg.Filter{f("vflip")}
		steady = append(steady, after...)
	}
	a, b := p.join([]string{leaving}, steady...), p.join([]string{entering}, steady...)
	return p.join([]string{a, b}, append([]ffmpeg.Filter{f("xfade", "transition", style, "offset", 0,
		"duration", fmt.Sprintf("%.6f", seconds(s.Transition, p.FPS)))}, after...)...)
}

// steady gives a stream the constant rate that xfade asks for.
func (p *picture) steady() []ffmpeg.Filter {
	return []ffmpeg.Filter{f("format", "pix_fmts", "yuv420p"), f("setsar", "sar", "1"), f("fps", "fps", rate(p.FPS))}
}

// join adds a chain that ends in a new pad and returns that pad.
func (p *picture) join(in []string, filters ...ffmpeg.Filter) string {
	pad := fmt.Sprintf("p%d", len(p.graph))
	p.chain(in, pad, filters...)
	return pad
}

func (p *picture) chain(in []string, out string, filters ...ffmpeg.Filter) {
	p.graph = append(p.graph, ffmpeg.Chain{In: in, Filters: filters, Out: []string{out}})
}

// input adds an input file and returns the pad of its picture; name tells what it
// holds.
func (p *picture) input(in ffmpeg.Input, name string) string {
	p.inputs, p.names = append(p.inputs, in), append(p.names, name)
	return fmt.Sprintf("%d:v", len(p.inputs)-1)
}
