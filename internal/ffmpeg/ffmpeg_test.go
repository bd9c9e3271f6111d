package ffmpeg

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func find(t *testing.T) *Tools {
	t.Helper()
	tools, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

// make runs FFmpeg by hand to make a medium.
func media(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("make %s: %v\n%s", name, err, out)
	}
	return path
}

func sniff(t *testing.T, path string) (Format, bool) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, SniffLen)
	n, _ := f.Read(head)
	return Sniff(head[:n])
}

func TestProbe(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	picture := []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2"}
	tone := []string{"-f", "lavfi", "-i", "sine=r=44100:d=2"}
	for _, tc := range []struct {
		name    string
		args    []string
		demuxer string
		check   func(Media) bool
	}{
		{"a.mp4", append(append(picture, tone...), "-pix_fmt", "yuv420p"), "mov", func(m Media) bool {
			return m.Video.Width == 320 && m.Video.Height == 180 && m.Video.FPS == 25 && m.Audio.Rate == 44100 && near(m.Duration, 2) && !m.Video.Alpha
		}},
		{"wide.mp4", append(picture, "-vf", "setsar=2/1"), "mov", func(m Media) bool { return m.Video.Width == 640 }},
		{"alpha.webm", append(picture, "-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "-b:v", "100k"), "matroska", func(m Media) bool { return m.Video.Alpha }},
		{"a.png", append(picture, "-frames:v", "1"), "png_pipe", func(m Media) bool { return m.Duration == 0 && m.Video.Width == 320 }},
		{"alpha.png", append(picture, "-frames:v", "1", "-pix_fmt", "rgba"), "png_pipe", func(m Media) bool { return m.Video.Alpha }},
		{"a.jpg", append(picture, "-frames:v", "1"), "jpeg_pipe", func(m Media) bool { return m.Video.Height == 180 }},
		{"a.bmp", append(picture, "-frames:v", "1"), "bmp_pipe", func(m Media) bool { return m.Video.Height == 180 }},
		{"a.tiff", append(picture, "-frames:v", "1"), "tiff_pipe", func(m Media) bool { return m.Video.Height == 180 }},
		{"a.webp", append(picture, "-frames:v", "1"), "webp_pipe", func(m Media) bool { return m.Video.Height == 180 }},
		{"a.gif", picture, "gif", func(m Media) bool { return m.Video.Width == 320 }},
		{"a.mkv", picture, "matroska", func(m Media) bool { return near(m.Duration, 2) }},
		{"a.ts", picture, "mpegts", func(m Media) bool { return m.Video.Width == 320 }},
		{"a.avi", picture, "avi", func(m Media) bool { return m.Video.Width == 320 }},
		{"a.wav", tone, "wav", func(m Media) bool { return m.Video == nil && m.Audio.Channels == 1 && near(m.Duration, 2) }},
		{"a.mp3", tone, "mp3", func(m Media) bool { return m.Audio.Codec == "mp3" }},
		{"a.m4a", tone, "mov", func(m Media) bool { return m.Audio.Codec == "aac" && m.Video == nil }},
		{"a.ogg", tone, "ogg", func(m Media) bool { return m.Audio != nil }},
		{"a.flac", tone, "flac", func(m Media) bool { return m.Audio != nil }},
		{"a.aac", tone, "aac", func(m Media) bool { return m.Audio != nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := media(t, dir, tc.name, tc.args...)
			f, ok := sniff(t, path)
			if !ok || f.Demuxer != tc.demuxer {
				t.Fatalf("sniffed %+v, want %s", f, tc.demuxer)
			}
			m, err := tools.Probe(t.Context(), path, f, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if !tc.check(m) {
				t.Errorf("got %+v video %+v audio %+v", m, m.Video, m.Audio)
			}
		})
	}
}

func near(a, b float64) bool { return a > b-0.1 && a < b+0.1 }

// TestSniffRefuses holds what FFmpeg would happily open by content: files that
// name other files, and what is not media at all.
func TestSniffRefuses(t *testing.T) {
	for name, head := range map[string]string{
		"HLS playlist":  "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
		"ffconcat":      "ffconcat version 1.0\nfile 'secret.txt'\n",
		"DASH manifest": `<?xml version="1.0"?><MPD><BaseURL>file:///etc/</BaseURL></MPD>`,
		"SVG":           `<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>`,
		"HTML":          "<!DOCTYPE html><html>Not found</html>",
		"JSON":          `{"error":"nope"}`,
		"short BM":      "BM",
		"text BM":       "BMW is a car maker from Munich",
		"nothing":       "",
		"zeros":         strings.Repeat("\x00", 4096),
	} {
		if f, ok := Sniff([]byte(head)); ok {
			t.Errorf("%s passed as %+v", name, f)
		}
	}
}

// TestHostileFiles forces past the sniffing: even then FFmpeg must refuse, and
// nothing of the secret may come out.
func TestHostileFiles(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	secret := filepath.Join(dir, "secret.ts")
	media(t, dir, "secret.ts", "-f", "lavfi", "-i", "testsrc2=d=1")
	for name, body := range map[string]string{
		"hls":    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://" + secret + "\n#EXT-X-ENDLIST\n",
		"concat": "ffconcat version 1.0\nfile 'secret.ts'\n",
		"dash":   `<MPD><Period><AdaptationSet><Representation><BaseURL>file://` + secret + `</BaseURL></Representation></AdaptationSet></Period></MPD>`,
	} {
		path := filepath.Join(dir, name+".mp4")
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, demuxer := range []string{"mov", "mpegts", "matroska"} {
			if m, err := tools.Probe(t.Context(), path, Format{Video, demuxer, "test"}, DefaultLimits()); err == nil {
				t.Errorf("%s opened as %s: %+v", name, demuxer, m)
			}
		}
	}
	bomb := media(t, dir, "bomb.png", "-f", "lavfi", "-i", "color=black:s=8000x8000", "-frames:v", "1")
	err := tools.Run(t.Context(), dir, Command{Inputs: []Input{{Path: bomb, Demuxer: "png_pipe"}},
		Output: []string{"-frames:v", "1", "-f", "null"}, To: "/dev/null"}, DefaultLimits(), nil)
	if err == nil {
		t.Error("a 64 megapixel picture was decoded")
	}
}

func TestSandboxHidesFiles(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	if !tools.Sandboxed() {
		t.Fatal("the sandbox does not start on this machine; install bubblewrap")
	}
	// A path that only an option names is not bound into the sandbox: the same
	// command reads the file inside the job folder and fails on the one outside.
	for _, tc := range []struct {
		name, dir string
		readable  bool
	}{{"inside", dir, true}, {"outside", t.TempDir(), false}} {
		path := media(t, tc.dir, tc.name+".png", "-f", "lavfi", "-i", "testsrc2", "-frames:v", "1")
		err := tools.Run(t.Context(), dir, Command{
			Graph:  Graph{{Filters: []Filter{F("movie", "filename", path)}, Out: []string{"v"}}},
			Output: []string{"-map", "[v]", "-frames:v", "1"}, To: filepath.Join(dir, "out.png"),
		}, DefaultLimits(), nil)
		if (err == nil) != tc.readable {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
}

func render(dir string, frames string) Command {
	return Command{
		Graph:  Graph{{Filters: []Filter{F("testsrc2", "size", "320x180", "rate", 25)}, Out: []string{"v"}}},
		Output: []string{"-map", "[v]", "-frames:v", frames, "-c:v", "libx264", "-threads", "1"},
		To:     filepath.Join(dir, "out.mp4"),
	}
}

func TestRunReportsProgress(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	last := -1
	if err := tools.Run(t.Context(), dir, render(dir, "100"), DefaultLimits(), func(n int) {
		if n < last {
			t.Errorf("frames went back from %d to %d", last, n)
		}
		last = n
	}); err != nil {
		t.Fatal(err)
	}
	if last != 100 {
		t.Errorf("last frame reported is %d, want 100", last)
	}
}

func TestRunEnds(t *testing.T) {
	tools := find(t)
	cause := errors.New("no longer wanted")
	for _, tc := range []struct {
		name string
		lim  func(*Limits)
		ctx  func(context.Context) context.Context
		want error
	}{
		{"cancelled", func(*Limits) {}, func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(200*time.Millisecond, func() { cancel(cause) })
			return ctx
		}, cause},
		{"too long", func(l *Limits) { l.Wall = 200 * time.Millisecond }, nil, ErrTooLong},
		{"stalled", func(l *Limits) { l.Stall = time.Millisecond }, nil, ErrStalled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, lim, ctx := t.TempDir(), DefaultLimits(), t.Context()
			tc.lim(&lim)
			if tc.ctx != nil {
				ctx = tc.ctx(ctx)
			}
			began := time.Now()
			err := tools.Run(ctx, dir, render(dir, "1000000"), lim, nil)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v to end", took)
			}
		})
	}
}

func TestErrorHidesPaths(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	path := filepath.Join(dir, "broken.mp4")
	if err := os.WriteFile(path, []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := tools.Probe(t.Context(), path, Format{Video, "mov", "MP4"}, DefaultLimits())
	if err == nil || strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	t.Log(err)
}

// FuzzEscape holds the escaping against the real FFmpeg: whatever goes in as an
// option's value must come out of the metadata filter as it was.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"plain", "a:b", "it's", `back\slash`, "[x],[y];z", " lead", "trail ", "a=b", "%{pts}", `\\'`, "é中", "'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || strings.ContainsAny(s, "\x00\r\n") || len(s) > 200 {
			return // not values that a line of output can show
		}
		graph := "color=size=16x16,metadata=mode=add:key=k:value=" + Escape(s) + ",metadata=mode=print:file=-"
		out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", graph, "-frames:v", "1", "-f", "null", "/dev/null").Output()
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		_, got, _ := strings.Cut(string(out), "k=")
		if got = strings.TrimSuffix(got, "\n"); got != s {
			t.Errorf("%q came out as %q", s, got)
		}
	})
}
