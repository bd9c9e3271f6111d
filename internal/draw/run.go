package draw

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/reelhook/reelhook/internal/sandbox"
	"github.com/reelhook/reelhook/internal/text"
)

// run has a child do a request and returns what it said: that it is ready, then
// one reply for each text that it ended with. The error is how the child ended.
func (d *Drawer) run(ctx context.Context, dir string, r request) ([]reply, error) {
	r.Cache, r.Folders, r.Budget = d.cache, d.folders, d.budget
	readOnly := append([]string{d.program, d.cache}, d.folders...)
	for _, t := range r.Texts {
		if t.Style.FontFile == "" {
			continue
		}
		if _, err := os.Stat(t.Style.FontFile); err != nil {
			return nil, err
		}
		readOnly = append(readOnly, t.Style.FontFile)
	}
	asked, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	said := &answer{}
	err = d.box.Run(ctx, sandbox.Process{
		Program: d.program, Args: []string{argument}, Stdin: bytes.NewReader(asked), Stdout: said,
		Dir: dir, ReadOnly: readOnly, Limits: d.limits, Says: says,
	})
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	replies := said.replies(len(r.Texts) + 2) // ready, each text, and one too many
	if len(replies) > 0 {
		if last := replies[len(replies)-1]; last.Failed != "" {
			return nil, last.failure()
		}
	}
	if err == nil && len(replies) == 0 {
		err = errors.New("the child said nothing")
	}
	return replies, err
}

// says tells the runtime's reason from the stacks that it prints after it.
func says(line string) bool {
	return strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, failing)
}

// answer keeps what a child says, up to more than an honest one says: it may be
// in the hands of a font. It is no bytes.Buffer itself: that would be read into
// past Write.
type answer struct{ text bytes.Buffer }

const longestAnswer = 64 << 20

func (a *answer) Write(p []byte) (int, error) {
	if a.text.Len()+len(p) > longestAnswer {
		return 0, errors.New("the child says too much")
	}
	return a.text.Write(p)
}

// replies reads what is whole, so many of them at most: a killed child may stop in
// the middle of a word.
func (a *answer) replies(most int) (list []reply) {
	lines := json.NewDecoder(&a.text)
	for len(list) < most {
		var r reply
		if lines.Decode(&r) != nil {
			return list
		}
		list = append(list, r)
	}
	return list
}

// failure is what a child says of this machine.
func (r reply) failure() error {
	if r.Errno != 0 {
		return fmt.Errorf("%s (%w)", r.Failed, syscall.Errno(r.Errno))
	}
	return errors.New(r.Failed)
}

// outcome is what became of n texts, from the replies and how the child ended.
func outcome(dir string, n int, replies []reply, ended error) ([]Drawn, error) {
	var list []Drawn
	for i, r := range replies[1:min(len(replies), n+1)] { // the first one says ready
		d, err := r.drawn(filepath.Join(dir, name(i)))
		if err != nil {
			return nil, fmt.Errorf("draw texts: %w", err)
		}
		list = append(list, d)
	}
	switch {
	case ended != nil: // in the middle of the next text
		list = append(list, Drawn{Err: &tooMuch{ended}})
	case len(list) < n && (len(list) == 0 || list[len(list)-1].Err == nil):
		return nil, errors.New("draw texts: the child left some out")
	}
	return list, nil
}

// drawn checks a reply against the file: the child is not believed.
func (r reply) drawn(path string) (Drawn, error) {
	if r.Fault != "" {
		return Drawn{Err: errors.New(r.Fault)}, nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return Drawn{}, err
	}
	if !info.Mode().IsRegular() || r.Size.X <= 0 || r.Size.Y <= 0 || info.Size() != 4*int64(r.Size.X)*int64(r.Size.Y) {
		return Drawn{}, fmt.Errorf("a picture of %d×%d pixels has %d bytes", r.Size.X, r.Size.Y, info.Size())
	}
	return Drawn{Path: path, Size: r.Size, Block: &text.Block{Box: r.Box, Warnings: r.Warnings}}, nil
}

// tooMuch is ErrLimits with how the child ended, for logs and tests.
type tooMuch struct{ ended error }

func (e *tooMuch) Error() string   { return ErrLimits.Error() }
func (e *tooMuch) Unwrap() []error { return []error{ErrLimits, e.ended} }
