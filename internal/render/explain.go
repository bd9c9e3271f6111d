package render

import (
	"context"
	"fmt"
	"slices"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// Explanation is how a movie is rendered.
type Explanation struct {
	Timeline *timeline.Timeline
	Windows  []ExplainedWindow
	Warnings []movie.Fault
}

// ExplainedWindow is a part of the movie that is rendered by itself.
type ExplainedWindow struct {
	timeline.Span
	// Kind is still, moving or blend.
	Kind string
	// Kept tells that it is in the cache.
	Kept bool
	// Command is FFmpeg's command line. In the place of files it has the addresses
	// that the document has; what is fed or fitted by us, and texts, it names in
	// brackets.
	Command []string
}

// Explain tells how Render would render m, and does it as far as fetching sources
// and drawing texts. Errors are those of Render.
func (r *Renderer) Explain(ctx context.Context, m *movie.Movie, dir string) (Explanation, error) {
	var e Explanation
	warnings, err := r.with(ctx, m, dir, nil, func(_ context.Context, j *job) error {
		e.Timeline = j.timeline
		for _, p := range j.parts() {
			_, kept := j.lease.Get(p.key)
			e.Windows = append(e.Windows, ExplainedWindow{p.Span, p.kind(), kept && !p.fresh, j.explained(p)})
		}
		return nil
	})
	e.Warnings = warnings
	return e, err
}

func (w window) kind() string {
	switch {
	case w.from != noScene:
		return "blend"
	case w.still:
		return "still"
	}
	return "moving"
}

// explained is the command of a part for people.
func (j *job) explained(p part) []string {
	c := j.command(p.picture)
	c.Inputs, c.To = slices.Clone(c.Inputs), "window.mp4"
	for i, in := range c.Inputs {
		f, isFitted := p.picture.fitted[i]
		switch {
		case in.Feed != nil:
			c.Inputs[i].Path, c.Inputs[i].Feed = "(views of "+j.written(f.command.Inputs[0].Path)+")", nil
		case isFitted:
			c.Inputs[i].Path = "(fitted " + j.written(f.command.Inputs[0].Path) + ")"
		default:
			c.Inputs[i].Path = j.written(in.Path)
		}
	}
	return append([]string{"ffmpeg"}, c.Args(ffmpeg.DefaultLimits())...)
}

// written is what a file is in the document.
func (j *job) written(path string) string {
	for e, s := range j.sources {
		switch {
		case s.Path == path && s.Drawn != nil:
			return fmt.Sprintf("(text of %s)", e.Path)
		case s.Path == path:
			return e.Src
		case s.Mask != nil && s.Mask.Path == path:
			return e.Visual.Mask
		}
	}
	return path
}
