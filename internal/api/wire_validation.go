package api

import (
	"encoding/json"
	"time"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// Validation is the reply to POST /v2/movies/validate: what would become of a movie
// (section 27 of the contract, item 9).
type Validation struct {
	// Success says that the call worked, Valid that the movie can be rendered.
	Success bool `json:"success"`
	Valid   bool `json:"valid"`
	// Faults keep the movie from being rendered; Warnings are things ignored or
	// adjusted, and keys that nobody knows.
	Faults   []Finding `json:"faults"`
	Warnings []Finding `json:"warnings"`
	// Movie is the document with its variables filled in, conditions applied, scenes
	// repeated and imports done, without the secrets of its exports.
	Movie json.RawMessage `json:"movie"`
	// Timeline is null when there are faults, and when lengths are not known.
	Timeline  *Timeline `json:"timeline"`
	Timestamp string    `json:"timestamp"`
}

// Finding is something to say about one place of a document.
type Finding struct {
	movie.Fault
	// Line and Column are where that stands in the body, from 1, columns in characters.
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Timeline is when what is seen and heard.
type Timeline struct {
	// Width and Height are in pixels, FPS in frames and Duration in seconds.
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	FPS      float64 `json:"fps"`
	Frames   int     `json:"frames"`
	Duration float64 `json:"duration"`

	Scenes []TimelineScene `json:"scenes"`
	// Below and Above are the movie's own elements that are seen, under all scenes
	// and over them, in the order they are painted in; Sounds are all that are heard.
	Below  []TimelineElement `json:"below"`
	Above  []TimelineElement `json:"above"`
	Sounds []TimelineElement `json:"sounds"`
}

// TimelineSpan is a part of the movie: in seconds, and in frames up to, not
// including, the last.
type TimelineSpan struct {
	Start      float64 `json:"start"`
	End        float64 `json:"end"`
	StartFrame int     `json:"start_frame"`
	EndFrame   int     `json:"end_frame"`
}

// TimelineScene is a scene that has a length.
type TimelineScene struct {
	Path string `json:"path"`
	ID   string `json:"id"`
	TimelineSpan
	// Transition is how it enters, null for a cut.
	Transition *TimelineTransition `json:"transition"`
	// Clips are what is seen of its elements, in the order they are painted in.
	Clips []TimelineElement `json:"clips"`
}

// TimelineTransition blends the start of a scene with the end of the one before.
type TimelineTransition struct {
	Style    string  `json:"style"`
	Duration float64 `json:"duration"`
	Frames   int     `json:"frames"`
}

// TimelineElement is an element while it is seen, or while it is heard.
type TimelineElement struct {
	Path string `json:"path"`
	ID   string `json:"id"`
	Type string `json:"type"`
	TimelineSpan
	// Box is where it is painted, in pixels; for text the room it is placed in. Null
	// for sounds, and where the size of its picture is not known.
	Box *Box `json:"box"`
}

// Box is a rectangle in pixels of the movie; it may reach outside.
type Box struct {
	X      int `json:"x"`
	Y      int `json:"y"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

// NewValidation is what a plan tells of a document.
func NewValidation(d *movie.Document, p Planned, at time.Time) Validation {
	v := Validation{
		Success: true, Valid: len(p.Faults) == 0, Faults: find(d, p.Faults), Warnings: find(d, append(p.Warnings[:len(p.Warnings):len(p.Warnings)], d.Unknown()...)),
		Movie: d.Resolved(), Timestamp: stamp(at),
	}
	if p.Timeline != nil {
		shown := clock{p.Timeline, p.Unseen}.timeline()
		v.Timeline = &shown
	}
	return v
}

func find(d *movie.Document, faults []movie.Fault) []Finding {
	list := make([]Finding, len(faults))
	for i, f := range faults {
		line, column := d.Locate(f.Path)
		list[i] = Finding{f, line, column}
	}
	return list
}

// clock tells the times of a timeline.
type clock struct {
	*timeline.Timeline
	unseen bool
}

func (c clock) timeline() Timeline {
	t := Timeline{
		Width: c.Width, Height: c.Height, FPS: float64(c.FPS.Num) / float64(c.FPS.Den), Frames: c.Frames, Duration: c.seconds(c.Frames),
		Scenes: make([]TimelineScene, len(c.Scenes)), Below: c.clips(c.Below), Above: c.clips(c.Above), Sounds: make([]TimelineElement, len(c.Sounds)),
	}
	for i, s := range c.Scenes {
		scene := TimelineScene{Path: s.Source.Path, ID: s.Source.ID, TimelineSpan: c.span(s.Span), Clips: c.clips(s.Clips)}
		if s.Transition > 0 {
			scene.Transition = &TimelineTransition{s.Style, c.seconds(s.Transition), s.Transition}
		}
		t.Scenes[i] = scene
	}
	for i, s := range c.Sounds {
		t.Sounds[i] = c.element(s.Element, s.Span)
	}
	return t
}

func (c clock) clips(list []timeline.Clip) []TimelineElement {
	shown := make([]TimelineElement, len(list))
	for i, clip := range list {
		shown[i] = c.element(clip.Element, clip.Span)
		if !c.unseen || sized(clip.Element) {
			shown[i].Box = &Box{clip.Box.X, clip.Box.Y, clip.Box.W, clip.Box.H}
		}
	}
	return shown
}

// sized tells that an element says itself how large it is.
func sized(e *movie.Element) bool {
	v := e.Visual
	return e.Type == movie.Text || v.Resize == movie.Cover || v.Resize == movie.NoResize && v.Width > 0 && v.Height > 0
}

func (c clock) element(e *movie.Element, s timeline.Span) TimelineElement {
	return TimelineElement{Path: e.Path, ID: e.ID, Type: string(e.Type), TimelineSpan: c.span(s)}
}

func (c clock) span(s timeline.Span) TimelineSpan {
	return TimelineSpan{c.seconds(s.In), c.seconds(s.Out), s.In, s.Out}
}

// seconds is when a frame begins.
func (c clock) seconds(frame int) float64 {
	return float64(frame) * float64(c.FPS.Den) / float64(c.FPS.Num)
}
