package timeline_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// TestBuild reads testdata/*.txt: cases of "# name", a Movie JSON, "->" and the
// timeline. What is known about a medium stands in its address, as
// v.mp4?d=8&w=640&h=360&sound=1 (seconds, pixels).
func TestBuild(t *testing.T) {
	for _, file := range golden.Files(t, "testdata/*.txt") {
		golden.Run(t, file, build)
	}
}

func build(t *testing.T, source string) string {
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Faults) > 0 {
		t.Fatalf("faults: %v", m.Faults)
	}
	tl, err := timeline.Build(m, facts)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return dump(tl)
}

func facts(e *movie.Element) timeline.Facts {
	u, err := url.Parse(e.Src)
	if err != nil {
		return timeline.Facts{}
	}
	number := func(key string) float64 {
		x, _ := strconv.ParseFloat(u.Query().Get(key), 64)
		return x
	}
	return timeline.Facts{
		Duration: number("d"), Width: int(number("w")), Height: int(number("h")),
		HasAudio: u.Query().Has("sound"), Still: e.Type == movie.Image,
	}
}

func dump(tl *timeline.Timeline) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%dx%d at %d/%d, %d frames\n", tl.Width, tl.Height, tl.FPS.Num, tl.FPS.Den, tl.Frames)
	clips := func(label string, list []timeline.Clip) {
		for _, c := range list {
			fmt.Fprintf(&b, "  %s%d-%d %s box %d,%d %dx%d", label, c.In, c.Out, c.Element.Path, c.Box.X, c.Box.Y, c.Box.W, c.Box.H)
			if c.Crop != (timeline.Area{W: 1, H: 1}) {
				fmt.Fprintf(&b, " crop %.3f,%.3f %.3fx%.3f", c.Crop.X, c.Crop.Y, c.Crop.W, c.Crop.H)
			}
			fmt.Fprint(&b, extras(c.FadeIn, c.FadeOut, c.Seek, c.Loop), "\n")
		}
	}
	clips("below ", tl.Below)
	for i, s := range tl.Scenes {
		fmt.Fprintf(&b, "scene %d: %d-%d", i, s.In, s.Out)
		if s.Transition > 0 {
			fmt.Fprintf(&b, " %s over %d", s.Style, s.Transition)
		}
		b.WriteString("\n")
		clips("", s.Clips)
	}
	clips("above ", tl.Above)
	for _, s := range tl.Sounds {
		fmt.Fprintf(&b, "  sound %d-%d %s volume %g%s", s.In, s.Out, s.Element.Path, s.Volume, extras(s.FadeIn, s.FadeOut, s.Seek, s.Loop))
		if s.Enters != (timeline.Span{}) {
			fmt.Fprintf(&b, " enters %d-%d", s.Enters.In, s.Enters.Out)
		}
		if s.Leaves != (timeline.Span{}) {
			fmt.Fprintf(&b, " leaves %d-%d", s.Leaves.In, s.Leaves.Out)
		}
		b.WriteString("\n")
	}
	for _, w := range tl.Warnings {
		fmt.Fprintf(&b, "  warning %s: %s\n", w.Path, w.Message)
	}
	return b.String()
}

func extras(in, out int, seek float64, loop int) string {
	var s string
	if in > 0 || out > 0 {
		s += fmt.Sprintf(" fade %d/%d", in, out)
	}
	if seek > 0 {
		s += fmt.Sprintf(" seek %g", seek)
	}
	if loop != 1 {
		s += fmt.Sprintf(" loop %d", loop)
	}
	return s
}

// TestManyScenesDoNotDrift holds the sum of a hundred odd lengths against the
// exact time: rounding each length by itself would be frames off.
func TestManyScenesDoNotDrift(t *testing.T) {
	m := &movie.Movie{Width: 640, Height: 360, FPS: movie.Rate{Num: 30000, Den: 1001}}
	for range 100 {
		m.Scenes = append(m.Scenes, movie.Scene{Duration: 1.017, Background: movie.Color{A: 255}})
	}
	tl, err := timeline.Build(m, facts)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range tl.Scenes {
		exact := float64(i) * 1.017 * 30000 / 1001
		if d := float64(s.In) - exact; d > 0.5 || d < -0.5 {
			t.Fatalf("scene %d starts at frame %d, want within half a frame of %.2f", i, s.In, exact)
		}
	}
}

