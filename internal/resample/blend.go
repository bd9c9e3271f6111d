package resample

import "encoding/binary"

// Weights of rows have 8 bits, so that a byte times one fits in 16 and four
// samples are multiplied at once in a word of 64. That places a row to within
// 1/512 of a pixel, as graphics cards do. Weights of columns have 14 bits.
const (
	rowBits    = 8
	columnBits = 14
	fraction   = rowBits + columnBits
	rounding   = 1 << (fraction - 1)
)

// blended is the samples of a row in view, blended of two or four rows of a plane,
// with rowBits behind the point. The edges go on for a margin. Every place of 16
// bits is within, with three more after it, so that no bounds need checking.
type blended [1<<16 + 3]uint32

// block is how many samples of a row are blended at once.
const block = 32

// rows are up to four rows of samples, equally long, and how much of each is taken.
type rows struct {
	line      [4][]byte
	near, far pair
}

// blend blends rows, from the sample at a column on: all four or the first two.
func (d *blended) blend(column int, r *rows, wide bool) {
	out, line := d[column+margin:], r.line
	var rest [4][block]byte
	for len(line[0]) > 0 {
		if len(line[0]) < block {
			for i, l := range line {
				copy(rest[i][:], l)
				line[i] = rest[i][:]
			}
		}
		to, a, b := (*[block]uint32)(out), (*[block]byte)(line[0]), (*[block]byte)(line[1])
		if wide {
			blend4(to, a, b, (*[block]byte)(line[2]), (*[block]byte)(line[3]), r.near, r.far)
		} else {
			blend2(to, a, b, r.near)
		}
		out = out[block:]
		for i, l := range line {
			line[i] = l[block:]
		}
	}
}

// even masks every second byte of a word, so that each has room to be multiplied.
const even = 0x00ff00ff00ff00ff

// blend2 blends a block of two rows.
func blend2(out *[block]uint32, a, b *[block]byte, near pair) {
	wa, wb := near.weights()
	for i := 0; i <= block-8; i += 8 {
		x, y := binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])
		evens, odds := x&even*wa+y&even*wb, x>>8&even*wa+y>>8&even*wb
		put((*[4]uint32)(out[i:]), evens, odds)
		put((*[4]uint32)(out[i+4:]), evens>>32, odds>>32)
	}
}

// blend4 blends a block of four rows.
func blend4(out *[block]uint32, a, b, c, d *[block]byte, near, far pair) {
	wa, wb := near.weights()
	wc, wd := far.weights()
	for i := 0; i <= block-8; i += 8 {
		x, y := binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])
		evens, odds := x&even*wa+y&even*wb, x>>8&even*wa+y>>8&even*wb
		x, y = binary.LittleEndian.Uint64(c[i:]), binary.LittleEndian.Uint64(d[i:])
		evens, odds = evens+x&even*wc+y&even*wd, odds+x>>8&even*wc+y>>8&even*wd
		put((*[4]uint32)(out[i:]), evens, odds)
		put((*[4]uint32)(out[i+4:]), evens>>32, odds>>32)
	}
}

// put takes four samples apart again: those at even places and those at odd ones,
// 16 bits each, in the lower halves. Two are written as one word.
func put(out *[4]uint32, even, odd uint64) {
	const low = 0xffff
	w := even&low | odd&low<<32
	out[0], out[1] = uint32(w), uint32(w>>32)
	w = even>>16&low | odd>>16&low<<32
	out[2], out[3] = uint32(w), uint32(w>>32)
}

// edges lets a row of so many samples go on with what it begins and ends with.
func (d *blended) edges(n int) {
	for i := range margin {
		d[i], d[margin+n+i] = d[margin], d[margin+n-1]
	}
}

// pick2 draws a row, each sample of two.
func (d *blended) pick2(to []byte, at []uint16, near []pair) {
	to, near = to[:len(at)], near[:len(at)]
	for i, at := range at {
		to[i] = sample(d.two(at) * uint64(near[i]))
	}
}

// pick4 draws a row, each sample of four.
func (d *blended) pick4(to []byte, at []uint16, near, far []pair) {
	to, near, far = to[:len(at)], near[:len(at)], far[:len(at)]
	for i, at := range at {
		to[i] = sample(d.two(at)*uint64(near[i]) + d.nextTwo(at)*uint64(far[i]))
	}
}

// two is the sample at a place and, in the upper half of the word, the one after.
func (d *blended) two(at uint16) uint64 {
	p := (*[2]uint32)(d[at:])
	return uint64(p[0]) | uint64(p[1])<<32
}

// nextTwo is the two samples after those.
func (d *blended) nextTwo(at uint16) uint64 {
	p := (*[4]uint32)(d[at:])
	return uint64(p[2]) | uint64(p[3])<<32
}

// sample is the upper half of a word as a byte, rounded.
func sample(sum uint64) byte { return byte((sum + rounding<<32) >> (fraction + 32)) }
