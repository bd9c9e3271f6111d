package render

import (
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// lead is how many frames a source is decoded ahead of the first one wanted.
// After a seek the frame nearest to a time may be missing, and would come out
// one late; frames of the lead are dropped, so each window shows exactly what
// an unbroken decode would have shown.
const lead = 5

// piece is an unbroken run of one play of a source.
type piece struct {
	// from is where in the source it starts, in seconds.
	from float64
	// frames is how many it has, at the output's rate.
	frames int
}

// moving is the frames from..to of a video clip.
func (p *picture) moving(c timeline.Clip, s source, from, to int) string {
	var pads []string
	held := 0
	for _, part := range p.pieces(c, s, from-c.In, to-c.In) {
		pads = append(pads, p.piece(c, s, part))
		held += part.frames
	}
	pad := pads[0]
	if len(pads) > 1 {
		pad = p.join(pads, f("concat", "n", len(pads), "v", 1, "a", 0))
	}
	// A source that ends a little before its header said keeps its last picture.
	filters := []ffmpeg.Filter{f("tpad", "stop", -1, "stop_mode", "clone"), f("trim", "end_frame", to-from)}
	if zooms(c) {
		filters = append(filters, p.zoom(c, from-c.In, 1)...)
	}
	return p.join([]string{pad}, append(filters, p.clock(0)...)...)
}

// pieces divides frames first..last of a clip, counted from its start, at the
// points where its source starts over. What lies behind the last play is left
// out: there the last picture stands.
func (p *picture) pieces(c timeline.Clip, s source, first, last int) []piece {
	length := s.facts().Duration - c.Seek
	var list []piece
	for play := 0; play < maxPlays(c.Loop); play++ {
		begin, end := p.frame(float64(play)*length), p.frame(float64(play+1)*length)
		if begin >= last {
			break
		}
		if a, b := max(first, begin), min(last, end); a < b {
			list = append(list, piece{c.Seek + seconds(a-begin, p.FPS), b - a})
		}
	}
	if len(list) == 0 { // only the held picture is left
		list = append(list, piece{max(c.Seek, c.Seek+length-seconds(2*lead, p.FPS)), 2 * lead})
	}
	return list
}

func maxPlays(loop int) int {
	if loop == movie.Endless {
		return 1 << 30
	}
	return max(1, loop)
}

// frame is the frame nearest to a time in seconds.
func (p *picture) frame(at float64) int {
	return int(at*float64(p.FPS.Num)/float64(p.FPS.Den) + 0.5)
}

// piece decodes one run at the output's rate.
func (p *picture) piece(c timeline.Clip, s source, part piece) string {
	ahead := min(lead, p.frame(part.from))
	start := part.from - seconds(ahead, p.FPS)
	if start < 1e-6 {
		start = 0
	}
	pad := p.input(s.inputAt(start))
	filters := []ffmpeg.Filter{
		f("fps", "fps", rate(p.FPS), "start_time", 0),
		f("trim", "start_frame", ahead, "end_frame", ahead+part.frames),
	}
	filters = append(filters, p.fit(c, s)...)
	return p.join([]string{pad}, append(filters, p.clock(0)...)...)
}
