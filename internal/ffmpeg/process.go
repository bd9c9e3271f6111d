package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// process is one start of a program.
type process struct {
	program string
	args    []string
	stdin   io.Reader
	stdout  io.Writer
	// dir is the one folder that may be written, "" for none; readOnly are the
	// files that may be read besides the system's own.
	dir      string
	readOnly []string
	limits   Limits
}

// exec runs a process to its end. When ctx ends, the whole process group is
// killed and the error wraps the context's cause.
func (t *Tools) exec(ctx context.Context, p process) error {
	if p.limits.Wall > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.limits.Wall, ErrTooLong)
		defer cancel()
	}
	argv := append(t.confine(p), p.args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = p.dir
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Stdin, cmd.Stdout = p.stdin, p.stdout
	tail := &tail{}
	cmd.Stderr = tail
	ownGroup(cmd)
	// What is left of a killed run is scratch, so there is nothing to be gained
	// by asking nicely first.
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return &RunError{Err: cause}
	}
	return &RunError{Message: tail.message(), Err: err}
}

// confine is the command line up to and including the program: limits first,
// then the sandbox.
func (t *Tools) confine(p process) []string {
	var argv []string
	if t.prlimit != "" {
		argv = append(argv, t.prlimit,
			"--as="+strconv.FormatInt(p.limits.Memory, 10),
			"--cpu="+strconv.Itoa(int(p.limits.CPU.Seconds())),
			"--fsize="+strconv.FormatInt(p.limits.FileSize, 10),
			"--nofile=256", "--core=0", "--")
	}
	if t.bwrap == "" {
		return append(argv, p.program)
	}
	argv = append(argv, t.bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "LC_ALL", "C")
	for _, dir := range []string{"/usr", "/lib", "/lib64", "/bin", "/etc/alternatives", "/etc/ld.so.cache"} {
		argv = append(argv, "--ro-bind-try", dir, dir)
	}
	argv = append(argv, "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp")
	if p.dir != "" {
		argv = append(argv, "--bind", p.dir, p.dir)
	}
	for _, path := range p.readOnly {
		if p.dir != "" && strings.HasPrefix(path, p.dir+string(filepath.Separator)) {
			continue
		}
		argv = append(argv, "--ro-bind", path, path)
	}
	if p.dir != "" {
		argv = append(argv, "--chdir", p.dir)
	}
	return append(argv, p.program)
}

// tail keeps the end of what a program wrote to stderr.
type tail struct{ buf []byte }

const tailSize = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// hostPath matches absolute paths, which say nothing to whoever reads the
// message and too much about this machine.
var hostPath = regexp.MustCompile(`(/[\w.@%+=~-]+)+/([\w.@%+=~-]+)`)

// message is the last line that means something.
func (t *tail) message() string {
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(string(lines[i]))
		if line == "" || strings.HasPrefix(line, "Conversion failed") {
			continue
		}
		line = hostPath.ReplaceAllString(line, "$2")
		return line[:min(len(line), 300)]
	}
	return ""
}

// IsCancelled tells whether a run ended because its context did, not because it
// failed.
func IsCancelled(err error) bool {
	return errors.Is(err, context.Canceled)
}
