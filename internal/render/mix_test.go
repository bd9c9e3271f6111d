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

// counting makes n stereo samples that count up by 1/1000.
func counting(n int) *bytes.Reader {
	raw := make([]byte, n*bytesPerPCM)
	for i := range n {
		for c := range channels {
			binary.LittleEndian.PutUint32(raw[(i*channels+c)*4:], math.Float32bits(float32(i)/1000))
		}
	}
	return bytes.NewReader(raw)
}

func TestMix(t *testing.T) {
	const total = 100100 // some block borders inside, and part of a chunk
	for _, tc := range []struct {
		name   string
		voices []voice
		want   map[int64]float64 // movie sample -> level
	}{
		{"silence", nil, map[int64]float64{0: 0, total - 1: 0}},
		{"exact place across blocks", []voice{{pcm: pcm(total, 0.5), start: mixBlock - 10, end: mixBlock + 10, period: total, plays: 1, gain: 1}},
			map[int64]float64{mixBlock - 11: 0, mixBlock - 10: 0.5, mixBlock + 9: 0.5, mixBlock + 10: 0}},
		{"two add up", []voice{
			{pcm: pcm(100, 0.25), end: 100, period: 100, plays: 1, gain: 1},
			{pcm: pcm(100, 0.25), start: 50, end: 150, period: 100, plays: 1, gain: 2},
		}, map[int64]float64{0: 0.25, 49: 0.25, 50: 0.75, 99: 0.75, 100: 0.5, 150: 0}},
		{"seek and loop", []voice{{pcm: counting(100), start: 10, end: 1000, from: 60, period: 40, plays: 3, gain: 1}},
			map[int64]float64{10: 0.060, 49: 0.099, 50: 0.060, 129: 0.099, 130: 0}},
		{"endless loop", []voice{{pcm: pcm(7, 0.3), end: total, period: 7, plays: movie.Endless, gain: 1}},
			map[int64]float64{0: 0.3, 48001: 0.3, total - 1: 0.3}},
		{"source ends early", []voice{{pcm: pcm(20, 0.3), end: 100, period: 100, plays: 1, gain: 1}},
			map[int64]float64{19: 0.3, 20: 0, 99: 0}},
		{"fades", []voice{{pcm: pcm(1000, 0.8), end: 1000, period: 1000, plays: 1, gain: 1, ramps: []ramp{{0, 100, rise}, {800, 1000, fall}}}},
			map[int64]float64{0: 0, 50: 0.4, 100: 0.8, 800: 0.8, 900: 0.4, 999: 0.004}},
		{"fades far apart, and steady between", []voice{{pcm: pcm(total, 0.5), end: total, period: total, plays: 1, gain: 1, ramps: []ramp{{0, 48000, rise}, {total - 1000, total, fall}}}},
			map[int64]float64{24000: 0.25, 47999: 0.5 * 47999 / 48000, 48000: 0.5, 90000: 0.5, total - 1001: 0.5, total - 500: 0.25}},
		{"a transition leaves", []voice{{pcm: pcm(1000, 0.5), end: 1000, period: 1000, plays: 1, gain: 1, ramps: []ramp{{600, 1000, leave}}}},
			map[int64]float64{0: 0.5, 599: 0.5, 600: 0.5, 800: 0.5 * math.Sqrt2 / 2, 900: 0.5 * 0.382683432, 999: 0.5 * 0.003926981, 1000: 0}},
		{"a transition enters", []voice{{pcm: pcm(1000, 0.5), start: 600, end: 1600, period: 1000, plays: 1, gain: 1, ramps: []ramp{{600, 1000, enter}}}},
			map[int64]float64{599: 0, 600: 0, 700: 0.5 * 0.382683432, 800: 0.5 * math.Sqrt2 / 2, 1000: 0.5, 1599: 0.5, 1600: 0}},
		{"a transition over a fade", []voice{{pcm: pcm(1000, 0.8), end: 1000, period: 1000, plays: 1, gain: 1, ramps: []ramp{{800, 1000, fall}, {600, 1000, leave}}}},
			map[int64]float64{700: 0.8 * 0.923879533, 800: 0.8 * math.Sqrt2 / 2, 900: 0.8 * 0.5 * 0.382683432}},
		{"what goes on after a cut is whole", []voice{
			{pcm: counting(1000), end: 740, period: 1000, plays: 1, gain: 1, ramps: []ramp{{500, 740, fall}}},
			{pcm: counting(1000), start: 500, end: 1000, from: 500, period: 500, plays: 1, gain: 1, ramps: []ramp{{500, 740, rise}}},
		}, map[int64]float64{499: 0.499, 500: 0.5, 620: 0.62, 739: 0.739, 740: 0.74, 999: 0.999}},
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
