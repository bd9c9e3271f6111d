package mp4

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestJoin joins windows of very different lengths, one of them a single
// picture that the encoder does not reorder, and checks with real ffprobe and
// ffmpeg that every frame is there, in order, at constant distance.
func TestJoin(t *testing.T) {
	for _, tc := range []struct {
		name    string
		rate    Rate
		windows []int // frames each, negative for one picture held
	}{
		{"one window", Rate{25, 1}, []int{30}},
		{"mixed reordering", Rate{25, 1}, []int{50, 1, 2, 37, 3}},
		{"ntsc", Rate{30000, 1001}, []int{40, 41, 1}},
		{"high rate", Rate{120, 1}, []int{130}},
		{"held", Rate{25, 1}, []int{-40}},
		{"held and moving", Rate{25, 1}, []int{30, -20, 1, -10, -10, -1, 3}},
		{"held for long", Rate{25, 1}, []int{12, -610, 5}},
		{"held for long, ntsc", Rate{30000, 1001}, []int{-700, -1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var parts []Window
			var want []int
			for i, n := range tc.windows {
				first := 16 + len(want)%200
				if n < 0 {
					parts = append(parts, Window{window(t, dir, i, first, 1, tc.rate), -n})
					want = append(want, slices.Repeat([]int{first}, -n)...)
					continue
				}
				parts = append(parts, Window{File: window(t, dir, i, first, n, tc.rate)})
				for i := range n {
					want = append(want, first+i)
				}
			}
			seconds := float64(len(want)*tc.rate.Den) / float64(tc.rate.Num)
			out := filepath.Join(dir, "out.mp4")
			if err := Join(out, parts, sound(t, dir, seconds), tc.rate); err != nil {
				t.Fatal(err)
			}
			checkTimes(t, out, tc.rate, len(want))
			checkLevels(t, out, want)
			checkSeeking(t, out, tc.rate, want)
			checkKeys(t, out, tc.rate)
			checkSound(t, out, seconds)
		})
	}
}

func TestJoinRefusesOtherEncoder(t *testing.T) {
	dir := t.TempDir()
	rate := Rate{25, 1}
	a := window(t, dir, 0, 0, 5, rate)
	b := filepath.Join(dir, "b.mp4")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x200:r=25", "-frames:v", "5", "-c:v", "libx264", b)
	err := Join(filepath.Join(dir, "out.mp4"), []Window{{File: a}, {File: b}}, sound(t, dir, 0.4), rate)
	if err == nil || !strings.Contains(err.Error(), "other encoder settings") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out.mp4")); err == nil {
		t.Error("a failed join left a file")
	}
}

// TestJoinRefusesToHold gives pictures that cannot be held.
func TestJoinRefusesToHold(t *testing.T) {
	for _, tc := range []struct{ name, options, want string }{
		{"two pictures", "-frames:v 2", "it has 2 pictures, not the one to hold"},
		{"interlaced", "-frames:v 1 -flags +ildct+ilme", "interlaced pictures are not supported"},
		{"a parameter set in the way", "-frames:v 1 -x264-params sps-id=1", "the encoder uses the picture parameter set 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			file, out := filepath.Join(dir, "w.mp4"), filepath.Join(dir, "out.mp4")
			args := append(strings.Fields("-v error -f lavfi -i color=s=64x64:r=25,format=yuv420p -c:v libx264 "+tc.options), file)
			run(t, "ffmpeg", args...)
			err := Join(out, []Window{{file, 20}}, sound(t, dir, 0.8), Rate{25, 1})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// window makes n pictures whose grey level counts up from first, so that order
// can be read back from them.
func window(t *testing.T, dir string, i, first, n int, rate Rate) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("w%d.mp4", i))
	grey := fmt.Sprintf("geq=lum='%d+N':cb=128:cr=128", first)
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi",
		"-i", fmt.Sprintf("color=black:s=64x64:r=%d/%d,format=yuv420p,%s", rate.Num, rate.Den, grey),
		"-frames:v", strconv.Itoa(n), "-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-threads", "1",
		"-x264-params", "keyint=250:min-keyint=25", "-an", path)
	return path
}

func sound(t *testing.T, dir string, seconds float64) string {
	t.Helper()
	path := filepath.Join(dir, "a.m4a")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=r=48000", "-t", fmt.Sprint(seconds), "-ac", "2", "-c:a", "aac", path)
	return path
}

