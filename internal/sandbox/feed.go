package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Feed writes what a program reads from a pipe of its own. It is called once, in a
// goroutine, and returns when a write fails: the program no longer reads, which is
// no failure, whatever the feed then returns.
type Feed func(w io.Writer) error

// feeds are the pipes of one run. The program has them open from descriptor 3 on.
type feeds struct {
	write []Feed
	ours  []*os.File
	under sync.WaitGroup
	// failed ends the run, with the feed's error as the cause.
	failed context.CancelCauseFunc
	mu     sync.Mutex
	// err is the first feed's that failed.
	err error
}

// start starts a program and what feeds it.
func (f *feeds) start(cmd *exec.Cmd) error {
	// The child has ends of its own to read from. Were ours left open, a feed
	// would never see that nobody reads any more.
	defer func() {
		for _, r := range cmd.ExtraFiles {
			r.Close()
		}
	}()
	for range f.write {
		r, w, err := os.Pipe()
		if err != nil {
			f.close()
			return fmt.Errorf("open a pipe: %w", err)
		}
		enlarge(w)
		cmd.ExtraFiles, f.ours = append(cmd.ExtraFiles, r), append(f.ours, w)
	}
	if err := cmd.Start(); err != nil {
		f.close()
		return err
	}
	for i, write := range f.write {
		f.under.Go(func() { f.feed(write, f.ours[i]) })
	}
	return nil
}

func (f *feeds) feed(write Feed, to *os.File) {
	defer to.Close()
	p := &pipe{to: to}
	err := write(p)
	if err == nil || p.broken {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.failed(err) // before the end of the pipe passes for that of the input
}

// pipe is the end that is written to.
type pipe struct {
	to     *os.File
	broken bool
}

func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.to.Write(b)
	p.broken = err != nil
	return n, err
}

// wait waits for all feeds to return, once the program has ended, and returns why
// one failed.
func (f *feeds) wait() error {
	f.close() // whatever the program started and left behind
	f.under.Wait()
	return f.err
}

func (f *feeds) close() {
	for _, w := range f.ours {
		w.Close()
	}
}
