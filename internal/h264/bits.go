package h264

import (
	"errors"
	"fmt"
	"math/bits"
)

// reader reads the bits of a NAL unit's payload, without the bytes that keep it
// from looking like a start code. The first error stays; after it everything is
// 0.
type reader struct {
	data []byte
	at   int // in bits
	err  error
}

func newReader(payload []byte) *reader {
	return &reader{data: unescape(payload)}
}

// unescape drops the byte 3 of every 0 0 3 (7.4.1).
func unescape(payload []byte) []byte {
	out := make([]byte, 0, len(payload))
	zeros := 0
	for _, b := range payload {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		out = append(out, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return out
}

// fail keeps the first error.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// refuse says that the unit has something that is not supported.
func (r *reader) refuse(what string) { r.fail(fmt.Errorf("%s are not supported", what)) }

// bits reads n bits, at most 32.
func (r *reader) bits(n int) (v uint32) {
	if r.at+n > 8*len(r.data) {
		r.fail(errors.New("it ends early"))
	}
	if r.err != nil {
		return 0
	}
	for range n {
		v = v<<1 | uint32(r.data[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

// upTo reads an unsigned Exp-Golomb code (9.1) of at most most.
func (r *reader) upTo(most uint32) uint32 {
	zeros := 0
	for r.bits(1) == 0 && r.err == nil && zeros < 31 {
		zeros++
	}
	v := 1<<zeros - 1 + r.bits(zeros)
	if v > most {
		r.fail(errors.New("it has a value out of range"))
	}
	if r.err != nil {
		return 0
	}
	return v
}

// writer gathers the bits of a NAL unit's payload.
type writer struct {
	data []byte
	free int // bits of the last byte that are not yet written
}

// bits writes the n low bits of v.
func (w *writer) bits(v uint32, n int) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.data, w.free = append(w.data, 0), 8
		}
		w.free--
		w.data[len(w.data)-1] |= byte(v>>n&1) << w.free
	}
}

// ue writes an unsigned Exp-Golomb code; v is less than 1<<31.
func (w *writer) ue(v uint32) {
	n := bits.Len32(v + 1)
	w.bits(0, n-1)
	w.bits(v+1, n)
}

// nal ends the payload and makes a NAL unit of it, with a byte 3 wherever the
// payload would look like a start code.
func (w *writer) nal(header byte) []byte {
	w.bits(1, 1) // rbsp_stop_one_bit; what is left of the byte is 0
	out := []byte{header}
	zeros := 0
	for _, b := range w.data {
		if zeros == 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return out
}
