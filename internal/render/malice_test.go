package render

import (
	"bytes"
	"compress/flate"
	"compress/lzw"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Makers of hostile files. Each is small: what is large about them is what they
// claim, or what they unpack to.

// be32 and be16 are big endian, le32 and le16 little.
func be32(n ...uint32) (b []byte) {
	for _, x := range n {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

func be16(n ...uint16) (b []byte) {
	for _, x := range n {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}

func le32(n ...uint32) (b []byte) {
	for _, x := range n {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

func le16(n ...uint16) (b []byte) {
	for _, x := range n {
		b = binary.LittleEndian.AppendUint16(b, x)
	}
	return b
}

// packed is n times the same byte through zlib (RFC 1950): one run of it packed by
// itself, again and again, for to pack a gigabyte takes a minute where races are
// looked for.
func packed(n int64, c byte) []byte {
	const run, modulus = 1 << 20, 65521
	b := append([]byte{0x78, 0x9c}, bytes.Repeat(deflated(run, c, false), int(n/run))...)
	b = append(b, deflated(n%run, c, true)...)
	low := (1 + n%modulus*int64(c)) % modulus // Adler-32 of equal bytes
	high := (n + n*(n+1)/2%modulus*int64(c)) % modulus
	return append(b, be32(uint32(high<<16|low))...)
}

// deflated is n times the same byte, as it may stand between others or as the last.
func deflated(n int64, c byte, last bool) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression) // a level that there is
	_, _ = w.Write(bytes.Repeat([]byte{c}, int(n)))
	if last {
		_ = w.Close()
	} else {
		_ = w.Flush()
	}
	return b.Bytes()
}

// pngChunk is one chunk of a PNG, with its sum.
func pngChunk(kind string, data []byte) []byte {
	body := append([]byte(kind), data...)
	return slices.Concat(be32(uint32(len(data))), body, be32(crc32.ChecksumIEEE(body)))
}

// makePNG is a grey PNG of one bit a pixel, all of it there, with chunks in front of
// its pixels.
func makePNG(width, height uint32, chunks ...[]byte) []byte {
	head := append(be32(width, height), 1, 0, 0, 0, 0)
	line := int64(width+7)/8 + 1
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", head), slices.Concat(chunks...), pngChunk("IDAT", packed(line*int64(height), 0)), pngChunk("IEND", nil))
}

// makeGIF is a GIF of frames that each show n pixels in each direction and last for
// hundredths of a second.
func makeGIF(width, height uint16, frames int, n, delay uint16) []byte {
	var pixels bytes.Buffer
	z := lzw.NewWriter(&pixels, lzw.LSB, 2)
	_, _ = z.Write(make([]byte, int(n)*int(n)))
	_ = z.Close()
	var frame []byte
	frame = append(frame, 0x21, 0xf9, 4, 0)
	frame = append(append(frame, le16(delay)...), 0, 0)
	frame = append(append(frame, 0x2c), le16(0, 0, n, n)...)
	frame = append(frame, 0, 2)
	for data := pixels.Bytes(); len(data) > 0; {
		part := data[:min(255, len(data))]
		frame = append(append(frame, byte(len(part))), part...)
		data = data[len(part):]
	}
	frame = append(frame, 0)
	head := slices.Concat([]byte("GIF89a"), le16(width, height), []byte{0x81, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255})
	return slices.Concat(head, bytes.Repeat(frame, frames), []byte{0x3b})
}

// makeTIFF is a grey one whose directory says what it is given, ending with the place
// of a next one.
func makeTIFF(width, height, next uint32, more ...[3]uint32) []byte {
	entries := append([][3]uint32{{256, 4, width}, {257, 4, height}, {258, 3, 8}, {259, 3, 1}, {262, 3, 1}, {273, 4, 8}, {277, 3, 1}, {278, 4, height}, {279, 4, math.MaxUint32}}, more...)
	b := append([]byte("II*\x00"), le32(8)...)
	b = append(b, le16(uint16(len(entries)))...)
	for _, e := range entries {
		b = append(append(b, le16(uint16(e[0]), uint16(e[1]))...), le32(1, e[2])...)
	}
	return append(b, le32(next)...)
}

// makeBMP is the head of one, and some pixels.
func makeBMP(width, height int32, bits uint16) []byte {
	return slices.Concat([]byte("BM"), le32(1<<20, 0, 54, 40, uint32(width), uint32(height)), le16(1, bits), le32(0, 0, 0, 0, 0, 0), make([]byte, 1000))
}

// makeJPEG is a baseline JPEG whose frame claims a size, with a few bytes of scan.
func makeJPEG(width, height uint16) []byte {
	return slices.Concat([]byte{0xff, 0xd8}, []byte{0xff, 0xdb, 0, 67, 0}, bytes.Repeat([]byte{1}, 64),
		[]byte{0xff, 0xc0, 0, 11, 8}, be16(height, width), []byte{1, 1, 0x11, 0},
		[]byte{0xff, 0xc4, 0, 20, 0, 0, 1}, make([]byte, 15), []byte{0}, []byte{0xff, 0xc4, 0, 20, 0x10, 0, 1}, make([]byte, 15), []byte{0},
		[]byte{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0}, make([]byte, 100), []byte{0xff, 0xd9})
}

// riff is a RIFF file or list.
func riff(kind, name string, chunks ...[]byte) []byte {
	body := append([]byte(name), slices.Concat(chunks...)...)
	return slices.Concat([]byte(kind), le32(uint32(len(body))), body)
}

func riffChunk(name string, data []byte) []byte {
	pad := make([]byte, len(data)%2)
	return slices.Concat([]byte(name), le32(uint32(len(data))), data, pad)
}

// makeWebP is a still one of either kind that claims a size.
func makeWebP(lossless bool, width, height uint32) []byte {
	if lossless {
		bits := width - 1 | (height-1)<<14
		return riff("RIFF", "WEBP", riffChunk("VP8L", append(append([]byte{0x2f}, le32(bits)...), make([]byte, 100)...)))
	}
	frame := append([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a}, le16(uint16(width), uint16(height))...)
	return riff("RIFF", "WEBP", riffChunk("VP8 ", append(frame, make([]byte, 100)...)))
}

// makeWAV is a sound that claims a form, with a second of silence at 8 kHz in it.
func makeWAV(channels uint16, rate uint32, bits uint16) []byte {
	align := channels * (bits / 8)
	format := slices.Concat(le16(1, channels), le32(rate, rate*uint32(align)), le16(align, bits))
	return riff("RIFF", "WAVE", riffChunk("fmt ", format), riffChunk("data", make([]byte, 16000)))
}

// gab2 is an AVI whose subtitles are another file: FFmpeg looks into them with a
// demuxer of its own choice (the way of "ffmpeg-avi-m3u-xbin", CVE-2017-9993).
func gab2(inner string) []byte {
	stream := func(kind, codec string, format []byte) []byte {
		head := slices.Concat([]byte(kind+codec), le32(0, 0, 0, 1, 25, 0, 100, 0, 0, 0), le16(0, 0, 64, 64))
		return riff("LIST", "strl", riffChunk("strh", head), riffChunk("strf", format))
	}
	picture := slices.Concat(le32(40, 64, 64), le16(1, 24), []byte("mp4v"), le32(0, 0, 0, 0, 0))
	main := le32(40000, 0, 0, 0x10, 100, 0, 2, 0, 64, 64, 0, 0, 0, 0)
	words := slices.Concat([]byte("GAB2\x00\x02\x00"), make([]byte, 10), []byte(inner))
	packets := [][]byte{riffChunk("01tx", words)}
	for range 50 {
		packets = append(packets, riffChunk("00dc", make([]byte, 200)))
	}
	return riff("RIFF", "AVI ", riff("LIST", "hdrl", riffChunk("avih", main), stream("vids", "mp4v", picture), stream("txts", "\x00\x00\x00\x00", nil)),
		riff("LIST", "movi", packets...))
}

// box is one of an MP4.
func box(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(be32(uint32(8+len(body))), []byte(kind), body)
}

// external is a MOV of a second of sound whose samples lie in another file: any
// file, which would be heard. The data reference is QuickTime's alias, the only
// one that FFmpeg follows.
func external(path string) []byte {
	alias := slices.Concat(make([]byte, 10), []byte{4}, fixed("Disk", 27), make([]byte, 12), []byte{byte(min(63, len(path)))}, fixed(path, 63), make([]byte, 16), be16(1, 1), make([]byte, 16),
		be16(2, uint16(len("Disk:")+len(path))), []byte("Disk:"+path), make([]byte, (len("Disk:")+len(path))%2), be16(0xffff, 0))
	dinf := box("dinf", box("dref", be32(0, 1), box("alis", be32(0), alias)))
	entry := box("sowt", make([]byte, 6), be16(1), be16(0, 0), be32(0), be16(1, 16, 0, 0), be32(8000<<16))
	const n = 8000
	stbl := box("stbl", box("stsd", be32(0, 1), entry), box("stts", be32(0, 1, n, 1)), box("stsc", be32(0, 1, 1, n, 1)), box("stsz", be32(0, 2, n)), box("stco", be32(0, 1, 0)))
	mdia := box("mdia", box("mdhd", be32(0, 0, 0, 8000, n, 0)), box("hdlr", be32(0, 0), []byte("soun"), make([]byte, 13)),
		box("minf", box("smhd", be32(0, 0)), dinf, stbl))
	trak := box("trak", box("tkhd", be32(3, 0, 0, 1, 0, n), make([]byte, 60)), mdia)
	return slices.Concat(box("ftyp", []byte("qt  "), be32(0), []byte("qt  ")), box("moov", box("mvhd", be32(0, 0, 0, 8000, n), make([]byte, 80)), trak))
}

func fixed(s string, n int) []byte { return append([]byte(s), make([]byte, n)...)[:n] }

// patch overwrites what follows the nth occurrence of a mark, n from 0.
func patch(content []byte, mark string, n, skip int, with []byte) []byte {
	at := 0
	for range n + 1 {
		i := bytes.Index(content[at:], []byte(mark))
		if i < 0 {
			panic("there is no " + mark)
		}
		at += i + len(mark)
	}
	out := bytes.Clone(content)
	copy(out[at+skip:], with)
	return out
}

// sps is a sequence parameter set of H.264, baseline, for a size in macroblocks.
func sps(wide, high uint32) []byte {
	var bits strings.Builder
	put := func(n uint32, width int) {
		for i := width - 1; i >= 0; i-- {
			bits.WriteByte('0' + byte(n>>i&1))
		}
	}
	ue := func(n uint32) { // Exp-Golomb, H.264 9.1
		size := 0
		for n+1 >= 1<<(size+1) {
			size++
		}
		put(0, size)
		put(n+1, size+1)
	}
	for _, n := range []uint32{0, 0, 0, 2, 1} { // id, frame numbers, order of pictures, references
		ue(n)
	}
	put(0, 1)
	ue(wide - 1)
	ue(high - 1)
	put(0b1100, 4) // frames only, 8x8, no cropping, no VUI
	put(1, 1)
	out := []byte{0x67, 66, 0xc0, 62}
	for text := bits.String(); len(text) > 0; text = text[min(8, len(text)):] {
		var b byte
		for i := range 8 {
			b <<= 1
			if i < len(text) {
				b |= text[i] - '0'
			}
		}
		out = append(out, b)
	}
	return out
}

// fuzzed is content with some of its bytes changed, always the same ones for a
// seed, from a place on.
func fuzzed(content []byte, from int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	out := bytes.Clone(content)
	for range 1 + r.IntN(40) {
		out[from+r.IntN(len(out)-from)] = byte(r.Uint32())
	}
	return out
}

// noise is content with random bytes from a place on.
func noise(content []byte, from int) []byte {
	r := rand.New(rand.NewPCG(1, 0))
	out := bytes.Clone(content)
	for i := from; i < len(out); i++ {
		out[i] = byte(r.Uint32())
	}
	return out
}

// patchSPS puts another parameter set in place of an MP4's own, which is longer.
func patchSPS(content, with []byte) []byte {
	return patch(content, "avcC", 0, 8, with)
}
