package media

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/safehttp"
)

var (
	tools   *ffmpeg.Tools
	samples string
)

// TestMain makes small real media once for all tests.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if tools, err = ffmpeg.Find(context.Background()); err != nil {
			panic(err)
		}
		if samples, err = os.MkdirTemp("", "media-*"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(samples)
		makeSamples()
		return m.Run()
	}())
}

func makeSamples() {
	picture := "-f lavfi -i testsrc2=s=64x48:r=10:d=1"
	tone := "-f lavfi -i sine=r=44100:d=1"
	for name, args := range map[string]string{
		"a.png":      picture + " -frames:v 1",
		"a.jpg":      picture + " -frames:v 1",
		"a.webp":     picture + " -frames:v 1",
		"a.gif":      picture,
		"still.gif":  picture + " -frames:v 1",
		"a.mp4":      picture + " " + tone + " -pix_fmt yuv420p",
		"silent.mp4": picture + " -pix_fmt yuv420p",
		"a.m4a":      tone,
		"a.mp3":      tone,
		"a.wav":      tone,
		"huge.png":   "-f lavfi -i color=s=8000x7000:r=1:d=1 -frames:v 1",
	} {
		sample(name, args)
	}
	// What a browser records goes to a pipe, so its length is never filled in.
	clip, err := exec.Command("ffmpeg", strings.Fields("-v error "+picture+" -c:v libvpx -f webm pipe:1")...).Output()
	if err != nil {
		panic(err)
	}
	write("unsaid.webm", string(clip))
	png := read("a.png")
	write("broken.mp4", "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"+strings.Repeat("garbage!", 500))
	write("broken.png", png[:16]+strings.Repeat("\xff", 500))
	write("page.png", "\n<!DOCTYPE html><html><body>404</body></html>")
	write("hls.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")
	write("concat.mp4", "ffconcat version 1.0\nfile 'a.mp4'\n")
	write("dash.mp4", `<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/</BaseURL></Period></MPD>`)
	write("drawing.mp4", `<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>`)
	write("a.avif", "\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf")
	write("moving.webp", "RIFF\x00\x01\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"+strings.Repeat("\x00", 100))
	write("a.woff2", "wOF2"+strings.Repeat("\x00", 100))
	write("a.ttc", "ttcf"+strings.Repeat("\x00", 100))
	write("text.json", `{"error":"no"}`)
}

func sample(name, args string) {
	cmd := exec.Command("ffmpeg", append(strings.Fields("-v error -y "+args), filepath.Join(samples, name))...)
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("make %s: %v\n%s", name, err, out))
	}
}

func write(name, content string) {
	if err := os.WriteFile(filepath.Join(samples, name), []byte(content), 0o600); err != nil {
		panic(err)
	}
}

func read(name string) string {
	content, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		panic(err)
	}
	return string(content)
}

// loopback permits this machine, and 10.0.0.0/8 stays forbidden.
var loopback = safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

// fetcher is one for tests: it loses no time between attempts.
func fetcher(change ...func(*Options)) *Fetcher {
	o := Options{Policy: loopback, Tools: tools, Limits: Limits{Backoff: time.Millisecond, Timeout: 30 * time.Second}}
	for _, c := range change {
		c(&o)
	}
	return New(o)
}

// get fetches one source.
func get(t *testing.T, f *Fetcher, url string, use Use) (Asset, error) {
	t.Helper()
	w := Want{url, use}
	dir := t.TempDir()
	assets, faults := f.Fetch(t.Context(), Order{Dir: dir, Wants: []Want{w}})
	if len(assets)+len(faults) != 1 {
		t.Errorf("%d assets, %d faults for one want", len(assets), len(faults))
	}
	if left, _ := os.ReadDir(dir); faults[w] != nil && strings.HasPrefix(faults[w].Error(), "Failed") && len(left) > 0 {
		t.Errorf("%s left %v behind", url, left)
	}
	return assets[w], faults[w]
}

// serve answers with a handler on loopback.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// serveSamples is a plain file server.
func serveSamples(t *testing.T) string {
	t.Helper()
	return serve(t, http.FileServer(http.Dir(samples)).ServeHTTP)
}

// refused checks that an error is an *Error with this message.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if _, ok := err.(*Error); !ok || !strings.Contains(err.Error(), want) { //nolint:errorlint // the type must be exactly this
		t.Errorf("got %T %v\nwant an *Error with %s", err, err, want)
	}
}
