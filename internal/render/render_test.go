package render

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// studio is a renderer over real FFmpeg and a folder of real media.
var studio = sync.OnceValue(func() (r *Renderer) {
	tools, err := ffmpeg.Find(context.Background())
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "reelhook-render")
	if err != nil {
		panic(err)
	}
	studioFolder = dir
	for name, args := range map[string][]string{
		"red.png":  {"-f", "lavfi", "-i", "color=red:s=400x200", "-frames:v", "1"},
		"wide.png": {"-f", "lavfi", "-i", "color=blue:s=800x200", "-frames:v", "1"},
		// Left half green, right half see-through.
		"half.png": {"-f", "lavfi", "-i", "color=lime:s=200x100,format=rgba,geq=r=0:g=255:b=0:a='if(lt(X,100),255,0)'", "-frames:v", "1"},
		"grey.jpg": {"-f", "lavfi", "-i", "color=gray:s=320x180", "-frames:v", "1"},
		// Frame n is grey level 40+4n; a tone of level 0.5 sounds all along.
		"ramp.mp4": {"-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=2,format=gray,geq=lum='40+4*N',format=yuv420p",
			"-f", "lavfi", "-i", "sine=440:r=44100:d=2,volume=4", "-c:v", "libx264", "-crf", "10", "-bf", "2", "-g", "25", "-c:a", "aac", "-shortest"},
		// The picture is over after 1 s, the sound after 3 s.
		"long-sound.mp4": {"-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=1,format=gray,geq=lum='40+4*N',format=yuv420p",
			"-f", "lavfi", "-i", "sine=440:r=44100:d=3,volume=4", "-c:v", "libx264", "-crf", "10", "-c:a", "aac"},
		// Red for half a second, then blue, for ever.
		"two.gif": {"-f", "lavfi", "-i", "color=red:s=40x40:r=2:d=0.5", "-f", "lavfi", "-i", "color=blue:s=40x40:r=2:d=0.5", "-filter_complex", "concat=n=2"},
		// A white disc on see-through black.
		"disc.png": {"-f", "lavfi", "-i", "color=white:s=400x400,format=rgba,geq=r='if(lt(hypot(X-200,Y-200),150),255,0)':g='if(lt(hypot(X-200,Y-200),150),255,0)':b='if(lt(hypot(X-200,Y-200),150),255,0)':a='if(lt(hypot(X-200,Y-200),150),255,0)'", "-frames:v", "1"},
		"tone.wav": {"-f", "lavfi", "-i", "sine=1000:r=22050:d=10,volume=4"},
	} {
		args = append(append([]string{"-v", "error", "-y"}, args...), filepath.Join(dir, name))
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			panic(fmt.Sprint(name, ": ", string(out)))
		}
	}
	return New(Options{Tools: tools, Texts: texts(), Fetcher: media.New(media.Options{Tools: tools, Folder: dir})})
})

var studioFolder string

func TestMain(m *testing.M) {
	draw.RunIfChild()
	code := m.Run()
	os.RemoveAll(studioFolder)
	os.Exit(code)
}

// pixel is what one place of one frame should look like, sRGB.
type pixel struct {
	frame, x, y int
	r, g, b     uint8
}

