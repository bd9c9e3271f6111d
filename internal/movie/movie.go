// Package movie is the Movie JSON document: reading it tolerantly, filling in
// its defaults and saying what is wrong with it, each fault with its path
// (scenes[1].elements[0].src).
//
// It must not know what becomes of a movie: no files, no clock, no network, no
// FFmpeg, no database.
package movie

import "encoding/json"

// Movie is a parsed document with its defaults filled in (section 12 of the
// contract). Fields that name lengths are in seconds, sizes in pixels.
type Movie struct {
	// ID is the client's own name for the movie, echoed in webhooks. It is not
	// the project id. Empty when the document has none.
	ID string
	// Width and Height are the output size, even numbers.
	Width, Height int
	// FPS is the frame rate of the output.
	FPS Rate
	// Quality chooses the encoder's trade-off.
	Quality Quality
	// Draft asks for a quick, small rendering; accepted and kept.
	Draft bool
	// NoCache has everything made and downloaded anew (section 21 of the contract).
	NoCache bool
	// ClientData is the submitted client-data object, {} when there was none or
	// it was too large.
	ClientData json.RawMessage
	// Scenes play one after another.
	Scenes []Scene
	// Elements live on the movie's own timeline, above the scenes unless their
	// z-index is negative.
	Elements []Element
	// Exports are the pipelines that run once the render ended. They are read
	// even when the rest of the document has faults.
	Exports []Export
	// Faults are what keeps this movie from being rendered, in document order. At
	// most 100 are kept; the last one then counts those left out.
	Faults []Fault
	// Warnings are things ignored or adjusted; the movie renders all the same. At
	// most 100 are kept, like faults.
	Warnings []Fault
}

// Fault is something wrong at one place of a document.
type Fault struct {
	// Path is where, as scenes[1].elements[0].src; "" is the whole document.
	Path string `json:"path"`
	// Message says what is wrong and what to do, in the words of section 25 of
	// the contract where it has some.
	Message string `json:"message"`
}

// Error lets a Fault travel as an error.
func (f Fault) Error() string { return f.Message }

// Rate is a frame rate in frames per second, as a fraction: 29.97 is 30000/1001.
type Rate struct{ Num, Den int }

// Quality is the document's encoder trade-off (section 13 of the contract).
type Quality string

// The qualities; very_high reads as High.
const (
	Low    Quality = "low"
	Medium Quality = "medium"
	High   Quality = "high"
)

// Scene is one scene (section 14 of the contract).
type Scene struct {
	Path     string
	ID       string
	Elements []Element
	// Duration is the exact length in seconds when positive, or Intrinsic to
	// fit the elements.
	Duration float64
	// Background is the colour under the elements; alpha 0 lets movie elements
	// with a negative z-index show through.
	Background Color
	// Transition is how the scene enters, nil for a plain cut.
	Transition *Transition
	// NoCache has the scene's pictures rendered anew, from elements as they are kept.
	NoCache bool
}

// Transition blends a scene with the end of the one before it.
type Transition struct {
	// Style is an xfade name; unknown ones have become "fade".
	Style string
	// Duration in seconds, > 0.
	Duration float64
}

// The two special durations of an element (section 19 of the contract).
const (
	// Intrinsic is the medium's own length.
	Intrinsic = -1
	// Container lasts until the end of the scene or movie that holds it.
	Container = -2
)

// AtEnd as Element.Start puts the element at the end of what its container
// holds so far.
const AtEnd = -1

// Type is an element's type.
type Type string

// The types of section 16 of the contract. Those that cannot be rendered yet
// are a Fault, never silently dropped.
const (
	Image Type = "image"
	Video Type = "video"
	Audio Type = "audio"
	Text  Type = "text"
)

// Element is one element of a scene or of the movie. Parts that its type does
// not have are nil.
type Element struct {
	Path string
	// Name is how messages call it: "Scene #1, element #2" or "Movie element #2".
	Name string
	Type Type
	ID   string
	// Start is in seconds from the container's start, or AtEnd.
	Start float64
	// Duration is in seconds, or Intrinsic, or Container.
	Duration float64
	// ExtraTime in seconds holds the last picture after the duration.
	ExtraTime float64
	// ZIndex sorts within the container; equal ones keep document order.
	ZIndex int
	// NoCache has the element's source downloaded anew, and made anew what shows it.
	NoCache bool
	// FadeIn and FadeOut in seconds act on picture and sound.
	FadeIn, FadeOut float64
	// Later has the times above, by key, that need the lengths of media; Settle
	// sets them.
	Later map[string]*Later

	// Src is the medium's address as written; empty for text.
	Src string
	// Visual is set for everything that shows.
	Visual *Visual
	// Sound is set for video and audio.
	Sound *Sound
	// Text is set for text elements.
	Text *TextPart
}

// Visual is what shared visual properties say (section 15.2 of the contract).
type Visual struct {
	// Position is a preset, or "custom".
	Position Position
	// X and Y are the offset from the preset's point, or from the top left.
	X, Y Coord
	// Width and Height in pixels; -1 follows the other side, both -1 is the
	// natural size (text: the whole canvas).
	Width, Height int
	// Resize fits the element to the canvas and beats Width and Height.
	Resize Resize
	// Opacity is 0 to 1.
	Opacity float64
	// FlipHorizontal and FlipVertical mirror the picture.
	FlipHorizontal, FlipVertical bool
	// Look is how the picture is changed.
	Look
}

// Position is a preset place on the canvas (section 20 of the contract).
type Position string

// The presets; they keep 5 % of the canvas free at the edges they touch.
const (
	Custom      Position = "custom"
	TopLeft     Position = "top-left"
	TopRight    Position = "top-right"
	BottomRight Position = "bottom-right"
	BottomLeft  Position = "bottom-left"
	Center      Position = "center-center"
)

// Coord is an x or y: pixels, a percentage of the canvas, or centred.
type Coord struct {
	Value float64
	Unit  Unit
}

// Unit says how a Coord counts.
type Unit int

// The units of a Coord.
const (
	Pixels Unit = iota
	Percent
	Centered
)

// Resize says how an element is fitted to the canvas.
type Resize string

// The ways to fit. Cover crops, Contain leaves bars.
const (
	NoResize Resize = ""
	Cover    Resize = "cover"
	Contain  Resize = "contain"
)

// Sound is what shared sound properties say (section 15.3 of the contract).
type Sound struct {
	Muted bool
	// Volume is a gain factor, 0 to 10.
	Volume float64
	// Seek in seconds skips the start of the medium; negative counts from its end.
	Seek float64
	// Loop is the number of plays, at least 1, or Endless.
	Loop int
}

// Endless as Sound.Loop plays until the element's duration is over.
const Endless = -1

// TextPart is what a text element says.
type TextPart struct {
	// Text is the text with <br> and newlines still in it.
	Text string
	// Style is "001"; others are a Fault or fall back with a warning.
	Style string
	// Settings are the CSS-like settings, keys lower case with dashes, values
	// as text; top-level strays such as font-size have been merged in.
	Settings map[string]string
}

// Color is an 8-bit sRGB colour, alpha not multiplied in.
type Color struct{ R, G, B, A uint8 }

// Export is one pipeline: destinations in order (section 23 of the contract).
type Export struct {
	Path         string
	Destinations []Destination
}

// Destination is one place a finished movie goes to.
type Destination struct {
	Path string
	// Type is webhook, ftp, sftp, email, ...; empty when it only names a connection.
	Type string
	// Fields are the raw properties, keys lower case with dashes.
	Fields map[string]json.RawMessage
}
