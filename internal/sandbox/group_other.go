//go:build unix && !linux

package sandbox

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a process into a group of its own, so that it can be killed
// with everything it started.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
