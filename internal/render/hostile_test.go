//go:build linux

package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/image/font/gofont/goregular"

	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/sandbox/sandboxtest"
)

// field is where hostile media are tried: a server that may be reached and has
// them, one that may not, and a file of this machine that nobody may open.
type field struct {
	renderer *Renderer
	files    map[string][]byte
	// base is the address of the server, private that of the other one.
	base, private string
	secret        string
	asked         atomic.Int32
	opened        func() bool
}

func newField(t *testing.T) *field {
	t.Helper()
	f := &field{files: map[string][]byte{}}
	f.private = f.serve(t, "127.0.0.2", func(http.ResponseWriter, *http.Request) { f.asked.Add(1) })
	f.base = f.serve(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		content, ok := f.files[name]
		switch {
		case strings.HasPrefix(name, "segment"):
			f.asked.Add(1)
		case strings.HasPrefix(name, "redirect"):
			http.Redirect(w, r, f.private+"/a.mp4", http.StatusFound)
		case !ok:
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Type", "video/mp4")
			_, _ = w.Write(content)
		}
	})
	f.secret = filepath.Join(t.TempDir(), "secret.ts")
	if err := os.WriteFile(f.secret, studioFile(t, "secret.ts", "-f lavfi -i testsrc2=s=64x64:d=1"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.opened = sandboxtest.WatchOpens(t, f.secret)
	s := studio()
	policy := safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	f.renderer = New(Options{Tools: s.Tools, Texts: s.Texts, Fetcher: media.New(media.Options{Tools: s.Tools, Policy: policy, Limits: media.Limits{Backoff: time.Millisecond}})})
	return f
}

func (f *field) serve(t *testing.T, host string, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}} //nolint:gosec // it lives for one test
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