// TestRender renders movies for real and looks at the frames and the sound.
func TestRender(t *testing.T) {
	for _, tc := range []struct {
		name, source  string
		width, height int
		seconds       float64
		pixels        []pixel
		// levels are the sound's RMS in each second, -1 to leave one out.
		levels []float64
	}{
		{name: "one empty scene", source: `{"scenes":[{}]}`, width: 640, height: 360, seconds: 5,
			pixels: []pixel{{0, 1, 1, 0, 0, 0}, {124, 639, 359, 0, 0, 0}}, levels: []float64{0, 0, 0, 0, 0}},
		{name: "colours are bt709", source: `{"width":100,"height":100,"scenes":[{"duration":1,"background-color":"#2a4d8f"},{"duration":1,"background-color":"#ff8000"}]}`,
			width: 100, height: 100, seconds: 2, pixels: []pixel{{0, 50, 50, 42, 77, 143}, {24, 50, 50, 42, 77, 143}, {25, 50, 50, 255, 128, 0}, {49, 9, 9, 255, 128, 0}}},
		{name: "cover and contain", source: `{"width":400,"height":200,"fps":30,"scenes":[
			{"duration":1,"elements":[{"type":"image","src":"wide.png","resize":"contain"}]},
			{"duration":1,"elements":[{"type":"image","src":"wide.png","resize":"cover"}]}]}`, width: 400, height: 200, seconds: 2,
			pixels: []pixel{{5, 200, 20, 0, 0, 0}, {5, 200, 100, 0, 0, 255}, {35, 200, 5, 0, 0, 255}}},
		{name: "natural size, place, paint order and transparency", source: `{"width":600,"height":400,"scenes":[{"duration":1,"background-color":"white","elements":[
			{"type":"image","src":"half.png","x":50,"y":60},
			{"type":"image","src":"red.png","x":0,"y":0,"width":100,"z-index":-1}]}],
			"elements":[{"type":"image","src":"half.png","position":"bottom-right","width":100,"opacity":0.5}]}`, width: 600, height: 400, seconds: 1,
			pixels: []pixel{{3, 20, 20, 255, 0, 0}, {3, 100, 100, 0, 255, 0}, {3, 200, 100, 255, 255, 255}, {3, 490, 350, 128, 255, 128}, {3, 560, 350, 255, 255, 255}}},
		{name: "stills appear and vanish on their frame and fade", source: `{"width":400,"height":200,"scenes":[{"duration":4,"elements":[
			{"type":"image","src":"red.png","start":1,"duration":2,"fade-in":0.4,"fade-out":0.4}]}]}`, width: 400, height: 200, seconds: 4,
			pixels: []pixel{{24, 9, 9, 0, 0, 0}, {30, 9, 9, 127, 0, 0}, {40, 9, 9, 255, 0, 0}, {70, 9, 9, 127, 0, 0}, {75, 9, 9, 0, 0, 0}}},
		{name: "video frames are exact over windows, seek, loop and hold", source: `{"width":320,"height":180,"scenes":[{"duration":6,"elements":[
			{"type":"video","src":"ramp.mp4","seek":1,"loop":2,"extra-time":1,"duration":2}]}]}`, width: 320, height: 180, seconds: 6,
			pixels: []pixel{{0, 50, 50, 140, 140, 140}, {24, 50, 50, 236, 236, 236}, {25, 50, 50, 140, 140, 140}, {35, 50, 50, 180, 180, 180}, {60, 50, 50, 236, 236, 236}, {80, 50, 50, 0, 0, 0}},
			levels: []float64{.354, .354, 0, 0, 0, 0}},
		{name: "the last picture stands while the sound goes on", source: `{"width":320,"height":180,"scenes":[{"elements":[{"type":"video","src":"long-sound.mp4","loop":2,"extra-time":14}]}]}`,
			width: 320, height: 180, seconds: 20, pixels: []pixel{{10, 50, 50, 80, 80, 80}, {24, 50, 50, 136, 136, 136}, {74, 50, 50, 136, 136, 136},
				{75, 50, 50, 40, 40, 40}, {85, 50, 50, 80, 80, 80}, {150, 50, 50, 136, 136, 136}, {260, 50, 50, 136, 136, 136}, {490, 50, 50, 136, 136, 136}},
			levels: []float64{.354, .354, .354, .354, .354, .354, 0}},
		{name: "an animated picture goes on", source: `{"width":100,"height":100,"scenes":[{"duration":3,"elements":[{"type":"image","src":"two.gif"}]}]}`,
			width: 100, height: 100, seconds: 3, pixels: []pixel{{5, 20, 20, 255, 0, 0}, {18, 20, 20, 0, 0, 245}, {30, 20, 20, 255, 0, 0}, {68, 20, 20, 0, 0, 245}}},
		{name: "no dark edge around a picture that is scaled", source: `{"width":200,"height":200,"scenes":[{"duration":1,"background-color":"white","elements":[{"type":"image","src":"disc.png","width":101}]}]}`,
			width: 200, height: 200, seconds: 1, pixels: []pixel{{3, 12, 50, 255, 255, 255}, {3, 13, 50, 255, 255, 255}, {3, 88, 50, 255, 255, 255}, {3, 50, 12, 255, 255, 255}, {3, 24, 24, 255, 255, 255}}},
		{name: "cross-fade", source: `{"width":100,"height":100,"scenes":[{"duration":2,"background-color":"#ff0000"},{"duration":2,"background-color":"#0000ff","transition":{"duration":1}}]}`,
			width: 100, height: 100, seconds: 3, pixels: []pixel{{24, 9, 9, 255, 0, 0}, {37, 9, 9, 133, 0, 122}, {50, 9, 9, 0, 0, 255}}},
		{name: "windows of all sorts of sources join", source: `{"width":320,"height":180,"scenes":[{"duration":1,"elements":[{"type":"image","src":"grey.jpg"}]},
			{"duration":1,"elements":[{"type":"image","src":"red.png"}]},{"duration":1,"elements":[{"type":"video","src":"ramp.mp4"}]},{"duration":1,"background-color":"#00ff00"}]}`,
			width: 320, height: 180, seconds: 4, pixels: []pixel{{10, 50, 50, 128, 128, 128}, {35, 50, 50, 255, 0, 0}, {60, 50, 50, 80, 80, 80}, {90, 50, 50, 0, 255, 0}}},
		{name: "xfade", source: `{"width":100,"height":100,"scenes":[{"duration":2,"background-color":"#ff0000"},{"duration":2,"background-color":"#0000ff","transition":{"style":"wipeleft","duration":1}}]}`,
			width: 100, height: 100, seconds: 3, pixels: []pixel{{37, 10, 50, 255, 0, 0}, {37, 90, 50, 0, 0, 255}, {50, 9, 9, 0, 0, 255}}},
		{name: "xfade of a single frame", source: `{"width":100,"height":100,"scenes":[{"duration":1,"background-color":"#ff0000"},{"duration":1,"background-color":"#0000ff","transition":{"style":"wipeleft","duration":0.04}}]}`,
			width: 100, height: 100, seconds: 1.96, pixels: []pixel{{23, 10, 50, 255, 0, 0}, {25, 90, 50, 0, 0, 255}, {48, 9, 9, 0, 0, 255}}},
		{name: "music over the movie ends with it and fades", source: `{"width":100,"height":100,"scenes":[{"duration":4}],
			"elements":[{"type":"audio","src":"tone.wav","duration":-2,"volume":0.5,"fade-out":2}]}`, width: 100, height: 100, seconds: 4,
			levels: []float64{.177, .177, .135, .051}},
		{name: "an empty scene takes the length of the movie's video", source: `{"width":320,"height":180,"scenes":[{"elements":[]}],"elements":[{"type":"video","src":"ramp.mp4"}]}`,
			width: 320, height: 180, seconds: 2, pixels: []pixel{{10, 50, 50, 80, 80, 80}}, levels: []float64{.354, .354}},
		{name: "video under a see-through scene", source: `{"width":320,"height":180,"scenes":[{"duration":1,"background-color":"transparent","elements":[{"type":"image","src":"red.png","width":50}]}],
			"elements":[{"type":"image","src":"grey.jpg","z-index":-1}]}`, width: 320, height: 180, seconds: 1, pixels: []pixel{{3, 20, 10, 255, 0, 0}, {3, 200, 100, 128, 128, 128}}},
		{name: "zoom keeps its box and moves towards the middle", source: `{"width":400,"height":200,"scenes":[{"duration":2,"elements":[{"type":"image","src":"half.png","resize":"cover","zoom":10}]}]}`,
			width: 400, height: 200, seconds: 2, pixels: []pixel{{0, 190, 100, 0, 255, 0}, {0, 230, 100, 0, 0, 0}, {49, 150, 100, 0, 255, 0}, {49, 230, 100, 0, 0, 0}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			result, path := render(t, tc.source)
			if result.Width != tc.width || result.Height != tc.height || math.Abs(result.Duration-tc.seconds) > 0.06 {
				t.Errorf("got %dx%d for %.3f s", result.Width, result.Height, result.Duration)
			}
			for _, p := range tc.pixels {
				r, g, b := at(t, path, result.Width, result.Height, p.frame, p.x, p.y)
				if far(r, p.r) || far(g, p.g) || far(b, p.b) {
					t.Errorf("frame %d at %d,%d: got %d,%d,%d, want %d,%d,%d", p.frame, p.x, p.y, r, g, b, p.r, p.g, p.b)
				}
			}
			for i, got := range levels(t, path) {
				if i < len(tc.levels) && math.Abs(got-tc.levels[i]) > 0.02 {
					t.Errorf("second %d: level %.3f, want %.3f", i, got, tc.levels[i])
				}
			}
		})
	}
}

