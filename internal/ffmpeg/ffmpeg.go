// Package ffmpeg finds FFmpeg's programs and runs them on hostile files without
// trusting them: one forced demuxer per input, closed lists of protocols,
// formats and codecs, limits on pixels, memory, time and file size, and the
// sandbox around it all. It must not know what a movie or a scene is.
package ffmpeg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/sandbox"
)

// Tools are the programs found on this machine.
type Tools struct {
	FFmpeg, FFprobe string
	// Version is FFmpeg's own; Build tells it with its libraries and how it was built
	// from any other, as a hash.
	Version, Build string
	box            *sandbox.Sandbox
}

// Sandboxed tells whether FFmpeg runs without network and with a view of the
// file system that holds only its inputs and its job folder.
func (t *Tools) Sandboxed() bool { return t.box.Isolates() }

// Find looks the programs up and tries whether the sandbox starts here. The
// error names what is missing and the command that installs it.
func Find(ctx context.Context) (*Tools, error) {
	t := &Tools{}
	for name, at := range map[string]*string{"ffmpeg": &t.FFmpeg, "ffprobe": &t.FFprobe} {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, fmt.Errorf("%s was not found; install it with: %s", name, installHint())
		}
		*at = path
	}
	version := process{program: t.FFmpeg, args: []string{"-version"}, limits: DefaultLimits()}
	t.box = sandbox.Find(ctx, version.confined())
	var out bytes.Buffer
	version.stdout = &out
	if err := t.exec(ctx, version); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", t.FFmpeg, err)
	}
	t.Version, _, _ = strings.Cut(strings.TrimPrefix(out.String(), "ffmpeg version "), " ")
	t.Build = fmt.Sprintf("%x", sha256.Sum256(out.Bytes()))
	return t, nil
}

func installHint() string {
	if runtime.GOOS == "darwin" {
		return "brew install ffmpeg"
	}
	if _, err := exec.LookPath("apt-get"); err == nil {
		return "sudo apt-get install ffmpeg"
	}
	return "your package manager (dnf install ffmpeg, pacman -S ffmpeg)"
}

// Limits bound one run.
type Limits struct {
	// MaxPixels is the largest picture that is decoded.
	MaxPixels int64
	// Memory is address space in bytes.
	Memory int64
	// FileSize is the largest file in bytes that is written.
	FileSize int64
	// CPU is processor time over all threads, Wall time on the clock.
	CPU, Wall time.Duration
	// Stall is how long a run may go without a new frame.
	Stall time.Duration
}

// DefaultLimits suit one window of a movie of up to 4K.
func DefaultLimits() Limits {
	return Limits{
		MaxPixels: 50_000_000,
		Memory:    6 << 30,
		FileSize:  16 << 30,
		CPU:       30 * time.Minute,
		Wall:      30 * time.Minute,
		Stall:     time.Minute,
	}
}

// RunError is a run that failed.
type RunError = sandbox.Error

// What can end a run from outside.
var (
	// ErrStalled is a run that stopped making frames.
	ErrStalled = errors.New("FFmpeg made no progress and was stopped")
	// ErrTooLong is a run that reached its wall clock limit.
	ErrTooLong = errors.New("FFmpeg took too long and was stopped")
)
