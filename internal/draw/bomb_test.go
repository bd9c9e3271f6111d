package draw

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-text/typesetting/font"
)

// bomb is Noto Sans with an A that consists of four glyphs, each of four others,
// and so on for twenty levels: 4^20 glyphs in the end, which have points (and use
// memory up) or none (and use only time).
func bomb(t testing.TB, points bool) string {
	t.Helper()
	content, err := os.ReadFile("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	face, err := font.ParseTTF(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := face.NominalGlyph('A')
	tables := tablesOf(content)
	glyphs := int(binary.BigEndian.Uint16(tables["maxp"][4:]))
	const levels, chain = 20, 1000 // the glyphs 1000 to 1019 are the levels
	replaced := map[int][]byte{int(first): composite(chain)}
	for i := range levels - 1 {
		replaced[chain+i] = composite(chain + i + 1)
	}
	if points {
		replaced[chain+levels-1] = triangle
	}
	tables["glyf"], tables["loca"] = glyf(glyphs, replaced)
	binary.BigEndian.PutUint16(tables["head"][50:], 1) // long offsets
	path := filepath.Join(t.TempDir(), "bomb.ttf")
	if err := os.WriteFile(path, fontOf(content[:12], tables), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// composite is a glyph of four times another one.
func composite(of int) []byte {
	b := []byte{0xff, 0xff, 0, 0, 0, 0, 1, 0, 1, 0} // no contours of its own; bounds
	for i := range 4 {
		flags := uint16(0x0002) // what follows are offsets
		if i < 3 {
			flags |= 0x0020 // more components
		}
		b = binary.BigEndian.AppendUint16(b, flags)
		b = binary.BigEndian.AppendUint16(b, uint16(of))
		b = append(b, byte(i), 0)
	}
	return b
}

// triangle is a glyph of one contour of three points.
var triangle = []byte{0, 1, 0, 0, 0, 0, 0, 9, 0, 9, 0, 2, 0, 0, 0x37, 0x37, 0x37, 1, 9, 9, 1, 9, 9}

// glyf is the tables glyf and loca with some glyphs, all others empty.
func glyf(n int, glyphs map[int][]byte) (data, offsets []byte) {
	for i := range n + 1 {
		offsets = binary.BigEndian.AppendUint32(offsets, uint32(len(data)))
		data = append(data, glyphs[i]...)
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
	}
	return data, offsets
}

func tablesOf(content []byte) map[string][]byte {
	tables := map[string][]byte{}
	for i := range int(binary.BigEndian.Uint16(content[4:])) {
		entry := content[12+16*i:]
		offset, size := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		tables[string(entry[:4])] = bytes.Clone(content[offset : offset+size])
	}
	return tables
}

// fontOf puts tables together; nobody checks the sums.
func fontOf(head []byte, tables map[string][]byte) []byte {
	file, data := bytes.Clone(head), []byte(nil)
	binary.BigEndian.PutUint16(file[4:], uint16(len(tables)))
	for tag, table := range tables {
		file = append(file, tag...)
		file = binary.BigEndian.AppendUint32(file, 0)
		file = binary.BigEndian.AppendUint32(file, uint32(12+16*len(tables)+len(data)))
		file = binary.BigEndian.AppendUint32(file, uint32(len(table)))
		data = append(data, table...)
	}
	return append(file, data...)
}
