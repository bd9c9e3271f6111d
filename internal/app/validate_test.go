package app_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/app"
)

// TestValidate has a real server look at movies, and holds that it tells what comes
// of them when they are rendered, and keeps nothing.
func TestValidate(t *testing.T) {
	host := media(t)
	data := t.TempDir()
	_, c := server(t, func(o *app.Options) { o.Data = data })
	doc := strings.ReplaceAll(`{"width":320,"height":180,"scenes":[{"elements":[{"type":"video","id":"v","src":"HOST/clip.mp4"},
		{"type":"text","text":"Bye","start":"{{ v_end - 1 }}","duration":1}]}],"elements":[{"type":"image","src":"HOST/logo.png","width":40,"speed":1}]}`, "HOST", host)
	v, err := c.Validate(t.Context(), []byte(doc), true)
	if err != nil || !v.Valid || v.Timeline == nil || len(v.Warnings) != 1 || len(v.Timeline.Scenes[0].Clips) != 2 {
		t.Fatalf("%+v %v", v, err)
	}
	if bye := v.Timeline.Scenes[0].Clips[1]; bye.Start != v.Timeline.Duration-1 || !strings.Contains(string(v.Movie), `"start":`) || strings.Contains(string(v.Movie), "v_end") {
		t.Errorf("the text is on from %g; the document came to %s", bye.Start, v.Movie)
	}
	m := rendered(t, c, submit(t, c, doc))
	if m.Status != "done" || math.Abs(*m.Duration-v.Timeline.Duration) > 0.06 {
		t.Errorf("it was said to last %g s and is %s: %+v", v.Timeline.Duration, m.Status, m.Duration)
	}
	v, err = c.Validate(t.Context(), []byte(`{"scenes":[{"elements":[{"type":"voice"},{"type":"image","src":"`+host+`/none.png"},{"type":"video","src":"`+host+`/corrupt.mp4"}]}]}`), true)
	if err != nil || v.Valid || len(v.Faults) != 3 || v.Timeline != nil {
		t.Errorf("%+v %v", v, err)
	}
	if left, err := filepath.Glob(filepath.Join(data, "work", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(data, "work")); err != nil {
		t.Error(err) // or the test looked in the wrong place
	}
}
