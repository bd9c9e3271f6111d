package render

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/timeline"
)

var (
	movies     = flag.Int("movies", 12, "how many random movies are rendered")
	moviesFrom = flag.Int("movies.from", 0, "the number of the first random movie")
)

// anyMovie is a document of up to four scenes with up to four elements each, in
// which any key of sections 14 and 15 of the contract may stand, with values in
// and out of its range. It lasts a few seconds on a small canvas.
func anyMovie(r *rapid.T) []byte {
	m := draws{r}.object("fps", []any{10, 25, 29.97, 60, "25", 0}, "quality", []any{"low", "medium", "high", "best"},
		"width", []any{64, 100, 161, 1}, "height", []any{36, 64, 90, -5}, "draft", []any{true})
	for key, otherwise := range map[string]int{"width": 64, "height": 50} {
		if m[key] == nil {
			m[key] = otherwise
		}
	}
	var scenes []any
	for range rapid.IntRange(1, 4).Draw(r, "scenes") {
		scenes = append(scenes, draws{r}.scene())
	}
	m["scenes"], m["elements"] = scenes, draws{r}.elements()
	doc, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return doc
}

// draws makes parts of a document.
type draws struct{ *rapid.T }

// object has some of the keys, each with one of its values.
func (d draws) object(pairs ...any) map[string]any {
	o := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if key := pairs[i].(string); d.odds(3, "has "+key) {
			o[key] = rapid.SampledFrom(pairs[i+1].([]any)).Draw(d.T, key)
		}
	}
	return o
}

// odds is true once in n times.
func (d draws) odds(n int, what string) bool { return rapid.IntRange(1, n).Draw(d.T, what) == n }

var (
	seconds0 = []any{0, 0.04, 0.2, 0.5, 1, 1.2, -1, -2, -7, "0.3", "auto", nil}
	colours  = []any{"#123456", "red", "transparent", "rgba(200,100,0,0.5)", "no colour", "", 7, "#00b140"}
	styles   = []any{"fade", "fadeblack", "fadegrays", "wipeleft", "wipetl", "slideup", "smoothright", "circlecrop", "rectcrop", "circleopen", "vertclose",
		"horzopen", "distance", "radial", "dissolve", "pixelize", "diagbr", "hlslice", "vdslice", "hblur", "squeezeh", "zoomin", "nonsense", ""}
	sizes = []any{-1, 0, 1, 2, 7, 33, 64, 300, 2000, "50", -40}
	place = []any{0, -30, 10, 63, 100, -1e9, 1e9, "center", "85%", "-20%", "50px", "somewhere"}
)

func (d draws) scene() map[string]any {
	s := d.object("duration", []any{-1, 0.04, 0.3, 0.5, 0.8, 0, -5, "auto", "0.4"}, "background-color", colours,
		"condition", []any{"", "{{ 1 < 2 }}", "{{ 2 < 1 }}"}, "id", []any{"s", "t"}, "comment", []any{"c"})
	if d.odds(20, "imports") {
		s["import"] = rapid.SampledFrom([]string{"s", "t", "gone"}).Draw(d.T, "import")
	}
	if s["duration"] == nil && !d.odds(4, "fits its elements") {
		s["duration"] = 0.6
	}
	if d.odds(2, "transition") {
		s["transition"] = d.object("style", styles, "duration", []any{0, 0.04, 0.2, 0.5, 9, -1, "x"}, "type", []any{"xfade"})
	}
	s["elements"] = d.elements()
	return s
}

func (d draws) elements() []any {
	var list []any
	for range rapid.IntRange(0, 4).Draw(d.T, "elements") {
		list = append(list, d.element())
	}
	return list
}

