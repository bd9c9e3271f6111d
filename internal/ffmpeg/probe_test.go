package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withOrientation puts an EXIF segment into a JPEG that says how the camera was
// held.
func withOrientation(jpeg []byte, orientation uint16) []byte {
	exif := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00")
	exif = binary.LittleEndian.AppendUint16(exif, orientation)
	exif = append(exif, 0, 0, 0, 0, 0, 0) // fills the value, and no directory follows
	out := append([]byte{}, jpeg[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(exif)+2))
	return append(append(out, exif...), jpeg[2:]...)
}

// TestRotatedPhoto holds the probe against what a render makes of the same
// photograph.
func TestRotatedPhoto(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	plain, err := os.ReadFile(media(t, dir, "plain.jpg", "-f", "lavfi", "-i", "testsrc2=s=160x80", "-frames:v", "1"))
	if err != nil {
		t.Fatal(err)
	}
	for orientation := uint16(1); orientation <= 8; orientation++ {
		path, out := filepath.Join(dir, "turned.jpg"), filepath.Join(dir, "out.png")
		if err := os.WriteFile(path, withOrientation(plain, orientation), 0o600); err != nil {
			t.Fatal(err)
		}
		err := tools.Run(t.Context(), dir, Command{
			Inputs: []Input{{Path: path, Demuxer: "jpeg_pipe"}},
			Graph:  Graph{{In: []string{"0:v"}, Filters: []Filter{F("format", "pix_fmts", "rgb24")}, Out: []string{"v"}}},
			Output: []string{"-map", "[v]", "-frames:v", "1"}, To: out,
		}, DefaultLimits(), nil)
		if err != nil {
			t.Fatal(err)
		}
		width, height := 160, 80
		if orientation >= 5 {
			width, height = 80, 160
		}
		for path, f := range map[string]Format{path: {Image, "jpeg_pipe", "JPEG"}, out: {Image, "png_pipe", "PNG"}} {
			m, err := tools.Probe(t.Context(), path, f, DefaultLimits())
			if err != nil || m.Video.Width != width || m.Video.Height != height {
				t.Errorf("orientation %d as %s: got %+v %v", orientation, f.Name, m.Video, err)
			}
		}
	}
}

