package render

import (
	"math"
	"slices"

	"github.com/reelhook/reelhook/internal/timeline"
)

// shortestStill in seconds is for how long nothing must change to be worth a
// window. It costs the start of a process, which is made up for after 0.7 s, and
// a key frame: a caption that changes all the time over a photograph makes a file
// many times larger in stills than in one piece.
const shortestStill = 1

// stillGain is by how much the crf of a still is lower. Its picture is all there
// is, where x264 would spend bits on those that follow; measured, both then look
// alike and take the same room.
const stillGain = 7

// divide cuts the body of a scene where its picture begins or ceases to change,
// and where it is another from then on. What stands still for too short stays
// with what moves beside it.
func (j *job) divide(body window) []window {
	var parts []window
	// One frame is no still: key frames of equal idr_pic_id must not be
	// neighbours (H.264, 7.4.3).
	edges, shortest := j.edges(body), max(2, shortestStill*second(j.timeline.FPS))
	for i, in := range edges[1:] {
		part := body
		part.In, part.Out = edges[i], in
		part.still = part.frames() >= shortest && !j.moves(part)
		if n := len(parts); n > 0 && !part.still && !parts[n-1].still {
			parts[n-1].Out = part.Out
			continue
		}
		parts = append(parts, part)
	}
	return parts
}

// edges are the frames of a window, its own ends among them, where a clip begins,
// ends, begins or ends to fade, or has turned.
func (j *job) edges(w window) []int {
	edges := []int{w.In, w.Out}
	for _, c := range j.clips(w) {
		for _, at := range []int{c.In, c.In + c.FadeIn, c.In + j.turning(c), c.Out - c.FadeOut, c.Out} {
			if at > w.In && at < w.Out {
				edges = append(edges, at)
			}
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// turning is how many frames of a clip turn it.
func (j *job) turning(c timeline.Clip) int {
	return int(math.Ceil(c.Element.Visual.Rotate.Seconds * float64(j.timeline.FPS.Num) / float64(j.timeline.FPS.Den)))
}

// moves tells whether any clip changes from one frame of a window to another. No
// clip begins or ends inside of it.
func (j *job) moves(w window) bool {
	p := picture{Timeline: j.timeline, sources: j.sources, window: w}
	return slices.ContainsFunc(j.clips(w), func(c timeline.Clip) bool {
		_, mask := p.masked(c)
		return !j.sources[c.Element].still() || mask || zooms(c) || drifts(c) || p.fades(c) || w.In < c.In+j.turning(c)
	})
}

// clips are those that may be seen in a window outside of a blend.
func (j *job) clips(w window) []timeline.Clip {
	clips := slices.Clone(j.timeline.Above)
	covered := false
	if w.to != noScene {
		scene := j.timeline.Scenes[w.to]
		clips = append(clips, scene.Clips...)
		covered = scene.Background.A == 255
	}
	if !covered {
		clips = append(clips, j.timeline.Below...)
	}
	return slices.DeleteFunc(clips, func(c timeline.Clip) bool { return c.Out <= w.In || c.In >= w.Out })
}
