package render

import (
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
	// held tells that the picture is over before the piece begins: what shows is
	// the last one, to be found from here on.
	held bool
}

// moving is the frames from..to of a video clip.
func (p *picture) moving(c timeline.Clip, s source, from, to int) string {
	t := p.play(c, s, from, to, func(t *strand) { p.fit(t, c, s) })
	t.add(p.clock(0)...)
	if zooms(c) {
		p.follow(t, c, from-c.In)
	}
	p.shape(t, c, from, to, func() {})
	return t.end()
}

// play is the frames from..to of a source that moves, at the output's rate, each
// run of it prepared by itself.
func (p *picture) play(c timeline.Clip, s source, from, to int, prepare func(*strand)) *strand {
	parts := p.pieces(c, s, from-c.In, to-c.In)
	if len(parts) > mostPieces {
		t := p.cycle(c, s, from-c.In, to-c.In, prepare)
		t.add(f("tpad", "stop", -1, "stop_mode", "clone"), f("trim", "end_frame", to-from))
		return t
	}
	var pads []string
	var alpha bool
	for _, part := range parts {
		piece := p.piece(s, part, prepare)
		pads, alpha = append(pads, piece.end()), piece.alpha
	}
	pad := pads[0]
	if len(pads) > 1 {
		pad = p.join(pads, f("concat", "n", len(pads), "v", 1, "a", 0))
	}
	t := p.strand(pad)
	t.alpha = alpha
	t.add(f("tpad", "stop", -1, "stop_mode", "clone"), f("trim", "end_frame", to-from))
	return t
}

// pieces divides frames first..last of a clip, counted from its start, at the
// points where its source starts over. What lies behind the last play is left
// out: there the last picture stands.
func (p *picture) pieces(c timeline.Clip, s source, first, last int) []piece {
	length := s.period(c)
	var list []piece
	for play := p.playAt(first, length); play < maxPlays(c.Loop) && length >= seconds(1, p.FPS); play++ {
		begin, end := p.frame(float64(play)*length), p.frame(float64(play+1)*length)
		if begin >= last {
			break
		}
		if a, b := max(first, begin), min(last, end); a < b {
			list = append(list, p.part(s, c.Seek+seconds(a-begin, p.FPS), b-a))
		}
	}
	if len(list) == 0 { // only the held picture is left
		list = append(list, p.part(s, s.facts().Duration, last-first))
	}
	return list
}

// part is a piece of a source from a time on. Sound may outlast the picture, and
// then the last picture stands.
func (p *picture) part(s source, from float64, frames int) piece {
	end := s.pictureEnd()
	if from < end-seconds(1, p.FPS)/2 {
		return piece{from: from, frames: frames}
	}
	return piece{from: max(0, end-p.back(s)), frames: frames, held: true}
}

// back is how long before its end a source surely shows a picture, in seconds.
func (p *picture) back(s source) float64 {
	back := seconds(2*lead, p.FPS)
	if v := s.Media.Video; v != nil && v.FPS > 0 {
		back = max(back, 3/v.FPS)
	}
	return back
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
func (p *picture) piece(s source, part piece, prepare func(*strand)) *strand {
	if part.held {
		return p.held(s, part, prepare)
	}
	ahead := min(p.lead(s), p.frame(part.from))
	start := part.from - seconds(ahead, p.FPS)
	if start < 1e-6 {
		start = 0
	}
	p.decoded = append(p.decoded, s)
	t := p.strand(p.input(s.inputAt(start), s.Name))
	t.add(
		f("fps", "fps", rate(p.FPS), "start_time", 0),
		// A play whose last picture comes early keeps it: the next one must not
		// begin before its time.
		f("tpad", "stop", -1, "stop_mode", "clone"),
		f("trim", "start_frame", ahead, "end_frame", ahead+part.frames),
	)
	prepare(t)
	t.add(p.clock(0)...)
	return t
}

// lead is how many frames a source is decoded ahead, at least one picture of its
// own.
func (p *picture) lead(s source) int {
	if v := s.Media.Video; v != nil && v.FPS > 0 {
		return max(lead, p.frame(1.5/v.FPS))
	}
	return lead
}

// held repeats a source's last picture.
func (p *picture) held(s source, part piece, prepare func(*strand)) *strand {
	t := p.strand(p.input(s.inputAt(part.from), s.Name))
	t.add(f("reverse"), f("trim", "end_frame", 1))
	prepare(t)
	t.stand(part.frames)
	return t
}
