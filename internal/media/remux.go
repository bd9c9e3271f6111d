package media

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// remuxed tells the containers that cannot be rendered window by window as they
// are. MPEG-TS and MPEG-PS have no index: FFmpeg seeks into the middle of a group
// of pictures, and a window would begin with a frozen or a wrong one. AVI, FLV
// and WMV begin their picture some ms late, which makes it a frame late.
func remuxed(f ffmpeg.Format) bool {
	switch f.Demuxer {
	case "mpegts", "mpeg", "avi", "flv", "asf":
		return true
	}
	return false
}

func seekable(f ffmpeg.Format) bool { return f.Demuxer != "mpegts" && f.Demuxer != "mpeg" }

// slack is how much later than its sound a picture may begin without meaning it:
// sound encoders put up to 50 ms of silence in front, and containers that only
// know when a picture is decoded add one or two pictures.
const slack = 0.1

// remux copies a file's first picture and sound, as they are encoded, into a
// container that can be rendered from. The size and the hash stay those of the
// source.
func (r *run) remux(ctx context.Context, s *source, file stored, f ffmpeg.Format) (stored, ffmpeg.Format, error) {
	walk, err := r.measure(ctx, file.path, f)
	v := walk.of("video")
	late := v.begin > 0 && v.begin <= slack && v.begin == v.first
	if err == nil && seekable(f) && !late { // nothing would be gained
		return file, f, nil
	}
	if err == nil {
		var path string
		if path, err = r.copyTo(ctx, file, f, late); err == nil {
			if s.how != inFolder { // what lies there is not ours
				os.Remove(file.path)
			}
			file.path, f.Demuxer = path, "matroska"
			return file, f, nil
		}
	}
	// A frame late is better than not at all.
	if seekable(f) && refuses(err) {
		return file, f, nil
	}
	return file, f, fmt.Errorf("not a readable %s file: %w", f.Name, err)
}

// copyTo writes the copy; the picture begins at once if it comes late.
func (r *run) copyTo(ctx context.Context, file stored, f ffmpeg.Format, late bool) (string, error) {
	dir, done, err := r.scratch()
	if err != nil {
		return "", err
	}
	defer done()
	output := []string{"-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"}
	if late {
		output = append(output, "-bsf:v", "setts=pts=PTS-STARTPTS:dts=DTS-STARTPTS")
	}
	limits := r.Probe
	limits.FileSize = min(limits.FileSize, 2*file.size+1<<20) // a copy is about as large
	written := filepath.Join(dir, "copy")
	if err := os.WriteFile(written, nil, 0o600); err != nil { // FFmpeg would let others read it
		return "", &diskError{err}
	}
	err = r.Tools.Run(ctx, dir, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: file.path, Demuxer: f.Demuxer, GenPTS: true}},
		Output: append(output, "-f", "matroska"),
		To:     written,
	}, limits, nil)
	if err != nil {
		return "", err
	}
	to := dir + ".mkv"
	if err := os.Rename(written, to); err != nil {
		return "", &diskError{err}
	}
	return to, nil
}
