package h264

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSkip has x264 encode one picture and FFmpeg decode it and 299 skips of it:
// 300 times the same picture, bit for bit, and not a word of complaint.
func TestSkip(t *testing.T) {
	for _, tc := range []struct{ name, size, rate, options, format string }{
		{"web video", "640x360", "25", "-preset veryfast -crf 16", ""},
		{"cropped", "642x362", "25", "-preset faster -crf 14", ""},
		{"full hd", "1920x1080", "30", "-preset veryfast -crf 16", ""},
		{"upright", "270x480", "60", "-preset superfast -crf 21", ""},
		{"one macroblock", "16x16", "25", "-preset veryfast", ""},
		{"less than one", "2x2", "25", "-preset veryfast", ""},
		{"ntsc", "320x180", "30000/1001", "-preset medium -crf 11", ""},
		{"no reordering, so no order", "320x180", "25", "-preset ultrafast", ""},
		{"baseline", "320x180", "25", "-preset fast -profile:v baseline", ""},
		{"main", "320x180", "25", "-preset fast -profile:v main", ""},
		{"many references", "320x180", "25", "-preset slow -refs 16", ""},
		{"high chroma", "320x180", "25", "-preset fast", "yuv444p"},
		{"several slices", "320x180", "25", "-preset fast -x264-params slices=4", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key := filepath.Join(t.TempDir(), "key.h264")
			ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s="+tc.size+":r="+tc.rate+",format="+cmp.Or(tc.format, "yuv420p"), "-frames:v", "1",
				"-c:v", "libx264", "-threads", "1", tc.options, key)
			data, err := os.ReadFile(key)
			if err != nil {
				t.Fatal(err)
			}
			const frames = 300
			still := filepath.Join(filepath.Dir(key), "still.h264")
			if err := os.WriteFile(still, repeat(t, data, frames), 0o600); err != nil {
				t.Fatal(err)
			}
			want, got := pictures(t, key), pictures(t, still)
			if len(want) != 1 || len(got) != frames {
				t.Fatalf("decoded %d and %d pictures, want 1 and %d", len(want), len(got), frames)
			}
			for i, sum := range got {
				if sum != want[0] {
					t.Fatalf("picture %d differs from the first", i)
				}
			}
		})
	}
}

// repeat makes a stream of one picture a stream of n.
func repeat(t *testing.T, stream []byte, n int) []byte {
	t.Helper()
	out := bytes.Clone(stream)
	unit := func(nal []byte) { out = append(append(out, 0, 0, 0, 1), nal...) }
	for nal := range bytes.SplitSeq(stream, []byte{0, 0, 1}) {
		if len(nal) == 0 || nal[0]&typeMask != spsType {
			continue
		}
		sps, err := ParseSPS(bytes.TrimRight(nal, "\x00"))
		if err != nil {
			t.Fatal(err)
		}
		unit(sps.SkipPPS())
		for i := 1; i < n; i++ {
			skip := sps.Skip(i)
			if len(skip) > 13 {
				t.Errorf("a skip of %d bytes", len(skip))
			}
			unit(skip)
		}
	}
	return out
}

// pictures is the MD5 of every picture FFmpeg decodes.
func pictures(t *testing.T, path string) (sums []string) {
	t.Helper()
	for line := range strings.Lines(ffmpeg(t, "-err_detect", "explode", "-i", path, "-fps_mode", "passthrough", "-f", "framemd5", "-")) {
		if !strings.HasPrefix(line, "#") {
			sums = append(sums, strings.TrimSpace(line[strings.LastIndex(line, ",")+1:]))
		}
	}
	return sums
}

