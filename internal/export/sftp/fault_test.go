package sftp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/daemon"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
)

func TestLoginByPassword(t *testing.T) {
	wrong := export.Fault{Step: "login", Class: "login", Permanent: true}
	for name, tc := range map[string]struct {
		server func(*inProcess)
		with   with
		want   export.Fault
		says   string
		logins int // how often the password may be offered
	}{
		"password":              {(*inProcess).byPassword, with{}, export.Fault{}, "", 1},
		"asking":                {func(s *inProcess) { s.byAsking("Password: ") }, with{}, export.Fault{}, "", 1},
		"both":                  {func(s *inProcess) { s.byPassword(); s.byAsking("Password: ") }, with{}, export.Fault{}, "", 1},
		"wrong":                 {(*inProcess).byPassword, with{"password": "wrong"}, wrong, "it takes password", 1},
		"wrong, asking":         {func(s *inProcess) { s.byAsking("Password: ") }, with{"password": "wrong"}, wrong, "", 1},
		"wrong is offered once": {func(s *inProcess) { s.byPassword(); s.byAsking("Password: ") }, with{"password": "wrong"}, wrong, "", 1},
		"asks for a code too":   {func(s *inProcess) { s.byAsking("Password: ", "Code: ") }, with{}, wrong, "more than a password", 0},
		"asks for what is seen": {func(s *inProcess) { s.byAsking("Name: ") }, with{}, wrong, "more than a password", 0},
		"only keys": {func(s *inProcess) {
			s.config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, errors.New("no") }
		}, with{}, wrong, "it takes publickey", 0},
		"no SFTP":           {func(s *inProcess) { s.byPassword(); s.refuse = true }, with{}, export.Fault{Step: "login", Class: "denied", Permanent: true}, "no SFTP", 1},
		"SFTP ends at once": {func(s *inProcess) { s.byPassword(); s.subsystem = func(ssh.Channel) {} }, with{}, export.Fault{Step: "login", Class: "reset"}, "closed", 1},
		"babble": {func(s *inProcess) {
			s.byPassword()
			s.subsystem = func(c ssh.Channel) { _, _ = c.Read(make([]byte, 9)); fmt.Fprint(c, "Welcome to our shell!\r\n") }
		}, with{}, export.Fault{Step: "login", Class: "protocol"}, "", 1},
	} {
		srv := newInProcess("ed25519")
		tc.server(srv)
		_, f := probe(t, patient(Options{Policy: loopback()}), settings(t, srv.start(t), tc.with))
		if diff := cmp.Diff(tc.want, kind(f)); diff != "" || !strings.Contains(f.Message, tc.says) {
			t.Errorf("%s: %s%s", name, f.Message, diff)
		}
		if len(srv.logins) != tc.logins {
			t.Errorf("%s: offered %q", name, srv.logins)
		}
		if strings.Contains(f.Message, strings.TrimSpace(sshd.Password)) {
			t.Errorf("%s: the password is in %q", name, f.Message)
		}
	}
}

func TestFaults(t *testing.T) {
	locked := func(err error) func(*inProcess) {
		return func(s *inProcess) { s.handlers.FilePut = refuser{s.handlers.FilePut, err} }
	}
	for name, tc := range map[string]struct {
		server func(*inProcess)
		want   export.Fault
	}{
		"lies about size": {func(s *inProcess) { s.handlers.FileList = liar{s.handlers.FileList} }, export.Fault{Step: "size", Class: "size"}},
		"no space":        {locked(errors.New("write: no space left on device")), export.Fault{Step: "write", Class: "space"}},
		"quota":           {locked(errors.New("Disk Quota exceeded")), export.Fault{Step: "write", Class: "space"}},
		"denied":          {locked(sftp.ErrSSHFxPermissionDenied), export.Fault{Step: "write", Class: "denied", Permanent: true}},
		"another failure": {locked(errors.New("the moon is wrong")), export.Fault{Step: "write", Class: "protocol"}},
	} {
		srv := newInProcess("ed25519")
		srv.byPassword()
		tc.server(srv)
		s := settings(t, srv.start(t))
		c := patient(Options{Policy: loopback()})
		if f := asFault(t, carryErr(t, c, parcel(t, s, random(3<<20)))); kind(f) != tc.want {
			t.Errorf("%s: %+v", name, f)
		}
		if _, f := probe(t, c, s); kind(f) != tc.want {
			t.Errorf("%s: the probe says %+v", name, f)
		}
	}
}

// TestWithoutExtensions speaks with a server of bare version 3, which renames over
// nothing.
func TestWithoutExtensions(t *testing.T) {
	must(t, sftp.SetSFTPExtensions())
	t.Cleanup(func() {
		must(t, sftp.SetSFTPExtensions("hardlink@openssh.com", "posix-rename@openssh.com", "statvfs@openssh.com"))
	})
	srv := newInProcess("ed25519")
	srv.byPassword()
	s := srv.start(t)
	c := patient(Options{Policy: loopback()})
	for i, tc := range []struct{ policy, path string }{
		{"overwrite", "/movie.mp4"}, {"overwrite", "/movie.mp4"}, {"unique", "/movie-1.mp4"}, {"unique", "/movie-2.mp4"}, {"fail", ""},
	} {
		r, err := c.Carry(t.Context(), parcel(t, settings(t, s, with{"if-exists": tc.policy}), random(1000+i)))
		if f := asFault(t, err); r.Path != tc.path || (f.Class == "exists") != (tc.path == "") {
			t.Errorf("%d: %s at %q: %+v", i, tc.policy, r.Path, f)
		}
	}
}

