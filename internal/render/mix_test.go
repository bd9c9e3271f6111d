package render

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
)

// pcm makes n stereo samples of one level.
func pcm(n int, level float32) *bytes.Reader {
	raw := make([]byte, n*bytesPerPCM)
	for i := 0; i < len(raw); i += 4 {
		binary.LittleEndian.PutUint32(raw[i:], math.Float32bits(level))
	}
	return bytes.NewReader(raw)
}

// ramp makes n stereo samples that count up by 1/1000.
func ramp(n int) *bytes.Reader {
	raw := make([]byte, n*bytesPerPCM)
	for i := range n {
		for c := range channels {
			binary.LittleEndian.PutUint32(raw[(i*channels+c)*4:], math.Float32bits(float32(i)/1000))
		}
	}
	return bytes.NewReader(raw)
}

func TestMix(t *testing.T) {
	const total = 2*mixBlock + 100 // two block borders inside
	for _, tc := range []struct {
		name   string
		voices []voice
		want   map[int64]float64 // movie sample -> level
	}{
		{"silence", nil, map[int64]float64{0: 0, total - 1: 0}},
		{"exact place across blocks", []voice{{pcm: pcm(total, 0.5), start: 47990, end: 48010, period: total, plays: 1, gain: 1}},
			map[int64]float64{47989: 0, 47990: 0.5, 48009: 0.5, 48010: 0}},
		{"two add up", []voice{
			{pcm: pcm(100, 0.25), end: 100, period: 100, plays: 1, gain: 1},
			{pcm: pcm(100, 0.25), start: 50, end: 150, period: 100, plays: 1, gain: 2},
		}, map[int64]float64{0: 0.25, 49: 0.25, 50: 0.75, 99: 0.75, 100: 0.5, 150: 0}},
		{"seek and loop", []voice{{pcm: ramp(100), start: 10, end: 1000, from: 60, period: 40, plays: 3, gain: 1}},
			map[int64]float64{10: 0.060, 49: 0.099, 50: 0.060, 129: 0.099, 130: 0}},
		{"endless loop", []voice{{pcm: pcm(7, 0.3), end: total, period: 7, plays: movie.Endless, gain: 1}},
			map[int64]float64{0: 0.3, 48001: 0.3, total - 1: 0.3}},
		{"source ends early", []voice{{pcm: pcm(20, 0.3), end: 100, period: 100, plays: 1, gain: 1}},
			map[int64]float64{19: 0.3, 20: 0, 99: 0}},
		{"fades", []voice{{pcm: pcm(1000, 0.8), end: 1000, period: 1000, plays: 1, gain: 1, fadeIn: 100, fadeOut: 200}},
			map[int64]float64{0: 0, 50: 0.4, 100: 0.8, 800: 0.8, 900: 0.4, 999: 0.004}},
		{"never over full scale", []voice{
			{pcm: pcm(10, 0.9), end: 10, period: 10, plays: 1, gain: 10},
		}, map[int64]float64{5: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := mix(&out, tc.voices, total); err != nil {
				t.Fatal(err)
			}
			if got := out.Len(); got != total*bytesPerPCM {
				t.Fatalf("wrote %d bytes, want %d", got, total*bytesPerPCM)
			}
			for at, want := range tc.want {
				for c := range int64(channels) {
					got := math.Float32frombits(binary.LittleEndian.Uint32(out.Bytes()[(at*channels+c)*4:]))
					if math.Abs(float64(got)-want) > 1e-5 {
						t.Errorf("sample %d channel %d: got %g, want %g", at, c, got, want)
					}
				}
			}
		})
	}
}

func TestSoftenKeepsOrderAndBounds(t *testing.T) {
	last := float32(-2)
	for x := float32(-20); x <= 20; x += 0.01 {
		y := soften(x)
		if y < last || y > 1 || y < -1 {
			t.Fatalf("soften(%g) = %g after %g", x, y, last)
		}
		last = y
	}
	if got := soften(float32(math.NaN())); got != 0 {
		t.Errorf("NaN became %g", got)
	}
}
