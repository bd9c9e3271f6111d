package email

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// script is a mail server that says what a test wants, and keeps what it hears.
type script struct {
	// says is the answer to a line of the client, by its first word, or to "greeting"
	// and to "." after a mail: without line end, "hang up" or "be silent".
	says map[string]string
	// endless is said after a verb, again and again.
	endless map[string]string

	silent, over chan struct{} // when it falls silent, and when a connection is gone

	mu    sync.Mutex
	heard strings.Builder // in clear
	lines []string
}

// ok is what a server says that takes everything.
var ok = map[string]string{
	"greeting": "220 hello", "EHLO": "250-hello\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN", "HELO": "250 hello", "STARTTLS": "220 go on", "AUTH": "235 you are in",
	"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 taken", "QUIT": "221 bye", "RSET": "250 ok", "*": "501 aborted",
}

func (s *script) start(t testing.TB, certificate tls.Certificate) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	s.silent, s.over = make(chan struct{}, 10), make(chan struct{}, 10)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { conn.Close(); s.over <- struct{}{} }()
				s.serve(conn, config)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *script) serve(conn net.Conn, config *tls.Config) {
	secure := false
	in := bufio.NewReader(conn)
	if !s.answer(conn, in, "greeting") {
		return
	}
	for {
		line, err := in.ReadString('\n')
		s.hear(line, secure)
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		if !s.answer(conn, in, verb) {
			return
		}
		switch {
		case verb == "STARTTLS" && strings.HasPrefix(s.says[verb], "220"):
			conn, secure = tls.Server(conn, config), true
			in = bufio.NewReader(conn)
		case verb == "DATA" && strings.HasPrefix(s.says[verb], "354"):
			for line != ".\r\n" {
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
				s.hear(line, secure)
			}
			if !s.answer(conn, in, ".") {
				return
			}
		}
	}
}

func (s *script) hear(line string, secure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !secure {
		s.heard.WriteString(line)
	}
	s.lines = append(s.lines, strings.TrimRight(line, "\r\n"))
}

// answer tells whether to go on.
func (s *script) answer(conn net.Conn, in io.Reader, verb string) bool {
	for text := s.endless[verb]; text != ""; {
		if _, err := io.WriteString(conn, text); err != nil {
			return false
		}
	}
	switch say := s.says[verb]; say {
	case "hang up":
		return false
	case "be silent":
		s.silent <- struct{}{}
		_, _ = io.Copy(io.Discard, in)
		return false
	case "":
		_, err := io.WriteString(conn, "500 what?\r\n")
		return err == nil
	default:
		_, err := io.WriteString(conn, say+"\r\n")
		return err == nil
	}
}

// verbs are the first words of what was heard, in order.
func (s *script) verbs() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		all = append(all, strings.Fields(line + " x")[0])
	}
	return all
}

func (s *script) clear() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard.String()
}
