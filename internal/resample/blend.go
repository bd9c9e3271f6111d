package resample

import "encoding/binary"

// Weights of rows have 8 bits, so that a byte times one fits in 16 and four
// samples are multiplied at once in a word of 64. That places a row to within
// 1/512 of a pixel, as graphics cards do. Weights of columns have 14 bits.
const (
	rowBits    = 8
	columnBits = 14
)

// block is how many samples of a row are blended at once.
const block = 8

// blended is a row in view, blended of two or four of a plane's rows: 16 bits a
// sample, little-endian, rowBits of them behind the point. Of each block the
// samples at even places come before those at odd ones, which is how the words
// fall apart. A sample's place in it fits 16 bits, so that no bounds need checking;
// one byte more lets a sample at the last place be read.
type blended [2*MaxSide + 1]byte

// place is where the samples of a row are in blended.
func place(i int) uint16 {
	return uint16(2 * (i&^(block-1) | i&1<<2 | i&(block-1)>>1))
}

// rows are two rows of samples, equally long, and how much of each is taken.
type rows struct {
	a, b   []byte
	wa, wb uint64
}

// even masks every second byte of a word, so that each has room to be multiplied.
const even = 0x00ff00ff00ff00ff

// blend2 blends two rows, whose first sample is at a place that begins a block.
func (d *blended) blend2(first int, r rows) {
	out := d[2*first : 2*MaxSide]
	i := 0
	for ; i+block <= len(r.a); i += block {
		a, b := binary.LittleEndian.Uint64(r.a[i:]), binary.LittleEndian.Uint64(r.b[i:])
		binary.LittleEndian.PutUint64(out[2*i:], a&even*r.wa+b&even*r.wb)
		binary.LittleEndian.PutUint64(out[2*i+8:], a>>8&even*r.wa+b>>8&even*r.wb)
	}
	if i < len(r.a) {
		var a, b [block]byte
		copy(a[:], r.a[i:])
		copy(b[:], r.b[i:])
		d.blend2(first+i, rows{a: a[:], b: b[:], wa: r.wa, wb: r.wb})
	}
}

// blend4 blends four rows.
func (d *blended) blend4(first int, r, s rows) {
	out := d[2*first : 2*MaxSide]
	i := 0
	for ; i+block <= len(r.a); i += block {
		a, b := binary.LittleEndian.Uint64(r.a[i:]), binary.LittleEndian.Uint64(r.b[i:])
		x, y := binary.LittleEndian.Uint64(s.a[i:]), binary.LittleEndian.Uint64(s.b[i:])
		binary.LittleEndian.PutUint64(out[2*i:], a&even*r.wa+b&even*r.wb+x&even*s.wa+y&even*s.wb)
		binary.LittleEndian.PutUint64(out[2*i+8:], a>>8&even*r.wa+b>>8&even*r.wb+x>>8&even*s.wa+y>>8&even*s.wb)
	}
	if i < len(r.a) {
		var a, b, x, y [block]byte
		copy(a[:], r.a[i:])
		copy(b[:], r.b[i:])
		copy(x[:], s.a[i:])
		copy(y[:], s.b[i:])
		d.blend4(first+i, rows{a: a[:], b: b[:], wa: r.wa, wb: r.wb}, rows{a: x[:], b: y[:], wa: s.wa, wb: s.wb})
	}
}

// at is the sample at a place.
func (d *blended) at(place uint16) uint32 {
	return uint32(d[place]) | uint32(d[int(place)+1])<<8
}

const (
	fraction = rowBits + columnBits
	rounding = 1 << (fraction - 1)
)

// pick2 draws a row, each sample of two.
func (d *blended) pick2(to []byte, near []pair) {
	to = to[:len(near)]
	for i, p := range near {
		to[i] = byte((d.at(p.a)*uint32(p.wa) + d.at(p.b)*uint32(p.wb) + rounding) >> fraction)
	}
}

// pick4 draws a row, each sample of four.
func (d *blended) pick4(to []byte, near, far []pair) {
	to, far = to[:len(near)], far[:len(near)]
	for i, p := range near {
		q := far[i]
		sum := d.at(p.a)*uint32(p.wa) + d.at(p.b)*uint32(p.wb) + d.at(q.a)*uint32(q.wa) + d.at(q.b)*uint32(q.wb)
		to[i] = byte((sum + rounding) >> fraction)
	}
}
