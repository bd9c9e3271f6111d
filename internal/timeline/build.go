package timeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/reelhook/reelhook/internal/movie"
)

// emptyMovie is how long one empty scene with nothing else lasts, in seconds.
const emptyMovie = 5

// longest is the longest movie, in seconds: counts of frames and samples must
// not overflow.
const longest = 86400

// Build lowers a movie to its timeline (sections 19 and 20 of the contract).
// facts tells what is known about an element's medium. The error is a movie.Fault,
// or several joined. It sets the elements' times that are movie.Later.
func Build(m *movie.Movie, facts func(*movie.Element) Facts) (*Timeline, error) {
	b := &builder{Timeline: &Timeline{Width: m.Width, Height: m.Height, FPS: m.FPS}, facts: facts}
	if err := b.settle(m); err != nil {
		return nil, err
	}
	own := b.contents(m.Elements, 0)
	scenes := b.scenes(m, own.length())
	end := own.length()
	for _, s := range scenes {
		end = max(end, s.start+s.length)
	}
	switch {
	case end < 1:
		return nil, movie.Fault{Path: "scenes", Message: "Movie duration cannot be zero"}
	case end > longest:
		return nil, movie.Fault{Path: "scenes", Message: "A movie can last 24 hours at most"}
	}
	b.Frames = b.frame(end)
	for i := range scenes {
		if scenes[i].length > 0 {
			b.addScene(&m.Scenes[i], scenes[i])
		}
	}
	for _, c := range b.place(own, 0, end) {
		if c.Element.ZIndex < 0 {
			b.Below = append(b.Below, c)
		} else {
			b.Above = append(b.Above, c)
		}
	}
	return b.Timeline, nil
}

type builder struct {
	*Timeline
	facts func(*movie.Element) Facts
	// last is the first sound of the scene added last.
	last int
}

// sceneTime is when a scene is on, in seconds.
type sceneTime struct {
	start, length, transition float64
	contents                  contents
}

// scenes finds when each scene is on. other is how long the movie's own
// elements last: a scene of no length among nothing but such scenes spans them,
// so that its background shows.
func (b *builder) scenes(m *movie.Movie, other float64) []sceneTime {
	list := make([]sceneTime, len(m.Scenes))
	var sum float64
	for i := range m.Scenes {
		s := &m.Scenes[i]
		list[i].contents = b.contents(s.Elements, max(0, s.Duration))
		list[i].length = list[i].contents.length()
		if s.Duration > 0 {
			list[i].length = s.Duration
		}
		sum += list[i].length
	}
	if sum == 0 && len(list) > 0 {
		list[0].length = other
		if other == 0 && len(m.Elements) == 0 && len(m.Scenes[0].Elements) == 0 {
			list[0].length = emptyMovie
		}
	}
	// at is the end of what there is so far, alone where its last scene blends with
	// no other any more. A start is never before that, not even by what rounding
	// makes of a difference.
	at, alone := 0.0, 0.0
	var before *sceneTime
	for i := range list {
		s := &list[i]
		if s.length == 0 {
			b.warn(m.Scenes[i].Path+".duration", fmt.Sprintf("Scene #%d has no length and is not shown; give it a duration", i+1))
			continue
		}
		if t := m.Scenes[i].Transition; t != nil {
			s.transition = b.clamp(m.Scenes[i].Path+".transition", before, s, t.Duration)
		}
		s.start = max(at-s.transition, alone)
		if alone = s.start; s.transition > 0 {
			alone = at
		}
		at = s.start + s.length
		before = s
	}
	return list
}

// clamp shortens a transition to what both of its scenes can give.
func (b *builder) clamp(path string, before, s *sceneTime, wanted float64) float64 {
	if before == nil {
		b.warn(path, "The first scene has nothing to blend with; its transition was ignored")
		return 0
	}
	got := min(wanted, s.length, before.length-before.transition)
	if got < wanted {
		b.warn(path+".duration", "The transition is longer than its scenes; it was shortened")
	}
	return got
}

func (b *builder) warn(path, message string) {
	b.Warnings = append(b.Warnings, movie.Fault{Path: path, Message: message})
}

func (b *builder) addScene(s *movie.Scene, t sceneTime) {
	scene := Scene{Span: Span{b.frame(t.start), b.frame(t.start + t.length)}, Source: s, Background: s.Background, NoCache: s.NoCache}
	if len(b.Scenes) > 0 {
		scene.Out = max(scene.Out, b.Scenes[len(b.Scenes)-1].Out)
	}
	if s.Transition != nil && len(b.Scenes) > 0 {
		scene.Style = s.Transition.Style
		scene.Transition = max(0, b.Scenes[len(b.Scenes)-1].Out-scene.In)
	}
	first := len(b.Sounds)
	scene.Clips = b.place(t.contents, t.start, t.length)
	b.Scenes = append(b.Scenes, scene)
	b.cross(first, Span{scene.In, scene.In + scene.Transition})
	b.last = first
}

// cross has the sounds of two scenes cross over in the transition between them:
// first is the first sound of the scene that enters.
func (b *builder) cross(first int, transition Span) {
	for i := b.last; i < len(b.Sounds); i++ {
		s := &b.Sounds[i]
		switch {
		case !s.meets(transition):
		case i < first:
			s.Leaves = transition
		default:
			s.Enters = transition
		}
	}
}