// far tells that a channel is off by more than coding and rounding explain.
func far(got, want uint8) bool { return math.Abs(float64(got)-float64(want)) > 6 }

func render(t *testing.T, source string) (project.Result, string) {
	t.Helper()
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	result, warnings, err := studio().Render(t.Context(), m, t.TempDir(), func(now project.Progress) {
		if now.Percent < last || now.Percent > 100 || now.Frames > now.TotalFrames {
			t.Errorf("progress went from %d to %+v", last, now)
		}
		last = now.Percent
	})
	if err != nil {
		t.Fatal(err)
	}
	if last < 90 {
		t.Errorf("progress ended at %d", last)
	}
	if len(warnings) > 0 {
		t.Logf("warnings: %v", warnings)
	}
	return result, result.File
}

// at is the colour of a pixel, the mean of the nine around it.
func at(t *testing.T, path string, width, height, frame, x, y int) (r, g, b uint8) {
	t.Helper()
	x, y = min(max(x, 1), width-2), min(max(y, 1), height-2)
	graph := fmt.Sprintf("select=eq(n\\,%d),crop=3:3:%d:%d:exact=1,scale=1:1:flags=area:in_color_matrix=bt709,format=rgb24", frame, x-1, y-1)
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-vf", "format=yuv444p,"+graph, "-frames:v", "1", "-f", "rawvideo", "-").Output()
	if err != nil || len(out) != 3 {
		t.Fatalf("frame %d of %s: %v, %d bytes", frame, path, err, len(out))
	}
	return out[0], out[1], out[2]
}

