package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
)

// host is what servers made for tests need of a test: they are started for
// measurements too.
type host struct {
	testing.TB
	ctx      context.Context
	cleanups []func()
}

// run has servers started; what they cannot do without ends it.
func (h *host) run(start func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	start()
	return nil
}

func (h *host) close() {
	for _, cleanup := range slices.Backward(h.cleanups) {
		cleanup()
	}
}

func (h *host) Helper()                         {}
func (h *host) Failed() bool                    { return false }
func (h *host) Logf(string, ...any)             {}
func (h *host) Context() context.Context        { return h.ctx }
func (h *host) Cleanup(f func())                { h.cleanups = append(h.cleanups, f) }
func (h *host) Fatal(args ...any)               { panic(fmt.Sprint(args...)) }
func (h *host) Fatalf(text string, args ...any) { panic(fmt.Sprintf(text, args...)) }
func (h *host) Errorf(text string, args ...any) { fmt.Fprintf(os.Stderr, text+"\n", args...) }

// TempDir is a folder that goes with the host.
func (h *host) TempDir() string {
	dir, err := os.MkdirTemp("", "reelhook-bench-")
	if err != nil {
		panic(err)
	}
	h.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
