package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/webhook"
)

// The whole server, as a process would run it, on port 0 with real FFmpeg; real
// media on one side of it, a real receiver on the other.

const key = "test-key"

var secret = webhook.NewSecret()

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// server starts a server that ends with the test. Short retries keep tests
// short; change changes its options.
func server(t *testing.T, change func(*app.Options)) (*app.App, api.Client) {
	t.Helper()
	o := app.Options{
		Listen: "127.0.0.1:0", Data: t.TempDir(), APIKey: key, WebhookSecrets: []string{secret}, AllowHTTPEndpoints: true, AllowNetworks: loopback,
		WebhookTimeout: 5 * time.Second, WebhookRetries: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond},
		RenderWorkers: 2, Version: "test", Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	if change != nil {
		change(&o)
	}
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server ended with %v", err)
		}
	})
	return a, api.Client{BaseURL: a.URL(), Key: key}
}

// until asks for a movie until ok holds of it.
func until(t *testing.T, c api.Client, id, what string, ok func(api.Movie) bool) api.Movie {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(90 * time.Second)
	for {
		m, err := c.Movie(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if ok(m) {
			return m
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("movie %s is not %s: %+v", id, what, m)
		}
	}
}

// rendered waits for the end of a movie's rendering.
func rendered(t *testing.T, c api.Client, id string) api.Movie {
	t.Helper()
	return until(t, c, id, "rendered", func(m api.Movie) bool { return m.Status == "done" || m.Status == "error" })
}

// exported waits until every destination is settled.
func exported(t *testing.T, c api.Client, id string) api.Movie {
	t.Helper()
	return until(t, c, id, "exported", func(m api.Movie) bool {
		for _, e := range m.Exports {
			if e.Status != "done" && e.Status != "failed" {
				return false
			}
		}
		return m.Status == "done" || m.Status == "error"
	})
}

func submit(t *testing.T, c api.Client, movie string) string {
	t.Helper()
	id, err := c.Submit(t.Context(), []byte(movie))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// hook is one request a receiver got.
type hook struct {
	at     time.Time
	header http.Header
	body   []byte
}

// receiver is a webhook endpoint that keeps what it got; answer says how it
// answers the nth request, counted from 1.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	hooks []hook
}

func receive(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *receiver {
	t.Helper()
	rc := &receiver{}
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rc.mu.Lock()
		rc.hooks = append(rc.hooks, hook{time.Now(), r.Header, body})
		n := len(rc.hooks)
		rc.mu.Unlock()
		if answer != nil {
			answer(w, r, n)
		}
	}))
	t.Cleanup(rc.Close)
	return rc
}

func (rc *receiver) got() []hook {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return append([]hook(nil), rc.hooks...)
}

// verified checks a hook's signature and reads its JSON body.
func verified(t *testing.T, h hook) map[string]any {
	t.Helper()
	s, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Verify(h.header, h.body, s); err != nil {
		t.Errorf("signature: %v", err)
	}
	var body map[string]any
	if err := json.Unmarshal(h.body, &body); err != nil {
		t.Fatalf("%v in %s", err, h.body)
	}
	return body
}

// folder is real media, made once.
var folder = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "reelhook-app")
	if err != nil {
		panic(err)
	}
	for name, args := range map[string][]string{
		"red.png":   {"-f", "lavfi", "-i", "color=red:s=640x360", "-frames:v", "1"},
		"green.jpg": {"-f", "lavfi", "-i", "color=green:s=800x600", "-frames:v", "1"},
		"blue.webp": {"-f", "lavfi", "-i", "color=blue:s=320x320", "-frames:v", "1"},
		"logo.png":  {"-f", "lavfi", "-i", "color=white@0.5:s=100x50,format=rgba", "-frames:v", "1"},
		"clip.mp4": {"-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=3", "-f", "lavfi", "-i", "sine=440:d=3", "-c:v", "libx264",
			"-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"},
		"music.mp3": {"-f", "lavfi", "-i", "sine=330:d=8"},
	} {
		args = append(append([]string{"-v", "error", "-y"}, args...), filepath.Join(dir, name))
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			panic(fmt.Sprint(name, ": ", string(out)))
		}
	}
	return dir
})

func TestMain(m *testing.M) {
	draw.RunIfChild()
	code := m.Run()
	os.RemoveAll(folder())
	os.Exit(code)
}

// media serves the folder, and what a bad host would.
func media(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(folder())))
	mux.HandleFunc("/page.png", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title>")
	})
	mux.HandleFunc("/corrupt.mp4", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"), bytes.Repeat([]byte{7}, 5000)...))
	})
	mux.HandleFunc("/endless.mp4", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "\x00\x00\x00\x18ftypisom")
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/huge.mp4", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10000000000")
		_, _ = io.WriteString(w, "\x00\x00\x00\x18ftypisom")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// probed is what ffprobe says of a finished file.
type probed struct {
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
	Streams []struct {
		CodecName  string `json:"codec_name"`
		Width      int    `json:"width"`
		Height     int    `json:"height"`
		PixFmt     string `json:"pix_fmt"`
		SampleRate string `json:"sample_rate"`
		Channels   int    `json:"channels"`
		NbFrames   string `json:"nb_read_frames"`
	} `json:"streams"`
}

// probe fetches a movie's file and looks into it with ffprobe.
func probe(t *testing.T, url string) probed {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "video/mp4" {
		t.Fatalf("%s: %v %s %s", url, err, resp.Status, resp.Header.Get("Content-Type"))
	}
	if moov, mdat := bytes.Index(body, []byte("moov")), bytes.Index(body, []byte("mdat")); moov < 0 || moov > mdat {
		t.Errorf("index at %d, media at %d: not fast start", moov, mdat)
	}
	path := filepath.Join(t.TempDir(), "movie.mp4")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_format", "-show_streams", "-of", "json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var p probed
	if err := json.Unmarshal(out, &p); err != nil || len(p.Streams) != 2 {
		t.Fatalf("%v in %s", err, out)
	}
	return p
}
