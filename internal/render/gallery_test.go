package render

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
)

// docs is the folder of the pages, galleryPage the one that is tested.
const (
	docs        = "../../docs"
	galleryPage = docs + "/gallery.md"
)

// exhibit is one title of the gallery: a piece of Movie JSON and the pictures
// that are said to come of it.
type exhibit struct {
	title, source string
	pictures      []shot
}

// shot is a picture in the docs: frames of a movie side by side.
type shot struct {
	file  string
	times []float64
}

// hall is the exhibits under one heading.
type hall struct {
	title    string
	exhibits []exhibit
}

var (
	picturesOnPage = regexp.MustCompile(`!\[([^\]]*)\]\((gallery/[^)]+)\)`)
	secondsOfAlt   = regexp.MustCompile(`([0-9.]+) s`)
	jsonOnPage     = regexp.MustCompile("(?s)```json\n(.*?)```")
)

// readGallery reads the page: "## " is a hall and "### " an exhibit, whose
// pictures say in their alternative text which seconds they show.
func readGallery(t *testing.T) (halls []hall) {
	t.Helper()
	text, err := os.ReadFile(galleryPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "\n## ")[1:] {
		blocks := strings.Split(part, "\n### ")
		title, _, _ := strings.Cut(blocks[0], "\n")
		h := hall{title: title}
		for _, block := range blocks[1:] {
			h.exhibits = append(h.exhibits, readExhibit(t, block))
		}
		halls = append(halls, h)
	}
	return halls
}

func readExhibit(t *testing.T, block string) exhibit {
	t.Helper()
	var e exhibit
	e.title, _, _ = strings.Cut(block, "\n")
	source := jsonOnPage.FindStringSubmatch(block)
	if source == nil {
		t.Fatalf("%q has no JSON", e.title)
	}
	e.source = source[1]
	for _, found := range picturesOnPage.FindAllStringSubmatch(block, -1) {
		s := shot{file: filepath.Join(docs, found[2])}
		for _, at := range secondsOfAlt.FindAllStringSubmatch(found[1], -1) {
			seconds, err := strconv.ParseFloat(at[1], 64)
			if err != nil {
				t.Fatalf("%s: %v", found[0], err)
			}
			s.times = append(s.times, seconds)
		}
		e.pictures = append(e.pictures, s)
	}
	return e
}

// TestGallery renders the JSON of docs/gallery.md and compares it with the
// pictures of that page; -update makes these anew. They are to be looked at before
// they are committed.
func TestGallery(t *testing.T) {
	halls := readGallery(t)
	gallery()
	for _, h := range halls {
		t.Run(h.title, func(t *testing.T) {
			t.Parallel()
			reels := h.reels(t)
			for i, e := range h.exhibits {
				t.Run(e.title, func(t *testing.T) {
					for _, s := range e.pictures {
						golden.Picture(t, s.file, reels[i].strip(t, s))
					}
				})
			}
		})
	}
}

// TestGalleryHasNoStrangers holds that every picture beside the page is on it,
// with a name of its own, and that all together are small.
func TestGalleryHasNoStrangers(t *testing.T) {
	const most = 3 << 20
	shown := map[string]bool{}
	for _, h := range readGallery(t) {
		for _, e := range h.exhibits {
			if len(e.pictures) == 0 {
				t.Errorf("%q shows no picture", e.title)
			}
			for _, s := range e.pictures {
				if shown[s.file] || len(s.times) == 0 {
					t.Errorf("%q: %s is shown twice, or says no second", e.title, s.file)
				}
				shown[s.file] = true
			}
		}
	}
	files, err := filepath.Glob(docs + "/gallery/*")
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			size += info.Size()
		}
		if !shown[file] {
			t.Errorf("%s is not on the page", file)
		}
	}
	if size > most {
		t.Errorf("the pictures have %d bytes, more than %d", size, most)
	}
}

// The canvas of the gallery's pieces.
const galleryWidth, galleryHeight = 320, 180

// reel is where the frames of an exhibit are: from one second of a file on.
type reel struct {
	file          string
	width, height int
	from          float64
}

// reels renders the exhibits of a hall. What is no movie of its own becomes a
// scene of one, since each movie costs half a dozen processes.
func (h hall) reels(t *testing.T) []reel {
	t.Helper()
	var scenes []string
	reels := make([]reel, len(h.exhibits))
	for i, e := range h.exhibits {
		if elements, ok := fragment(e.source); ok {
			reels[i].from = float64(len(scenes)) * 1.2
			scenes = append(scenes, fmt.Sprintf(`{"duration":1.2,"background-color":"#1b2a41","elements":%s}`, elements))
		} else {
			reels[i] = screen(t, e.title, e.source)
		}
	}
	if len(scenes) == 0 {
		return reels
	}
	whole := screen(t, h.title, fmt.Sprintf(`{"width":%d,"height":%d,"scenes":[%s]}`, galleryWidth, galleryHeight, strings.Join(scenes, ",")))
	for i := range reels {
		if reels[i].file == "" {
			whole.from, reels[i] = reels[i].from, whole
			reels[i].from = whole.from
		}
	}
	return reels
}

// fragment is the elements of a source that is one element or a list of them; ok is
// false for a movie.
func fragment(source string) (elements string, ok bool) {
	source = strings.TrimSpace(source)
	if strings.HasPrefix(source, "[") {
		return source, true
	}
	var e struct{ Type string }
	if json.Unmarshal([]byte(source), &e) != nil || e.Type == "" {
		return "", false
	}
	return "[" + source + "]", true
}

// screen renders a movie.
func screen(t *testing.T, title, source string) reel {
	t.Helper()
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatalf("%s: %v", title, err)
	}
	m.Quality = faithful
	result, warnings, err := gallery().Render(t.Context(), m, t.TempDir(), nil)
	if err != nil {
		t.Fatalf("%s: %v", title, err)
	}
	for _, w := range append(m.Warnings, warnings...) {
		t.Errorf("%s: %s: %s", title, w.Path, w.Message)
	}
	return reel{file: result.File, width: result.Width, height: result.Height}
}

// strip is frames of the reel side by side.
func (r reel) strip(t *testing.T, s shot) image.Image {
	t.Helper()
	var picks []string
	for _, at := range s.times {
		picks = append(picks, fmt.Sprintf(`eq(n\,%d)`, int(math.Round((r.from+at)*25))))
	}
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", r.file, "-vf", "select="+strings.Join(picks, "+")+",scale=in_color_matrix=bt709,format=rgb24",
		"-vsync", "passthrough", "-f", "rawvideo", "-").Output()
	if frame := r.width * r.height * 3; err != nil || len(out) != len(s.times)*frame {
		t.Fatalf("%s: %v, %d bytes of %d frames", s.file, err, len(out), len(s.times))
	}
	strip := image.NewNRGBA(image.Rect(0, 0, r.width*len(s.times)+gap*(len(s.times)-1), r.height))
	for i := range s.times {
		for y := range r.height {
			for x := range r.width {
				p := out[((i*r.height+y)*r.width+x)*3:]
				strip.SetNRGBA(i*(r.width+gap)+x, y, color.NRGBA{p[0], p[1], p[2], 255})
			}
		}
	}
	return strip
}

// gap is the pixels between frames of a strip.
const gap = 4

// faithful is a quality that no movie can ask for: how x264 spends its bits is not
// what is tested here, and would cost more likeness than many a mistake.
const faithful movie.Quality = "faithful"

func init() { presets[faithful] = preset{"superfast", 8} }
