package exporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// pattern is what files are made of, again and again: its length is a prime, so
// that a part that is missing or doubled shows.
var pattern = func() []byte {
	b := make([]byte, 65521)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}()

// cargo is a file that is to be carried; it watches how that is done.
type cargo struct {
	size int64
	name string
	part string
	// reading is called before every read with where that begins, sent with what the
	// carrier says has arrived. Both may block.
	reading func(at int64)
	sent    func(bytes int64)

	open   sync.WaitGroup // files that are open
	opened atomic.Int64

	mu    sync.Mutex
	last  int64
	wrong error // the first thing done against the contract
}

func newCargo(size int64) *cargo {
	n := count.Add(1)
	return &cargo{
		size: size, name: "movie-" + strconv.FormatInt(n, 10) + ".mp4", part: "part" + strconv.FormatInt(n, 36) + "q",
		reading: func(int64) {}, sent: func(int64) {},
	}
}

func (c *cargo) parcel(s export.Settings) export.Parcel {
	return export.Parcel{Settings: s, Open: c.openFile, Size: c.size, Name: c.name, Type: "video/mp4", Part: c.part, Sent: c.told}
}

// content is the whole file.
func (c *cargo) content() []byte {
	whole := bytes.Repeat(pattern, int(c.size)/len(pattern)+1)
	return whole[:c.size]
}

func (c *cargo) openFile() (io.ReadSeekCloser, error) {
	c.open.Add(1)
	c.opened.Add(1)
	return &file{cargo: c}, nil
}

// told is Parcel.Sent.
func (c *cargo) told(n int64) {
	c.mu.Lock()
	switch {
	case n < c.last && n != 0:
		c.against("Sent went back from %d to %d", c.last, n)
	case n > c.size:
		c.against("Sent went to %d, of %d", n, c.size)
	}
	c.last = n
	c.mu.Unlock()
	c.sent(n)
}

func (c *cargo) against(format string, args ...any) {
	if c.wrong == nil {
		c.wrong = fmt.Errorf(format, args...)
	}
}

// report tells what was done against the contract in a try that is over.
func (c *cargo) report(arrived bool) error {
	closed := make(chan struct{})
	go func() { c.open.Wait(); close(closed) }()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		return errors.New("a file that was opened was not closed")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if arrived && c.last != c.size {
		c.against("Sent ended at %d, of %d", c.last, c.size)
	}
	wrong := c.wrong
	c.last, c.wrong = 0, nil // for the next try
	return wrong
}

// file is a cargo that was opened.
type file struct {
	cargo *cargo
	mu    sync.Mutex
	at    int64
	shut  bool
}

func (f *file) Read(p []byte) (int, error) {
	f.mu.Lock()
	at := f.at
	f.mu.Unlock()
	f.cargo.reading(at) // unlocked, so that the file can be closed meanwhile
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut {
		return 0, errors.New("read after it was closed")
	}
	if f.at >= f.cargo.size {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), f.cargo.size-f.at)], pattern[f.at%int64(len(pattern)):])
	f.at += int64(n)
	return n, nil
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.cargo.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	f.at = offset
	return offset, nil
}

func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.shut {
		f.shut = true
		f.cargo.open.Done()
	}
	return nil
}
