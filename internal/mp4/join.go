// Package mp4 joins the windows of a movie and its sound into one MP4 without
// touching a coded picture: the samples of all windows in order, constant frame
// timing, the index in front (fast start). A picture that is held it repeats by
// itself, for which no encoder is needed. It must not know movies, scenes or
// FFmpeg; it reads and writes files.
//
// The samples are re-timed rather than concatenated as they stand, because an
// encoder that was given few frames reorders less than one that was given many,
// and joining such pieces by their own time stamps makes the picture drift.
package mp4

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/Eyevinn/mp4ff/mp4"
)

// Rate is a frame rate in frames per second as a fraction.
type Rate struct{ Num, Den int }

// Window is a part of the picture.
type Window struct {
	// File is an MP4 with one H.264 track that begins with a key frame.
	File string
	// Hold is for how many frames the file's only picture shows; 0 when the file
	// has all of its pictures.
	Hold int
}

// Join writes to out one MP4 that shows the frames of the windows one after
// another at exactly the given rate while the sound plays. All windows must have
// been made with the same encoder settings, but for how well a picture to hold is
// coded. The sound is an MP4 with one AAC track.
func Join(out string, windows []Window, sound string, rate Rate) (err error) {
	picture, err := readWindows(windows, rate)
	if err != nil {
		return err
	}
	audio, err := readTrack(sound)
	if err != nil {
		return fmt.Errorf("read sound: %w", err)
	}

	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(out)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w, picture, audio); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// write lays out the chunks and writes ftyp, moov and mdat.
func write(w io.Writer, picture, audio *track) error {
	chunks := interleave(picture, audio)
	moov := index(picture, audio, chunks)
	ftyp := mp4.NewFtyp("isom", 0x200, []string{"isom", "iso2", "avc1", "mp41"})
	mdat := &mp4.MdatBox{}
	mdat.SetLazyDataSize(picture.bytes() + audio.bytes())
	place(moov, chunks, ftyp.Size()+moov.Size()+mdat.HeaderSize())
	for _, box := range []mp4.Box{ftyp, moov, mdat} { // a lazy mdat writes its header only
		if err := box.Encode(w); err != nil {
			return err
		}
	}
	for _, c := range chunks {
		if err := c.track.copy(w, c.first, c.last); err != nil {
			return err
		}
	}
	return nil
}
