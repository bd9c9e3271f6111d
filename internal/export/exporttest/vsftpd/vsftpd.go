// Package vsftpd runs a real FTP server on loopback, for tests and benchmarks. It
// must not know any client.
package vsftpd

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/reelhook/reelhook/internal/export/exporttest/daemon"
)

// Password is everybody's. It begins and ends with a space, as one may.
const Password = ` pa$$ "wörd" `

// Server is a real one on loopback. As root it has one user, through a PAM
// service of its own, whose files are daemon's; else anonymous ones, with the
// rights of who tests.
type Server struct {
	// Home is the folder where logins lead.
	Home string
	Host string
	Port int
}

// Start runs one with lines of configuration, over those that it has
// anyway.
func Start(t testing.TB, host string, config ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftp-test-") // t.TempDir is closed to others
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	s := &Server{filepath.Join(dir, "home"), host, daemon.FreePort(t, host).Port}
	log := filepath.Join(dir, "log")
	must(t, os.Mkdir(s.Home, 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o555))
	listen, address := "listen=YES", "listen_address="
	if strings.Contains(host, ":") {
		listen, address = "listen=NO\nlisten_ipv6=YES", "listen_address6="
	}
	lines := []string{
		listen, address + host, fmt.Sprintf("listen_port=%d", s.Port), "background=NO",
		"write_enable=YES", "chroot_local_user=YES", "allow_writeable_chroot=YES", "anon_umask=022", "local_umask=022",
		"seccomp_sandbox=NO", "isolate=NO", "isolate_network=NO", "secure_chroot_dir=" + filepath.Join(dir, "empty"),
		"xferlog_enable=YES", "log_ftp_protocol=YES", "xferlog_std_format=NO", "vsftpd_log_file=" + log, "delay_failed_login=0",
	}
	if os.Geteuid() == 0 {
		lines = append(lines, s.asRoot(t, dir)...)
	} else {
		lines = append(lines, "run_as_launching_user=YES", "anonymous_enable=YES", "anon_root="+s.Home,
			"anon_upload_enable=YES", "anon_mkdir_write_enable=YES", "anon_other_write_enable=YES", "anon_world_readable_only=NO")
	}
	file := filepath.Join(dir, "config")
	must(t, os.WriteFile(file, []byte(strings.Join(append(lines, config...), "\n")+"\n"), 0o600))
	const program = "/usr/sbin/vsftpd"
	if _, err := os.Stat(program); err != nil {
		t.Fatal("vsftpd is missing: install the Debian package vsftpd")
	}
	t.Cleanup(func() { endAll(file) })
	daemon.Run(t, &net.TCPAddr{IP: net.ParseIP(host), Port: s.Port}, []string{log}, program, file)
	return s
}

// asRoot makes what vsftpd takes as root: the home for who logs in, and a PAM
// service that compares the password with the test's and touches no account.
// pam_ftp makes of a password that is no mail address the name of a remote user,
// which pam_listfile looks for. (pam_exec would be plainer, but vsftpd hangs when a
// process of PAM's ends.)
func (s *Server) asRoot(t testing.TB, dir string) []string {
	t.Helper()
	must(t, os.Chown(s.Home, Owner, Owner))
	passwords := filepath.Join(dir, "passwords")
	must(t, os.WriteFile(passwords, []byte(Password+"\n"), 0o600))
	service := filepath.Base(dir)
	file := filepath.Join("/etc/pam.d", service)
	must(t, os.WriteFile(file, fmt.Appendf(nil, "auth required pam_ftp.so users=visitor\nauth required pam_listfile.so item=ruser sense=allow onerr=fail file=%s\naccount required pam_permit.so\nsession required pam_permit.so\n", passwords), 0o644))
	t.Cleanup(func() { os.Remove(file) })
	return []string{
		"anonymous_enable=NO", "local_enable=YES", "guest_enable=YES", "guest_username=daemon", "virtual_use_local_privs=YES",
		"session_support=NO", "local_root=" + s.Home, "pam_service_name=" + service, "nopriv_user=nobody",
	}
}

// Owner is the number of the user who logs in, one whose home is there, without which vsftpd lets
// nobody in.
const Owner = 1

// endAll ends the processes of vsftpd's sessions, which leave its process group.
// Their command line still holds the configuration's path, which is the test's own.
func endAll(config string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(config)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// Settings are a destination's.
func (s *Server) Settings() map[string]any {
	user := "anonymous"
	if os.Geteuid() == 0 {
		user = "visitor"
	}
	return map[string]any{"host": s.Host, "port": s.Port, "username": user, "password": Password}
}

// Path is where a path of the server is on this disk.
func (s *Server) Path(name string) string { return filepath.Join(s.Home, name) }

// Read returns a file as the server has it.
func (s *Server) Read(name string) ([]byte, error) { return os.ReadFile(s.Path(name)) }

// Names lists a folder, hidden files too.
func (s *Server) Names(folder string) (names []string) {
	entries, _ := os.ReadDir(s.Path(folder))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Give makes a file the logged in user's.
func Give(t testing.TB, file string) {
	t.Helper()
	if os.Geteuid() == 0 {
		must(t, os.Chown(file, Owner, Owner))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
