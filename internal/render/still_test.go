package render

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

func TestDivide(t *testing.T) {
	const picture, text = `{"type":"image","src":"a.png?w=800&h=400"`, `{"type":"text","text":"Hi"`
	scene := func(elements ...string) string {
		return `{"resolution":"hd","scenes":[{"duration":4,"elements":[` + strings.Join(elements, ",") + `]}]}`
	}
	for _, tc := range []struct{ name, source, want string }{
		{"nothing happens", scene(picture + `}`), "0-100 still"},
		{"no length is too long", `{"scenes":[{"duration":600}]}`, "0-15000 still"},
		{"an element comes and goes", scene(picture+`}`, text+`,"start":1,"duration":2}`), "0-25 still; 25-75 still; 75-100 still"},
		{"it fades", scene(picture+`}`, text+`,"start":1,"duration":2,"fade-in":0.4,"fade-out":0.2}`),
			"0-25 still; 25-35; 35-70 still; 70-75; 75-100 still"},
		{"fades that meet", scene(text + `,"duration":4,"fade-in":2,"fade-out":2}`), "0-50; 50-100"},
		{"stills too short stay with what moves", scene(picture+`,"fade-in":1}`, text+`,"start":1.2,"duration":2.6,"fade-in":1}`),
			"0-27; 27-55; 55-95 still; 95-100"},
		{"just too short", scene(text + `,"start":0.96,"duration":2.08}`), "0-24; 24-76 still; 76-100"},
		{"zoom", scene(picture + `,"zoom":2,"start":1,"duration":1}`), "0-25 still; 25-50; 50-100 still"},
		{"pan in its box", scene(picture + `,"pan":"left","start":1,"duration":1}`), "0-25 still; 25-50; 50-100 still"},
		{"pan over the canvas", scene(picture + `,"pan":"left","pan-crop":false,"start":1,"duration":1}`), "0-25 still; 25-50; 50-100 still"},
		{"turned", scene(picture + `,"rotate":30}`), "0-100 still"},
		{"turning, and then no more", scene(picture + `,"start":1,"rotate":{"angle":90,"speed":1}}`), "0-25 still; 25-50; 50-100 still"},
		{"a video", scene(picture+`}`, `{"type":"video","src":"v.mp4?d=8&w=640&h=360","start":1,"duration":2}`), "0-25 still; 25-75; 75-100 still"},
		{"a video for a mask", scene(picture + `,"mask":"m.mp4?d=8&w=640&h=360","start":1,"duration":2}`), "0-25 still; 25-75; 75-100 still"},
		{"a sound", scene(picture+`}`, `{"type":"audio","src":"a.mp3?d=9&sound=1","start":1,"duration":1}`), "0-100 still"},
		{"a video under a scene", `{"scenes":[{"duration":4}],"elements":[{"type":"video","src":"v.mp4?d=8&w=640&h=360","duration":-2,"z-index":-1}]}`, "0-100 still"},
		{"a video under a scene to see through", `{"scenes":[{"duration":4,"background-color":"transparent"}],"elements":[{"type":"video","src":"v.mp4?d=8&w=640&h=360","duration":-2,"z-index":-1}]}`,
			"0-50; 50-100"},
		{"a blend", `{"scenes":[{"duration":2},{"duration":2,"background-color":"#fff","transition":{"style":"fade","duration":1}}]}`, "0-25 still; 25-50; 50-75 still"},
		{"the movie's own element goes on over scenes", `{"scenes":[{"duration":2},{"duration":2}],"elements":[` + text + `,"start":1,"duration":2}]}`,
			"0-25 still; 25-50 still; 50-75 still; 75-100 still"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := planned(t, tc.source)
			var got []string
			for _, w := range j.cut() {
				got = append(got, w.String())
			}
			if s := strings.Join(got, "; "); s != tc.want {
				t.Errorf("got  %s\nwant %s", s, tc.want)
			}
		})
	}
}

// slideshow has stills, fades inside of a scene and between two, and one still
// that is longer than the distance of key frames. Its frame rate and size divide
// by little.
const slideshow = `{"width":642,"height":362,"fps":29.97,"quality":"medium","scenes":[
	{"duration":4,"elements":[{"type":"image","src":"detail.png","resize":"cover"},{"type":"text","text":"One","start":1.5,"fade-in":0.3}]},
	{"duration":12,"transition":{"style":"fade","duration":0.5},"elements":[{"type":"image","src":"detail.png","resize":"cover","flip-horizontal":true}]},
	{"duration":2,"transition":{"style":"wipeleft","duration":0.4},"background-color":"#204060"}]}`

