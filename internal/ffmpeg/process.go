package ffmpeg

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/sandbox"
)

// process is one start of a program.
type process struct {
	program string
	args    []string
	stdin   io.Reader
	stdout  io.Writer
	// feeds write what is read from the pipes 3, 4 and so on.
	feeds []sandbox.Feed
	// dir is the one folder that may be written, "" for none; readOnly are the
	// files that may be read besides the system's own.
	dir      string
	readOnly []string
	devices  []string
	limits   Limits
}

// exec runs a process to its end in the sandbox.
func (t *Tools) exec(ctx context.Context, p process) error { return t.box.Run(ctx, p.confined()) }

func (p process) confined() sandbox.Process {
	return sandbox.Process{
		Program: p.program, Args: p.args, Stdin: p.stdin, Stdout: p.stdout, Feeds: p.feeds, Dir: p.dir, ReadOnly: p.readOnly, Devices: p.devices,
		Limits:  sandbox.Limits{Memory: p.limits.Memory, FileSize: p.limits.FileSize, CPU: p.limits.CPU, Wall: p.limits.Wall},
		TooLong: ErrTooLong, Says: says,
	}
}

// empty are the beginnings of what FFmpeg says last, once the reason is said.
var empty = []string{
	"Conversion failed", "Error initializing output stream", "Failed to set value", "Error parsing global options",
}

// says tells that a line is more than FFmpeg's last word about any failure.
func says(line string) bool {
	return !slices.ContainsFunc(empty, func(words string) bool { return strings.HasPrefix(line, words) })
}
