package media

import (
	"bytes"
	"context"
	"fmt"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// length is read off the packets of a file, one line of FFmpeg's framecrc each:
// stream, dts, pts, duration, size, checksum.
type length struct {
	line    []byte
	units   map[int]float64 // seconds in each stream's unit of time
	packets int
	begin   float64
	end     float64
}

// measure goes through a whole file without decoding it.
func (r *run) measure(ctx context.Context, path string, f ffmpeg.Format) (*length, error) {
	l := &length{units: map[int]float64{}}
	return l, r.Tools.Run(ctx, r.dir, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: path, Demuxer: f.Demuxer}},
		Output: []string{"-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "framecrc"},
		To:     "pipe:1",
		Stdout: l,
	}, r.Probe, nil)
}

func (l *length) seconds() float64 { return max(0, l.end-l.begin) }

// Write implements io.Writer: it takes whole lines out of what comes.
func (l *length) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if len(l.line) < 200 { // no line that matters is longer
			l.line = append(l.line, line...)
		}
		if whole {
			l.read(string(l.line))
			l.line = l.line[:0]
		}
		rest = after
	}
	return len(p), nil
}

func (l *length) read(line string) {
	var stream, num, den int
	var dts, pts, ticks int64
	if n, _ := fmt.Sscanf(line, "#tb %d: %d/%d", &stream, &num, &den); n == 3 && den > 0 {
		l.units[stream] = float64(num) / float64(den)
		return
	}
	if n, _ := fmt.Sscanf(line, "%d,%d,%d,%d,", &stream, &dts, &pts, &ticks); n < 4 {
		return
	}
	from := float64(pts) * l.units[stream]
	if l.packets == 0 {
		l.begin = from
	}
	l.packets++
	l.begin = min(l.begin, from)
	l.end = max(l.end, from+float64(ticks)*l.units[stream])
}
