package email

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// TestPatient waits for every byte as long as for the first, and never again after
// it was in vain.
func TestPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		p := &patient{Conn: here, stall: 30 * time.Second}
		go func() {
			for range 20 {
				time.AfterFunc(29*time.Second, func() { _, _ = there.Write([]byte("x")) })
				<-time.After(29 * time.Second)
			}
		}()
		if _, err := io.ReadFull(p, make([]byte, 20)); err != nil {
			t.Errorf("a slow server: %v", err)
		}
		for range 3 {
			if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a silent server: %v", err)
			}
		}
		began := time.Now()
		if _, err := p.Write([]byte("QUIT\r\n")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 0 {
			t.Errorf("after that: %v, %v later", err, time.Since(began))
		}
	})
}

// TestStreams has no more of a file in memory than a block.
func TestStreams(t *testing.T) {
	w := newWorld(t)
	d, err := w.carrier.read(given(t, settings(25)))
	must(t, err)
	p := parcel(nil, make([]byte, maxAttachment))
	file := &reading{Reader: bytes.NewReader(make([]byte, maxAttachment))}
	var out writing
	out.file = file
	m := w.carrier.begin(t.Context(), d, nil).letter("s", "m")
	m.SetAttachments([]*gomail.File{attachment(&out, file, p)})
	_, err = m.WriteTo(&out)
	must(t, err)
	if out.ahead > 64<<10 || out.written < maxAttachment {
		t.Errorf("%d bytes were read ahead of %d that were written", out.ahead, out.written)
	}
}

type reading struct {
	*bytes.Reader
	total int64
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.total += int64(n)
	return n, err
}

// writing notes how much more than was written has been read.
type writing struct {
	file           *reading
	written, ahead int64
}

func (w *writing) Write(p []byte) (int, error) {
	w.ahead = max(w.ahead, w.file.total-w.written*57/78)
	w.written += int64(len(p))
	return len(p), nil
}
