package ftp

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/safehttp"
)

const testPassword = ` pa$$ "wörd" ` // begins and ends with a space, as a password may

// loopback permits what the tests listen on.
func loopback() safehttp.Policy {
	return safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

// vsftpd is a real server on loopback. As root it has one user, through a PAM
// service of its own, whose files are daemon's; else anonymous ones, with the
// rights of who tests.
type vsftpd struct {
	home string // where logins lead
	host string
	port int
	log  string
}

// startVSFTPD starts one with lines of configuration, over those that it has
// anyway.
func startVSFTPD(t testing.TB, host string, config ...string) *vsftpd {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftp-test-") // t.TempDir is closed to others
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	s := &vsftpd{home: filepath.Join(dir, "home"), host: host, port: freePort(t, host), log: filepath.Join(dir, "log")}
	must(t, os.Mkdir(s.home, 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o555))
	listen, address := "listen=YES", "listen_address="
	if strings.Contains(host, ":") {
		listen, address = "listen=NO\nlisten_ipv6=YES", "listen_address6="
	}
	lines := []string{
		listen, address + host, fmt.Sprintf("listen_port=%d", s.port), "background=NO",
		"write_enable=YES", "chroot_local_user=YES", "allow_writeable_chroot=YES", "anon_umask=022", "local_umask=022",
		"seccomp_sandbox=NO", "isolate=NO", "isolate_network=NO", "secure_chroot_dir=" + filepath.Join(dir, "empty"),
		"xferlog_enable=YES", "log_ftp_protocol=YES", "xferlog_std_format=NO", "vsftpd_log_file=" + s.log, "delay_failed_login=0",
	}
	if os.Geteuid() == 0 {
		lines = append(lines, s.asRoot(t, dir)...)
	} else {
		lines = append(lines, "run_as_launching_user=YES", "anonymous_enable=YES", "anon_root="+s.home,
			"anon_upload_enable=YES", "anon_mkdir_write_enable=YES", "anon_other_write_enable=YES", "anon_world_readable_only=NO")
	}
	file := filepath.Join(dir, "config")
	must(t, os.WriteFile(file, []byte(strings.Join(append(lines, config...), "\n")+"\n"), 0o600))
	s.serve(t, file)
	return s
}

// asRoot makes what vsftpd takes as root: the home for who logs in, and a PAM
// service that compares the password with the test's and touches no account.
// pam_ftp makes of a password that is no mail address the name of a remote user,
// which pam_listfile looks for. (pam_exec would be plainer, but vsftpd hangs when a
// process of PAM's ends.)
func (s *vsftpd) asRoot(t testing.TB, dir string) []string {
	t.Helper()
	must(t, os.Chown(s.home, daemon, daemon))
	passwords := filepath.Join(dir, "passwords")
	must(t, os.WriteFile(passwords, []byte(testPassword+"\n"), 0o600))
	service := filepath.Base(dir)
	file := filepath.Join("/etc/pam.d", service)
	must(t, os.WriteFile(file, fmt.Appendf(nil, "auth required pam_ftp.so users=visitor\nauth required pam_listfile.so item=ruser sense=allow onerr=fail file=%s\naccount required pam_permit.so\nsession required pam_permit.so\n", passwords), 0o644))
	t.Cleanup(func() { os.Remove(file) })
	return []string{
		"anonymous_enable=NO", "local_enable=YES", "guest_enable=YES", "guest_username=daemon", "virtual_use_local_privs=YES",
		"session_support=NO", "local_root=" + s.home, "pam_service_name=" + service, "nopriv_user=nobody",
	}
}

// daemon is the number of a user whose home is there, without which vsftpd lets
// nobody in.
const daemon = 1

// serve runs vsftpd.
func (s *vsftpd) serve(t testing.TB, config string) {
	t.Helper()
	const program = "/usr/sbin/vsftpd"
	if _, err := os.Stat(program); err != nil {
		t.Fatal("vsftpd is missing: install the Debian package vsftpd")
	}
	cmd, said := exec.Command(program, config), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	must(t, cmd.Start())
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		endAll(config)
		<-done
		if t.Failed() {
			log, _ := os.ReadFile(s.log)
			t.Logf("vsftpd says:\n%s…%s", said, log[max(0, len(log)-8<<10):])
		}
	})
	ready, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("tcp", s.address()); err == nil {
			conn.Close()
			return
		}
		select {
		case <-done:
			t.Fatalf("vsftpd ended: %s", said)
		case <-ready.Done():
			t.Fatalf("vsftpd does not listen: %s", said)
		case <-tick.C:
		}
	}
}

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

func (s *vsftpd) address() string { return net.JoinHostPort(s.host, fmt.Sprint(s.port)) }

func freePort(t testing.TB, host string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *vsftpd) settings() map[string]any {
	user := "anonymous"
	if os.Geteuid() == 0 {
		user = "visitor"
	}
	return map[string]any{"host": s.host, "port": s.port, "username": user, "password": testPassword}
}

// path is where a path of the server is on this disk.
func (s *vsftpd) path(name string) string { return filepath.Join(s.home, name) }

func (s *vsftpd) read(name string) ([]byte, error) { return os.ReadFile(s.path(name)) }

func (s *vsftpd) names(folder string) (names []string) {
	entries, _ := os.ReadDir(s.path(folder))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// write puts a file there that the user who logs in may replace.
func (s *vsftpd) write(t testing.TB) func(string, []byte) {
	return func(name string, content []byte) {
		t.Helper()
		must(t, os.WriteFile(s.path(name), content, 0o644))
		give(t, s.path(name))
	}
}

// give makes a file the logged in user's.
func give(t testing.TB, file string) {
	t.Helper()
	if os.Geteuid() == 0 {
		must(t, os.Chown(file, daemon, daemon))
	}
}

// folder makes one in the home with a mode.
func (s *vsftpd) folder(t testing.TB, name string, mode fs.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(s.path(name), 0o755))
	give(t, s.path(name))
	must(t, os.Chmod(s.path(name), mode))
}

// mount puts a small disk into the home; only root may.
func (s *vsftpd) mount(t testing.TB, name, options string) {
	t.Helper()
	s.folder(t, name, 0o777)
	must(t, syscall.Mount("tmpfs", s.path(name), "tmpfs", 0, options+",mode=777"))
	t.Cleanup(func() { _ = syscall.Unmount(s.path(name), syscall.MNT_DETACH) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
