// Package daemon runs a server's program for a test: it waits until it listens,
// and ends it with the test. It must not know which server.
package daemon

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// FreePort is an address on a host that nobody listens on.
func FreePort(t testing.TB, host string) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr)
}

// Run starts a program, with all that it starts, and waits until it listens. What
// it said is shown when the test failed, with the end of the files named in logs.
func Run(t testing.TB, at net.Addr, logs []string, program string, args ...string) {
	t.Helper()
	cmd, said := exec.Command(program, args...), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
		if t.Failed() {
			t.Logf("%s says:\n%s", program, tail(said.Bytes()))
			for _, file := range logs {
				text, _ := os.ReadFile(file)
				t.Logf("%s:\n%s", file, tail(text))
			}
		}
	})
	ready, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("tcp", at.String()); err == nil {
			conn.Close()
			return
		}
		select {
		case <-done:
			t.Fatalf("%s ended: %s", program, tail(said.Bytes()))
		case <-ready.Done():
			t.Fatalf("%s does not listen on %s", program, at)
		case <-tick.C:
		}
	}
}

func tail(text []byte) []byte { return text[max(0, len(text)-8<<10):] }
