package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// TestKinds fetches every sample for every use.
func TestKinds(t *testing.T) {
	base := serveSamples(t)
	const ok = ""
	cases := []struct {
		name                string
		image, video, audio string // what the error says
	}{
		{"a.png", ok, "not a video file and cannot be used as a source for a video element: '" + base + "/a.png' is of type PNG", "not an audio file and cannot be used as a source for an audio element"},
		{"a.jpg", ok, "is of type JPEG", "is of type JPEG, without sound"},
		{"a.webp", ok, "is of type WebP", "is of type WebP, without sound"},
		{"a.gif", ok, ok, "is of type GIF, without sound"},
		{"still.gif", ok, "is of type GIF", "is of type GIF, without sound"},
		{"a.mp4", "The URL provided is not an image file and cannot be used as a source for an image element: '" + base + "/a.mp4' is of type MP4", ok, ok},
		{"silent.mp4", "is of type MP4", ok, "is of type MP4, without sound"},
		{"unsaid.webm", "is of type WebM", ok, "is of type WebM, without sound"},
		{"a.m4a", "is of type M4A", "is of type M4A, without a picture", ok},
		{"a.mp3", "is of type MP3", "is of type MP3, without a picture", ok},
		{"a.wav", "is of type WAV", "is of type WAV, without a picture", ok},
		{"page.png", "is a web page", "is a web page", "is a web page"},
		{"hls.mp4", "is a playlist", "is a playlist", "is a playlist"},
		{"concat.mp4", "is a playlist", "is a playlist", "is a playlist"},
		{"dash.mp4", "is a playlist", "is a playlist", "is a playlist"},
		{"drawing.mp4", "is an SVG drawing", "is an SVG drawing", "is an SVG drawing"},
		{"text.json", "is a text", "is a text", "is a text"},
		{"a.avif", "AVIF or HEIC", "AVIF or HEIC", "AVIF or HEIC"},
		{"moving.webp", "animated WebP", "animated WebP", "animated WebP"},
		{"a.woff2", "is a WOFF2 font", "is a WOFF2 font", "is a WOFF2 font"},
		{"broken.mp4", "broken.mp4' cannot be used: not a readable MP4 file: ", "not a readable MP4", "not a readable MP4"},
		{"broken.png", "broken.png' cannot be used: the PNG is damaged", "is damaged", "is damaged"},
		{"huge.png", "8000 x 7000 pixels is too large", "too large", "too large"},
		{"nowhere.png", "Failed to download '" + base + "/nowhere.png' (404)", "(404)", "(404)"},
	}
	var wants []Want
	for _, tc := range cases {
		for _, use := range []Use{Image, Video, Audio} {
			wants = append(wants, Want{base + "/" + tc.name, use})
		}
	}
	assets, faults := fetcher().Fetch(t.Context(), Order{Dir: t.TempDir(), Wants: wants})
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			for u, want := range []string{tc.image, tc.video, tc.audio} {
				w := wants[3*i+u]
				if err := faults[w]; want != ok {
					refused(t, err, want)
				} else if _, got := assets[w]; err != nil || !got {
					t.Errorf("%s: %v", w.Use, err)
				}
			}
		})
	}
}

func TestAsset(t *testing.T) {
	base := serveSamples(t)
	for _, tc := range []struct {
		name     string
		use      Use
		demuxer  string
		duration float64
		still    bool
	}{
		{"a.png", Image, "png_pipe", 0, true},
		{"a.gif", Image, "gif", 1, false},
		{"a.gif", Video, "gif", 1, false},
		{"still.gif", Image, "gif", 0, true},
		{"a.mp4", Video, "mov", 1, false},
		{"unsaid.webm", Video, "matroska", 1, false},
		{"a.wav", Audio, "wav", 1, false},
	} {
		a, err := get(t, fetcher(), base+"/"+tc.name, tc.use)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		content := read(tc.name)
		sum := sha256.Sum256([]byte(content))
		if a.Format.Demuxer != tc.demuxer || a.Still() != tc.still || a.Size != int64(len(content)) || a.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: got %+v, still %v", tc.name, a, a.Still())
		}
		if d := a.Media.Duration - tc.duration; d < -0.05 || d > 0.05 {
			t.Errorf("%s: lasts %v", tc.name, a.Media.Duration)
		}
		if strings.Contains(filepath.Base(a.Path), ".") || !filepath.IsAbs(a.Path) {
			t.Errorf("%s lies at %s", tc.name, a.Path)
		}
		if info, err := os.Stat(a.Path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", tc.name, info.Mode(), err)
		}
	}
}

