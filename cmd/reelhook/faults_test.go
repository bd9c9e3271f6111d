package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/reelhook/reelhook/internal/app"
)

// faultEnv tells the test's binary to serve with a fault: a point of
// app.Options.Fault, a space, and which passing of it is the last.
const faultEnv = "REELHOOK_TEST_FAULT"

// The points at which a process can be told to kill itself.
var faultPoints = []string{"store.begin", "store.commit.before", "store.commit.after", "attempt.before", "attempt.after"}

// serveFaulty is reelhook serve with a fault. It is a command of this test alone:
// nothing in the program sets app.Options.Fault.
func serveFaulty(args []string, fault string) error {
	var c struct {
		Serve serveCmd `cmd:""`
	}
	parser, err := kong.New(&c)
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	o, err := c.Serve.options()
	if err != nil {
		return err
	}
	if o.Fault, err = killAt(fault); err != nil {
		return err
	}
	go obey(os.Stdin)
	a, err := app.New(context.Background(), o)
	if err != nil {
		return err
	}
	return a.Run(context.Background())
}

// killAt kills the process when a point is passed for the nth time.
func killAt(fault string) (func(point string), error) {
	var last string
	var nth int64
	if _, err := fmt.Sscan(fault, &last, &nth); err != nil {
		return nil, fmt.Errorf("%s=%q: %w", faultEnv, fault, err)
	}
	var passed atomic.Int64
	return func(point string) {
		if point == last && passed.Add(1) == nth {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal may take a moment, in which nothing is to go on from here
		}
	}, nil
}

// The words that a process with a fault obeys.
const (
	fullWord = "full"
	roomWord = "room"
)

// obey makes every write to a file fail, as on a full disk, and lets them work
// again, as it is told line by line.
func obey(in io.Reader) {
	var room syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		limit := room
		if lines.Text() == fullWord {
			limit.Cur = 1
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			panic(err)
		}
	}
}
