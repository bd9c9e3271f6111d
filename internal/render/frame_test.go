package render

import (
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
)

// TestFrame holds that a frame by itself is that of the movie: in a fade, a blend
// of each kind, a video and a view that moves, and behind the end.
func TestFrame(t *testing.T) {
	rushes()
	r := studio()
	const source = `{"width":300,"height":300,"scenes":[
		{"duration":2,"background-color":"#204060","elements":[{"type":"image","src":"red.png","fade-in":1,"duration":1.5,"zoom":5}]},
		{"duration":2,"background-color":"white","transition":{"style":"circleopen","duration":1},"elements":[{"type":"video","src":"ramp.mp4","width":300,"height":300}]},
		{"duration":2,"background-color":"#004000","transition":{"duration":1}}],
		"elements":[{"type":"image","src":"quad.png","y":200,"start":1.2,"rotate":{"angle":360,"speed":2}}]}`
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	result, _, err := r.Render(t.Context(), m, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := decode(t, result.File)
	for i, n := range []int{0, 12, 20, 26, 40, 47, 55, 80, 99} {
		kind := []string{".png", ".jpg"}[i%2]
		path, frame, err := r.Frame(t.Context(), m, t.TempDir(), float64(n)/25, kind)
		if err != nil || frame != n {
			t.Fatalf("frame %d: %d, %v", n, frame, err)
		}
		got := open(t, path)
		for _, p := range []image.Point{{10, 10}, {150, 50}, {150, 150}, {60, 230}, {290, 290}} {
			r, g, b, _ := got.At(p.X, p.Y).RGBA()
			wantR, wantG, wantB := whole.around(t, n, p.X, p.Y)
			if far(uint8(r>>8), wantR) || far(uint8(g>>8), wantG) || far(uint8(b>>8), wantB) {
				t.Errorf("frame %d at %v: %d,%d,%d, in the movie %d,%d,%d", n, p, r>>8, g>>8, b>>8, wantR, wantG, wantB)
			}
		}
	}
	if _, frame, err := r.Frame(t.Context(), m, t.TempDir(), 1e9, ".png"); err != nil || frame != 99 {
		t.Errorf("behind the end: frame %d, %v", frame, err)
	}
	if _, _, err := r.Frame(t.Context(), m, t.TempDir(), 0, ".webp"); err == nil || !strings.Contains(err.Error(), ".png") {
		t.Errorf("a kind that is not written: %v", err)
	}
}

func open(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestExplain holds that what is told is what is done, in the document's words.
func TestExplain(t *testing.T) {
	l := newLibrary(t)
	source := strings.ReplaceAll(three(""), "URL", l.url)
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Explain(t.Context(), m, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, w := range e.Windows {
		kinds = append(kinds, w.Kind)
		if w.Kept {
			t.Error("a window is kept before it was made")
		}
	}
	if got := strings.Join(kinds, " "); got != "moving blend still blend moving" {
		t.Errorf("windows are %s", got)
	}
	if line := strings.Join(e.Windows[0].Command, " "); !strings.Contains(line, "(views of "+l.url+"/red.png)") || !strings.HasSuffix(line, " window.mp4") {
		t.Error(line)
	}
	if line := strings.Join(e.Windows[2].Command, " "); !strings.Contains(line, "(text of scenes[1].elements[1])") {
		t.Error(line)
	}
	l.show(t, three(""))
	if e, err = l.Explain(t.Context(), m, t.TempDir()); err != nil || !e.Windows[0].Kept || !e.Windows[4].Kept {
		t.Errorf("after it was rendered: %v", err)
	}
}
