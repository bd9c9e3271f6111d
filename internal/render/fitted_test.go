package render

import (
	"bytes"
	"os"
	"testing"
)

// TestFitted holds that stills which are fitted once for many windows look as if
// each window had done it: their keys say so.
func TestFitted(t *testing.T) {
	rushes()
	j := film(t, studio(), `{"width":321,"height":181,"scenes":[{"duration":1,"elements":[
		{"type":"image","src":"grey.jpg","resize":"cover"},
		{"type":"image","src":"disc.png","width":101,"x":33,"opacity":0.7},
		{"type":"image","src":"half.png","rotate":{"angle":30},"fade-in":0.3},
		{"type":"image","src":"quad.png","mask":"top.png","x":7,"y":5,"correction":{"gamma":1.4}},
		{"type":"image","src":"quad.png","mask":"curtain.mp4","y":99,"crop":{"x":50,"y":20,"width":77,"height":45},"flip-vertical":true},
		{"type":"image","src":"wall.png","x":150,"chroma-key":{"color":"#00b140"},"rotate":{"angle":20,"speed":1}},
		{"type":"text","text":"Text"}]}]}`)
	for _, w := range j.cut() {
		alone := j.picture(w, nil, false)
		ready := map[string]bool{}
		for _, f := range alone.stills {
			ready[f.name] = true
		}
		together := j.picture(w, ready, false)
		if len(alone.fitted) != 0 || len(together.fitted) != 7 {
			t.Fatalf("%d stills are ready, of which %d are needed, and %d without", len(ready), len(together.fitted), len(alone.fitted))
		}
		var files [2][]byte
		for i, p := range []*picture{alone, together} {
			path, err := j.paint(t.Context(), p, nil)
			if err != nil {
				t.Fatal(err)
			}
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("frames %v differ", w)
		}
	}
}

// TestWorthwhile holds that only what is shown often is fitted apart.
func TestWorthwhile(t *testing.T) {
	photo := fitted{name: "photo", pixels: 4_000_000}
	icon := fitted{name: "icon", pixels: 100_000}
	window := part{picture: &picture{stills: []fitted{photo, icon}}}
	if got := worthwhile([]part{window, window}); len(got) != 0 {
		t.Errorf("of two windows %v", got)
	}
	if got := worthwhile([]part{window, window, window}); len(got) != 1 || !got["photo"] {
		t.Errorf("of three windows %v", got)
	}
}
