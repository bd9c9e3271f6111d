package media

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-text/typesetting/font"
	"golang.org/x/image/font/gofont/goregular"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

func TestFonts(t *testing.T) {
	base := serveSamples(t)
	content := goregular.TTF
	write("a.ttf", string(content))
	write("a.otf", "OTTO"+string(content[4:]))
	write("a.woff", woff(content))
	for ext, name := range map[string]string{"ttf": "TTF", "otf": "OTF", "woff": "WOFF"} {
		a, err := get(t, fetcher(), base+"/a."+ext, Font)
		if err != nil || a.Format != (ffmpeg.Format{Name: name}) || a.Size != int64(len(read("a."+ext))) {
			t.Errorf("%s: got %+v %v", name, a, err)
		}
	}
	write("big.ttf", string(content)+strings.Repeat("x", maxFont))
	write("cut.ttf", string(content[:len(content)/2]))
	// A table of almost 4 GiB, for which the font parser would make room.
	write("bomb.ttf", "\x00\x01\x00\x00\x00\x01"+strings.Repeat("\x00", 6)+"glyf\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xf0")
	write("bomb.woff", "wOFF\x00\x01\x00\x00\x00\x00\x00\x50\x00\x01"+strings.Repeat("\x00", 30)+"glyf\x00\x00\x00\x40\x00\x00\x00\x10\xff\xff\xff\xf0\x00\x00\x00\x00"+strings.Repeat("x", 100))
	for name, want := range map[string]string{
		"a.woff2":   "a.woff2' cannot be used: it is a WOFF2 font, which cannot be read; use the TTF, OTF or WOFF of the font",
		"a.ttc":     "it is a collection of fonts",
		"cut.ttf":   "the font is damaged",
		"bomb.ttf":  "the font is damaged",
		"bomb.woff": "the font unpacks to more than 64 MiB",
		"big.ttf":   "(larger than 20 MiB)",
		"a.png":     "The URL provided is not a font file and cannot be used as a source for a font: '" + base + "/a.png' is of type PNG",
		"page.png":  "is a web page",
		"nowhere":   "(404)",
	} {
		_, err := get(t, fetcher(), base+"/"+name, Font)
		refused(t, err, want)
	}
	_, err := get(t, fetcher(), base+"/a.ttf", Image)
	refused(t, err, "is a TrueType font")
}

// woff packs a TrueType font, and checks with the parser of the text drawer that
// it did so right.
func woff(ttf []byte) string {
	count := int(binary.BigEndian.Uint16(ttf[4:]))
	directory, tables := []byte{}, []byte{}
	for i := range count {
		entry := ttf[12+16*i:][:16]
		from, length := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		packed := new(bytes.Buffer)
		z := zlib.NewWriter(packed)
		_, _ = z.Write(ttf[from : from+length])
		_ = z.Close()
		content := packed.Bytes()
		if len(content) >= int(length) { // then it is stored as it is
			content = ttf[from : from+length]
		}
		directory = append(directory, entry[:4]...)
		for _, n := range []uint32{uint32(44 + 20*count + len(tables)), uint32(len(content)), length} {
			directory = binary.BigEndian.AppendUint32(directory, n)
		}
		directory = append(directory, entry[4:8]...)
		tables = append(tables, content...)
	}
	head := make([]byte, 44)
	copy(head, "wOFF\x00\x01\x00\x00")
	binary.BigEndian.PutUint16(head[12:], uint16(count))
	whole := slices.Concat(head, directory, tables)
	if _, err := font.ParseTTF(bytes.NewReader(whole)); err != nil {
		panic(err)
	}
	return string(whole)
}

// TestSystemFonts holds that the check is not stricter than fonts are.
func TestSystemFonts(t *testing.T) {
	n := 0
	for _, pattern := range []string{"*.ttf", "*.otf"} {
		for _, depth := range []string{"*", "*/*"} {
			list, _ := filepath.Glob(filepath.Join("/usr/share/fonts", depth, pattern))
			for _, path := range list {
				head, err := readHead(path)
				if err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if name, err := readFont(path, info.Size(), head); name == "" || err != nil {
					t.Errorf("%s: %q %v", path, name, err)
				}
				n++
			}
		}
	}
	t.Logf("%d fonts", n)
}