// TestFaultsOfDisks are those that OpenSSH calls only "Failure". As root they are
// real ones; other users may not mount a disk.
func TestFaultsOfDisks(t *testing.T) {
	srv := sshd.Start(t, []string{"ed25519"})
	c := patient(Options{Policy: loopback()})
	srv.Folder(t, "closed", 0o555)
	cases := map[string]export.Fault{"closed": {Step: "write", Class: "denied", Permanent: true}, "closed/sub": {Step: "folder", Class: "denied", Permanent: true}}
	if os.Geteuid() == 0 {
		mount(t, srv, "full", "size=64k")
		mount(t, srv, "read", "ro")
		cases["full"] = export.Fault{Step: "write", Class: "space"}
		cases["read"] = export.Fault{Step: "write", Class: "denied", Permanent: true}
		cases["read/sub"] = export.Fault{Step: "folder", Class: "denied", Permanent: true}
	}
	for folder, want := range cases {
		s := settings(t, srv.Settings(t), with{"remote-path": folder})
		if f := asFault(t, carryErr(t, c, parcel(t, s, random(3<<20)))); kind(f) != want {
			t.Errorf("%s: %+v", folder, f)
		}
		if left := srv.Names(folder); len(left) > 0 {
			t.Errorf("%s: left %v", folder, left)
		}
	}
}

// mount puts a disk in memory into the home.
func mount(t testing.TB, s *sshd.Server, name, options string) {
	t.Helper()
	must(t, os.Mkdir(s.Path(name), 0o755))
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=777,"+options, "none", s.Path(name)).CombinedOutput()
	if err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", s.Path(name)).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
}

func TestStalls(t *testing.T) {
	want := export.Fault{Step: "login", Class: "timeout"}
	srv := newInProcess("ed25519")
	srv.byPassword()
	srv.subsystem = mute
	c := patient(Options{Policy: loopback()})
	c.stall = 100 * time.Millisecond
	if _, f := probe(t, c, settings(t, srv.start(t))); kind(f) != want || !strings.Contains(f.Message, "100ms") {
		t.Errorf("got %+v", f)
	}
}

// TestSlowToConnect: what accepts and says nothing is given up.
func TestSlowToConnect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	c := New(Options{Policy: loopback()})
	c.connecting = 100 * time.Millisecond
	s := settings(t, with{"host": "127.0.0.1", "port": l.Addr().(*net.TCPAddr).Port, "username": "u", "password": "p", "host-key": fingerprint("ed25519")})
	if _, f := probe(t, c, s); kind(f) != (export.Fault{Step: "host-key", Class: "timeout"}) {
		t.Errorf("got %+v", f)
	}
}

func TestNoSSH(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			conn.Close()
		}
	}()
	free := daemon.FreePort(t, "127.0.0.1").Port
	for name, tc := range map[string]struct {
		with with
		want export.Fault
	}{
		"HTTP":    {with{"port": l.Addr().(*net.TCPAddr).Port}, export.Fault{Step: "host-key", Class: "reset"}},
		"refused": {with{"port": free}, export.Fault{Step: "connect", Class: "refused"}},
		"inside":  {with{"host": "10.0.0.1"}, export.Fault{Step: "connect", Class: "blocked", Permanent: true}},
	} {
		base := with{"host": "127.0.0.1", "username": "u", "password": "p", "host-key": fingerprint("ed25519")}
		if _, f := probe(t, patient(Options{Policy: loopback()}), settings(t, base, tc.with)); kind(f) != tc.want {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestTidy(t *testing.T) {
	tr := &try{destination: &destination{secrets: []string{"s3cret", "pass phrase"}}}
	for said, want := range map[string]string{
		"user s3cret\x1b[31m and pass phrase\r\n": "user …[31m and …",
		strings.Repeat("ü", 300):                  strings.Repeat("ü", 199) + "…",
		"\x00\u202ebad\xff":                       "bad",
	} {
		got := tr.tidy(said)
		if got != want && !strings.HasPrefix(said, "\x00") || slices.ContainsFunc([]rune(got), unicode.IsControl) {
			t.Errorf("%q became %q", said, got)
		}
	}
}

// TestNotReached holds that what we say ourselves of a server that is not reached
// stays readable, whatever letters a password has, and tells nothing of our own
// network.
func TestNotReached(t *testing.T) {
	for want, host := range map[string]string{
		"The host nothing.invalid was not found": "nothing.invalid", "127.0.0.1:1 refused the connection": "127.0.0.1",
		"The SFTP server cannot be used: the address 10.0.0.1 is not public; if it is meant to be reached, start the server with --allow-networks 10.0.0.1/32": "10.0.0.1",
	} {
		base := with{"host": host, "port": 1, "username": "u", "password": "e", "host-key": fingerprint("ed25519")}
		_, f := probe(t, patient(Options{Policy: loopback()}), settings(t, base))
		if f.Step != export.StepConnect || f.Message != want {
			t.Errorf("%s: %+v", host, f)
		}
	}
}
