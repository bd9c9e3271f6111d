package timeline_test

import (
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// FuzzBuild resolves whatever the parser lets through: no document may panic it
// or place anything outside of the movie.
func FuzzBuild(f *testing.F) {
	f.Add([]byte(`{"scenes":[{"elements":[{"type":"video","src":"v","seek":-3,"loop":-1,"duration":-2,"start":-1,"fade-in":9}]}]}`), 8.0, 640, 360)
	f.Add([]byte(`{"fps":29.97,"scenes":[{"duration":2},{"duration":0.5,"transition":{"duration":9}}],"elements":[{"type":"image","src":"i","resize":"cover","z-index":-1}]}`), 0.0, 3, 9)
	f.Add([]byte(`{"scenes":[{"elements":[{"type":"audio","src":"a","extra-time":3},{"type":"text","text":"t","x":"85%","width":1,"position":"top-left"}]}]}`), 1e9, 1, 1)
	f.Add([]byte(`{"scenes":[{"elements":[{"type":"video","id":"v","src":"v","start":-1,"extra-time":"{{b_end}}"},{"type":"text","id":"b","text":"t","start":"{{v_start-1}}","duration":"{{ v_duration > 3 ? 2 : v_duration }}"}]}]}`), 8.0, 640, 360)
	f.Fuzz(func(t *testing.T, source []byte, duration float64, width, height int) {
		m, err := movie.Parse(source)
		if err != nil || len(m.Faults) > 0 {
			return
		}
		facts := timeline.Facts{Duration: min(max(duration, 0), 1e6), Width: min(max(width, 0), 1e5), Height: min(max(height, 0), 1e5), HasAudio: width%2 == 0}
		tl, err := timeline.Build(m, func(*movie.Element) timeline.Facts { return facts })
		if err != nil {
			return
		}
		inside := func(s timeline.Span, what string) {
			if s.In < 0 || s.In > s.Out || s.Out > tl.Frames {
				t.Errorf("%s lies at %d-%d of %d frames", what, s.In, s.Out, tl.Frames)
			}
		}
		clips := append(tl.Below, tl.Above...)
		for _, s := range tl.Scenes {
			inside(s.Span, "a scene")
			if s.Transition < 0 || s.Transition > s.Out-s.In {
				t.Errorf("a transition of %d frames in %d-%d", s.Transition, s.In, s.Out)
			}
			clips = append(clips, s.Clips...)
		}
		for _, c := range clips {
			inside(c.Span, "a clip")
			if c.FadeIn < 0 || c.FadeOut < 0 || c.FadeIn+c.FadeOut > c.Out-c.In {
				t.Errorf("fades of %d and %d in %d-%d", c.FadeIn, c.FadeOut, c.In, c.Out)
			}
		}
		for _, s := range tl.Sounds {
			inside(s.Span, "a sound")
		}
	})
}
