//go:build linux

package ffmpeg

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/sandbox"
	"github.com/reelhook/reelhook/internal/sandbox/sandboxtest"
)

// TestOptionsAloneHoldTheDoors tries files that name others where there is no
// sandbox: the options of every run must keep FFmpeg from opening them. Each is
// first shown to FFmpeg without those options, which opens what it names.
func TestOptionsAloneHoldTheDoors(t *testing.T) {
	tools := *find(t)
	tools.box = &sandbox.Sandbox{}
	dir := t.TempDir()
	secret := media(t, dir, "secret.ts", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1")
	opened := sandboxtest.WatchOpens(t, secret)
	for _, tc := range []struct {
		name, content string
		// bare are the options of the run that is not guarded.
		bare []string
	}{
		{"a playlist", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://" + secret + "\n#EXT-X-ENDLIST\n", nil},
		{"a script", "ffconcat version 1.0\nfile 'secret.ts'\n", nil},
		{"samples elsewhere", external("secret.ts"), []string{"-enable_drefs", "1"}},
	} {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_ = exec.Command("ffmpeg", slices.Concat([]string{"-v", "quiet", "-nostdin"}, tc.bare, []string{"-i", path, "-f", "null", "-"})...).Run()
		if !opened() {
			t.Errorf("%s: FFmpeg by itself does not open what it names: it proves nothing", tc.name)
		}
		for _, demuxer := range []string{"mov", "mpegts", "matroska", "avi", "mp3", "png_pipe"} {
			_, _ = tools.Probe(t.Context(), path, Format{Video, demuxer, "test"}, DefaultLimits())
			_ = tools.Run(t.Context(), dir, Command{Inputs: []Input{{Path: path, Demuxer: demuxer}}, Output: []string{"-f", "null"}, To: "/dev/null"}, DefaultLimits(), nil)
			if opened() {
				t.Errorf("%s was followed when opened as %s", tc.name, demuxer)
			}
		}
	}
}

// TestLongAnswer holds that we keep of what ffprobe says no more than it says of
// honest files: a PNG of 1 MB can make it say 1 GB.
func TestLongAnswer(t *testing.T) {
	tools := *find(t)
	// A stand-in, because what is asked for has no long answers any more.
	tools.FFprobe = filepath.Join(t.TempDir(), "ffprobe")
	tools.box = &sandbox.Sandbox{}
	if err := os.WriteFile(tools.FFprobe, []byte("#!/bin/sh\nexec yes"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := tools.Probe(t.Context(), "/x", Format{Image, "png_pipe", "PNG"}, DefaultLimits()); !errors.Is(err, errAnswer) {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "a.wav")
	media(t, filepath.Dir(path), "a.wav", "-f", "lavfi", "-i", "sine=d=1", "-metadata", "title="+strings.Repeat("x", 50_000))
	var out strings.Builder
	err := find(t).exec(t.Context(), process{program: "ffprobe", args: []string{"-v", "error", "-of", "json", "-show_entries", entries, path}, stdout: &out, readOnly: []string{path}, limits: DefaultLimits()})
	if err != nil || out.Len() > 5000 || !strings.Contains(out.String(), "duration") {
		t.Errorf("ffprobe says %d bytes, %v", out.Len(), err)
	}
}

// external is a MOV of a second of sound whose samples lie in another file.
func external(path string) string {
	n := func(list ...uint32) string {
		var b []byte
		for _, x := range list {
			b = binary.BigEndian.AppendUint32(b, x)
		}
		return string(b)
	}
	box := func(kind string, parts ...string) string {
		body := strings.Join(parts, "")
		return n(uint32(8+len(body))) + kind + body
	}
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	fixed := func(s string, n int) string { return (s + zeros(n))[:n] }
	alias := zeros(10) + "\x04" + fixed("Disk", 27) + zeros(12) + string(byte(len(path))) + fixed(path, 63) + zeros(16) + "\x00\x01\x00\x01" + zeros(16) +
		"\x00\x02\x00" + string(byte(len(path))) + path + zeros(len(path)%2) + "\xff\xff\x00\x00"
	entry := box("sowt", zeros(6), "\x00\x01", zeros(8), "\x00\x01\x00\x10", zeros(4), n(8000<<16))
	stbl := box("stbl", box("stsd", n(0, 1), entry), box("stts", n(0, 1, 8000, 1)), box("stsc", n(0, 1, 1, 8000, 1)), box("stsz", n(0, 2, 8000)), box("stco", n(0, 1, 0)))
	minf := box("minf", box("smhd", n(0, 0)), box("dinf", box("dref", n(0, 1), box("alis", n(0), alias))), stbl)
	mdia := box("mdia", box("mdhd", n(0, 0, 0, 8000, 8000, 0)), box("hdlr", n(0, 0), "soun", zeros(13)), minf)
	trak := box("trak", box("tkhd", n(3, 0, 0, 1, 0, 8000), zeros(60)), mdia)
	return box("ftyp", "qt  ", n(0), "qt  ") + box("moov", box("mvhd", n(0, 0, 0, 8000, 8000), zeros(80)), trak)
}
