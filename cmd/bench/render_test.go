package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
)

// TestMovies holds that the documents are movies without faults, and that every
// medium they name is made.
func TestMovies(t *testing.T) {
	all := documents()
	for _, s := range append(shows(), show{documents: []string{warmupName}}) {
		for _, name := range s.documents {
			m, err := movie.Parse(all[name])
			if err != nil || len(m.Faults)+len(m.Warnings) > 0 {
				t.Errorf("%s: %v, %+v", name, err, m)
				continue
			}
			elements := slices.Clone(m.Elements)
			for _, scene := range m.Scenes {
				elements = append(elements, scene.Elements...)
			}
			for _, e := range elements {
				if e.Src != "" && !slices.ContainsFunc(media(), func(m medium) bool { return strings.HasPrefix(e.Src, m.name) }) {
					t.Errorf("%s: nobody makes %s", name, e.Src)
				}
			}
		}
	}
}

// TestLengths holds that the contests expect what their documents ask for.
func TestLengths(t *testing.T) {
	all := documents()
	want := map[string]int{longName: slideshowFrames(longSlides, longShown), minuteName: slideshowFrames(minuteSlides, longShown), zoomName: zoomFrames}
	for _, c := range contests() {
		want[c.name] = c.frames
	}
	for name, frames := range want {
		m, err := movie.Parse(all[name])
		if err != nil {
			t.Fatal(name, err)
		}
		seconds := 0.0
		for _, s := range m.Scenes {
			seconds += s.Duration
			if s.Transition != nil {
				seconds -= s.Transition.Duration
			}
		}
		if got := int(math.Round(seconds * fps)); got != frames {
			t.Errorf("%s has %d frames, %d are expected", name, got, frames)
		}
	}
}

// TestSelected holds that what is named is measured, and nothing else.
func TestSelected(t *testing.T) {
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"render.collage", "accept"}, "collage"},
		{[]string{"render.zoom", "render.still"}, "still zoom"},
		{[]string{"render"}, "reference slideshow overlays collage vertical still long again drift zoom"},
		{nil, "reference slideshow overlays collage vertical still long again drift zoom"},
	} {
		b := &bench{options: options{Parts: c.parts}}
		var got []string
		for _, s := range b.selected() {
			got = append(got, s.name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q select %q", c.parts, got)
		}
	}
	o := tiny("")
	o.Parts, o.Runs, o.Upload = []string{"render.nothing"}, 1, 1
	if err := o.Validate(); err == nil {
		t.Error("render.nothing was taken for a part")
	}
}

// TestMisplaced looks for dots that are where they belong, and for the same ones
// in a picture moved by a pixel to the right.
func TestMisplaced(t *testing.T) {
	luma := dotted(1.1)
	moved := append(luma[:1:1], luma...)
	for i, v := range misplaced(luma, 1.1) {
		if math.Abs(v) > 0.01 {
			t.Errorf("dot %d is %.3f aside", i/2, v)
		}
	}
	for i, v := range misplaced(moved, 1.1) {
		if want := float64(1 - i%2); math.Abs(v-want) > 0.02 {
			t.Errorf("dot %d is %.3f aside, not %g", i/2, v, want)
		}
	}
	got := spread(steps([][]float64{{0, 0}, {3, 0}, {3, -4}}))
	if want := math.Sqrt((9 + 16) / 4.0); got.rms != want || got.most != 4 {
		t.Errorf("got %+v", got)
	}
}

// TestOffsets finds clicks 40 ms behind the colours they belong to.
func TestOffsets(t *testing.T) {
	s := &stage{bench: &bench{dir: t.TempDir()}}
	const movie = "two.mp4"
	line := "-f lavfi -i color=c=red:s=64x36:r=25:d=1 -f lavfi -i color=c=blue:s=64x36:r=25:d=1 -f lavfi -i aevalsrc='0.9*lt(mod(t,1),0.042)*gt(mod(t,1),0.04)':s=48000:d=2" +
		" -filter_complex [0][1]concat=n=2[v] -map [v] -map 2:a -c:v libx264 -c:a aac " + movie
	if err := s.ffmpeg(t.Context(), strings.Fields(line)...); err != nil {
		t.Fatal(err)
	}
	flips, err := s.flips(t.Context(), movie)
	if err != nil || !slices.Equal(flips, []float64{0, 1}) {
		t.Errorf("colours change at %v, %v", flips, err)
	}
	clicks, err := s.clicks(t.Context(), movie)
	if err != nil || len(clicks) != 2 || math.Abs(clicks[0]-0.04) > 0.001 || math.Abs(clicks[1]-1.04) > 0.001 {
		t.Errorf("clicks at %v, %v", clicks, err)
	}
}
