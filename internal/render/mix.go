package render

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
)

// The one form of sound inside the renderer: interleaved stereo, 32-bit float,
// little endian, at the rate of the output.
const (
	sampleRate  = 48000
	channels    = 2
	bytesPerPCM = 4 * channels
	mixBlock    = sampleRate // samples mixed at a time
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
	// fadeIn and fadeOut are lengths at either end.
	fadeIn, fadeOut int64
}

// mix adds voices at exact sample offsets and writes total samples. Sound is
// mixed in one pass over the whole movie and encoded once: pieces of AAC joined
// together would each add their encoder's delay, and drift.
func mix(w io.Writer, voices []voice, total int64) error {
	out := bufio.NewWriterSize(w, 1<<18)
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
		for i, x := range sum[:n*channels] {
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(soften(x)))
		}
		if _, err := out.Write(raw[:n*bytesPerPCM]); err != nil {
			return err
		}
	}
	return out.Flush()
}

// addTo adds what the voice sounds like from movie sample at on.
func (v *voice) addTo(sum []float32, raw []byte, at int64) error {
	first, last := max(v.start, at), min(v.end, at+int64(len(sum)/channels))
	if v.plays > 0 {
		last = min(last, v.start+int64(v.plays)*v.period)
	}
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

// add adds raw samples, the first of which is heard at movie sample at.
func (v *voice) add(sum []float32, raw []byte, at int64) {
	for i := 0; i < len(raw)/4; i += channels {
		g := v.gainAt(at + int64(i/channels))
		for c := range channels {
			x := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(i+c):]))
			sum[i+c] += g * x
		}
	}
}

// gainAt is the gain at a movie sample, fades included.
func (v *voice) gainAt(at int64) float32 {
	g := v.gain
	if in := at - v.start; in < v.fadeIn {
		g *= float64(in) / float64(v.fadeIn)
	}
	if out := v.end - at; out < v.fadeOut {
		g *= float64(out) / float64(v.fadeOut)
	}
	return float32(g)
}

// soften leaves samples up to 0.9 of full scale untouched and bends louder ones
// towards full scale, so that voices added together never clip hard.
func soften(x float32) float32 {
	const knee = 0.9
	a := math.Abs(float64(x))
	switch {
	case a <= knee:
		return x
	case a != a: // a broken decoder's NaN would silence everything mixed with it
		return 0
	}
	y := knee + (1-knee)*math.Tanh((a-knee)/(1-knee))
	return float32(math.Copysign(y, float64(x)))
}
