package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// fontName says what kind of font a file is, "" for none.
func fontName(head []byte) string {
	if len(head) < 4 {
		return ""
	}
	switch string(head[:4]) {
	case "\x00\x01\x00\x00", "true":
		return "a TrueType font"
	case "OTTO":
		return "an OpenType font"
	case "wOFF":
		return "a WOFF font"
	case "wOF2":
		return "a WOFF2 font"
	case "ttcf":
		return "a collection of fonts"
	}
	return ""
}

// fontFormats are the fonts the text drawer reads.
var fontFormats = map[string]string{"a TrueType font": "TTF", "an OpenType font": "OTF", "a WOFF font": "WOFF"}

// readFont recognises a font and checks that its tables lie within it. The name
// is "" for what is no font at all.
func readFont(path string, size int64, head []byte) (string, error) {
	is := fontName(head)
	if is == "" {
		return "", nil
	}
	name, ok := fontFormats[is]
	if !ok {
		return "", fmt.Errorf("it is %s, which cannot be read; use the TTF, OTF or WOFF of the font", is)
	}
	f, err := os.Open(path)
	if err != nil {
		return name, err
	}
	defer f.Close()
	return name, checkTables(f, size, name == "WOFF")
}

// maxUnpacked is what the tables of a WOFF may unpack to.
const maxUnpacked = 64 << 20

var errFont = errors.New("the font is damaged")

// checkTables reads a font's directory before the text drawer does, which makes
// room for whatever size a table claims to have.
func checkTables(r io.ReaderAt, size int64, woff bool) error {
	count, first, step, from, length := int64(4), int64(12), int64(16), 8, 12 // where things stand in TTF and OTF
	if woff {
		count, first, step, from, length = 12, 44, 20, 4, 8
	}
	var n [2]byte
	if _, err := r.ReadAt(n[:], count); err != nil {
		return errFont
	}
	var unpacked int64
	entry := make([]byte, step)
	for i := range int64(binary.BigEndian.Uint16(n[:])) {
		if _, err := r.ReadAt(entry, first+i*step); err != nil {
			return errFont
		}
		stored := int64(binary.BigEndian.Uint32(entry[length:]))
		if int64(binary.BigEndian.Uint32(entry[from:]))+stored > size {
			return errFont
		}
		if woff {
			stored = int64(binary.BigEndian.Uint32(entry[12:]))
		}
		if unpacked += stored; unpacked > maxUnpacked {
			return fmt.Errorf("the font unpacks to more than %d MiB", maxUnpacked>>20)
		}
	}
	return nil
}
