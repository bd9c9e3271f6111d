package ftp

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// linked is a link of a try, and its other end.
func linked(t *testing.T) (*link, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	tr := &try{carrier: New(Options{}), Steps: export.Steps{Step: export.StepWrite}}
	tr.ctx, tr.cancel = context.WithCancelCause(t.Context())
	t.Cleanup(func() { tr.cancel(nil); theirs.Close() })
	return tr.link(ours), theirs
}

// TestSlowServer takes far longer than it may stall, but always something.
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, theirs := linked(t)
		go func() {
			for range 64 {
				<-time.After(export.Stall - time.Second)
				_, _ = io.CopyN(io.Discard, theirs, 1<<10)
			}
		}()
		began := time.Now()
		n, err := l.Write(make([]byte, 64<<10))
		if took := time.Since(began); n != 64<<10 || err != nil || took < 10*export.Stall {
			t.Errorf("%d bytes in %v: %v", n, took, err)
		}
	})
}

// TestSilentServer takes a part and then nothing: the try ends as a whole.
func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, theirs := linked(t)
		go func() { _, _ = io.CopyN(io.Discard, theirs, 1<<10) }()
		began := time.Now()
		n, err := l.Write(make([]byte, 64<<10))
		if took := time.Since(began); n != 1<<10 || err == nil || took > 2*export.Stall {
			t.Errorf("%d bytes in %v: %v", n, took, err)
		}
		if cause := context.Cause(l.try.ctx); !errors.Is(cause, errStalled) {
			t.Errorf("the try goes on: %v", cause)
		}
	})
}

// TestDrippingServer sends a letter now and then, so that a reply is never whole.
func TestDrippingServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, theirs := linked(t)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			for {
				<-time.After(export.Stall / 3)
				if _, err := theirs.Write([]byte("2")); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		_, err := io.ReadAll(l)
		if took := time.Since(began); err == nil || took > export.Stall {
			t.Errorf("after %v: %v", took, err)
		}
		<-gone // for the try ends as a whole
	})
}

// TestFlood sends more than a reply may have.
func TestFlood(t *testing.T) {
	l, theirs := linked(t)
	go func() {
		for {
			if _, err := theirs.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
	if n, err := io.Copy(io.Discard, l); !errors.Is(err, errFlood) || n > mostRead {
		t.Errorf("%d bytes: %v", n, err)
	}
}