func (d draws) element() map[string]any {
	e := d.object("id", []any{"a", "b"}, "start", seconds0, "duration", seconds0, "extra-time", []any{0, 0.1, 0.5, -1}, "z-index", []any{-99, -1, 1, 99, 1000, "2"},
		"fade-in", []any{0, 0.1, 0.5, 9, -1}, "fade-out", []any{0, 0.1, 0.5, 9, -1}, "condition", []any{"{{ true }}", "{{ false }}"}, "variables", []any{map[string]any{"x": 1}})
	if d.odds(20, "asks") {
		e[rapid.SampledFrom([]string{"start", "duration", "extra-time"}).Draw(d.T, "asking")] = rapid.SampledFrom([]any{"{{a_end}}", "{{ b_duration / 2 }}", "{{a_start}}"}).Draw(d.T, "asked")
	}
	kind := rapid.SampledFrom([]string{"image", "image", "video", "video", "audio", "text", "text"}).Draw(d.T, "type")
	e["type"] = kind
	if kind != "audio" {
		d.visual(e)
	}
	if kind == "video" || kind == "audio" {
		d.add(e, d.object("muted", []any{true, false}, "volume", []any{0, 0.5, 1, 10, 99, -1}, "seek", []any{0, 0.5, 1.9, 1.96, 50, -0.1, -0.04, -9},
			"loop", []any{-1, 0, 1, 2, 3, true, "x"}, "speed", []any{2}))
		if e["duration"] == nil { // or it would last for as long as its medium
			e["duration"] = rapid.SampledFrom([]any{0.3, 0.7, 1.1, -2}).Draw(d.T, "length")
		}
	}
	switch kind {
	case "text":
		e["text"] = rapid.SampledFrom([]any{"Hello", "", "a<br>b\nc", "你好 مرحبا", "50% [x];'\\", 7}).Draw(d.T, "text")
		e["settings"] = d.object("font-size", []any{"20px", "8vw", "0", "-3px", "300px", 12}, "color", colours, "background-color", colours,
			"font-family", []any{"Arial", "No Such Font"}, "text-shadow", []any{"2px 2px 3px black", "x"}, "padding", []any{"5px", "-5px", "500%"},
			"vertical-position", []any{"top", "bottom", "up"}, "text-align", []any{"left", "right"}, "-webkit-text-stroke", []any{"2px red"},
			"width", []any{"10px", "300%"}, "line-height", []any{0, 3, "x"}, "letter-spacing", []any{"-9px", "30px"}, "opacity", []any{0, 0.5}, "margin", []any{"10px", "-10px"})
	case "image":
		e["src"] = rapid.SampledFrom([]string{"red.png", "half.png", "grey.jpg", "two.gif", "blink.gif", "odd.png", "tall.png", "flat.png", "dot.png"}).Draw(d.T, "src")
	case "video":
		e["src"] = rapid.SampledFrom([]string{"ramp.mp4", "long-sound.mp4", "vp9.webm", "curtain.mp4", "one.mp4", "blink.gif", "uneven.mp4", "phone.mp4"}).Draw(d.T, "src")
	case "audio":
		e["src"] = rapid.SampledFrom([]string{"tone.wav", "ramp.mp4"}).Draw(d.T, "src")
	}
	switch {
	case d.odds(150, "missing"):
		e["src"] = "gone.mp4"
	case d.odds(100, "huge"):
		e["width"], e["height"] = 1e9, -1
	}
	return e
}

// visual adds what the look of an element is.
func (d draws) visual(e map[string]any) {
	d.add(e, d.object("position", []any{"top-left", "top-right", "bottom-right", "bottom-left", "center-center", "custom", "nowhere"}, "x", place, "y", place,
		"width", sizes, "height", sizes, "resize", []any{"cover", "contain", "none", "x"}, "opacity", []any{0, 0.5, 1, 7, -1},
		"flip-horizontal", []any{true}, "flip-vertical", []any{true, "yes"}))
	if d.odds(5, "rotates") {
		e["rotate"] = d.object("angle", []any{0, 90, -90, 45, 30.5, 360, 270, 9999, -0.01}, "speed", []any{0, 0.04, 0.3, 5, -1, 1e9})
	}
	if d.odds(6, "keys") {
		e["chroma-key"] = map[string]any{"color": rapid.SampledFrom([]any{"#00b140", "red", "white", "black", "#000040"}).Draw(d.T, "key"), "tolerance": rapid.SampledFrom([]any{1, 25, 100, 0, 1000}).Draw(d.T, "tolerance")}
	}
	if d.odds(6, "corrects") {
		e["correction"] = d.object("brightness", []any{-1, 0.2, 1, 9}, "contrast", []any{-1000, 0, 0.5, 1000, 1e9}, "gamma", []any{0.1, 2, 10, 0}, "saturation", []any{0, 3, 99})
	}
	if e["type"] == "text" {
		return
	}
	d.add(e, d.object("zoom", []any{-10, -3, 0, 2, 10, 50, 1e9}, "pan", []any{"left", "top-right", "bottom", "nowhere"}, "pan-distance", []any{0.01, 0.1, 0.5, 9, -1}, "pan-crop", []any{true, false}))
	if d.odds(6, "crops") {
		e["crop"] = d.object("x", []any{0, 1, 50, 399, 1000, -3}, "y", []any{0, 1, 50, 199, 1e9}, "width", []any{1, 20, 400, 1e9, 0}, "height", []any{1, 20, 200, -4})
	}
	if d.odds(6, "masks") {
		e["mask"] = rapid.SampledFrom([]any{"top.png", "half.png", "two.gif", "blink.gif", "curtain.mp4", "ramp.mp4", "dot.png"}).Draw(d.T, "mask")
	}
}

