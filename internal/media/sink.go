package media

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"time"
)

// budget is how many bytes a movie may still store.
type budget struct {
	mu   sync.Mutex
	left int64
}

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) rest() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}

// stored is a file with a source's content.
type stored struct {
	path     string
	size     int64
	sha256   string
	attempts int
}

// tooBig is a file, or all of a movie's together, over the limit.
type tooBig struct {
	limit int64
	total bool
}

func (e *tooBig) Error() string {
	if e.total {
		return fmt.Sprintf("the movie's sources are larger than %s together", size(e.limit))
	}
	return "larger than " + size(e.limit)
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// diskError is a fault of this machine while storing.
type diskError struct{ err error }

func (e *diskError) Error() string { return "store a source: " + e.err.Error() }

func (e *diskError) Unwrap() error { return e.err }

// sink writes a source into a file within the limits.
type sink struct {
	file   *os.File
	hash   hash.Hash
	size   int64
	limit  int64
	run    *run
	closed bool
}

// newSink makes a file that only we can read, with a name that owes nothing to
// the URL.
func (r *run) newSink(limit int64) (*sink, error) {
	file, err := os.CreateTemp(r.Dir, "source-*")
	if err != nil {
		return nil, &diskError{err}
	}
	return &sink{file: file, hash: sha256.New(), limit: limit, run: r}, nil
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	n := int64(len(p))
	if err := s.room(n); err != nil {
		return 0, err
	}
	if !s.run.budget.take(n) { // another download was quicker
		return 0, s.run.overTotal()
	}
	s.size += n
	s.hash.Write(p)
	if _, err := s.file.Write(p); err != nil {
		return 0, &diskError{err}
	}
	return len(p), nil
}

// room tells whether n bytes more are allowed; a length that is not known is -1.
func (s *sink) room(n int64) error {
	switch {
	case n > s.limit-s.size:
		return &tooBig{limit: s.limit}
	case n > s.run.budget.rest():
		return s.run.overTotal()
	}
	return nil
}

func (r *run) overTotal() error { return &tooBig{r.Limits.MaxTotal, true} }

// restart forgets everything written.
func (s *sink) restart() error {
	s.run.budget.give(s.size)
	s.size = 0
	s.hash.Reset()
	if err := s.file.Truncate(0); err != nil {
		return &diskError{err}
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return &diskError{err}
	}
	return nil
}

// finish closes the file.
func (s *sink) finish() (stored, error) {
	s.closed = true
	if err := s.file.Close(); err != nil {
		s.discard()
		return stored{}, &diskError{err}
	}
	return stored{path: s.file.Name(), size: s.size, sha256: hex.EncodeToString(s.hash.Sum(nil))}, nil
}

// discard removes the file.
func (s *sink) discard() {
	if !s.closed {
		s.file.Close()
	}
	s.run.budget.give(s.size)
	os.Remove(s.file.Name())
}

// errStalled is an attempt that was given up because nothing arrived.
var errStalled = errors.New("stalled")

// watched puts the stall off whenever something arrives, and gives up on what
// arrives too slowly.
type watched struct {
	io.Reader
	timer  *time.Timer
	limits Limits
	began  time.Time
	bytes  int64
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.bytes += int64(n)
	if n > 0 {
		w.timer.Reset(w.limits.Stall)
	}
	took := time.Since(w.began)
	if err == nil && took > w.limits.Grace && float64(w.bytes) < took.Seconds()*float64(w.limits.MinRate) {
		err = errSlow
	}
	return n, err
}