func checkTimes(t *testing.T, path string, rate Rate, frames int) {
	t.Helper()
	var got struct {
		Streams []struct {
			AvgFrameRate string `json:"avg_frame_rate"`
			RFrameRate   string `json:"r_frame_rate"`
			NbFrames     string `json:"nb_frames"`
			TimeBase     string `json:"time_base"`
		}
		Frames []struct {
			PTS int `json:"pts"`
		}
	}
	raw := run(t, "ffprobe", "-v", "error", "-of", "json", "-select_streams", "v", "-show_streams", "-show_frames", path)
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d/%d", rate.Num, rate.Den)
	if s := got.Streams[0]; s.AvgFrameRate != want || s.RFrameRate != want || s.NbFrames != strconv.Itoa(frames) {
		t.Errorf("got rate %s / %s and %s frames, want %s and %d", s.AvgFrameRate, s.RFrameRate, s.NbFrames, want, frames)
	}
	delta := got.Frames[1].PTS - got.Frames[0].PTS
	for i, f := range got.Frames {
		if f.PTS != i*delta {
			t.Fatalf("frame %d is shown at %d, want %d", i, f.PTS, i*delta)
		}
	}
}

// levelsOf is the grey level of every picture FFmpeg decodes.
func levelsOf(t *testing.T, args ...string) []byte {
	t.Helper()
	return run(t, "ffmpeg", append(append([]string{"-v", "error"}, args...),
		"-vf", "scale=1:1:in_range=tv:out_range=tv,format=gray", "-vsync", "passthrough", "-f", "rawvideo", "-")...)
}

func near(got byte, want int) bool { return int(got) >= want-1 && int(got) <= want+1 }

func checkLevels(t *testing.T, path string, want []int) {
	t.Helper()
	got := levelsOf(t, "-i", path)
	if len(got) != len(want) {
		t.Fatalf("decoded %d frames, want %d", len(got), len(want))
	}
	for i, y := range got {
		if !near(y, want[i]) {
			t.Fatalf("frame %d has level %d, want %d", i, y, want[i])
		}
	}
}

// checkSeeking jumps to places all over the movie.
func checkSeeking(t *testing.T, path string, rate Rate, want []int) {
	t.Helper()
	for i := 0; i < len(want); i += 1 + len(want)/6 {
		at := fmt.Sprintf("%.6f", (float64(i)-0.2)*float64(rate.Den)/float64(rate.Num))
		got := levelsOf(t, "-ss", at, "-i", path, "-frames:v", "1")
		if len(got) != 1 || !near(got[0], want[i]) {
			t.Errorf("from %s s on there is level %v, want %d", at, got, want[i])
		}
	}
}

// checkKeys holds that no player has to decode for more than KeyInterval.
func checkKeys(t *testing.T, path string, rate Rate) {
	t.Helper()
	flags := string(run(t, "ffprobe", "-v", "error", "-of", "csv=p=0", "-select_streams", "v", "-show_entries", "packet=flags", path))
	since := 0
	for i, line := range strings.Fields(flags) {
		if since++; strings.HasPrefix(line, "K") {
			since = 0
		}
		if i == 0 && since > 0 || since >= KeyInterval*rate.Num/rate.Den {
			t.Fatalf("packet %d is %d after the last key frame", i, since)
		}
	}
}

func checkSound(t *testing.T, path string, seconds float64) {
	t.Helper()
	out := strings.TrimSpace(string(run(t, "ffprobe", "-v", "error", "-of", "csv=p=0", "-select_streams", "a", "-show_entries", "stream=duration,start_time", path)))
	start, length, _ := strings.Cut(out, ",")
	got, err := strconv.ParseFloat(length, 64)
	if err != nil || got < seconds-0.002 || got > seconds+0.03 || start != "0.000000" {
		t.Errorf("sound starts at %s and lasts %s, want 0 and %.3f (%v)", start, length, seconds, err)
	}
	atoms := string(run(t, "ffprobe", "-v", "trace", path))
	if moov, mdat := strings.Index(atoms, "type:'moov'"), strings.Index(atoms, "type:'mdat'"); moov < 0 || mdat >= 0 && mdat < moov {
		t.Error("the index does not come first")
	}
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.String())
	}
	return append(out, stderr.String()...)
}