// TestStills renders a slideshow with and without stills and holds that both are
// the same movie, but for what coding does to it.
func TestStills(t *testing.T) {
	r := studio()
	detail := filepath.Join(studioFolder, "detail.png")
	quiet(t, "-f", "lavfi", "-i", "mandelbrot=s=1280x720:start_scale=0.02:end_scale=0.02", "-frames:v", "1", "-update", "1", detail)
	stills := film(t, r, slideshow)
	plain := *r
	plain.PlainStills = true
	encoded := film(t, &plain, slideshow)

	tl := stills.timeline
	for _, j := range []*job{stills, encoded} {
		checkTiming(t, j)
	}
	var held int
	sums, want := framesums(t, file(stills)), framesums(t, file(encoded))
	if len(sums) != tl.Frames || len(want) != tl.Frames {
		t.Fatalf("decoded %d and %d frames, want %d", len(sums), len(want), tl.Frames)
	}
	for _, w := range stills.cut() {
		for i := w.In + 1; w.still && i < w.Out; i++ {
			held++
			if sums[i] != sums[w.In] {
				t.Fatalf("frame %d differs from the one before, in the still %v", i, w)
			}
		}
	}
	if held < tl.Frames/2 {
		t.Errorf("only %d of %d frames are held", held, tl.Frames)
	}
	for _, w := range encoded.cut() {
		if w.still {
			t.Errorf("%v is still in spite of PlainStills", w)
		}
	}
	for i, db := range psnr(t, file(stills), file(encoded)) {
		if db < 38 {
			t.Errorf("frame %d: %.1f dB between still and plain encoding", i, db)
		}
	}
	for at := 0; at < tl.Frames; at += 67 {
		from := fmt.Sprintf("%.6f", seconds(at, tl.FPS)-0.01)
		if got := framesums(t, file(stills), "-ss", from, "-frames:v", "1"); len(got) != 1 || got[0] != sums[at] {
			t.Errorf("from %s s on there is not frame %d", from, at)
		}
	}
}

func file(j *job) string { return filepath.Join(j.dir, "movie.mp4") }

// film renders a movie and returns the job that did.
func film(t *testing.T, r *Renderer, source string) *job {
	t.Helper()
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var percents []int
	j := &job{Renderer: r, movie: m, dir: t.TempDir(), progress: newProgress(func(now project.Progress) { percents = append(percents, now.Percent) })}
	err = j.run(context.Background(), func(ctx context.Context, j *job) error {
		_, err := j.make(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(percents) < 4 || percents[len(percents)-1] < fetchShare+renderShare {
		t.Errorf("progress went %v", percents)
	}
	return j
}

// checkTiming holds that every frame comes when it should, as ffprobe counts
// them.
func checkTiming(t *testing.T, j *job) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-count_frames", "-select_streams", "v",
		"-show_entries", "stream=nb_read_frames,nb_frames,r_frame_rate,avg_frame_rate:frame=pts", file(j)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Streams []struct {
			Frames string `json:"nb_frames"`
			Read   string `json:"nb_read_frames"`
			Rate   string `json:"r_frame_rate"`
			Mean   string `json:"avg_frame_rate"`
		}
		Frames []struct{ PTS int }
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	n, rate := strconv.Itoa(j.timeline.Frames), rate(j.timeline.FPS)
	if s := got.Streams[0]; s.Frames != n || s.Read != n || s.Rate != rate || s.Mean != rate {
		t.Errorf("got %+v, want %s frames at %s", s, n, rate)
	}
	for i, f := range got.Frames {
		if f.PTS != i*got.Frames[1].PTS {
			t.Fatalf("frame %d comes at %d, with %d between frames", i, f.PTS, got.Frames[1].PTS)
		}
	}
}

// framesums is the MD5 of the frames of a file.
func framesums(t *testing.T, path string, options ...string) (sums []string) {
	t.Helper()
	var before, after []string
	for i := 0; i+1 < len(options); i += 2 { // -ss goes before the input
		if options[i] == "-ss" {
			before = append(before, options[i:i+2]...)
		} else {
			after = append(after, options[i:i+2]...)
		}
	}
	args := append(append(before, "-i", path, "-map", "0:v", "-fps_mode", "passthrough"), after...)
	for line := range strings.Lines(quiet(t, append(args, "-f", "framemd5", "-")...)) {
		if !strings.HasPrefix(line, "#") {
			sums = append(sums, strings.TrimSpace(line[strings.LastIndex(line, ",")+1:]))
		}
	}
	return sums
}

// psnr compares two movies frame by frame, in decibels; equal frames count 99.
func psnr(t *testing.T, a, b string) (list []float64) {
	t.Helper()
	stats := filepath.Join(t.TempDir(), "psnr.txt")
	out := quiet(t, "-i", a, "-i", b, "-lavfi", "[0:v][1:v]psnr=stats_file=-", "-f", "null", stats)
	for _, m := range regexp.MustCompile(`psnr_avg:(\S+)`).FindAllStringSubmatch(out, -1) {
		db, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, min(db, 99))
	}
	if len(list) == 0 {
		t.Fatal("nothing was compared")
	}
	return list
}

// quiet runs Debian's ffmpeg, which must not even warn.
func quiet(t *testing.T, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "warning", "-y"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("ffmpeg %s: %v (it is in the Debian package ffmpeg)\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
