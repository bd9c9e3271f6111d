package render

import (
	"sync"

	"github.com/reelhook/reelhook/internal/project"
)

// How a movie's rendering is spread over the percents: fetching takes the first
// ten, joining and checking the last five.
const (
	fetchShare  = 10
	renderShare = 85
)

// What windows cost, in tenths of a frame that moves. Measured at 1080p on two
// cores: 20 ms for a frame of a video, 28 to 38 for one that blends two pictures,
// and 0.1 s for FFmpeg to start.
const (
	movingCost = 10
	blendCost  = 17
	startCost  = 50
)

// progress counts what is done of a movie and reports it.
type progress struct {
	mu     sync.Mutex
	report func(project.Progress)
	now    project.Progress
	// steps are the windows, by their first frames.
	steps map[int]*step
	// done of the total cost is rendered; scenes are frames of the movie.
	done, total int
	scenes      []share
}

// step is one window.
type step struct {
	scene int
	// shown is how many frames of the movie it makes, of encoded ones, at what cost.
	shown, encoded, cost int
	// done is how many of the encoded ones are.
	done int
}

// share is how much of something is done.
type share struct{ done, total int }

// percent is 100 where there is nothing to do: so is a scene that is seen only
// while the next one comes in.
func (s share) percent() int {
	if s.total == 0 {
		return 100
	}
	return 100 * s.done / s.total
}

func newProgress(report func(project.Progress)) *progress {
	if report == nil {
		report = func(project.Progress) {}
	}
	return &progress{report: report, now: project.Progress{Stage: project.Fetching}}
}

// fetched tells how many of the sources are there.
func (p *progress) fetched(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Fetched, p.now.Sources = done, total
	p.reach(fetchShare * done / max(1, total))
}

// enter begins a stage.
func (p *progress) enter(s project.Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Stage = s
	p.reach(fetchShare)
}

// plan sets what there is to render: the windows of a movie of so many scenes.
func (p *progress) plan(windows []window, scenes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps, p.scenes = make(map[int]*step, len(windows)), make([]share, scenes)
	p.done, p.total, p.now.Frames, p.now.TotalFrames = 0, 0, 0, 0
	for _, w := range windows {
		p.steps[w.In] = &step{scene: w.to, shown: w.frames(), encoded: w.encoded().frames(), cost: cost(w)}
		p.total += cost(w)
		p.now.TotalFrames += w.frames()
		if w.to != noScene {
			p.scenes[w.to].total += w.frames()
		}
	}
	p.reach(fetchShare)
}

// cost is what a window takes to be rendered, by its kind.
func cost(w window) int {
	frame := movingCost
	if w.from != noScene {
		frame = blendCost
	}
	return startCost + frame*w.encoded().frames()
}

// add counts frames of a window that FFmpeg has made.
func (p *progress) add(w window, frames int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x := p.steps[w.In]; x != nil {
		p.raise(x, x.done+frames)
	}
}

// skip counts a window as done that need not be rendered.
func (p *progress) skip(w window) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x := p.steps[w.In]; x != nil {
		p.raise(x, x.encoded)
	}
}

// raise sets how many frames of a window are encoded; it never falls.
func (p *progress) raise(x *step, done int) {
	shown, cost := x.of(x.shown), x.of(x.cost)
	x.done = max(x.done, min(done, x.encoded))
	shown, cost = x.of(x.shown)-shown, x.of(x.cost)-cost
	p.done += cost
	p.now.Frames += shown
	if x.scene != noScene {
		p.scenes[x.scene].done += shown
	}
	p.reach(fetchShare + renderShare*p.done/max(1, p.total))
}

// of is the part of a quantity that is done with it.
func (x *step) of(whole int) int { return whole * x.done / max(1, x.encoded) }

// reach reports how things stand.
func (p *progress) reach(percent int) {
	p.now.Percent = max(p.now.Percent, percent)
	now := p.now
	now.Scenes = nil // whoever is told keeps it
	for _, s := range p.scenes {
		now.Scenes = append(now.Scenes, s.percent())
	}
	p.report(now)
}
