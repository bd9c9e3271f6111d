package render

import "sync"

// How a movie's rendering is spread over the percents: fetching takes the first
// ten, joining and checking the last five.
const (
	fetchShare  = 10
	renderShare = 85
)

// progress counts what is done of a movie and reports whole percents.
type progress struct {
	mu            sync.Mutex
	report        func(percent int)
	last          int
	frames, total int
}

func newProgress(report func(percent int)) *progress {
	if report == nil {
		report = func(int) {}
	}
	return &progress{report: report}
}

// fetched tells how many of the sources are there.
func (p *progress) fetched(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reach(fetchShare * done / max(1, total))
}

// expect sets how many frames there are to render.
func (p *progress) expect(frames int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = max(1, frames)
	p.reach(fetchShare)
}

// add counts rendered frames.
func (p *progress) add(frames int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames += max(0, frames)
	p.reach(fetchShare + renderShare*min(p.frames, p.total)/p.total)
}

// reach reports a percent if it is a new one; it never falls.
func (p *progress) reach(percent int) {
	if percent > p.last {
		p.last = percent
		p.report(percent)
	}
}
