package render

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// limited is what becomes of samples, the same on both sides.
func limited(t *testing.T, left []float32) []float32 {
	t.Helper()
	var out bytes.Buffer
	l := limiter{out: &out}
	in := make([]float32, 0, len(left)*channels)
	for _, x := range left {
		in = append(in, x, x)
	}
	for len(in) > 0 { // as the mix does: in blocks, the last one shorter
		n := min(len(in), 3*limiterChunk*channels)
		if err := l.write(in[:n]); err != nil {
			t.Fatal(err)
		}
		in = in[n:]
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	raw := out.Bytes()
	if len(raw) != len(left)*bytesPerPCM {
		t.Fatalf("wrote %d bytes of %d samples", len(raw), len(left))
	}
	list := make([]float32, len(left))
	for i := range list {
		list[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[i*bytesPerPCM:]))
	}
	return list
}

// wave makes n samples of a tone.
func wave(n int, hertz, level float64) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(level * math.Sin(2*math.Pi*hertz*float64(i)/sampleRate))
	}
	return list
}

// strength is the amplitude of a frequency in samples.
func strength(samples []float32, hertz float64) float64 {
	var re, im float64
	for i, x := range samples {
		sin, cos := math.Sincos(2 * math.Pi * hertz * float64(i) / sampleRate)
		re, im = re+float64(x)*cos, im+float64(x)*sin
	}
	return 2 * math.Hypot(re, im) / float64(len(samples))
}

// TestLimiterLeavesAlone holds that nothing up to full scale is touched, not by a
// bit.
func TestLimiterLeavesAlone(t *testing.T) {
	in := append(wave(5000, 440, 1), wave(1234, 97, 0.9)...)
	in[4000], in[4001] = 1, -1
	for i, got := range limited(t, in) {
		if got != in[i] {
			t.Fatalf("sample %d: %g became %g", i, in[i], got)
		}
	}
}

// TestLimiterKeepsWaves holds that tones far over full scale stay tones, whatever
// their pitch: within full scale, loud, and all but free of what was not there.
func TestLimiterKeepsWaves(t *testing.T) {
	for _, hertz := range []float64{30, 100, 1000, 7000} {
		for _, level := range []float64{1.2, 30} {
			out := limited(t, wave(2*sampleRate, hertz, level))
			for i, x := range out {
				if x > 1 || x < -1 {
					t.Fatalf("%g Hz at %g: sample %d is %g", hertz, level, i, x)
				}
			}
			settled := out[sampleRate/2 : sampleRate*3/2]
			tone := strength(settled, hertz)
			var strange float64
			for n := 3.0; n <= 5; n += 2 {
				strange = math.Hypot(strange, strength(settled, n*hertz))
			}
			if tone < 0.95 || strange/tone > 0.003 {
				t.Errorf("%g Hz at %g: the tone has %.3f, its harmonics %.2g of that", hertz, level, tone, strange/tone)
			}
		}
	}
}

// TestLimiterAddsNoClick has a burst far over full scale in the middle of a quiet
// tone: the gain falls before it and comes back, without a jump.
func TestLimiterAddsNoClick(t *testing.T) {
	const quiet, n = 0.1, 3 * sampleRate
	in := wave(n, 200, quiet)
	for i := range 1000 {
		in[sampleRate+i] *= 50
	}
	out := limited(t, in)
	last := 1.0
	for i, x := range in {
		if math.Abs(float64(x)) < 0.02 {
			continue
		}
		gain := float64(out[i] / x)
		if gain > 1 || gain < 0.19 || math.Abs(gain-last) > 0.1 {
			t.Fatalf("sample %d: gain %g after %g", i, gain, last)
		}
		last = gain
	}
	for _, i := range []int{sampleRate - 2*limiterChunk, n - 1} { // before, and two seconds behind
		if out[i] != in[i] {
			t.Errorf("sample %d: %g became %g", i, in[i], out[i])
		}
	}
	if got := strength(out[sampleRate+1000:sampleRate+1000+2400], 200); math.Abs(got-quiet/5) > 0.003 {
		t.Errorf("right behind the burst the tone has %g", got)
	}
}

func TestLimiterSilencesWhatIsNoNumber(t *testing.T) {
	in := wave(1000, 440, 0.5)
	in[100], in[500] = float32(math.NaN()), float32(math.Inf(-1))
	for i, got := range limited(t, in) {
		want := in[i]
		if i == 100 || i == 500 {
			want = 0
		}
		if got != want {
			t.Fatalf("sample %d: %g became %g", i, in[i], got)
		}
	}
}
