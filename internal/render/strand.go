package render

import (
	"fmt"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// strand is a stream on its way through the graph: filters are gathered until
// something needs its pad.
type strand struct {
	p       *picture
	pad     string
	filters []ffmpeg.Filter
	// alpha tells that the stream has transparency.
	alpha bool
}

func (p *picture) strand(pad string) *strand { return &strand{p: p, pad: pad} }

func (s *strand) add(filters ...ffmpeg.Filter) { s.filters = append(s.filters, filters...) }

// end writes what was gathered and returns the pad the stream comes out of.
func (s *strand) end() string {
	if len(s.filters) > 0 {
		s.pad, s.filters = s.p.join([]string{s.pad}, s.filters...), nil
	}
	return s.pad
}

// fork gives the stream a twin.
func (s *strand) fork() *strand {
	in, pad := s.end(), fmt.Sprintf("p%d", len(s.p.graph))
	twin := &strand{p: s.p, pad: pad + "t", alpha: s.alpha}
	s.pad = pad
	s.p.graph = append(s.p.graph, ffmpeg.Chain{In: []string{in}, Filters: []ffmpeg.Filter{f("split")}, Out: []string{s.pad, twin.pad}})
	return twin
}

// hide makes the stream transparent where the grey of another is dark, on top of
// what is transparent already.
func (s *strand) hide(grey *strand) {
	if s.alpha {
		own := s.fork()
		own.add(f("alphaextract"))
		grey = s.p.strand(s.p.join([]string{own.end(), grey.end()}, f("blend", "all_mode", "multiply")))
	} else {
		s.add(f("format", "pix_fmts", "yuva420p"))
	}
	s.pad = s.p.join([]string{s.end(), grey.end()}, f("alphamerge"))
	s.alpha = true
}

// stand repeats the one picture of the stream for a number of frames.
func (s *strand) stand(frames int) {
	s.add(f("loop", "loop", -1, "size", 1, "start", 0))
	s.add(s.p.clock(0)...)
	s.add(f("trim", "end_frame", frames))
}
