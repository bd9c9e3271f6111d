package render

import (
	"context"
	"errors"
	"slices"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// Plan is what would become of a movie, as far as it can be told without drawing
// anything of it.
type Plan struct {
	// Faults are all that keep it from being rendered: the document's, then those of
	// sources, then those of times. Warnings are the document's and what media and
	// settings showed; what only drawing shows, such as a glyph that no font has, is
	// not among them.
	Faults, Warnings []movie.Fault
	// Timeline is nil when there are faults, and when lengths of media that were not
	// looked at keep it from being known.
	Timeline *timeline.Timeline
}

// Plan looks at a movie without rendering it: it has all sources fetched into dir
// that the document names, also where it has faults elsewhere, so that everything
// wrong shows at once. The error is this machine's, or the cause of ctx's end.
func (r *Renderer) Plan(ctx context.Context, m *movie.Movie, dir string) (Plan, error) {
	j, end, err := r.job(m, dir, nil)
	if err != nil {
		return Plan{}, err
	}
	defer end()
	missing, err := j.gather(ctx)
	if err != nil {
		return Plan{}, err
	}
	return j.plan(missing, j.sources.facts, nil), nil
}

// PlanWithoutMedia is Plan, but nothing is fetched: the timeline is known only when
// every video and sound says how long it lasts. They are taken to be that long, and
// to sound; sizes of pictures are not known.
func (r *Renderer) PlanWithoutMedia(m *movie.Movie) Plan {
	j := &job{Renderer: r, movie: m, progress: newProgress(nil)}
	if len(j.wants(j.elements())) > 0 {
		j.warn("", "Media were not looked at: whether they can be had, how long and large they are, and whether they sound, is not known")
	}
	return j.plan(nil, unseen, unmeasured)
}

// plan builds the timeline. What it says of the length of the movie counts only when
// nothing is missing that would change it; unknown, if there is one, tells of
// elements whose length is not known.
func (j *job) plan(missing []movie.Fault, facts func(*movie.Element) timeline.Facts, unknown func(*movie.Element) bool) Plan {
	p := Plan{Faults: slices.Concat(j.movie.Faults, missing), Warnings: slices.Concat(j.movie.Warnings, j.warnings)}
	t, err := timeline.Build(j.movie, facts) // which settles the times of elements
	whole := len(p.Faults) == 0
	for _, e := range j.elements() {
		if unknown != nil && unknown(e) {
			p.Warnings = append(p.Warnings, fault(e, "duration", errUnmeasured))
			whole = false
		}
	}
	for _, f := range timelineFaults(err) {
		if whole || f.Path != "scenes" { // where the length of the movie is
			p.Faults = append(p.Faults, f)
		}
	}
	if whole && err == nil {
		p.Timeline = t
		p.Warnings = append(p.Warnings, t.Warnings...)
	}
	return p
}

var errUnmeasured = errors.New("it lasts as long as its medium, which was not looked at; the timeline cannot be told")

// unseen is what is taken for the facts of a medium that nobody has looked at.
func unseen(e *movie.Element) timeline.Facts {
	if e.Sound == nil {
		return timeline.Facts{Still: true}
	}
	return timeline.Facts{Duration: unseenDuration, HasAudio: true}
}

// unseenDuration is longer than any part of a medium that a document names, in
// seconds.
const unseenDuration = 2 * 86400

// unmeasured tells that an element lasts as long as its medium.
func unmeasured(e *movie.Element) bool {
	return e.Sound != nil && e.Duration == movie.Intrinsic
}

// timelineFaults are the faults that timeline.Build found.
func timelineFaults(err error) []movie.Fault {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []movie.Fault
		for _, err := range joined.Unwrap() {
			all = append(all, timelineFaults(err)...)
		}
		return all
	}
	if f, ok := errors.AsType[movie.Fault](err); ok {
		return []movie.Fault{f}
	}
	if err != nil {
		return []movie.Fault{{Message: err.Error()}}
	}
	return nil
}