// frame is the frame nearest to a time in seconds. Times are always absolute:
// rounding sums, not summing rounded parts, is what keeps frames exact.
func (b *builder) frame(at float64) int {
	return int(math.Round(at * float64(b.FPS.Num) / float64(b.FPS.Den)))
}

// contents is the elements of one container with their times inside it.
type contents []timed

// timed is one element from start to end in seconds, within its container.
// Without length (stretch) it lasts as long as its container.
type timed struct {
	element    *movie.Element
	start, end float64
	stretch    bool
}

// length is how long the contents keep their container open.
func (c contents) length() float64 {
	var end float64
	for _, t := range c {
		if !t.stretch {
			end = max(end, t.end)
		}
	}
	return end
}

// contents finds the times of a container's elements. whole is the container's
// exact length, 0 when its elements make it.
func (b *builder) contents(elements []movie.Element, whole float64) contents {
	var list contents
	for i := range elements {
		e := &elements[i]
		t := timed{element: e, start: e.Start}
		if d := b.facts(e).Duration; e.Sound != nil && d > 0 && e.Sound.Seek >= d {
			b.warn(e.Path+".seek", fmt.Sprintf("The seek of %g s is behind the end of the medium, which lasts %g s", e.Sound.Seek, d))
		}
		if e.Start == movie.AtEnd {
			t.start = list.length()
		}
		d := b.duration(e)
		t.stretch = d == movie.Container
		t.end = t.start + d + e.ExtraTime
		if t.stretch {
			t.end = max(whole, t.start)
		}
		list = append(list, t)
	}
	return list
}

// duration is an element's own length in seconds, or movie.Container for one
// that gives its container none: images and texts without a length stretch.
func (b *builder) duration(e *movie.Element) float64 {
	if e.Duration != movie.Intrinsic {
		return e.Duration
	}
	if e.Type == movie.Image || e.Type == movie.Text {
		return movie.Container
	}
	plays := max(1, e.Sound.Loop) // endless without an end to reach plays once
	return b.played(e) * float64(plays)
}

// played is how long one play of a medium lasts, in seconds.
func (b *builder) played(e *movie.Element) float64 {
	return max(0, b.facts(e).Duration-b.seek(e))
}

// seek is where a medium starts; a negative one counts from its end.
func (b *builder) seek(e *movie.Element) float64 {
	if e.Sound == nil {
		return 0
	}
	d := b.facts(e).Duration
	if e.Sound.Seek < 0 {
		return max(0, d+e.Sound.Seek)
	}
	return min(e.Sound.Seek, d)
}

// place turns a container's elements into clips in paint order, and notes their
// sounds. start and length are the container's, in seconds.
func (b *builder) place(list contents, start, length float64) []Clip {
	var clips []Clip
	for _, t := range list {
		end := min(t.end, length)
		if t.stretch {
			end = length
		}
		span := Span{b.frame(start + t.start), b.frame(start + end)}
		if span.In >= span.Out {
			continue
		}
		if t.element.Visual != nil {
			clips = append(clips, b.clip(t.element, span))
		}
		b.addSound(t, span)
	}
	slices.SortStableFunc(clips, func(x, y Clip) int { return cmp.Compare(x.Element.ZIndex, y.Element.ZIndex) })
	return clips
}

func (b *builder) clip(e *movie.Element, span Span) Clip {
	c := Clip{Span: span, Element: e, Seek: b.seek(e), Loop: 1}
	switch {
	case e.Sound != nil:
		c.Loop = e.Sound.Loop
	case e.Type == movie.Image && b.facts(e).Duration > 0: // an animated one goes on as in a browser
		c.Loop = movie.Endless
	}
	c.FadeIn, c.FadeOut = b.fades(e, span)
	c.Box, c.Crop = b.box(e)
	return c
}

// fades are the lengths of an element's fades in frames; both together fit its
// span.
func (b *builder) fades(e *movie.Element, span Span) (in, out int) {
	length := span.Out - span.In
	in = min(b.frame(e.FadeIn), length)
	out = min(b.frame(e.FadeOut), length-in)
	return in, out
}

// addSound notes what an element sounds like. Sound ends with its medium;
// extra-time holds only the picture.
func (b *builder) addSound(t timed, span Span) {
	e := t.element
	if e.Sound == nil || e.Sound.Muted || e.Sound.Volume == 0 || !b.facts(e).HasAudio || b.frame(b.played(e)) == 0 {
		return
	}
	if !t.stretch && e.ExtraTime > 0 {
		span.Out = min(span.Out, span.In+b.frame(t.end-t.start-e.ExtraTime))
	}
	if e.Sound.Loop != movie.Endless {
		span.Out = min(span.Out, span.In+b.frame(b.played(e)*float64(e.Sound.Loop)))
	}
	if span.In >= span.Out {
		return
	}
	s := Sound{Span: span, Element: e, Volume: e.Sound.Volume, Seek: b.seek(e), Loop: e.Sound.Loop}
	s.FadeIn, s.FadeOut = b.fades(e, span)
	b.Sounds = append(b.Sounds, s)
}
