// Package sandbox runs programs on hostile input without trusting them: limits on
// memory, processor time, wall clock time and file size, a process group of its
// own that dies with us, and, where the system allows one, a view of the file
// system that holds only what was named, without network.
//
// It is the only package that starts processes. It must not know what the
// programs do, nor what a movie or a text is.
package sandbox

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Sandbox is what this machine offers to confine a program with. The zero value
// confines by time and process group only.
type Sandbox struct {
	// bwrap and prlimit are empty where they cannot be used.
	bwrap, prlimit string
}

// Process is one start of a program.
type Process struct {
	// Program is a path, Args what follows it.
	Program string
	Args    []string
	Stdin   io.Reader
	Stdout  io.Writer
	// Feeds write what the program reads from its descriptors 3, 4 and so on.
	Feeds []Feed
	// Dir is the one folder that may be written, "" for none; ReadOnly are the
	// files and folders that may be read besides the system's own. One that is
	// missing is the program's to notice.
	Dir      string
	ReadOnly []string
	// Devices are files and folders below /dev that it may use, beside those that
	// every program has; one that is missing is its to notice.
	Devices []string
	Limits  Limits
	// TooLong is the cause of a run that Limits.Wall ended; nil is ErrTooLong.
	TooLong error
	// Says tells whether a line of stderr says why the program failed; nil takes
	// any.
	Says func(line string) bool
}

// Limits bound one run. Zero is no bound.
type Limits struct {
	// Memory is address space, FileSize the largest file written, in bytes.
	Memory, FileSize int64
	// CPU is processor time over all threads, Wall time on the clock.
	CPU, Wall time.Duration
}

// ErrTooLong is a run that reached its wall clock limit.
var ErrTooLong = errors.New("the program took too long and was stopped")

// ErrKilled is a run that the system ended: at its limit of processor time, or
// for want of memory.
var ErrKilled = errors.New("it took too much processor time or memory and was stopped")

// Error is a run that failed.
type Error struct {
	// Message is the last thing the program said, without paths of this machine.
	Message string
	// Err is the cause: the exit status, a limit, or the context's cause.
	Err error
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Find looks for what can confine a program, and tries it with a harmless run:
// inside some containers the kernel refuses.
func Find(ctx context.Context, trial Process) *Sandbox {
	s := &Sandbox{}
	s.prlimit, _ = exec.LookPath("prlimit")
	s.bwrap, _ = exec.LookPath("bwrap")
	trial.Limits.Wall = 10 * time.Second
	if s.bwrap != "" && s.Run(ctx, trial) != nil {
		s.bwrap = ""
	}
	return s
}

// Isolates tells whether programs run without network and with a view of the
// file system that holds only what they were given.
func (s *Sandbox) Isolates() bool { return s.bwrap != "" }

// Run runs a program to its end. When ctx ends, the whole process group is
// killed and the error wraps the context's cause. A feed that fails ends the run
// like that with its error; one whose program no longer reads does not fail. Run
// returns after all feeds. The error is an *Error.
func (s *Sandbox) Run(ctx context.Context, p Process) error {
	if p.Limits.Wall > 0 {
		cause := p.TooLong
		if cause == nil {
			cause = ErrTooLong
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.Limits.Wall, cause)
		defer cancel()
	}
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	argv := append(s.confine(p), p.Args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = p.Dir
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Stdin, cmd.Stdout = p.Stdin, p.Stdout
	said := &tail{}
	cmd.Stderr = said
	ownGroup(cmd)
	// What is left of a killed run is scratch, so there is nothing to be gained
	// by asking nicely first.
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 5 * time.Second
	fed := &feeds{write: p.Feeds, failed: failed}
	err := fed.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	cause := context.Cause(ctx)
	if unfed := fed.wait(); err == nil {
		if unfed != nil {
			return &Error{Err: unfed}
		}
		return nil
	}
	if cause != nil {
		return &Error{Err: cause}
	}
	if killed(err) {
		return &Error{Message: ErrKilled.Error(), Err: errors.Join(ErrKilled, err)}
	}
	return &Error{Message: said.message(p.Says), Err: err}
}

// killed tells that the system ended a run. The sandbox's own program says so by
// its status, as a shell does.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, _ := exit.Sys().(syscall.WaitStatus)
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGXCPU} {
		if status.Signaled() && status.Signal() == signal || exit.ExitCode() == 128+int(signal) {
			return true
		}
	}
	return false
}
