package ftp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"unicode"

	"github.com/reelhook/reelhook/internal/export"
)

// TestRefusals has what servers say no with, to any command.
func TestRefusals(t *testing.T) {
	srv, c := startVSFTPD(t, "127.0.0.1"), New(Options{Policy: loopback()})
	for _, tc := range []struct {
		command, reply string
		step, class    string
		permanent      bool
		status         int
		hint           string
	}{
		{"", "421 Too many connections from your address", "connect", "protocol", false, 421, "Too many"},
		{"", "500 OOPS: vsftpd: cannot locate user", "connect", "protocol", true, 500, "OOPS"},
		{"", "SSH-2.0-OpenSSH_9.2", "connect", "protocol", true, 0, "sftp"},
		{"USER", "530 No such user", "login", "login", true, 530, "check user name and password"},
		{"USER", "421 Sorry, cleartext sessions are not accepted on this server", "login", "login", true, 421, `set "secure" to true`},
		{"USER", "530 Non-anonymous sessions must use encryption.", "login", "login", true, 530, `set "secure" to true`},
		{"USER", "421 Try later", "login", "protocol", false, 421, ""},
		{"USER", "332 Account?", "login", "login", true, 332, ""},
		{"PASS", "530 Login incorrect.", "login", "login", true, 530, ""},
		{"PASS", "430 Invalid username or password", "login", "login", true, 430, ""},
		{"PASS", "530 Sorry, the maximum number of clients (10) is connected", "login", "login", false, 530, ""},
		{"PASS", "500 OOPS: cannot change directory:/home/x", "login", "protocol", true, 500, "/home/x"},
		{"PASS", "what?", "login", "protocol", false, 0, "makes no sense"},
		{"TYPE", "504 No", "login", "protocol", true, 504, ""},
		{"MKD", "550 Permission denied", "folder", "denied", true, 550, "make it"},
		{"MKD", "553 No", "folder", "denied", true, 553, ""},
		{"MKD", "552 Quota exceeded", "folder", "space", false, 552, ""},
		{"MKD", "421 Timeout.", "folder", "protocol", false, 421, ""},
		{"EPSV", "421 Timeout.", "write", "protocol", false, 421, ""},
		{"STOR", "550 Permission denied", "write", "denied", true, 550, "write here"},
		{"STOR", "553 Could not create file.", "write", "denied", true, 553, ""},
		{"STOR", "532 Need account for storing files", "write", "login", true, 532, ""},
		{"STOR", "552 Exceeded storage allocation", "write", "space", false, 552, "no room"},
		{"STOR", "452 No", "write", "space", false, 452, ""},
		{"STOR", "451 Disk full", "write", "space", false, 451, ""},
		{"STOR", "550 Not enough space", "write", "space", false, 550, ""},
		{"STOR", "451 Local error", "write", "protocol", false, 451, ""},
		{"STOR", "425 Cannot open data connection", "write", "protocol", false, 425, ""},
		{"STOR", "426 Connection closed", "write", "reset", false, 426, ""},
		{"STOR", "502 No", "write", "protocol", true, 502, ""},
		{"SIZE", "213 999", "size", "size", false, 0, "999 of its 1000"},
		{"SIZE", "213 -1", "size", "size", false, 0, ""},
		{"RNFR", "502 No", "rename", "protocol", true, 502, ""},
		{"RNFR", "550 Permission denied", "rename", "denied", true, 550, "until it is complete"},
		{"RNTO", "553 No", "rename", "denied", true, 553, ""},
	} {
		t.Run(tc.command+" "+tc.reply, func(t *testing.T) {
			m := &meddler{server: srv, answers: map[string]string{tc.command: tc.reply}}
			switch tc.command {
			case "":
				m.greeting = tc.reply
			case "EPSV":
				m.answers["PASV"] = tc.reply
			}
			meddle(t, m)
			f := failed(t, c, parcel(t, movie(1000), merged(m.settings(), with{"remote-path": tc.command + "folder"})))
			got := export.Fault{Step: f.Step, Class: f.Class, Permanent: f.Permanent, Status: f.Status, Message: f.Message}
			want := export.Fault{Step: tc.step, Class: tc.class, Permanent: tc.permanent, Status: tc.status, Message: f.Message}
			if got != want || !strings.Contains(f.Message, tc.hint) {
				t.Errorf("got %+v\nwant %+v with %q", got, want, tc.hint)
			}
		})
	}
}

