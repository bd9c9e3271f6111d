package render

import (
	"context"
	"errors"
	"fmt"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// errShort is a window whose pictures ended before it did.
var errShort = movie.Fault{Message: "A video ends early or is damaged"}

var errNoPictures = errors.New("it has no pictures where they are needed")

// blame looks for the medium that a window could not be rendered for, by decoding
// each of them by itself as far as the window shows it. A probe looks only at
// the begin of a video. When none is at fault the error stays.
func (j *job) blame(ctx context.Context, w window, failed error) error {
	var run *ffmpeg.RunError
	if !errors.Is(failed, errShort) && !errors.As(failed, &run) || ctx.Err() != nil || isMachine(failed) {
		return failed
	}
	p := &picture{Timeline: j.timeline, sources: j.sources, window: w}
	for _, c := range j.shown(w) {
		s := j.sources[c.Element]
		if err := j.trial(ctx, p, c, s); err != nil {
			return fault(c.Element, "src", fmt.Errorf("its picture cannot be decoded: %w", err))
		}
		if s.Mask == nil {
			continue
		}
		if err := j.trial(ctx, p, timeline.Clip{Span: c.Span, Element: c.Element, Loop: movie.Endless}, *s.Mask); err != nil {
			return fault(c.Element, "mask", fmt.Errorf("its mask cannot be decoded: %w", err))
		}
	}
	return failed
}

// shown are the clips that a window may show, blending or not.
func (j *job) shown(w window) []timeline.Clip {
	clips := j.clips(w)
	if w.from != noScene {
		w.to = w.from
		clips = append(clips, j.clips(w)...)
	}
	return clips
}

// trial decodes what a window shows of a clip's source, and nothing of a text. It
// writes nothing, and may write nowhere.
func (j *job) trial(ctx context.Context, p *picture, c timeline.Clip, s source) error {
	if s.Drawn != nil {
		return nil
	}
	parts := []piece{{frames: 1}}
	if !s.still() {
		parts = p.pieces(c, s, max(c.In, p.window.In)-c.In, min(c.Out, p.window.Out)-c.In)
	}
	for _, part := range parts[:min(len(parts), 2)] { // the others play what these do
		decoded := 0
		err := j.Tools.Run(ctx, "", ffmpeg.Command{
			Inputs: []ffmpeg.Input{s.inputAt(part.from)},
			Output: []string{"-map", "0:V:0", "-t", fmt.Sprintf("%.6f", seconds(part.frames, p.FPS)), "-f", "null"}, To: "/dev/null",
		}, ffmpeg.DefaultLimits(), func(frame int) { decoded = frame })
		var run *ffmpeg.RunError
		switch {
		case errors.As(err, &run) && ctx.Err() == nil && !isMachine(err):
			return err
		case err == nil && decoded == 0:
			return errNoPictures
		}
	}
	return nil
}