// TestOnce names three files in many ways and counts requests and progress.
func TestOnce(t *testing.T) {
	var hits atomic.Int32
	files := http.FileServer(http.Dir(samples))
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		files.ServeHTTP(w, r)
	})
	wants := []Want{
		{base + "/a.mp4", Video}, {base + "/a.mp4", Audio}, {" " + base + "/a.mp4\n", Video}, {base + "/a.mp4", Video},
		{base + "/a.png", Image}, {base + "/nowhere", Image}, {base + "/nowhere", Video},
	}
	var progress []string
	assets, faults := fetcher().Fetch(t.Context(), Order{Dir: t.TempDir(), Wants: wants, OnProgress: func(done, total int) {
		progress = append(progress, fmt.Sprintf("%d/%d", done, total))
	}})
	if len(assets) != 4 || len(faults) != 2 || hits.Load() != 3 {
		t.Errorf("%d assets, faults %v, %d requests", len(assets), faults, hits.Load())
	}
	if assets[wants[0]].Path == "" || assets[wants[0]] != assets[wants[1]] {
		t.Error("one file for two uses is two")
	}
	if diff := cmp.Diff([]string{"1/3", "2/3", "3/3"}, progress); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedBeforeConnecting(t *testing.T) {
	for in, want := range map[string]string{
		"https://10.1.2.3/a.png?token=s3cret": "Failed to download 'https://10.1.2.3/a.png?…' (the address 10.1.2.3 is not public; if it is meant to be reached, start the server with --allow-networks 10.1.2.3/32)",
		"http://169.254.169.254/latest/":      "is not public",
		"http://[::1]/a.png":                  "--allow-networks ::1/128",
		"file:///etc/passwd":                  "Failed to download 'file:///etc/passwd' (the URL must begin with https://)",
		"/etc/passwd":                         "must begin with https://",
		"concat:/etc/passwd|/etc/hosts":       "must begin with https://",
		"ftp://x.test/a.png":                  "must begin with https://",
		"https://u:p@x.test/a.png":            "must not hold a user name",
		"":                                    "there is no URL",
		"https://x.test/" + strings.Repeat("a", 20_000): "(the URL is too long)",
	} {
		_, err := get(t, fetcher(), in, Image)
		refused(t, err, want)
		if strings.Contains(fmt.Sprint(err), "s3cret") || len(fmt.Sprint(err)) > 1000 {
			t.Errorf("the error shows too much: %v", err)
		}
	}
}

func TestDataURL(t *testing.T) {
	png := []byte(read("a.png"))
	for name, in := range map[string]string{
		"base64":    "data:image/png;base64," + base64.StdEncoding.EncodeToString(png),
		"no type":   " DATA:;BASE64," + base64.StdEncoding.EncodeToString(png),
		"for URLs":  "data:image/png;base64," + base64.RawURLEncoding.EncodeToString(png),
		"escaped":   "data:image/png;base64," + url.PathEscape(base64.StdEncoding.EncodeToString(png)),
		"no base64": "data:image/png," + url.PathEscape(string(png)),
	} {
		if a, err := get(t, fetcher(), in, Image); err != nil || a.Size != int64(len(png)) {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	for in, want := range map[string]string{
		"data:image/png;base64,!!!":      "Failed to read 'data:image/png;base64,…' (the data cannot be decoded)",
		"data:image/png;base64,":         "there is no data",
		"data:":                          "there is no data",
		"data:image/png;base64,aGVsbG8=": "is no media file that is known here",
	} {
		_, err := get(t, fetcher(), in, Image)
		refused(t, err, want)
	}
	small := fetcher(func(o *Options) { o.Limits.MaxImage = 10 })
	_, err := get(t, small, "data:image/png;base64,"+base64.StdEncoding.EncodeToString(png), Image)
	refused(t, err, "(larger than 10 bytes)")
}

func TestFolder(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"my pic.png": read("a.png"), "sub/a.mp4": read("a.mp4")} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link.png")); err != nil {
		t.Fatal(err)
	}
	f := fetcher(func(o *Options) { o.Folder = folder })
	a, err := get(t, f, "my pic.png", Image)
	if err != nil || a.Path != filepath.Join(folder, "my pic.png") || a.Size != int64(len(read("a.png"))) || a.SHA256 == "" || !a.Still() {
		t.Errorf("got %+v %v", a, err)
	}
	if _, err := get(t, f, "./sub/a.mp4", Audio); err != nil {
		t.Error(err)
	}
	if _, err := get(t, f, serveSamples(t)+"/a.png", Image); err != nil {
		t.Errorf("a URL beside paths: %v", err)
	}
	for in, want := range map[string]string{
		"nowhere.png":            "Failed to read 'nowhere.png' (there is no such file in the movie's folder)",
		"/etc/passwd":            "Failed to read '/etc/passwd' (it is an absolute path; write it relative to the movie's folder)",
		"../" + folder + "/x":    "it leads out of the movie's folder",
		"sub/../../x.png":        "it leads out of the movie's folder",
		"link.png":               "path escapes from parent",
		"sub":                    "it is not a file",
		"":                       "there is no URL",
		"file:///etc/passwd":     "must begin with https://",
		"http://10.0.0.1/my.png": "is not public",
	} {
		_, err := get(t, f, in, Image)
		refused(t, err, want)
	}
}