// TestTells has a server that repeats what it was told, at length.
func TestTells(t *testing.T) {
	srv, c := startVSFTPD(t, "127.0.0.1"), New(Options{Policy: loopback()})
	user := fmt.Sprint(srv.settings()["username"])
	said := "550-No,\x1b[31m " + user + "\r\n with" + testPassword + "\r\n550 " + strings.Repeat("never ", 200)
	for _, command := range []string{"USER", "PASS", "STOR", "RNTO"} {
		m := meddle(t, &meddler{server: srv, answers: map[string]string{command: said}})
		f := failed(t, c, parcel(t, movie(1000), m.settings()))
		switch {
		case strings.Contains(f.Message, user), strings.Contains(f.Message, strings.TrimSpace(testPassword)):
			t.Errorf("%s: a secret is shown: %s", command, f.Message)
		case strings.ContainsFunc(f.Message, unicode.IsControl), len(f.Message) > 400:
			t.Errorf("%s: too long, or with control characters: %q", command, f.Message)
		case !strings.Contains(f.Message, "never"):
			t.Errorf("%s: the server's words are not told: %s", command, f.Message)
		}
	}
}

// listens is a server that does with a connection whatever it likes.
func listens(t *testing.T, talk func(net.Conn)) map[string]any {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); talk(c) }()
		}
	}()
	return map[string]any{"host": "127.0.0.1", "port": l.Addr().(*net.TCPAddr).Port, "username": "u", "password": "secret"}
}

// TestHostile has servers that want to fill the memory, or to see a password
// without TLS.
func TestHostile(t *testing.T) {
	c := New(Options{Policy: loopback()})
	flood := func(line string) func(net.Conn) {
		return func(conn net.Conn) {
			for {
				if _, err := io.WriteString(conn, line); err != nil {
					return
				}
			}
		}
	}
	heard := make(chan string, 100)
	strips := func(conn net.Conn) {
		// What is said before the handshake must not be taken for said after it.
		_, _ = io.WriteString(conn, "220 hello\r\n")
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			heard <- lines.Text()
			_, _ = io.WriteString(conn, "234 go on\r\n331 password?\r\n230 logged in\r\n")
		}
	}
	for _, tc := range []struct {
		name   string
		talk   func(net.Conn)
		secure string
		step   string
		class  string
	}{
		{"one line", flood(strings.Repeat("220 hello ", 100)), "none", "connect", "protocol"},
		{"many lines", flood("220-hello\r\n"), "none", "connect", "protocol"},
		{"strips TLS", strips, "explicit", "tls", "tls"},
		{"no TLS behind port", strips, "implicit", "tls", "tls"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := failed(t, c, parcel(t, movie(10), merged(listens(t, tc.talk), with{"secure": tc.secure})))
			if f.Step != tc.step || f.Class != tc.class {
				t.Errorf("got %+v", *f)
			}
		})
	}
	for len(heard) > 0 {
		if line := <-heard; line != "AUTH TLS" && strings.Contains(line, "secret") {
			t.Errorf("it heard %q", line)
		}
	}
}

// TestNoDataPort has a server whose ports for data cannot be reached.
func TestNoDataPort(t *testing.T) {
	for line, class := range map[string]string{"": "refused", "(|||0|)": "protocol", "(|||99999|)": "protocol", "nonsense": "protocol"} {
		t.Run(line, func(t *testing.T) {
			if line == "" {
				line = fmt.Sprintf("(|||%d|)", freePort(t, "127.0.0.1"))
			}
			m := meddle(t, &meddler{server: startVSFTPD(t, "127.0.0.1"), answers: map[string]string{"EPSV": "229 " + line, "PASV": "500 what?"}})
			f := failed(t, New(Options{Policy: loopback()}), parcel(t, movie(10), m.settings()))
			if f.Step != export.StepWrite || f.Class != class {
				t.Errorf("got %+v", *f)
			}
		})
	}
}

// TestNotReached holds that what we say ourselves of a server that is not reached
// stays readable, whatever letters a password has, and tells nothing of our own
// network.
func TestNotReached(t *testing.T) {
	for want, host := range map[string]string{
		"The host nothing.invalid was not found": "nothing.invalid", "127.0.0.1:1 refused the connection": "127.0.0.1",
		"The FTP server cannot be used: the address 10.0.0.1 is not public; if it is meant to be reached, start the server with --allow-networks 10.0.0.1/32": "10.0.0.1",
	} {
		base := with{"host": host, "port": 1, "username": "u", "password": "e"}
		f := failed(t, New(Options{Policy: loopback()}), parcel(t, movie(10), base))
		if f == nil || f.Step != export.StepConnect || f.Message != want {
			t.Errorf("%s: %+v", host, f)
		}
	}
}
