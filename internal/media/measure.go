package media

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// length is read off the packets of a file, one line of FFmpeg's framecrc each:
// stream, dts, pts, duration, size, checksum. It knows at most one stream of
// pictures and one of sound.
type length struct {
	line    []byte
	streams map[int]*track
}

// track is one stream, in seconds from the file's begin.
type track struct {
	kind string
	// unit is the stream's unit of time.
	unit       float64
	packets    int
	first      float64
	begin, end float64
}

// measure goes through a whole file without decoding it: about 50 ms for each
// 100 MB that the disk has at hand.
func (r *run) measure(ctx context.Context, path string, f ffmpeg.Format) (*length, error) {
	l := &length{streams: map[int]*track{}}
	return l, r.Tools.Run(ctx, "", ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: path, Demuxer: f.Demuxer, GenPTS: remuxed(f)}},
		Output: []string{"-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy", "-f", "framecrc"},
		To:     "pipe:1",
		Stdout: l,
	}, r.Probe, nil)
}

// of is the stream of a kind, "video" or "audio"; without packets if there is
// none.
func (l *length) of(kind string) track {
	for _, t := range l.streams {
		if t.kind == kind {
			return *t
		}
	}
	return track{}
}

// packets is how many there are of pictures and of sound.
func (l *length) packets() (n int) {
	for _, t := range l.streams {
		n += t.packets
	}
	return n
}

// seconds is when the last packet is over.
func (l *length) seconds() float64 {
	begin, end := math.Inf(1), 0.0
	for _, t := range l.streams {
		if t.packets > 0 {
			begin, end = min(begin, t.begin), max(end, t.end)
		}
	}
	// What comes before the begin is what a decoder needs to warm up.
	return max(0, end-max(0, begin))
}

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
	var kind string
	var dts, pts, ticks int64
	if n, _ := fmt.Sscanf(line, "#tb %d: %d/%d", &stream, &num, &den); n == 3 && den > 0 {
		l.track(stream).unit = float64(num) / float64(den)
		return
	}
	if n, _ := fmt.Sscanf(line, "#media_type %d: %s", &stream, &kind); n == 2 {
		l.track(stream).kind = kind
		return
	}
	if n, _ := fmt.Sscanf(line, "%d,%d,%d,%d,", &stream, &dts, &pts, &ticks); n == 4 {
		l.track(stream).packet(pts, ticks)
	}
}

func (l *length) track(stream int) *track {
	if l.streams[stream] == nil {
		l.streams[stream] = &track{}
	}
	return l.streams[stream]
}

func (t *track) packet(pts, ticks int64) {
	from := float64(pts) * t.unit
	if t.packets == 0 {
		t.first, t.begin = from, from
	}
	t.packets++
	t.begin = min(t.begin, from)
	t.end = max(t.end, from+float64(ticks)*t.unit)
}
