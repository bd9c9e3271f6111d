package render

import (
	"fmt"
	"math"
	"strconv"

	"github.com/reelhook/reelhook/internal/timeline"
)

// mostPieces is how many plays of a source a window decodes each by itself. A
// picture that blinks has hundreds in one window, and every one of them would be
// an input with a decoder of its own.
const mostPieces = 8

// period is how long one play of a clip's source lasts, in seconds.
func (s source) period(c timeline.Clip) float64 { return s.facts().Duration - c.Seek }

// playAt is the play that a clip's frame is in, or one of those before it.
func (p *picture) playAt(frame int, length float64) int {
	if length <= 0 {
		return 0
	}
	return max(0, int(seconds(frame, p.FPS)/length)-1)
}

// cycle is the frames first..last of a clip, counted from its start, whose source
// is played over and over: one play is decoded and kept, and repeated from
// there. Plays have a frame more or less where their length is no whole number
// of frames, as they have in pieces.
func (p *picture) cycle(c timeline.Clip, s source, first, last int, prepare func(*strand)) *strand {
	length := s.period(c)
	play := p.playAt(first, length)
	begin := p.frame(float64(play) * length)
	if plays := maxPlays(c.Loop); plays < 1<<30 {
		last = min(last, p.frame(float64(plays)*length))
	}
	kept := int(math.Ceil(length*float64(p.FPS.Num)/float64(p.FPS.Den))) + 1
	p.repeated += int64(kept) * int64(c.Box.W) * int64(c.Box.H)
	t := p.piece(s, p.part(s, c.Seek, kept), prepare)
	t.add(
		f("loop", "loop", -1, "size", kept, "start", 0),
		f("select", "expr", fmt.Sprintf("lt(mod(n,%d),%s-%s)", kept, p.edge(play+1, kept, length), p.edge(play, kept, length))),
	)
	t.add(p.clock(0)...)
	t.add(f("trim", "start_frame", first-begin, "end_frame", last-begin))
	t.add(p.clock(0)...)
	return t
}

// edge is the frame at which a play begins, as FFmpeg's expression of the count n
// of frames of which each play has as many as are kept. It rounds as frame does.
func (p *picture) edge(play, kept int, length float64) string {
	return fmt.Sprintf("floor((floor(n/%d)+%d)*%s*%d/%d+0.5)", kept, play, strconv.FormatFloat(length, 'g', -1, 64), p.FPS.Num, p.FPS.Den)
}
