// Package sshd runs OpenSSH's server on loopback, for tests and benchmarks of what
// speaks SFTP. It must not know any client.
package sshd

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export/exporttest/daemon"
)

const (
	// Password is everybody's. It begins and ends with a space, as one may.
	Password = " pa$$ \"wörd\" "
)

// Key is a private key of Go's: ed25519, ecdsa, rsa, or other.
func Key(name string) any { return keys()[name] }

// keys are made once: RSA takes its time.
var keys = sync.OnceValue(func() map[string]any {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	_, other, _ := ed25519.GenerateKey(rand.Reader)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	return map[string]any{"ed25519": ed, "ecdsa": ec, "rsa": rs, "other": other}
})

// PrivateKey is a key in OpenSSH's format, locked if there is a passphrase.
func PrivateKey(t testing.TB, name, passphrase string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(keys()[name], "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(keys()[name], "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// PublicKey is the other half of a key: ed25519, ecdsa, rsa, or other, which lets
// nobody in.
func PublicKey(name string) ssh.PublicKey {
	s, err := ssh.NewSignerFromKey(keys()[name])
	if err != nil {
		panic(err)
	}
	return s.PublicKey()
}

// Server is OpenSSH's server on loopback. As root it lets nobody in, by password
// (through a PAM service of its own) and by key; else the user who tests, by key.
type Server struct {
	// Home is the folder where logins lead, User who may log in.
	Home, User string
	Addr       *net.TCPAddr
}

// HostKeys are the kinds of key that a server may have.
var HostKeys = []string{"ed25519", "rsa", "ecdsa"}

// Start runs one with its host keys and lines of configuration, until the test ends.
func Start(t testing.TB, hostKeys []string, config ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "sftp-test-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	s := &Server{Home: filepath.Join(dir, "home"), User: "nobody"}
	must(t, os.Mkdir(s.Home, 0o755))
	program := filepath.Join(dir, filepath.Base(dir))
	must(t, os.Symlink(sshdPath(t), program)) // PAM's service is called as the program is
	lines := []string{
		"PidFile none", "StrictModes no", "AuthorizedKeysFile " + filepath.Join(dir, "authorized"),
		"LogLevel VERBOSE", "Subsystem sftp internal-sftp", "ForceCommand internal-sftp -d " + s.Home,
		"MaxStartups 100", "PermitRootLogin yes", "UseDNS no", "UsePAM yes",
	}
	if os.Geteuid() == 0 {
		s.asRoot(t, dir)
	} else {
		s.User = username(t)
	}
	for _, name := range hostKeys {
		file := filepath.Join(dir, "host_"+name)
		must(t, os.WriteFile(file, []byte(PrivateKey(t, name, "")), 0o600))
		lines = append(lines, "HostKey "+file)
	}
	var authorized []byte
	for _, name := range []string{"ed25519", "rsa", "ecdsa"} {
		authorized = append(authorized, ssh.MarshalAuthorizedKey(PublicKey(name))...)
	}
	must(t, os.WriteFile(filepath.Join(dir, "authorized"), authorized, 0o644))
	file := filepath.Join(dir, "config")
	must(t, os.WriteFile(file, []byte(strings.Join(append(config, lines...), "\n")+"\n"), 0o600))
	s.Addr = daemon.FreePort(t, "127.0.0.1")
	daemon.Run(t, s.Addr, nil, program, "-D", "-e", "-f", file, fmt.Sprintf("-oListenAddress=127.0.0.1:%d", s.Addr.Port))
	return s
}

// asRoot makes what sshd takes as root: its folder, and a PAM service that
// compares the password with the test's and touches no account.
func (s *Server) asRoot(t testing.TB, dir string) {
	t.Helper()
	must(t, os.MkdirAll("/run/sshd", 0o755))
	must(t, os.Chown(s.Home, 65534, 65534))
	password, check := filepath.Join(dir, "password"), filepath.Join(dir, "check")
	must(t, os.WriteFile(password, []byte(Password), 0o600))
	must(t, os.WriteFile(check, fmt.Appendf(nil, "#!/bin/sh\ntr -d '\\000' | cmp -s - %s\n", password), 0o700))
	service := filepath.Join("/etc/pam.d", filepath.Base(dir))
	must(t, os.WriteFile(service, fmt.Appendf(nil, "auth requisite pam_exec.so expose_authtok quiet %s\nauth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n", check), 0o644))
	t.Cleanup(func() { os.Remove(service) })
}

func sshdPath(t testing.TB) string {
	t.Helper()
	for _, p := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Fatal("sshd is missing: install the Debian package openssh-server")
	return ""
}

func username(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("id", "-un").Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

// Settings log in by key; the server is known by its Ed25519 key.
func (s *Server) Settings(t testing.TB) map[string]any {
	return map[string]any{
		"host": "127.0.0.1", "port": s.Addr.Port, "username": s.User, "private-key": PrivateKey(t, "ed25519", ""),
		"host-key": ssh.FingerprintSHA256(PublicKey("ed25519")),
	}
}

// Path is where a path of the server is on this disk.
func (s *Server) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.Home, name)
}

// Read returns a file as the server has it.
func (s *Server) Read(name string) ([]byte, error) { return os.ReadFile(s.Path(name)) }

// Names lists a folder of the server, hidden files too.
func (s *Server) Names(folder string) (names []string) {
	entries, _ := os.ReadDir(s.Path(folder))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Write returns what puts a file there that the user who logs in may replace.
func (s *Server) Write(t testing.TB) func(string, []byte) {
	return func(name string, content []byte) {
		t.Helper()
		file := s.Path(name)
		for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(dir); err == nil {
				break
			}
			defer s.Give(t, dir)
		}
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, content, 0o644))
		s.Give(t, file)
	}
}

// Give makes a file the logged in user's.
func (s *Server) Give(t testing.TB, file string) {
	t.Helper()
	if os.Geteuid() == 0 {
		must(t, os.Chown(file, 65534, 65534))
	}
}

// Folder makes one in the home with a mode.
func (s *Server) Folder(t testing.TB, name string, mode fs.FileMode) {
	t.Helper()
	if err := os.Mkdir(s.Path(name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	s.Give(t, s.Path(name))
	must(t, os.Chmod(s.Path(name), mode))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
