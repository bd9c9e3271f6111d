package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

func TestCut(t *testing.T) {
	scene := func(in, out, transition int) timeline.Scene {
		return timeline.Scene{Span: timeline.Span{In: in, Out: out}, Transition: transition}
	}
	for _, tc := range []struct {
		name    string
		scenes  []timeline.Scene
		frames  int
		workers int
		want    string // in-out:from>to
	}{
		{"one short scene stays whole", []timeline.Scene{scene(0, 50, 0)}, 50, 2, "0-50:0"},
		{"one scene feeds both workers", []timeline.Scene{scene(0, 200, 0)}, 200, 2, "0-100:0 100-200:0"},
		{"long scenes are split evenly", []timeline.Scene{scene(0, 510, 0)}, 510, 1, "0-170:0 170-340:0 340-510:0"},
		{"transition is a window of its own", []timeline.Scene{scene(0, 100, 0), scene(75, 200, 25)}, 200, 1,
			"0-75:0 75-100:0>1 100-200:1"},
		{"transition on the first scene is none", []timeline.Scene{scene(0, 100, 0), scene(100, 200, 0)}, 200, 1,
			"0-100:0 100-200:1"},
		{"back to back transitions", []timeline.Scene{scene(0, 50, 0), scene(25, 75, 25), scene(50, 100, 25)}, 100, 1,
			"0-25:0 25-50:0>1 50-75:1>2 75-100:2"},
		{"movie goes on after the scenes", []timeline.Scene{scene(0, 50, 0)}, 90, 1, "0-50:0 50-90:-"},
		{"no scenes", nil, 60, 1, "0-60:-"},
		{"empty scene leaves nothing", []timeline.Scene{scene(0, 50, 0), scene(50, 50, 0), scene(50, 80, 0)}, 80, 1, "0-50:0 50-80:2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tl := &timeline.Timeline{FPS: movie.Rate{Num: 25, Den: 1}, Frames: tc.frames, Scenes: tc.scenes}
			var got []string
			j := &job{Renderer: New(Options{Cores: tc.workers, PlainStills: true}), timeline: tl}
			for _, w := range j.cut() {
				show := "-"
				if w.to != noScene {
					show = fmt.Sprint(w.to)
				}
				if w.from != noScene {
					show = fmt.Sprintf("%d>%s", w.from, show)
				}
				got = append(got, fmt.Sprintf("%d-%d:%s", w.In, w.Out, show))
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got  %s\nwant %s", s, tc.want)
			}
		})
	}
}