// TestLimits holds what is refused for being too much.
func TestLimits(t *testing.T) {
	base := serveSamples(t)
	wants := []Want{{base + "/a.png", Image}, {base + "/a.mp4", Video}}
	both := int64(len(read("a.png")) + len(read("a.mp4")))
	for left, faulty := range map[int64]int{both: 0, both - 1: 1} {
		f := fetcher(func(o *Options) { o.Limits.MaxTotal = left })
		assets, faults := f.Fetch(t.Context(), Order{Dir: t.TempDir(), Wants: wants})
		if len(assets) != 2-faulty || len(faults) != faulty {
			t.Errorf("with %d of %d bytes: %v", left, both, faults)
		}
		for _, err := range faults {
			refused(t, err, "the movie's sources are larger than")
		}
	}
	_, err := get(t, fetcher(func(o *Options) { o.Limits.MaxDuration = 500 * time.Millisecond }), base+"/a.wav", Audio)
	refused(t, err, "it lasts 1s; at most 500ms are allowed")
	_, err = get(t, fetcher(func(o *Options) { o.Probe = ffmpeg.DefaultLimits(); o.Probe.MaxPixels = 1000 }), base+"/a.png", Image)
	refused(t, err, "cannot be used")
	// One file, two limits: it is stored for the larger one, refused for the other.
	small := fetcher(func(o *Options) { o.Limits.MaxImage = 10 })
	gif := []Want{{base + "/a.gif", Image}, {base + "/a.gif", Video}}
	assets, faults := small.Fetch(t.Context(), Order{Dir: t.TempDir(), Wants: gif})
	refused(t, faults[gif[0]], "(larger than 10 bytes)")
	if assets[gif[1]].Size == 0 {
		t.Errorf("got %v", faults)
	}
}

// TestMachineFaults are nobody's but ours, so they are no *Error.
func TestMachineFaults(t *testing.T) {
	base := serveSamples(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, fetch := range map[string]func() map[Want]error{
		"no folder": func() map[Want]error {
			_, faults := fetcher().Fetch(t.Context(), Order{Dir: filepath.Join(file, "x"), Wants: []Want{{base + "/a.png", Image}}})
			return faults
		},
		"full disk": func() map[Want]error {
			f := fetcher()
			r := &run{Fetcher: f, Order: Order{Dir: t.TempDir()}, budget: &budget{left: 1 << 20}}
			s, err := r.newSink(1 << 20)
			if err != nil {
				t.Fatal(err)
			}
			s.file.Close()
			_, err = s.Write([]byte("x"))
			return map[Want]error{{}: err}
		},
	} {
		faults := fetch()
		if len(faults) != 1 {
			t.Errorf("%s: %v", name, faults)
		}
		for _, err := range faults {
			var e *Error
			if err == nil || errors.As(err, &e) {
				t.Errorf("%s: got %T %v", name, err, err)
			}
		}
	}
}

func TestLog(t *testing.T) {
	var log bytes.Buffer
	f := fetcher(func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	base := serveSamples(t)
	for _, u := range []string{base + "/a.png?token=s3cret", base + "/nowhere?token=s3cret", "https://10.0.0.1/?token=s3cret", "data:image/png;base64,s3cret"} {
		_, _ = get(t, f, u, Image)
	}
	out := log.String()
	if strings.Count(out, "\n") != 4 || strings.Contains(out, "s3cret") || !strings.Contains(out, "/a.png?") || !strings.Contains(out, "(404)") {
		t.Errorf("got\n%s", out)
	}
}

// TestCancel ends a fetch in every place it may wait in.
func TestCancel(t *testing.T) {
	cause := errors.New("the server stops")
	for _, name := range []string{"before", "head", "body", "slot", "pause"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			arrived := make(chan struct{}, 10)
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				arrived <- struct{}{}
				switch name {
				case "body", "slot":
					_, _ = w.Write([]byte("x"))
					_ = http.NewResponseController(w).Flush()
				case "pause":
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				<-r.Context().Done()
			})
			f := fetcher(func(o *Options) { o.Limits.PerHost, o.Limits.Backoff = 1, time.Hour })
			wants := []Want{{base + "/1", Image}, {base + "/2", Image}}
			if name == "before" {
				cancel(cause)
			} else {
				go func() {
					<-arrived
					cancel(cause)
				}()
			}
			dir := t.TempDir()
			assets, faults := f.Fetch(ctx, Order{Dir: dir, Wants: wants})
			for _, w := range wants {
				if faults[w] != cause { //nolint:errorlint // it must be the cause itself
					t.Errorf("got %v %v", assets[w], faults[w])
				}
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