// studioFile is a real medium's content.
func studioFile(t testing.TB, name, args string) []byte {
	t.Helper()
	studio()
	path := filepath.Join(studioFolder, name)
	if _, err := os.Stat(path); err != nil {
		shoot(name, args)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// machine is what no message may hold.
var machine = regexp.MustCompile(`0x[0-9a-f]{4,}|/tmp|source-\d`)

// uses are elements that use a file.
var uses = map[string]string{
	"image": `{"type":"image","src":%s}`,
	"video": `{"type":"video","src":%s}`,
	"audio": `{"type":"audio","src":%s}`,
	"mask":  `{"type":"image","src":"data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=","mask":%s}`,
	"font":  `{"type":"text","text":"Abc","settings":{"font-family":%s}}`,
	"loop":  `{"type":"video","loop":-1,"duration":-2,"src":%s}`,
	"held":  `{"type":"video","extra-time":1,"src":%s}`,
}

// trap is a hostile file, or an address when it has no content.
type trap struct {
	name, use string
	content   []byte
	// want is what the error says behind the element's name; "" for what plays.
	want string
}

// TestHostileMedia gives files of strangers to a movie, on the way every file
// takes. Each plays or ends in a fault that names its element and nothing of this
// machine; no other file is opened, no other host asked, and our own memory is
// not what pays for it.
func TestHostileMedia(t *testing.T) {
	f := newField(t)
	for _, tr := range slices.Concat(f.playlists(), bombs(), liars(t), f.addresses(), fonts()) {
		t.Run(tr.use+" "+tr.name, func(t *testing.T) {
			url := tr.name
			if tr.content != nil {
				f.files["file"], url = tr.content, f.base+"/file"
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := f.try(t, tr.use, url)
			runtime.ReadMemStats(&after)
			f.check(t, err, tr.want)
			if f.opened() || f.asked.Load() > 0 {
				t.Fatal("it reached what it must not")
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 100<<20 {
				t.Errorf("it took %d MB of our own memory", took>>20)
			}
		})
	}
}

func (f *field) check(t *testing.T, err error, want string) {
	t.Helper()
	var fault movie.Fault
	switch {
	case want == "" && err != nil:
		t.Fatal(err)
	case want == "":
		return
	case !errors.As(err, &fault):
		t.Fatalf("got %T %v, want a fault", err, err)
	}
	if !strings.HasPrefix(fault.Message, "Scene #1, element #1: ") || !strings.HasPrefix(fault.Path, "scenes[0].elements[0].") || !strings.Contains(fault.Message, want) {
		t.Errorf("got %s: %s\nwant %s", fault.Path, fault.Message, want)
	}
	if machine.MatchString(strings.ReplaceAll(fault.Message, f.secret, "")) || len(fault.Message) > 1000 {
		t.Errorf("it tells too much: %s", fault.Message)
	}
}

// try renders a movie of one second with an element that uses a file.
func (f *field) try(t *testing.T, use, url string) error {
	t.Helper()
	quoted, err := json.Marshal(url)
	if err != nil {
		t.Fatal(err)
	}
	m, err := movie.Parse(fmt.Appendf(nil, `{"width":64,"height":64,"scenes":[{"duration":1,"elements":[`+uses[use]+`]}]}`, quoted))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, warnings, err := f.renderer.Render(t.Context(), m, t.TempDir(), nil)
	t.Log(time.Since(began).Round(time.Millisecond), err, warnings)
	return err
}

// playlists are files that name others, and containers that can.
func (f *field) playlists() []trap {
	const hls = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n"
	local, web := fmt.Sprintf(hls, "file://"+f.secret), fmt.Sprintf(hls, f.base+"/segment.ts\n#EXTINF:1,\n"+f.private+"/x.ts")
	svg := []byte(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file://` + f.secret + `">]><svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="` + f.private + `/a.png"/><text>&x;</text></svg>`)
	const list, drawing, unknown = "is a playlist, which is not supported", "is an SVG drawing, which is not supported", "is no media file that is known here"
	return []trap{
		{"HLS of a local file", "video", []byte(local), list}, {"HLS of a private host", "video", []byte(web), list}, {"HLS", "font", []byte(local), list},
		{"HLS behind ID3", "audio", append([]byte("ID3\x03\x00\x00\x00\x00\x00\x00"), local...), "not a readable MP3 file"},
		{"HLS behind ftyp", "video", append(box("ftyp", []byte("isom")), local...), "not a readable MP4 file"},
		{"HLS behind Ogg", "audio", append([]byte("OggS"), local...), "not a readable Ogg file"},
		{"HLS as subtitles of an AVI", "video", gab2(local), "its picture cannot be decoded"},
		{"ffconcat", "video", []byte("ffconcat version 1.0\nfile '" + f.secret + "'\n"), list},
		{"DASH", "video", []byte(`<?xml version="1.0"?><MPD><Period><BaseURL>file://` + f.secret + `</BaseURL></Period></MPD>`), list},
		{"SDP", "video", []byte("v=0\no=- 0 0 IN IP4 127.0.0.2\ns=x\nc=IN IP4 127.0.0.2\nt=0 0\nm=video 5004 RTP/AVP 96\n"), unknown},
		{"ASX", "video", []byte(`<asx version="3.0"><entry><ref href="` + f.private + `/a.wmv"/></entry></asx>`), unknown},
		{"RAM", "audio", []byte(f.private + "/a.rm\n"), unknown}, {"RTSPtext", "video", []byte("RTSPtextRTSP://127.0.0.2/x\n"), unknown},
		{"MOV with its samples elsewhere", "audio", external(f.secret), "there is no sound in it"},
		{"MOV that refers to another", "video", slices.Concat(box("ftyp", []byte("qt  ")), box("moov", box("rmra", box("rmda", box("rdrf", be32(0), []byte("url "), be32(uint32(len(f.private)+7)), []byte(f.private+"/a.mov\x00")))))), "not a readable MP4 file"},
		{"SVG", "image", svg, drawing}, {"SVG", "mask", svg, drawing}, {"SVG", "font", svg, drawing}, {"SVG", "video", svg, drawing},
	}
}

// bombs are small files that unpack to, or claim, what is large.
func bombs() []trap {
	text := packed(1<<30, 'a')
	const large, damaged, long = "is too large; at most 50 million pixels are allowed", "is damaged", "at most 4h0m0s are allowed"
	return []trap{
		{"PNG of 2.5 gigapixels", "image", makePNG(50_000, 50_000), "its picture of 50000 x 50000 pixels " + large}, {"PNG of 2.5 gigapixels", "mask", makePNG(50_000, 50_000), large},
		{"PNG of one line", "image", makePNG(50_000_000, 1), damaged},
		{"PNG with 1 GB of profile", "image", makePNG(8, 8, pngChunk("iCCP", append([]byte("x\x00\x00"), text...))), "unpack to more than 16 MiB"},
		{"PNG with 1 GB of text", "image", makePNG(8, 8, pngChunk("zTXt", append([]byte("x\x00\x00"), text...))), "unpack to more than 16 MiB"},
		{"PNG with 1 GB of text behind it", "image", slices.Concat(makePNG(8, 8), makePNG(8, 8, pngChunk("zTXt", append([]byte("x\x00\x00"), text...)))), "unpack to more than 16 MiB"},
		{"GIF of 100,000 pictures", "image", makeGIF(64, 64, 100_000, 1, 2), ""}, {"GIF of 100,000 pictures", "video", makeGIF(64, 64, 100_000, 1, 2), ""},
		{"GIF of years", "image", makeGIF(64, 64, 10_000, 1, 65535), long}, {"GIF of years", "mask", makeGIF(64, 64, 10_000, 1, 65535), long},
		{"GIF of 4 gigapixels", "image", makeGIF(65535, 65535, 2, 8, 10), large}, {"GIF of 4 gigapixels", "video", makeGIF(65535, 65535, 2, 8, 10), large},
		{"GIF that blinks", "image", makeGIF(1000, 1000, 2, 8, 5), ""}, {"GIF without a delay", "mask", makeGIF(64, 64, 2, 8, 0), ""},
		{"WebP that moves", "image", riff("RIFF", "WEBP", riffChunk("VP8X", []byte{2, 0, 0, 0, 255, 255, 255, 255, 255, 255}), riffChunk("ANIM", make([]byte, 6))), "is an animated WebP"},
		{"WebP of 268 megapixels", "image", makeWebP(false, 16383, 16383), large}, {"lossless WebP of 268 megapixels", "image", makeWebP(true, 16384, 16384), large},
		{"TIFF of exapixels", "image", makeTIFF(1<<31-1, 1<<31-1, 0), damaged}, {"TIFF of 3.6 gigapixels", "image", makeTIFF(60000, 60000, 0), large}, {"TIFF that goes in circles", "image", makeTIFF(64, 64, 8), damaged},
		{"JPEG of 4 gigapixels", "image", makeJPEG(65535, 65535), large}, {"JPEG of 49 megapixels without them", "image", makeJPEG(7000, 7000), damaged},
		{"BMP of exapixels", "image", makeBMP(1<<30, 1<<30, 24), large}, {"BMP upside down", "image", makeBMP(-64, -1<<31, 24), damaged},
	}
}

// liars are videos and sounds that lie about their length, size and form.
func liars(t *testing.T) []trap {
	clip := studioFile(t, "h.mp4", "-f lavfi -i testsrc2=s=64x64:r=25:d=1 -f lavfi -i sine=d=1 -pix_fmt yuv420p -c:v libx264 -c:a aac -movflags +faststart")
	video := studioFile(t, "l.mp4", "-f lavfi -i testsrc2=s=64x64:r=25:d=2 -pix_fmt yuv420p -c:v libx264 -g 25 -movflags +faststart")
	still := studioFile(t, "one.mp4", "-f lavfi -i testsrc2=s=64x64:r=25 -frames:v 1 -pix_fmt yuv420p")
	webm := studioFile(t, "vp8.webm", "-f lavfi -i testsrc2=s=64x64:r=25:d=1 -c:v libvpx")
	const undecoded, gone, unreadable = "its picture cannot be decoded", "holds nothing that can be played", "not a readable MP4 file"
	return []trap{
		{"MP4 of 268 megapixels", "video", patchSPS(video, sps(1024, 1024)), undecoded},
		{"MP4 that claims 268 megapixels", "video", patch(clip, "avc1", 1, 24, be16(16384, 16384)), ""},
		{"WebM of 268 megapixels", "video", patch(webm, "\x9d\x01\x2a", 0, 0, le16(16383, 16383)), undecoded},
		{"MP4 without moov", "video", clip[len(clip)/2:], "is no media file that is known here"}, {"MP4 cut before its end", "video", video[:len(video)*2/3], ""}, {"MP4 cut before its end", "held", video[:len(video)*2/3], ""},
		{"MP4 without its data", "video", video[:bytes.Index(video, []byte("mdat"))+4], gone}, {"MP4 of noise", "video", noise(video, bytes.Index(video, []byte("mdat"))+4), gone},
		{"MP4 of noise", "audio", noise(clip, bytes.Index(clip, []byte("mdat"))+4), "its sound cannot be decoded"}, {"MP4 that ends in noise", "video", noise(clip, len(clip)-3000), ""},
		{"MP4 that says it lasts a year", "video", patch(patch(patch(video, "mvhd", 0, 16, be32(0x7fffffff)), "tkhd", 0, 20, be32(0x7fffffff)), "mdhd", 0, 16, be32(0x7fffffff)), ""},
		{"MP4 of a million pictures a second", "loop", patch(patch(video, "mdhd", 0, 12, be32(1_000_000)), "stts", 0, 8, be32(50, 1)), ""},
		{"MP4 without a clock", "video", patch(video, "mdhd", 0, 12, be32(0)), ""}, {"MP4 that begins before itself", "video", patch(video, "elst", 0, 4, be32(1, 1000, 0x80000000)), ""},
		{"MP4 that begins in weeks", "video", patch(video, "elst", 0, 4, be32(1, 0x7fffffff, 0xffffffff)), gone},
		{"MP4 of 268 million samples", "video", patch(video, "stsz", 0, 4, be32(0, 0x0fffffff)), unreadable},
		{"MP4 of one picture", "video", still, ""}, {"MP4 of one picture", "loop", still, ""}, {"MP4 of one picture", "held", still, ""},
		{"one byte", "image", []byte{0}, "is no media file"}, {"one byte", "font", []byte{0}, "is no media file"}, {"a head alone", "audio", box("ftyp", []byte("isom\x00\x00\x02\x00isom")), unreadable},
		{"a head alone", "video", []byte("\x1a\x45\xdf\xa3"), "not a readable WebM file"}, {"a head alone", "image", []byte("\x89PNG\r\n\x1a\n"), "the PNG is damaged"},
		{"nothing", "video", []byte{}, "(the answer is empty)"}, {"nothing", "font", []byte{}, "(the answer is empty)"},
		{"WAV of 1,000 channels", "audio", makeWAV(1000, 8000, 16), "Too many channels"}, {"WAV of 64 channels", "audio", makeWAV(64, 8000, 8), ""}, {"WAV of no channels", "audio", makeWAV(0, 8000, 8), "not a readable WAV file"},
		{"WAV of 1 Hz", "audio", makeWAV(1, 1, 8), "it lasts 4h26m40s"}, {"WAV of 4 GHz", "audio", makeWAV(1, 0xffffffff, 8), "not a readable WAV file"},
	}
}

// addresses are those that are no address, or look like something else to a shell,
// to FFmpeg or to a file system.
func (f *field) addresses() []trap {
	f.files["-y.mp4"], f.files["%d.png"] = []byte("x"), []byte("x")
	var list []trap
	for _, name := range []string{"-i", "-vf", "|touch x", "pipe:0", "concat:" + f.secret + "|" + f.secret, "file://" + f.secret, f.secret, "subfile,,start,0,end,9,,:" + f.secret,
		"crypto:" + f.secret, "lavfi:testsrc", "movie=" + f.secret, "rtsp://127.0.0.2/x", "gopher://127.0.0.2/x", "unix:" + f.secret} {
		list = append(list, trap{name, "video", nil, "Failed to download"})
	}
	const known = "is no media file that is known here"
	return append(list, trap{f.base + "/-y.mp4", "video", nil, known}, trap{f.base + "/%25d.png", "image", nil, known},
		trap{f.base + "/..%2f..%2f..%2fetc%2fpasswd", "video", nil, "(404)"}, trap{f.base + "/a\n-i\n" + f.secret, "video", nil, "Failed to download"},
		trap{f.private + "/a.mp4", "video", nil, "is not public"}, trap{f.base + "/redirect", "image", nil, "is not public"},
		trap{"data:video/mp4,%23EXTM3U%0A" + f.secret, "video", nil, "is a playlist"}, trap{"data:image/svg+xml,<svg/>", "mask", nil, "is an SVG drawing"},
		trap{"data:text/html;base64,-i", "image", nil, "is no media file"})
}

// fonts are damaged in many ways; how they can be bombs is tried in package draw.
func fonts() []trap {
	ttf := goregular.TTF
	list := []trap{{"cut", "font", ttf[:len(ttf)/2], "the font is damaged"}, {"WOFF2", "font", fixed("wOF2", 100), "it is a WOFF2 font"}, {"collection", "font", fixed("ttcf", 100), "it is a collection of fonts"},
		{"of tables without end", "font", slices.Concat([]byte("\x00\x01\x00\x00\xff\xff"), make([]byte, 6), bytes.Repeat([]byte("glyf\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00"), 65535)), "the font unpacks to more than 64 MiB"}}
	for seed := range uint64(4) {
		list = append(list, trap{fmt.Sprint("fuzzed ", seed), "font", fuzzed(ttf, 300, seed), ""})
	}
	return append(list, trap{"whose tables are wrong", "font", fuzzed(ttf, 300, 7), "the font could not be used"})
}
