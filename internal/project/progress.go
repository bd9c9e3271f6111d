package project

// Stage is what a rendering is busy with.
type Stage string

// The stages, in their order. A movie whose sources are there may have to wait
// for others that are rendered.
const (
	Fetching  Stage = "fetching"
	Waiting   Stage = "waiting"
	Rendering Stage = "rendering"
	Joining   Stage = "joining"
	Storing   Stage = "storing"
)

// Progress is how far a rendering is.
type Progress struct {
	// Percent is that of the whole, from 0 to 100: it grows as evenly as can be
	// foreseen, and never falls.
	Percent int
	Stage   Stage
	// Fetched is how many of the Sources are there. Both are 0 before the first of
	// them is, and where there are none.
	Fetched, Sources int
	// Frames is how many of the movie's TotalFrames are rendered. Both are 0 until
	// the movie's length is known.
	Frames, TotalFrames int
	// Scenes are percents, of each scene in order; nil until there are TotalFrames.
	// A transition counts to the scene that it brings in.
	Scenes []int
}
