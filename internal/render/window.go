package render

import (
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
}

const noScene = -1

func (w window) frames() int { return w.Out - w.In }

// longestWindow bounds a window in seconds, so that two cores have work to
// share and one FFmpeg never holds a whole movie.
const longestWindow = 10

// cut divides a timeline into windows: at the bodies of scenes and at their
// transitions, and long ones into equal parts. workers is how many windows
// render at a time; a movie of one long scene gets at least that many, so that
// none idles.
func cut(t *timeline.Timeline, workers int) []window {
	var whole []window
	at := 0
	for i, s := range t.Scenes {
		if s.Transition > 0 && i > 0 {
			whole = appendSpan(whole, s.In, s.In+s.Transition, i-1, i)
		}
		end := s.Out
		if i+1 < len(t.Scenes) {
			end = t.Scenes[i+1].In
		}
		whole = appendSpan(whole, s.In+s.Transition, end, noScene, i)
		at = max(at, s.Out)
	}
	whole = appendSpan(whole, at, t.Frames, noScene, noScene)
	return split(whole, partLength(t, workers))
}

func appendSpan(list []window, in, out, from, to int) []window {
	if in >= out {
		return list
	}
	return append(list, window{timeline.Span{In: in, Out: out}, from, to})
}

// partLength is the most frames of one window: ten seconds, or less when the
// movie is so short that workers would idle, but never under two seconds, since
// each window costs a key frame and the start of a process.
func partLength(t *timeline.Timeline, workers int) int {
	second := max(1, t.FPS.Num/t.FPS.Den)
	share := (t.Frames + workers - 1) / workers
	return max(2*second, min(longestWindow*second, share))
}

// split cuts windows longer than most into equal parts.
func split(whole []window, most int) []window {
	var parts []window
	for _, w := range whole {
		n := (w.frames() + most - 1) / most
		for i := range n {
			p := w
			p.In = w.In + w.frames()*i/n
			p.Out = w.In + w.frames()*(i+1)/n
			parts = append(parts, p)
		}
	}
	return parts
}
