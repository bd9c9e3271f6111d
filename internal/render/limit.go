package render

import (
	"encoding/binary"
	"io"
	"math"
)

const (
	// limiterChunk is how many samples share one peak, 5 ms of them: for so long
	// the limiter looks ahead.
	limiterChunk = sampleRate / 200
	// limiterHold is how many chunks a gain stands before it rises again: longer
	// than half a wave of the lowest tone, which it must not follow.
	limiterHold = 8
	// limiterRise is which part of what is missing to full gain comes back in each
	// chunk: 90 % within half a second.
	limiterRise = 0.025
)

// limiter writes sound, and turns it down where it is over full scale. What is
// not stays as it is, to the bit. A gain that is lowered in time, and comes back
// slowly, keeps the shape of waves, where bending each sample would distort all
// of them.
//
// Sound comes in chunks. The gain goes in a straight line from the border of one
// to the next, where it is no higher than either can bear, so that no sample ever
// is over full scale.
type limiter struct {
	out io.Writer
	// held is the last chunk, written when the one behind it is known.
	held []float32
	// bears is the highest gain that held can bear, gain the one it begins with,
	// and rest how many chunks that gain still stands.
	bears, gain float32
	rest        int
	raw         []byte
}

// write takes interleaved samples; all but the last call take whole chunks. It
// changes them.
func (l *limiter) write(samples []float32) error {
	l.raw = l.raw[:0]
	for len(samples) > 0 {
		n := min(len(samples), limiterChunk*channels)
		l.take(samples[:n])
		samples = samples[n:]
	}
	_, err := l.out.Write(l.raw)
	return err
}

// close writes what is held.
func (l *limiter) close() error {
	l.raw = l.raw[:0]
	l.release(l.bears)
	_, err := l.out.Write(l.raw)
	return err
}

// take holds a chunk in place of the one before.
func (l *limiter) take(chunk []float32) {
	bears := float32(1)
	if p := peak(chunk); p > 1 {
		bears = (1 - 1e-6) / p // not a rounding above
	}
	if l.held == nil {
		l.gain = bears
	}
	l.release(bears)
	l.held, l.bears = append(l.held[:0], chunk...), bears
}

// release lets the held chunk go: next is what the one behind it bears.
func (l *limiter) release(next float32) {
	to := min(l.bears, next)
	switch {
	case to <= l.gain:
		if to < 1 {
			l.rest = limiterHold
		}
	case l.rest > 0:
		l.rest--
		to = l.gain
	default:
		to = min(to, l.gain+(1-l.gain)*limiterRise)
		if to > 0.9999 {
			to = min(l.bears, next)
		}
	}
	if len(l.held) == 0 {
		return
	}
	if l.gain != 1 || to != 1 {
		step := (to - l.gain) / float32(len(l.held)/channels)
		for i := range l.held {
			l.held[i] *= l.gain + step*float32(i/channels)
		}
	}
	for _, x := range l.held {
		l.raw = binary.LittleEndian.AppendUint32(l.raw, math.Float32bits(x))
	}
	l.gain = to
}

// peak is the largest size of a sample. What is no number is silenced: a broken
// decoder's would silence everything after it.
func peak(samples []float32) float32 {
	const size, infinite = 1<<31 - 1, 0x7f800000
	var most uint32 // without their sign, floats are in the order of their bits
	for _, x := range samples {
		most = max(most, math.Float32bits(x)&size)
	}
	if most < infinite {
		return math.Float32frombits(most)
	}
	for i, x := range samples {
		if math.Float32bits(x)&size >= infinite {
			samples[i] = 0
		}
	}
	return peak(samples)
}
