package render

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/reelhook/reelhook/internal/movie"
)

// The one form of sound inside the renderer: interleaved stereo, 32-bit float,
// little endian, at the rate of the output.
const (
	sampleRate  = 48000
	channels    = 2
	bytesPerPCM = 4 * channels
	// mixBlock is how many samples are mixed at a time: few enough to stay in the
	// processor's cache, and whole chunks of the limiter.
	mixBlock = 32 * limiterChunk
)

// voice is one sound placed on the movie, in samples.
type voice struct {
	pcm io.ReaderAt
	// start and end are where it is heard.
	start, end int64
	// from is its first sample in pcm, period how many samples one play has;
	// plays is how many plays, or movie.Endless.
	from, period int64
	plays        int
	gain         float64
	// ramps are where the gain changes; where they overlap, it is their product.
	ramps []ramp
}

// ramp is a change of gain over the movie's samples from in up to, not including,
// out. Outside of them it does nothing.
type ramp struct {
	in, out int64
	curve   curve
}

// curve is the gain where a part of a ramp, 0 to 1, is over.
type curve func(over float64) float64

// rise and fall are the curves of fades.
func rise(over float64) float64 { return over }
func fall(over float64) float64 { return 1 - over }

// enter and leave are those of a transition. Their squares add up to one, so that
// two sounds that have nothing to do with each other stay as loud as one.
func enter(over float64) float64 { return math.Sin(over * math.Pi / 2) }
func leave(over float64) float64 { return math.Cos(over * math.Pi / 2) }

// natural is the sample at which the last play is over by itself.
func (v *voice) natural() int64 {
	if v.plays == movie.Endless {
		return math.MaxInt64
	}
	return v.start + int64(v.plays)*v.period
}

// mix adds voices at exact sample offsets and writes total samples. Sound is
// mixed in one pass over the whole movie and encoded once: pieces of AAC joined
// together would each add their encoder's delay, and drift.
func mix(w io.Writer, voices []voice, total int64) error {
	out := limiter{out: w}
	sum := make([]float32, mixBlock*channels)
	raw := make([]byte, mixBlock*bytesPerPCM)
	for at := int64(0); at < total; at += mixBlock {
		n := min(mixBlock, total-at)
		clear(sum)
		for i := range voices {
			if err := voices[i].addTo(sum[:n*channels], raw, at); err != nil {
				return err
			}
		}
		if err := out.write(sum[:n*channels]); err != nil {
			return err
		}
	}
	return out.close()
}

// addTo adds what the voice sounds like from movie sample at on.
func (v *voice) addTo(sum []float32, raw []byte, at int64) error {
	first, last := max(v.start, at), min(v.end, at+int64(len(sum)/channels), v.natural())
	for first < last {
		// One run lies within one play of the source.
		into := (first - v.start) % v.period
		n := min(last-first, v.period-into)
		buf := raw[:n*bytesPerPCM]
		got, err := v.pcm.ReadAt(buf, (v.from+into)*bytesPerPCM)
		if err != nil && err != io.EOF {
			return err
		}
		v.add(sum[(first-at)*channels:], buf[:got-got%bytesPerPCM], first)
		first += n
	}
	return nil
}

// add adds raw samples, the first of which is heard at movie sample at, in runs
// in which the gain stands or one set of ramps is on.
func (v *voice) add(sum []float32, raw []byte, at int64) {
	for len(raw) > 0 {
		n, moves := v.run(at, int64(len(raw)/bytesPerPCM))
		if moves {
			v.addRamp(sum, raw[:n*bytesPerPCM], at)
		} else {
			addSamples(sum, raw[:n*bytesPerPCM], float32(v.gain))
		}
		sum, raw, at = sum[n*channels:], raw[n*bytesPerPCM:], at+n
	}
}

// addRamp adds raw samples while the gain moves.
func (v *voice) addRamp(sum []float32, raw []byte, at int64) {
	for i := 0; i < len(raw)/4; i += channels {
		g := v.gainAt(at + int64(i/channels))
		for c := range channels {
			sum[i+c] += g * math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(i+c):]))
		}
	}
}

// run is how many of n samples from at on lie between the borders of ramps, and
// whether the gain moves in them.
func (v *voice) run(at, n int64) (length int64, moves bool) {
	for _, r := range v.ramps {
		switch {
		case at < r.in:
			n = min(n, r.in-at)
		case at < r.out:
			n = min(n, r.out-at)
			moves = true
		}
	}
	return n, moves
}

// gainAt is the gain at a movie sample.
func (v *voice) gainAt(at int64) float32 {
	g := v.gain
	for _, r := range v.ramps {
		if r.in <= at && at < r.out {
			g *= r.curve(float64(at-r.in) / float64(r.out-r.in))
		}
	}
	return float32(g)
}

// addSamples adds raw samples at one gain.
func addSamples(sum []float32, raw []byte, gain float32) {
	sum = sum[:len(raw)/4]
	// The compiler checks bounds once for each turn, and the processor's own order
	// of bytes makes this plain loads.
	for len(sum) >= 4 && len(raw) >= 16 {
		s, r := sum[:4], raw[:16]
		s[0] += gain * math.Float32frombits(binary.LittleEndian.Uint32(r[0:]))
		s[1] += gain * math.Float32frombits(binary.LittleEndian.Uint32(r[4:]))
		s[2] += gain * math.Float32frombits(binary.LittleEndian.Uint32(r[8:]))
		s[3] += gain * math.Float32frombits(binary.LittleEndian.Uint32(r[12:]))
		sum, raw = sum[4:], raw[16:]
	}
	for i := range sum {
		sum[i] += gain * math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
}
