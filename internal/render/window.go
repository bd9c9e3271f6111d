package render

import (
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// window is a span of frames that is rendered by itself, by one FFmpeg, and
// joined to its neighbours by copying. It shows one scene, or two blending, or
// none once the scenes are over.
type window struct {
	timeline.Span
	// from and to are the scenes of a blend; outside of one, to is the scene that
	// shows and from is noScene.
	from, to int
	// still tells that all frames are the same.
	still bool
}

const noScene = -1

func (w window) frames() int { return w.Out - w.In }

// encoded is the part of a window that FFmpeg renders: the first frame of a still
// one.
func (w window) encoded() window {
	if w.still {
		w.Out = w.In + 1
	}
	return w
}

// hold is for how many frames the only picture of a still window shows, 0 for
// others.
func (w window) hold() int {
	if w.still {
		return w.frames()
	}
	return 0
}

// longestWindow bounds a window in seconds, so that two cores have work to
// share and one FFmpeg never holds a whole movie. A still one needs no bound.
const longestWindow = 10

// cut divides the movie into windows: at the bodies of scenes and at their
// transitions, where bodies begin and cease to change, and long ones that move
// into equal parts.
func (j *job) cut() []window {
	var windows []window
	for _, w := range spans(j.timeline) {
		if w.from == noScene && !j.PlainStills {
			windows = append(windows, j.divide(w)...)
		} else {
			windows = append(windows, w)
		}
	}
	return split(windows, partLength(windows, j.timeline.FPS, j.Cores))
}

// spans divides a timeline at the bodies of scenes and at their transitions.
func spans(t *timeline.Timeline) []window {
	var list []window
	at := 0
	for i, s := range t.Scenes {
		if s.Transition > 0 && i > 0 {
			list = appendSpan(list, s.In, s.In+s.Transition, i-1, i)
		}
		end := s.Out
		if i+1 < len(t.Scenes) {
			end = t.Scenes[i+1].In
		}
		list = appendSpan(list, s.In+s.Transition, end, noScene, i)
		at = max(at, s.Out)
	}
	return appendSpan(list, at, t.Frames, noScene, noScene)
}

func appendSpan(list []window, in, out, from, to int) []window {
	if in >= out {
		return list
	}
	return append(list, window{Span: timeline.Span{In: in, Out: out}, from: from, to: to})
}

// partLengths in seconds are how long a window that moves may be. There are few of
// them, so that a movie that became a little longer is cut where it was, and what
// did not change is found in the cache.
var partLengths = []int{2, 3, 4, 5, 6, 8, longestWindow}

// partLength is the most frames of one window that moves: ten seconds, or less
// when there are so few that workers, as many as render at a time, would idle, but
// never under two seconds, since each window costs a key frame and the start of a
// process.
func partLength(windows []window, fps movie.Rate, workers int) int {
	share := (encodedFrames(windows) + workers - 1) / workers
	for _, length := range partLengths {
		if length*second(fps) >= share {
			return length * second(fps)
		}
	}
	return longestWindow * second(fps)
}

// second is how many whole frames a second has, at least one.
func second(fps movie.Rate) int { return max(1, fps.Num/fps.Den) }

// encodedFrames is how many frames FFmpeg has to render of all windows.
func encodedFrames(windows []window) int {
	n := 0
	for _, w := range windows {
		n += w.encoded().frames()
	}
	return n
}

// split cuts windows that move for longer than most into equal parts.
func split(whole []window, most int) []window {
	var parts []window
	for _, w := range whole {
		n := (w.encoded().frames() + most - 1) / most
		for i := range n {
			p := w
			p.In = w.In + w.frames()*i/n
			p.Out = w.In + w.frames()*(i+1)/n
			parts = append(parts, p)
		}
	}
	return parts
}
