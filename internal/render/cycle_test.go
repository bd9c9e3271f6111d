package render

import (
	"math"
	"os/exec"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// TestCycle plays the last 0.12 s of a video over and over, three pictures that
// each are brighter than the one before: at 30 pictures a second a play has four frames or three,
// each play begins anew, and so it goes on in the second window.
func TestCycle(t *testing.T) {
	_, path := render(t, `{"width":320,"height":180,"fps":30,"scenes":[{"duration":5,"elements":[{"type":"video","src":"ramp.mp4","seek":1.88,"loop":34,"duration":-2}]}]}`)
	pixels, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-vf", "format=yuv444p,crop=3:3:50:50:exact=1,scale=1:1:flags=area:in_color_matrix=bt709,format=rgb24", "-f", "rawvideo", "-").Output()
	if err != nil || len(pixels) != 3*150 {
		t.Fatal(err, len(pixels))
	}
	const length = 3.6
	at := func(play int) int { return int(float64(play)*length + 0.5) }
	play := 0
	for n := range 150 {
		if n >= at(play+1) && play < 33 {
			play++
		}
		want := []byte{225, 229, 233, 233}[min(n-at(play), 3)]
		if got := pixels[3*n]; math.Abs(float64(got)-float64(want)) > 1.5 {
			t.Errorf("frame %d, the %d. of play %d: got %d, want %d", n, n-at(play), play, got, want)
		}
	}
}

// TestManyPlaysAreOneInput holds that a picture that blinks is decoded once, and
// not once for each time that it does.
func TestManyPlaysAreOneInput(t *testing.T) {
	j := planned(t, `{"width":100,"height":100,"fps":60,"scenes":[{"duration":20,"elements":[{"type":"image","src":"v.gif?d=0.04&w=10&h=10"},{"type":"video","src":"v.mp4?d=0.05&w=10&h=10","loop":-1,"duration":-2}]}]}`)
	for _, w := range j.cut() {
		if line := strings.Join(j.command(j.picture(w, nil, false)).Args(ffmpeg.DefaultLimits()), " "); strings.Count(line, " -i ") != 2 {
			t.Errorf("frames %d to %d: %.3000s", w.In, w.Out, line)
		}
	}
}
