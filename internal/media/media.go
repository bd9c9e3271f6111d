// Package media gets a movie's sources onto the disk before anything is
// rendered: downloads with limits and retries, recognises files by content and
// probes them, so that a render never waits on the network and FFmpeg never
// opens a URL. It must not know movies, timelines or projects.
package media

import "github.com/reelhook/reelhook/internal/ffmpeg"

// Use is what a source is wanted for.
type Use string

// The uses. Audio may also be a video's sound; Font is not probed.
const (
	Image Use = "image"
	Video Use = "video"
	Audio Use = "audio"
	Font  Use = "font"
)

// Want is one source and what it is for.
type Want struct {
	URL string
	Use Use
}

// Asset is a source on the disk, checked.
type Asset struct {
	// Path is absolute. What cannot be rendered from as it came is copied into
	// another container first; then Format has the source's Name and the copy's
	// Demuxer.
	Path string
	// Format of a font has a Name only.
	Format ffmpeg.Format
	Media  ffmpeg.Media
	// Size in bytes of the source, SHA256 of its content in hex.
	Size   int64
	SHA256 string
}

// Still tells whether it is one picture that does not change. An animated GIF
// is accepted as an image, but has a Duration and is not still.
func (a Asset) Still() bool {
	return a.Format.Kind == ffmpeg.Image && a.Media.Duration == 0
}

// Error is a source that cannot be used, told in the words of the contract
// (section 25) to whoever wrote the URL. An error of Fetch that is none of these
// is a fault of this machine, or the context's.
type Error struct {
	// Message names the URL only as it can be shown.
	Message string
	// Err is the cause, nil when the message says it all. It may name the URL
	// whole and is not for clients.
	Err error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }
