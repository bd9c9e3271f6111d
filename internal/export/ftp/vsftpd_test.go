package ftp

import (
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/reelhook/reelhook/internal/export/exporttest/daemon"
	ftpd "github.com/reelhook/reelhook/internal/export/exporttest/vsftpd"
	"github.com/reelhook/reelhook/internal/safehttp"
)

const testPassword = ftpd.Password

// loopback permits what the tests listen on.
func loopback() safehttp.Policy {
	return safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

// vsftpd is a running server.
type vsftpd struct {
	*ftpd.Server
	home, host string
	port       int
}

// startVSFTPD starts one with lines of configuration, over those that it has
// anyway.
func startVSFTPD(t testing.TB, host string, config ...string) *vsftpd {
	t.Helper()
	s := ftpd.Start(t, host, config...)
	return &vsftpd{s, s.Home, s.Host, s.Port}
}

func freePort(t testing.TB, host string) int {
	t.Helper()
	return daemon.FreePort(t, host).Port
}

func (s *vsftpd) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

func (s *vsftpd) settings() map[string]any { return s.Settings() }

func (s *vsftpd) path(name string) string { return s.Path(name) }

func (s *vsftpd) read(name string) ([]byte, error) { return s.Read(name) }

func (s *vsftpd) names(folder string) []string { return s.Names(folder) }

// write puts a file there that the user who logs in may replace.
func (s *vsftpd) write(t testing.TB) func(string, []byte) {
	return func(name string, content []byte) {
		t.Helper()
		must(t, os.WriteFile(s.path(name), content, 0o644))
		ftpd.Give(t, s.path(name))
	}
}

// folder makes one in the home with a mode.
func (s *vsftpd) folder(t testing.TB, name string, mode fs.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(s.path(name), 0o755))
	ftpd.Give(t, s.path(name))
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