// ffmpeg runs Debian's ffmpeg, which must not even warn; an argument with spaces
// is several.
func ffmpeg(t *testing.T, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command("ffmpeg", strings.Fields("-nostdin -y -v warning "+strings.Join(args, " "))...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("ffmpeg %s: %v (it is in the Debian package ffmpeg)\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// unit is the NAL unit of a parameter set whose payload is written as bits, with
// Exp-Golomb codes as numbers: "0 3 =101" is two codes and three bits.
func unit(header, fields string) []byte {
	head, _ := hex.DecodeString(header)
	var w writer
	for field := range strings.FieldsSeq(fields) {
		if raw, ok := strings.CutPrefix(field, "="); ok {
			v, _ := strconv.ParseUint(raw, 2, 32)
			w.bits(uint32(v), len(raw))
			continue
		}
		v, _ := strconv.ParseUint(field, 10, 32)
		w.ue(uint32(v))
	}
	nal := w.nal(head[0])
	return append(head, nal[1:]...)
}

func TestParseSPS(t *testing.T) {
	x264, err := hex.DecodeString("6764001eacd940a42fe224c044000003000400000300c83c58b658")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		nal  []byte
		want SPS
		err  string
	}{
		{"x264, 642x362", x264, SPS{0, 41 * 23, 4, 6}, ""},
		{"baseline, no order", unit("6742001e", "3 0 2 1 =0 9 4 =1"), SPS{3, 50, 4, 0}, ""},
		{"high, 4:4:4 in one plane", unit("67f4001e", "0 3 =0 0 0 =00 1 0 1 1 =0 0 0 =1"), SPS{0, 1, 5, 5}, ""},
		{"longest counters", unit("674d001e", "31 12 0 12 16 =1 0 0 =1"), SPS{31, 1, 16, 16}, ""},
		{"nothing", nil, SPS{}, "not a sequence parameter set"},
		{"a PPS", unit("68ee3c80", "0 0"), SPS{}, "not a sequence parameter set"},
		{"cut off", x264[:6], SPS{}, "it ends early"},
		{"too high an id", unit("6742001e", "32 0 2 1 =0 9 4 =1"), SPS{}, "out of range"},
		{"too long a counter", unit("6742001e", "0 13 2 1 =0 9 4 =1"), SPS{}, "out of range"},
		{"unknown order", unit("6742001e", "0 0 3 1 =0 9 4 =1"), SPS{}, "out of range"},
		{"order by a cycle", unit("6742001e", "0 0 1 =0 0 0 0 1 =0 9 4 =1"), SPS{}, "pictures ordered by a cycle are not supported"},
		{"no references", unit("6742001e", "0 0 2 0 =0 9 4 =1"), SPS{}, "pictures that refer to none are not supported"},
		{"interlaced", unit("674d001e", "0 0 2 1 =0 9 4 =0"), SPS{}, "interlaced pictures are not supported"},
		{"separate planes", unit("67f4001e", "0 3 =1 0 0 =00 1 0 1 1 =0 0 0 =1"), SPS{}, "separate colour planes are not supported"},
		{"scaling matrices", unit("6764001e", "0 1 0 0 =01 1 0 1 1 =0 0 0 =1"), SPS{}, "scaling matrices are not supported"},
		{"larger than any level", unit("6742001e", "0 0 2 1 =0 1000 1000 =1"), SPS{}, "pictures larger than any level are not supported"},
		{"far too wide", unit("6742001e", "0 0 2 1 =0 4294967294 0 =1"), SPS{}, "out of range"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseSPS(tc.nal)
			if tc.err == "" && (err != nil || got != tc.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
			}
			if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %v, want %s", err, tc.err)
			}
		})
	}
}

func TestPPSID(t *testing.T) {
	for _, tc := range []struct {
		name string
		nal  []byte
		want uint32
		ok   bool
	}{
		{"x264", []byte{0x68, 0xeb, 0xe3, 0xcb}, 0, true},
		{"ours", SPS{ID: 4}.SkipPPS(), SkipPPSID, true},
		{"highest", unit("68", "255 0"), 255, true},
		{"too high", unit("68", "256 0"), 0, false},
		{"empty", []byte{0x68}, 0, false},
		{"an SPS", []byte{0x67, 0xeb}, 0, false},
	} {
		if got, err := PPSID(tc.nal); got != tc.want || (err == nil) != tc.ok {
			t.Errorf("%s: got %d, %v", tc.name, got, err)
		}
	}
}