// TestInvariants builds random movies: whatever they say, spans lie inside the
// movie and fades inside their spans.
func TestInvariants(t *testing.T) {
	length := rapid.SampledFrom([]float64{-2, -1, 0.04, 0.5, 1, 3.33, 10})
	element := rapid.Custom(func(t *rapid.T) movie.Element {
		e := movie.Element{
			Type:  rapid.SampledFrom([]movie.Type{movie.Image, movie.Video, movie.Audio, movie.Text}).Draw(t, "type"),
			Start: rapid.SampledFrom([]float64{-1, 0, 0.3, 2}).Draw(t, "start"), Duration: length.Draw(t, "duration"),
			ExtraTime: rapid.SampledFrom([]float64{0, 0.7}).Draw(t, "extra"), ZIndex: rapid.IntRange(-2, 2).Draw(t, "z"),
			FadeIn: rapid.Float64Range(0, 20).Draw(t, "in"), FadeOut: rapid.Float64Range(0, 20).Draw(t, "out"),
			Src: fmt.Sprintf("m?d=%g&w=640&h=480&sound=1", rapid.Float64Range(0.1, 5).Draw(t, "d")),
		}
		if e.Type != movie.Audio {
			e.Visual = &movie.Visual{Width: -1, Height: -1, Opacity: 1}
		}
		if e.Type == movie.Audio || e.Type == movie.Video {
			e.Sound = &movie.Sound{Volume: 1, Loop: rapid.SampledFrom([]int{-1, 1, 3}).Draw(t, "loop"), Seek: rapid.Float64Range(-6, 6).Draw(t, "seek")}
		}
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		m := &movie.Movie{Width: 640, Height: 360, FPS: movie.Rate{Num: 25, Den: 1}}
		for range rapid.IntRange(0, 4).Draw(t, "scenes") {
			s := movie.Scene{Duration: rapid.SampledFrom([]float64{-1, 0.5, 4}).Draw(t, "length"), Elements: rapid.SliceOfN(element, 0, 3).Draw(t, "elements")}
			if rapid.Bool().Draw(t, "blend") {
				s.Transition = &movie.Transition{Style: "fade", Duration: rapid.Float64Range(0.1, 5).Draw(t, "transition")}
			}
			m.Scenes = append(m.Scenes, s)
		}
		m.Elements = rapid.SliceOfN(element, 0, 3).Draw(t, "movie elements")
		tl, err := timeline.Build(m, facts)
		if err != nil {
			return
		}
		check(t, tl)
	})
}

func check(t *rapid.T, tl *timeline.Timeline) {
	inside := func(what string, s timeline.Span, in, out int) {
		if s.In < 0 || s.In >= s.Out || s.Out > tl.Frames || in < 0 || out < 0 || in+out > s.Out-s.In {
			t.Fatalf("%s %v with fades %d/%d in a movie of %d frames", what, s, in, out, tl.Frames)
		}
	}
	last := 0
	for i, s := range tl.Scenes {
		if s.In > s.Out || s.In+s.Transition != last && i > 0 || s.In+s.Transition > s.Out || s.Out > tl.Frames {
			t.Fatalf("scene %d %+v after %d in %d frames", i, s.Span, last, tl.Frames)
		}
		last = s.Out
		for _, c := range s.Clips {
			inside("clip", c.Span, c.FadeIn, c.FadeOut)
			if c.In < s.In || c.Out > s.Out {
				t.Fatalf("clip %v outside its scene %v", c.Span, s.Span)
			}
		}
	}
	for _, c := range append(tl.Below, tl.Above...) {
		inside("movie clip", c.Span, c.FadeIn, c.FadeOut)
	}
	for _, s := range tl.Sounds {
		inside("sound", s.Span, s.FadeIn, s.FadeOut)
		crosses(t, tl, s)
	}
}

// crosses holds that a sound crosses over only in transitions in which it is
// heard, is silent before its scene and after, and does one thing at a time.
func crosses(t *rapid.T, tl *timeline.Timeline, s timeline.Sound) {
	none := timeline.Span{}
	if s.Enters != none && (s.In < s.Enters.In || s.In >= s.Enters.Out) ||
		s.Leaves != none && (s.Out <= s.Leaves.In || s.Out > s.Leaves.Out) ||
		s.Leaves != none && s.Enters.Out > s.Leaves.In {
		t.Fatalf("sound %v enters in %v and leaves in %v", s.Span, s.Enters, s.Leaves)
	}
	for _, span := range []timeline.Span{s.Enters, s.Leaves} {
		real := func(scene timeline.Scene) bool {
			return span == timeline.Span{In: scene.In, Out: scene.In + scene.Transition}
		}
		if span != none && !slices.ContainsFunc(tl.Scenes, real) {
			t.Fatalf("sound %v crosses over in %v, where there is no transition", s.Span, span)
		}
	}
}
