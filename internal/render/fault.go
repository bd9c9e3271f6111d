package render

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
)

// faults is everything that keeps a movie from being rendered as one error, so
// that its author mends all of it at once.
func faults(list []movie.Fault) error {
	const most = 10
	if len(list) == 0 {
		return nil
	}
	var messages []string
	for _, f := range list[:min(most, len(list))] {
		messages = append(messages, f.Message)
	}
	if len(list) > most { // how many is not known: the list may be cut itself
		messages = append(messages, "and more")
	}
	return movie.Fault{Path: list[0].Path, Message: strings.Join(messages, "; ")}
}

// fault names the element in front of what is wrong with it, as section 25 of
// the contract words it.
func fault(e *movie.Element, key string, err error) movie.Fault {
	return movie.Fault{Path: e.Path + "." + key, Message: e.Name + ": " + err.Error()}
}

// unfetched is a fault of the movie when its source is to blame, and otherwise,
// as with a full disk, stays the fault of this machine.
func unfetched(e *movie.Element, key string, err error) error {
	var source *media.Error
	if errors.As(err, &source) {
		return fault(e, key, err)
	}
	return fmt.Errorf("fetch %s: %w", e.Path, err)
}

// isMachine tells that this machine is to blame, such as by a full disk: the
// same rendering may work later.
func isMachine(err error) bool {
	var f movie.Fault
	var run *ffmpeg.RunError
	var errno syscall.Errno
	switch {
	case errors.As(err, &f):
		return false
	case errors.As(err, &run) && strings.Contains(run.Message, "No space left on device"):
		return true
	}
	return errors.As(err, &errno)
}

// message is what a client is told: the movie's own faults and what FFmpeg said;
// of our own faults only that they are ours, for their words name folders of
// this machine.
func message(err error) string {
	var f movie.Fault
	var run *ffmpeg.RunError
	switch {
	case errors.As(err, &f):
		return f.Message
	case errors.As(err, &run) && !isMachine(err):
		return "Rendering failed: " + err.Error()
	}
	return "Rendering failed inside the server; its log says why"
}
