package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// TestSecondSignalKills holds that whoever does not want to wait for the end of
// what is running need not.
func TestSecondSignalKills(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "serve", "--listen", "127.0.0.1:0", "--api-key", "signal-key")
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "REELHOOK_TEST_RUN=1")
	serving, stopping := newWatcher("serving"), newWatcher("stopping")
	cmd.Stderr = both{serving, stopping}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	<-serving.seen
	conn, err := net.Dial("tcp", regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(serving.text()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A call that does not end keeps the server from stopping at once.
	fmt.Fprint(conn, "POST /v2/movies HTTP/1.1\r\nHost: x\r\nx-api-key: signal-key\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	<-stopping.seen
	// Again and again, for the log line may come before the signal is given free.
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = cmd.Process.Signal(syscall.SIGTERM)
		case <-exited:
			if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
				t.Errorf("it ended with %v, not by the second signal", cmd.ProcessState)
			}
			return
		}
	}
}

// both writes to two watchers.
type both [2]*watcher

func (b both) Write(p []byte) (int, error) {
	_, _ = b[0].Write(p)
	return b[1].Write(p)
}
