package render

import (
	"testing"
)

// TestMemory holds that windows are estimated as measured, and that one too large
// for the machine is rendered all the same, by itself.
func TestMemory(t *testing.T) {
	for _, tc := range []struct {
		name, source string
		from, to     int64 // MiB
	}{
		{"1080p with a photo", `{"resolution":"full-hd","scenes":[{"duration":1,"elements":[{"type":"image","src":"a.png?w=2560&h=1440","zoom":2}]}]}`, 180, 260},
		{"1080p with a video", `{"resolution":"full-hd","scenes":[{"elements":[{"type":"video","src":"v.mp4?d=1&w=1920&h=1080"}]}]}`, 250, 340},
		{"4K", `{"resolution":"4k","scenes":[{"duration":1,"elements":[{"type":"image","src":"a.png?w=2560&h=1440","zoom":2}]}]}`, 600, 800},
		{"a picture that blinks, of which a second is kept", `{"resolution":"full-hd","scenes":[{"duration":20,"elements":[{"type":"image","src":"a.gif?d=1&w=1920&h=1080"}]}]}`, 400, 470},
		{"small", `{"scenes":[{"duration":1}]}`, 64, 100},
	} {
		j := planned(t, tc.source)
		p := j.picture(j.cut()[0], nil, false)
		if got := p.memory() >> 20; got < tc.from || got > tc.to {
			t.Errorf("%s: %d MiB", tc.name, got)
		}
		j.Renderer = New(Options{Memory: 50 << 20})
		if n := j.admitted(p); n != 50<<20 || !j.memory.TryAcquire(n) || j.memory.TryAcquire(1) {
			t.Errorf("%s: %d bytes of 50 MiB are taken", tc.name, n)
		}
	}
}
