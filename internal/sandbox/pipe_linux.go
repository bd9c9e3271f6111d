package sandbox

import (
	"os"
	"syscall"
)

// enlarge gives a pipe room for 1 MiB, which is what Linux lets anybody have: a
// picture then passes in a few writes. A smaller one works too.
func enlarge(pipe *os.File) {
	const setSize = 1031 // F_SETPIPE_SZ, which syscall does not name
	if raw, err := pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setSize, 1<<20) })
	}
}
