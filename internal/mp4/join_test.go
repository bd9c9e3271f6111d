package mp4

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
		windows []int // frames each
	}{
		{"one window", Rate{25, 1}, []int{30}},
		{"mixed reordering", Rate{25, 1}, []int{50, 1, 2, 37, 3}},
		{"ntsc", Rate{30000, 1001}, []int{40, 41, 1}},
		{"high rate", Rate{120, 1}, []int{130}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var paths []string
			frames := 0
			for i, n := range tc.windows {
				paths = append(paths, window(t, dir, i, frames, n, tc.rate))
				frames += n
			}
			seconds := float64(frames*tc.rate.Den) / float64(tc.rate.Num)
			out := filepath.Join(dir, "out.mp4")
			if err := Join(out, paths, sound(t, dir, seconds), tc.rate); err != nil {
				t.Fatal(err)
			}
			checkTimes(t, out, tc.rate, frames)
			checkOrder(t, out, frames)
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
	err := Join(filepath.Join(dir, "out.mp4"), []string{a, b}, sound(t, dir, 0.4), rate)
	if err == nil || !strings.Contains(err.Error(), "other encoder settings") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out.mp4")); err == nil {
		t.Error("a failed join left a file")
	}
}

// window makes n frames whose grey level counts up from first, so that order
// can be read back from the picture.
func window(t *testing.T, dir string, i, first, n int, rate Rate) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("w%d.mp4", i))
	grey := fmt.Sprintf("geq=lum='16+mod(N+%d\\,200)':cb=128:cr=128", first)
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

func checkOrder(t *testing.T, path string, frames int) {
	t.Helper()
	raw := run(t, "ffmpeg", "-v", "error", "-i", path, "-vf", "scale=1:1:in_range=tv:out_range=tv,format=gray", "-vsync", "passthrough", "-f", "rawvideo", "-")
	if len(raw) != frames {
		t.Fatalf("decoded %d frames, want %d", len(raw), frames)
	}
	for i, y := range raw {
		if want := 16 + i%200; int(y) < want-1 || int(y) > want+1 {
			t.Fatalf("frame %d has level %d, want %d", i, y, want)
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