// TestTransfer tells HDR from SDR.
func TestTransfer(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	for transfer, hdr := range map[string]bool{"smpte2084": true, "arib-std-b67": true, "bt709": false, "unknown": false} {
		path := media(t, dir, transfer+".mp4", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=1", "-color_trc", transfer)
		m, err := tools.Probe(t.Context(), path, Format{Video, "mov", "MP4"}, DefaultLimits())
		if err != nil || m.Video.HDR() != hdr {
			t.Errorf("%s: %+v, %v", transfer, m.Video, err)
		}
	}
}

// TestPixelsOfPictures are square, whatever density a JPEG speaks of.
func TestPixelsOfPictures(t *testing.T) {
	tools := find(t)
	path := media(t, t.TempDir(), "a.jpg", "-f", "lavfi", "-i", "testsrc2=s=160x80,setsar=2/1", "-frames:v", "1")
	m, err := tools.Probe(t.Context(), path, Format{Image, "jpeg_pipe", "JPEG"}, DefaultLimits())
	if err != nil || m.Video.Width != 160 {
		t.Errorf("got %+v %v", m.Video, err)
	}
}

// TestOtherStreams holds that what is not picture or sound does no harm.
func TestOtherStreams(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	words := filepath.Join(dir, "words.srt")
	if err := os.WriteFile(words, []byte("1\n00:00:00,000 --> 00:00:01,000\nHello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	font := filepath.Join(dir, "font.ttf")
	if err := os.WriteFile(font, bytes.Repeat([]byte("\x00\x01"), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	inputs := []string{"-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-i", words, "-map", "0", "-map", "1"}
	for name, args := range map[string][]string{
		"srt.mkv":    {"-c:s", "srt", "-attach", font, "-metadata:s:t", "mimetype=application/x-truetype-font"},
		"ass.mkv":    {"-c:s", "ass"},
		"dvd.mkv":    {"-map", "-1", "-attach", words, "-metadata:s:t", "mimetype=image/jpeg"},
		"text.mp4":   {"-c:s", "mov_text", "-timecode", "00:00:00:00"},
		"words.webm": {"-c:v", "libvpx", "-c:s", "webvtt"},
	} {
		path := media(t, dir, name, append(append([]string{}, inputs...), args...)...)
		f, _ := sniff(t, path)
		m, err := tools.Probe(t.Context(), path, f, DefaultLimits())
		if err != nil || m.Video == nil || m.Video.Width != 64 || m.Audio != nil {
			t.Errorf("%s: got %+v %v", name, m, err)
		}
		err = tools.Run(t.Context(), dir, Command{
			Inputs: []Input{{Path: path, Demuxer: f.Demuxer}}, Output: []string{"-c", "copy", "-f", "null"}, To: "/dev/null",
		}, DefaultLimits(), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMessages holds what goes to whoever sent a file.
func TestMessages(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	garbage := filepath.Join(dir, "source-3522962999")
	if err := os.WriteFile(garbage, []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := tools.Probe(t.Context(), garbage, Format{Video, "mov", "MP4"}, DefaultLimits())
	if err == nil || err.Error() != "not a readable MP4 file: Invalid data found when processing input" {
		t.Errorf("garbage: %v", err)
	}
	err = tools.Run(t.Context(), dir, Command{Inputs: []Input{{Path: garbage, Demuxer: "mov"}}, Output: []string{"-f", "null"}, To: "/dev/null"}, DefaultLimits(), nil)
	if err == nil || err.Error() != "Invalid data found when processing input" {
		t.Errorf("rendered garbage: %v", err)
	}
	exotic := media(t, dir, "a.avi", "-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-c:v", "huffyuv")
	_, err = tools.Probe(t.Context(), exotic, Format{Video, "avi", "AVI"}, DefaultLimits())
	if err == nil || err.Error() != "the codec huffyuv is not supported" {
		t.Errorf("codec: %v", err)
	}
	twice := media(t, dir, "b.avi", "-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-map", "0", "-map", "0", "-c:v", "huffyuv")
	_, err = tools.Probe(t.Context(), twice, Format{Video, "avi", "AVI"}, DefaultLimits())
	if err == nil || err.Error() != "the codec huffyuv is not supported" {
		t.Errorf("codec of two streams: %v", err)
	}
	got := plain(&RunError{Message: "[srt @ 0x55d6a1b2c3d4] bad header", Err: errors.New("exit status 1")}, "/x/a")
	if got.Error() != "bad header" {
		t.Errorf("address: %v", got)
	}
}

// TestDamagedPictures takes what a browser shows a part of, and refuses what
// shows nothing.
func TestDamagedPictures(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	for _, tc := range []struct {
		name, demuxer string
		keep          float64
		ok            bool
	}{
		{"a.jpg", "jpeg_pipe", 0.7, true}, {"a.jpg", "jpeg_pipe", 0.02, false},
		{"a.png", "png_pipe", 0.02, false}, {"a.webp", "webp_pipe", 0.02, false}, {"a.gif", "gif", 0.01, false},
	} {
		path := media(t, dir, tc.name, "-f", "lavfi", "-i", "testsrc2=s=640x480", "-frames:v", "1")
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content[:int(float64(len(content))*tc.keep)], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tools.Probe(t.Context(), path, Format{Image, tc.demuxer, "test"}, DefaultLimits()); (err == nil) != tc.ok {
			t.Errorf("%s cut to %v: %v", tc.name, tc.keep, err)
		}
	}
}

// TestPictureDuration is what the containers themselves say of the picture.
func TestPictureDuration(t *testing.T) {
	tools, dir := find(t), t.TempDir()
	for _, name := range []string{"a.mp4", "a.mkv"} {
		path := media(t, dir, name, "-f", "lavfi", "-i", "testsrc2=s=64x48:d=2", "-f", "lavfi", "-i", "sine=d=6")
		f, _ := sniff(t, path)
		m, err := tools.Probe(t.Context(), path, f, DefaultLimits())
		if err != nil || !near(m.Video.Duration, 2) || !near(m.Duration, 6) {
			t.Errorf("%s: got %+v %+v %v", name, m, m.Video, err)
		}
	}
	for in, want := range map[string]float64{"00:01:02.500000000": 62.5, "01:00:00": 3600, "": 0, "x:y:z": 0, "12": 0, "nan:00:01": 1} {
		if got := clock(in); got != want {
			t.Errorf("%q: got %v", in, got)
		}
	}
	if strings.Contains(decoders, ",,") {
		t.Error("the list of decoders has a hole")
	}
}
