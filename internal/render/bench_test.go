package render

import (
	"io"
	"testing"
)

// BenchmarkMix mixes a minute of twenty voices that are all heard, two of them
// fading, as the same minute of an hour would be.
func BenchmarkMix(b *testing.B) {
	const total = 60 * sampleRate
	var voices []voice
	for i := range int64(20) {
		v := voice{pcm: pcm(total, 0.04), end: total, period: total, plays: 1, gain: 1}
		if i < 2 {
			v.ramps = []ramp{{0, sampleRate, rise}, {total - sampleRate, total, fall}}
		}
		voices = append(voices, v)
	}
	b.SetBytes(total * bytesPerPCM)
	b.ReportAllocs()
	for b.Loop() {
		if err := mix(io.Discard, voices, total); err != nil {
			b.Fatal(err)
		}
	}
}
