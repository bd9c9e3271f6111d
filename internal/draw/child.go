package draw

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/reelhook/reelhook/internal/text"
)

// argument makes our program a child that draws.
const argument = "__draw"

// failing begins what a child says on stderr of a request it cannot read.
const failing = "reelhook draw:"

// request is what a child is asked on its stdin. Its folder to write to is the
// one it starts in.
type request struct {
	// Cache holds the index of fonts, Folders the fonts; Scratch is empty.
	Cache, Scratch string
	Folders        []string
	// Budget is how many bytes all pictures may take.
	Budget int64
	Texts  []Text
}

// reply is one line of a child's stdout: first that it is ready, then one for
// each text.
type reply struct {
	Size     image.Point
	Box      image.Rectangle
	Warnings []string `json:",omitempty"`
	// Fault is the text's own.
	Fault string `json:",omitempty"`
	// Failed is this machine's fault, such as a full disk, and the last line.
	Failed string  `json:",omitempty"`
	Errno  uintptr `json:",omitempty"`
}

// RunIfChild does a child's work and ends the process, if it is one. Main, and
// TestMain where a Drawer is used, must call it first.
func RunIfChild() {
	if !isChild() {
		return
	}
	if err := child(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, failing, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func isChild() bool { return len(os.Args) == 2 && os.Args[1] == argument }

// child draws what stdin asks for and reports on stdout. It is asked nothing
// where only its start is tried.
func child(stdin io.Reader, stdout io.Writer) error {
	var r request
	if err := json.NewDecoder(stdin).Decode(&r); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read what to draw: %w", err)
	}
	// The pictures of one text are garbage to the next: without a limit of its
	// own the runtime would run into the kernel's before it collects them.
	debug.SetMemoryLimit(memory / 2)
	lines := json.NewEncoder(stdout)
	err := r.draw(func(r reply) error { return lines.Encode(r) })
	if err == nil {
		return nil
	}
	failed := reply{Failed: err.Error()}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		failed.Errno = uintptr(errno)
	}
	return lines.Encode(failed)
}

// draw draws all texts. The error is this machine's fault.
func (r request) draw(say func(reply) error) error {
	fonts, err := text.OpenConfined(r.Cache, r.Scratch, r.Folders)
	if err != nil {
		return err
	}
	if err := say(reply{}); err != nil {
		return err
	}
	left := r.Budget
	for i, t := range r.Texts {
		done, err := one(fonts, t, name(i), &left)
		if err != nil {
			return err
		}
		if err := say(done); err != nil || left < 0 {
			return err
		}
	}
	return nil
}

// one draws one text into a file and takes it off the budget.
func one(fonts *text.Library, t Text, file string, left *int64) (reply, error) {
	block, err := fonts.Draw(t.Text, t.Style)
	var unread *fs.PathError
	if errors.As(err, &unread) {
		return reply{}, err
	} else if err != nil {
		return reply{Fault: err.Error()}, nil
	}
	if *left -= int64(len(block.Image.Pix)); *left < 0 {
		return reply{Fault: "the texts need more than 2 GB of pictures; make them smaller or fewer"}, nil
	}
	if err := os.WriteFile(file, block.Image.Pix, 0o600); err != nil {
		return reply{}, err
	}
	return reply{Size: block.Image.Rect.Size(), Box: block.Box, Warnings: block.Warnings}, nil
}

// name is the file of the i-th text.
func name(i int) string { return fmt.Sprintf("text-%04d.rgba", i) }
