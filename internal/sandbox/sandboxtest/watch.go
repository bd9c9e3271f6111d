// Package sandboxtest is for tests alone: it tells whether a file was opened that
// no confined program should have seen. It must not know what programs do.
package sandboxtest

import (
	"syscall"
	"testing"
)

// WatchOpens tells, whenever it is asked, whether a file was opened since it was
// asked last, by whatever process.
func WatchOpens(t *testing.T, path string) func() bool {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if _, err := syscall.InotifyAddWatch(fd, path, syscall.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	return func() bool {
		n, _ := syscall.Read(fd, make([]byte, 1<<16))
		return n > 0
	}
}