func (draws) add(to, from map[string]any) {
	for k, v := range from {
		to[k] = v
	}
}

// randomStudio has more small media, of the kinds that are easily got wrong.
func randomStudio() *Renderer {
	r := rushes()
	for name, args := range map[string]string{
		"blink.gif": "-f lavfi -i testsrc2=s=20x20:r=50:d=0.04", "one.mp4": "-f lavfi -i testsrc2=s=64x64:r=25 -frames:v 1 -pix_fmt yuv420p",
	} {
		shoot(name, args)
	}
	for name, content := range map[string][]byte{"tall.png": makePNG(1, 300), "flat.png": makePNG(500, 1), "dot.png": makePNG(1, 1)} {
		if err := os.WriteFile(filepath.Join(studioFolder, name), content, 0o600); err != nil {
			panic(err)
		}
	}
	return New(Options{Tools: r.Tools, Texts: r.Texts, Fetcher: r.Fetcher, Cores: 2})
}

// TestRandomMovies renders movies that nobody would think of. Each ends as a file
// whose pictures are counted, or with a fault that says why not. With
// -movies N -movies.from M there are others.
func TestRandomMovies(t *testing.T) {
	r := randomStudio()
	for i := *moviesFrom; i < *moviesFrom+*movies; i++ {
		t.Run(strconv.Itoa(i), func(t *testing.T) { renderWhole(t, r, rapid.Custom(anyMovie).Example(i)) })
	}
}

// renderWhole renders a document and counts what came out.
func renderWhole(t *testing.T, r *Renderer, doc []byte) {
	t.Helper()
	m, err := movie.Parse(doc)
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	j := &job{Renderer: r, movie: m, dir: t.TempDir(), progress: newProgress(nil)}
	err = faults(m.Faults)
	var result project.Result
	if err == nil {
		err = j.run(t.Context(), func(ctx context.Context, j *job) (err error) {
			result, err = j.make(ctx)
			return err
		})
	}
	var fault movie.Fault
	switch {
	case errors.Is(err, errShort) || err != nil && strings.Contains(err.Error(), "cannot be decoded"): // its media are sound
		t.Errorf("%v\n%s", err, doc)
	case errors.As(err, &fault):
		t.Log(fault)
	case err != nil:
		t.Errorf("%v\n%s", err, doc)
	default:
		j.count(t, result.File, doc)
	}
}

// count checks the finished file against the timeline.
func (j *job) count(t *testing.T, path string, doc []byte) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_packets", "-of", "json", "-show_entries", "stream=codec_type,nb_read_packets,duration", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Streams []struct {
			Type     string  `json:"codec_type"`
			Packets  int     `json:"nb_read_packets,string"`
			Duration float64 `json:",string"`
		}
	}
	if err := json.Unmarshal(out, &file); err != nil || len(file.Streams) != 2 {
		t.Fatalf("%v\n%s", err, out)
	}
	want := seconds(j.timeline.Frames, j.timeline.FPS)
	for _, s := range file.Streams {
		switch {
		case s.Type == "video" && s.Packets != j.timeline.Frames:
			t.Errorf("%d pictures, want %d\n%s", s.Packets, j.timeline.Frames, doc)
		case s.Type == "audio" && math.Abs(s.Duration-want) > 1024.0/sampleRate:
			t.Errorf("%.3f s of sound, want %.3f\n%s", s.Duration, want, doc)
		}
	}
}