// levels is the RMS of the left channel in each second.
func levels(t *testing.T, path string) []float64 {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-ac", "2", "-ar", "48000", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []float64
	for len(out) >= sampleRate*bytesPerPCM {
		var sum float64
		for i := range sampleRate {
			x := float64(math.Float32frombits(binary.LittleEndian.Uint32(out[i*bytesPerPCM:])))
			sum += x * x
		}
		list = append(list, math.Sqrt(sum/sampleRate))
		out = out[sampleRate*bytesPerPCM:]
	}
	return list
}

// TestTextIsDrawn looks for ink where texts should be and for none elsewhere.
func TestTextIsDrawn(t *testing.T) {
	for _, tc := range []struct{ name, text, settings string }{
		{"latin", "Hello world", `{"font-size":"80px"}`},
		{"arabic", "مرحبا بالعالم", `{"font-size":"80px"}`},
		{"cjk", "你好世界", `{"font-size":"80px"}`},
		{"emoji", "👩‍👩‍👧🚀", `{"font-size":"80px"}`},
		{"markup stays text", "50% [x];drop='1',\\n", `{"font-size":"60px","color":"#ffff00"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, path := render(t, fmt.Sprintf(`{"width":800,"height":200,"scenes":[{"elements":[{"type":"text","text":%q,"duration":1,"settings":%s}]}]}`, tc.text, tc.settings))
			if in, out := ink(t, path, 10, "700:120:50:40", 60), ink(t, path, 10, "800:20:0:0", 60); in < 0.01 || out > 0.001 {
				t.Errorf("ink in the middle %.4f, at the top %.4f", in, out)
			}
		})
	}
}

// ink is the part of a frame's area that is brighter than a level.
func ink(t *testing.T, path string, frame int, crop string, level byte) float64 {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-vf", fmt.Sprintf("select=eq(n\\,%d),crop=%s,format=gray", frame, crop),
		"-frames:v", "1", "-f", "rawvideo", "-").Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("%v, %d bytes", err, len(out))
	}
	var lit int
	for _, v := range out {
		if v > level {
			lit++
		}
	}
	return float64(lit) / float64(len(out))
}

func TestRenderRefuses(t *testing.T) {
	for _, tc := range []struct{ source, want string }{
		{`{"scenes":[{"elements":[{"type":"image"}]}]}`, "Source URL is required for image element in Scene #1, Element #1"},
		{`{"scenes":[{"elements":[{"type":"voice","text":"a"},{"type":"image"}]}]}`, "Scene #1, element #1: the element type 'voice' is not supported by this version of Reelhook; remove the element; Source URL is required for image element in Scene #1, Element #2"},
		{`{"scenes":[{"elements":[{"type":"image","src":"red.png"}]}]}`, "Movie duration cannot be zero"},
		{`{"scenes":[{"duration":1,"elements":[{"type":"image","src":"red.png","width":20000}]}],"elements":[{"type":"image","src":"red.png","duration":1,"width":10000}]}`,
			"Scene #1, element #1: it would be 20000 x 10000 pixels large; at most 50 million pixels are allowed"},
	} {
		m, err := movie.Parse([]byte(tc.source))
		if err != nil {
			t.Fatal(err)
		}
		var f movie.Fault
		if _, _, err := studio().Render(t.Context(), m, t.TempDir(), nil); !errors.As(err, &f) || f.Message != tc.want {
			t.Errorf("%s:\n got %v\nwant %s", tc.source, err, tc.want)
		}
	}
}

// TestEveryMissingSourceIsNamed holds that one rendering tells all that could not
// be had.
func TestEveryMissingSourceIsNamed(t *testing.T) {
	m, err := movie.Parse([]byte(`{"scenes":[{"elements":[{"type":"image","src":"no1.png"},{"type":"video","src":"no2.mp4"},{"type":"video","src":"red.png"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = studio().Render(t.Context(), m, t.TempDir(), nil)
	var f movie.Fault
	if !errors.As(err, &f) {
		t.Fatal(err)
	}
	for _, want := range []string{"element #1: ", "no1.png", "element #2: ", "no2.mp4", "element #3: The URL provided is not a video file"} {
		if !strings.Contains(f.Message, want) {
			t.Errorf("it lacks %q: %s", want, f.Message)
		}
	}
}

func TestRenderIsCancelled(t *testing.T) {
	m, err := movie.Parse([]byte(`{"resolution":"full-hd","scenes":[{"duration":60,"elements":[{"type":"image","src":"red.png","zoom":3}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, _, err = studio().Render(ctx, m, t.TempDir(), func(now project.Progress) {
		if now.Percent > fetchShare {
			cancel(why)
		}
	})
	if !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

// TestRenderAgain holds that equal movies give equal files: it is what makes
// windows worth caching.
func TestRenderAgain(t *testing.T) {
	const source = `{"width":320,"height":180,"scenes":[{"duration":2,"elements":[{"type":"video","src":"ramp.mp4"},{"type":"text","text":"same"}]}]}`
	_, one := render(t, source)
	_, two := render(t, source)
	a, err1 := os.ReadFile(one)
	b, err2 := os.ReadFile(two)
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Errorf("two renderings differ: %d and %d bytes, %v %v", len(a), len(b), err1, err2)
	}
}
