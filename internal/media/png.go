package media

import (
	"bufio"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// maxPNGText is what the texts and profiles of a PNG may unpack to, in bytes:
// the decoder unpacks them whole, and zlib makes 1 GB of 1 MB.
const maxPNGText = 16 << 20

var errPNGText = fmt.Errorf("its texts and colour profile unpack to more than %d MiB", maxPNGText>>20)

const pngSignature = "\x89PNG\r\n\x1a\n"

// checkPNG refuses a PNG for what it packs beside its pixels. What else is wrong
// with it the decoder finds.
func checkPNG(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return &diskError{err}
	}
	defer f.Close()
	if unpackedText(bufio.NewReaderSize(f, 64<<10)) > maxPNGText {
		return errPNGText
	}
	return nil
}

// unpackedText is how many bytes the packed texts and profiles of a PNG, and of
// those that follow it in the same file, unpack to; it stops counting where that
// is too much.
func unpackedText(r *bufio.Reader) (n int64) {
	for n <= maxPNGText {
		if head, _ := r.Peek(len(pngSignature)); string(head) == pngSignature {
			_, _ = r.Discard(len(pngSignature))
		}
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return n
		}
		chunk := io.LimitReader(r, int64(binary.BigEndian.Uint32(head[:])))
		if kind := string(head[4:]); kind == "zTXt" || kind == "iCCP" {
			n += unpacked(chunk, maxPNGText+1-n)
		}
		if _, err := io.Copy(io.Discard, chunk); err != nil {
			return n
		}
		if _, err := r.Discard(4); err != nil { // the sum
			return n
		}
	}
	return n
}

// unpacked is how many bytes a chunk unpacks to, up to a limit: behind a name, a
// zero and the method (PNG, 11.3.2.3 and 11.3.3.3). Of one that is damaged it is
// what the decoder gets as well.
func unpacked(chunk io.Reader, limit int64) int64 {
	r := bufio.NewReader(chunk)
	if _, err := r.ReadSlice(0); err != nil {
		return 0
	}
	if _, err := r.Discard(1); err != nil {
		return 0
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return 0
	}
	n, _ := io.CopyN(io.Discard, z, limit)
	return n
}