// TestAnyMovie plans movies that nobody would think of, without rendering them:
// no document may panic the parser, the timeline or the plan of its windows.
func TestAnyMovie(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		doc := anyMovie(rt)
		m, err := movie.Parse(doc)
		if err != nil {
			rt.Fatal(err)
		}
		if len(m.Faults) > 0 {
			return
		}
		j := &job{Renderer: New(Options{Tools: studio().Tools, Cores: 2}), movie: m, sources: sources{}}
		for _, e := range j.elements() {
			j.sources[e] = anySource(rt, e)
		}
		if j.timeline, err = timeline.Build(m, j.sources.facts); err != nil {
			if !errors.As(err, new(movie.Fault)) {
				rt.Fatal(err)
			}
			return
		}
		j.checkTimeline(rt)
		at := 0
		for _, w := range j.cut() {
			if w.In != at || w.Out <= w.In {
				rt.Fatalf("a window of %d-%d follows frame %d\n%s", w.In, w.Out, at, doc)
			}
			at = w.Out
			for _, grounded := range []bool{false, true} {
				j.command(j.picture(w, nil, grounded)).Args(ffmpeg.DefaultLimits())
			}
		}
		if at != j.timeline.Frames {
			rt.Fatalf("the windows end at frame %d of %d\n%s", at, j.timeline.Frames, doc)
		}
	})
}

// anySource is a medium of any length and size.
func anySource(rt *rapid.T, e *movie.Element) source {
	s := source{Path: "/media/x", Format: ffmpeg.Format{Kind: ffmpeg.Kind(e.Type), Demuxer: "mov"}, Still: e.Type == movie.Image}
	if e.Type == movie.Text {
		return s
	}
	if e.Type != movie.Audio {
		s.Media.Video = &ffmpeg.VideoStream{
			Width: rapid.SampledFrom([]int{1, 2, 63, 7000}).Draw(rt, "w"), Height: rapid.SampledFrom([]int{1, 3, 64, 7000}).Draw(rt, "h"),
			FPS: rapid.SampledFrom([]float64{0, 1e-6, 25, 1e6}).Draw(rt, "rate"), Alpha: rapid.Bool().Draw(rt, "alpha"),
		}
	}
	if !s.Still {
		s.Media.Duration = rapid.SampledFrom([]float64{0.001, 0.02, 0.5, 2.02, 14400}).Draw(rt, "lasts")
		s.Media.Audio = &ffmpeg.AudioStream{Rate: 48000, Channels: 2}
	}
	return s
}

// checkTimeline holds what is true of every timeline.
func (j *job) checkTimeline(rt *rapid.T) {
	t := j.timeline
	inside := func(s, in timeline.Span, what string) {
		if s.In < in.In || s.In >= s.Out || s.Out > in.Out {
			rt.Fatalf("%s lies at %d-%d of %d-%d", what, s.In, s.Out, in.In, in.Out)
		}
	}
	clips := func(list []timeline.Clip, in timeline.Span) {
		for i, c := range list {
			inside(c.Span, in, "a clip")
			if c.FadeIn < 0 || c.FadeOut < 0 || c.FadeIn+c.FadeOut > c.Out-c.In {
				rt.Fatalf("fades of %d and %d in %d-%d", c.FadeIn, c.FadeOut, c.In, c.Out)
			}
			if i > 0 && list[i-1].Element.ZIndex > c.Element.ZIndex {
				rt.Fatal("clips are out of paint order")
			}
			if c.Crop.X < 0 || c.Crop.Y < 0 || c.Crop.W <= 0 || c.Crop.H <= 0 || c.Crop.X+c.Crop.W > 1.000001 || c.Crop.Y+c.Crop.H > 1.000001 {
				rt.Fatalf("a crop of %+v", c.Crop)
			}
			if c.Box.W < 1 || c.Box.H < 1 {
				rt.Fatalf("a box of %+v", c.Box)
			}
		}
	}
	whole := timeline.Span{Out: t.Frames}
	clips(t.Below, whole)
	clips(t.Above, whole)
	for i, s := range t.Scenes {
		if s.In < 0 || s.In > s.Out || s.Out > t.Frames { // one of a shorter time than a frame has none
			rt.Fatalf("scene %d lies at %d-%d of %d", i, s.In, s.Out, t.Frames)
		}
		if i > 0 && s.In != t.Scenes[i-1].Out-s.Transition || i == 0 && (s.In != 0 || s.Transition != 0) {
			rt.Fatalf("scene %d begins at %d with a transition of %d", i, s.In, s.Transition)
		}
		clips(s.Clips, s.Span)
	}
	for _, s := range t.Sounds {
		inside(s.Span, whole, "a sound")
	}
	if len(fmt.Sprint(t.Warnings)) > 1<<20 {
		rt.Fatal("too many warnings")
	}
}
