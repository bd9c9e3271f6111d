package sandbox

import (
	"path/filepath"
	"strconv"
	"strings"
)

// system is what every program may read: itself and its libraries.
var system = []string{"/usr", "/lib", "/lib64", "/bin", "/etc/alternatives", "/etc/ld.so.cache"}

// confine is the command line up to and including the program: limits first,
// then the sandbox.
func (s *Sandbox) confine(p Process) []string {
	argv := s.limit(p.Limits)
	if s.bwrap == "" {
		return append(argv, p.Program)
	}
	argv = append(argv, s.bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "LC_ALL", "C")
	for _, path := range system {
		argv = append(argv, "--ro-bind-try", path, path)
	}
	argv = append(argv, "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp")
	for _, path := range p.Devices {
		argv = append(argv, "--dev-bind-try", path, path)
	}
	for _, path := range p.ReadOnly {
		if !within(path, system...) && !within(path, p.Dir) {
			argv = append(argv, "--ro-bind-try", path, path)
		}
	}
	if p.Dir != "" { // last: it may lie in a folder that is only read
		argv = append(argv, "--bind", p.Dir, p.Dir, "--chdir", p.Dir)
	}
	return append(argv, p.Program)
}

// limit is the part of the command line that sets the kernel's limits.
func (s *Sandbox) limit(l Limits) []string {
	if s.prlimit == "" {
		return nil
	}
	argv := []string{s.prlimit, "--nofile=4096", "--core=0"}
	for _, limit := range []struct {
		name string
		most int64
	}{{"--as=", l.Memory}, {"--fsize=", l.FileSize}, {"--cpu=", int64(l.CPU.Seconds())}} {
		if limit.most > 0 {
			argv = append(argv, limit.name+strconv.FormatInt(limit.most, 10))
		}
	}
	return append(argv, "--")
}

// within tells that a path lies in one of the folders.
func within(path string, folders ...string) bool {
	for _, dir := range folders {
		if dir != "" && strings.HasPrefix(path, dir+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
