// Package timeline lowers a movie plus the facts about its media into absolute
// times: which clip shows where, from which frame to which, over what, and
// which sound is heard when. It is pure: the same movie and facts give the same
// timeline, and it opens nothing and reads no clock.
package timeline

import "github.com/reelhook/reelhook/internal/movie"

// Facts is what is known about one medium once it was probed.
type Facts struct {
	// Duration in seconds; 0 for a still picture.
	Duration float64
	// Width and Height of the picture as shown, 0 without one.
	Width, Height int
	// HasAudio tells whether the medium sounds.
	HasAudio bool
	// Still tells that the picture never changes.
	Still bool
}

// Timeline is the whole movie in absolute frames. Frame n covers the time from
// n/FPS to (n+1)/FPS seconds.
type Timeline struct {
	Width, Height int
	FPS           movie.Rate
	// Frames is the length of the movie.
	Frames int
	// Scenes in order; neighbours overlap only by a transition.
	Scenes []Scene
	// Below and Above are the movie's own clips, in paint order: Below paints
	// under all scenes (z-index < 0), Above over them.
	Below, Above []Clip
	// Sounds are what is heard, in document order.
	Sounds []Sound
	// Warnings are adjustments that only the media's facts could show.
	Warnings []movie.Fault
}

// Scene is a span of frames with its own picture.
type Scene struct {
	Span
	// Source is where it comes from.
	Source     *movie.Scene
	Background movie.Color
	// Transition is the number of frames at the start of this scene that blend
	// with the scene before, 0 for a cut; Style is its xfade name.
	Transition int
	Style      string
	// Clips in paint order, their spans in movie frames.
	Clips []Clip
	// NoCache has the scene rendered anew.
	NoCache bool
}

// Span is the frames from In up to, not including, Out.
type Span struct{ In, Out int }

// meets tells that two spans have a frame in common.
func (s Span) meets(t Span) bool { return max(s.In, t.In) < min(s.Out, t.Out) }

// Clip is one picture element, placed in time and space.
type Clip struct {
	Span
	// Element is where it comes from.
	Element *movie.Element
	// Box is where it paints on the canvas, in pixels; it may reach outside.
	// For text it is the element's canvas, inside which the block is placed.
	Box Rect
	// Crop is the part of the source that fills Box, as a fraction of the
	// source's size: {0,0,1,1} for all of it.
	Crop Area
	// FadeIn and FadeOut are lengths in frames, within the span.
	FadeIn, FadeOut int
	// Seek is where in the source the clip starts, in seconds; Loop is how
	// often it plays (movie.Endless for ever). A source that is over before the
	// span is keeps its last picture: so looks extra-time, and a duration longer
	// than the medium.
	Seek float64
	Loop int
}

// Rect is a rectangle in canvas pixels.
type Rect struct{ X, Y, W, H int }

// Area is a rectangle in fractions of a picture's size.
type Area struct{ X, Y, W, H float64 }

// Sound is one element that is heard.
type Sound struct {
	Span
	Element *movie.Element
	// Volume is the gain factor.
	Volume float64
	// FadeIn and FadeOut are lengths in frames, within the span.
	FadeIn, FadeOut int
	// Enters and Leaves are the transitions in which its scene comes in and goes
	// out, empty where the sound is not heard in them. It crosses over in exactly
	// their frames, besides its own fades.
	Enters, Leaves Span
	// Seek is where in the source it starts, in seconds; Loop as in Clip.
	Seek float64
	Loop int
}
