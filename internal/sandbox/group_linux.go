package sandbox

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a process into a group of its own, so that it can be killed
// with everything it started, and has it die with us.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