// TestBits holds that what the writer writes the reader reads, and that no
// payload looks like a start code.
func TestBits(t *testing.T) {
	type field struct {
		code bool
		v    uint32
		n    int
	}
	fields := rapid.SliceOf(rapid.Custom(func(t *rapid.T) field {
		if rapid.Bool().Draw(t, "code") {
			return field{true, rapid.OneOf(rapid.Uint32Range(0, 5), rapid.Uint32Range(0, 1<<31-2)).Draw(t, "v"), 0}
		}
		n := rapid.IntRange(0, 32).Draw(t, "n")
		return field{false, rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32()).Draw(t, "v") & uint32(1<<n-1), n}
	}))
	rapid.Check(t, func(t *rapid.T) {
		var w writer
		list := fields.Draw(t, "fields")
		for _, f := range list {
			if f.code {
				w.ue(f.v)
			} else {
				w.bits(f.v, f.n)
			}
		}
		nal := w.nal(0x68)
		for i := range len(nal) - 2 {
			if nal[i] == 0 && nal[i+1] == 0 && nal[i+2] < 3 {
				t.Fatalf("% x has a start code in it", nal)
			}
		}
		r := newReader(nal[1:])
		for i, f := range list {
			got := uint32(0)
			if f.code {
				got = r.upTo(1<<31 - 2)
			} else {
				got = r.bits(f.n)
			}
			if got != f.v || r.err != nil {
				t.Fatalf("field %d: got %d, %v, want %d", i, got, r.err, f.v)
			}
		}
		if r.bits(1) != 1 || r.err != nil || len(r.data) != (r.at+7)/8 {
			t.Fatalf("it does not end with the stop bit: %v", r.err)
		}
	})
}

// TestSkipFields reads skips back: the counters wrap at what the SPS says.
func TestSkipFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := SPS{
			ID: rapid.Uint32Range(0, 31).Draw(t, "id"), Macroblocks: rapid.Uint32Range(1, maxMacroblocks).Draw(t, "macroblocks"),
			FrameNumBits: rapid.IntRange(4, 16).Draw(t, "frame bits"), OrderBits: rapid.SampledFrom([]int{0, 4, 6, 16}).Draw(t, "order bits"),
		}
		n := rapid.IntRange(1, 1<<20).Draw(t, "n")
		r := newReader(s.Skip(n)[1:])
		got := []uint32{r.upTo(0), r.upTo(9), r.upTo(255), r.bits(s.FrameNumBits), r.bits(s.OrderBits), r.bits(3), r.upTo(0), r.upTo(2), r.upTo(maxMacroblocks)}
		want := []uint32{0, 5, SkipPPSID, uint32(n % (1 << s.FrameNumBits)), uint32(2 * n % (1 << s.OrderBits)), 0, 0, 1, s.Macroblocks}
		for i := range want {
			if got[i] != want[i] || r.err != nil {
				t.Fatalf("field %d: got %v, %v, want %v", i, got, r.err, want)
			}
		}
	})
}

func FuzzParseSPS(f *testing.F) {
	f.Add(unit("6742001e", "3 0 2 1 =0 9 4 =1"))
	f.Add(unit("67f4001e", "0 3 =0 0 0 =00 1 0 1 1 =0 0 0 =1"))
	f.Add([]byte{0x67, 0x64, 0, 0x1e, 0, 0, 3, 0, 0, 3, 0})
	f.Fuzz(func(t *testing.T, nal []byte) {
		s, err := ParseSPS(nal)
		if err != nil {
			return
		}
		if s.Macroblocks < 1 || s.Macroblocks > maxMacroblocks || s.FrameNumBits < 4 || s.FrameNumBits > 16 || s.OrderBits > 16 || s.ID > 31 {
			t.Errorf("% x gives %+v", nal, s)
		}
		if id, err := PPSID(s.SkipPPS()); id != SkipPPSID || err != nil {
			t.Errorf("% x: the PPS of skips has id %d, %v", nal, id, err)
		}
	})
}
