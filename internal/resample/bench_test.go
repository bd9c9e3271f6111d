package resample

import (
	"math/rand/v2"
	"testing"
)

// noise is a picture whose samples are random.
func noise(width, height int, alpha bool) Picture {
	p := Picture{Width: width, Height: height, Alpha: alpha, Pix: make([]byte, Bytes(width, height, alpha))}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range p.Pix {
		p.Pix[i] = byte(random.Uint32())
	}
	return p
}

func BenchmarkDraw(b *testing.B) {
	for _, bench := range []struct {
		name        string
		from        Picture
		width, high int
		view        func(i float64) View
	}{
		{"1080p zoom", noise(2560, 1440, false), 1920, 1080, func(i float64) View { return View{i / 2, i / 3, 1900 - i, 1080 - i} }},
		{"1080p pan", noise(2560, 1440, false), 1920, 1080, func(i float64) View { return View{i, i / 3, 1900, 1080} }},
		{"1080p pan down", noise(2560, 1440, false), 1920, 1080, func(i float64) View { return View{100, i / 3, 1900, 1080} }},
		{"1080p shrunk", noise(3840, 2160, false), 1920, 1080, func(i float64) View { return View{i, i, 3840 - 2*i, 2160 - 2*i} }},
		{"1080p alpha", noise(2560, 1440, true), 1920, 1080, func(i float64) View { return View{i / 2, i / 3, 1900 - i, 1080 - i} }},
		{"480x270", noise(640, 360, false), 480, 270, func(i float64) View { return View{i / 2, i / 3, 480 - i/2, 270 - i/2} }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r, to := New(bench.from, bench.width, bench.high), make([]byte, Bytes(bench.width, bench.high, bench.from.Alpha))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r.Draw(to, bench.view(float64(i%100)))
				i++
			}
		})
	}
}
