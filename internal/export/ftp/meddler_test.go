package ftp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// meddler stands before a real server and answers some commands itself, or changes
// what the server says. Connections for data go through it too.
type meddler struct {
	server *vsftpd
	port   int
	// answers are replies to commands, by the command's name or its whole line; what
	// is in neither is passed on. answer is asked before those. A reply may have
	// many lines.
	answers map[string]string
	answer  func(line string) string
	// greeting takes the place of the server's.
	greeting string
	// says changes a line that the server sends; nil for none.
	says func(line string) string
	// most is how many bytes may be uploaded, below 0 for all; beyond that the
	// connections are cut, or held.
	most  atomic.Int64
	holds bool

	uploads sync.WaitGroup

	mu    sync.Mutex
	heard []string
	taken int64 // of data
	conns []net.Conn
}

// meddle begins; from then on only most may be changed.
func meddle(t testing.TB, m *meddler) *meddler {
	t.Helper()
	m.most.Store(-1)
	m.port = m.listen(t, func(c net.Conn) { go m.control(t, c) })
	return m
}

// listen accepts connections until the test is over.
func (m *meddler) listen(t testing.TB, accept func(net.Conn)) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close(); m.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.keep(c)
			accept(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func (m *meddler) keep(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns = append(m.conns, c)
}

// cut cuts all connections.
func (m *meddler) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		c.Close()
	}
	m.conns = nil
}

func (m *meddler) settings() map[string]any {
	return merged(m.server.settings(), with{"host": "127.0.0.1", "port": m.port})
}

func (m *meddler) control(t testing.TB, client net.Conn) {
	server, err := net.Dial("tcp", m.server.address())
	if err != nil {
		client.Close()
		return
	}
	m.keep(server)
	go m.speak(t, client, server)
	commands := bufio.NewScanner(client)
	for commands.Scan() {
		line := commands.Text()
		name, _, _ := strings.Cut(line, " ")
		m.mu.Lock()
		m.heard = append(m.heard, line)
		reply := ""
		if m.answer != nil {
			reply = m.answer(line)
		}
		for _, key := range []string{line, name} {
			if reply == "" {
				reply = m.answers[key]
			}
		}
		m.mu.Unlock()
		if reply != "" {
			_, _ = io.WriteString(client, reply+"\r\n")
		} else {
			_, _ = io.WriteString(server, line+"\r\n")
		}
	}
	server.Close()
}

// speak passes the server's replies on; EPSV's names the meddler's own port.
func (m *meddler) speak(t testing.TB, client, server net.Conn) {
	defer client.Close()
	replies := bufio.NewScanner(server)
	for first := true; replies.Scan(); first = false {
		line := replies.Text()
		var port int
		if n, _ := fmt.Sscanf(line, "229 Entering Extended Passive Mode (|||%d|)", &port); n == 1 {
			line = fmt.Sprintf("229 Entering Extended Passive Mode (|||%d|)", m.relay(t, port))
		}
		if m.says != nil {
			line = m.says(line)
		}
		if first && m.greeting != "" {
			line = m.greeting
		}
		if _, err := io.WriteString(client, line+"\r\n"); err != nil {
			return
		}
	}
}

// relay is a port whose one connection leads to the server's.
func (m *meddler) relay(t testing.TB, port int) int {
	return m.listen(t, func(client net.Conn) {
		_ = client.(*net.TCPConn).SetReadBuffer(32 << 10)
		server, err := net.Dial("tcp", net.JoinHostPort(m.server.host, fmt.Sprint(port)))
		if err != nil {
			client.Close()
			return
		}
		m.keep(server)
		over := make(chan struct{})
		go func() { _, _ = io.Copy(client, server); client.Close(); close(over) }()
		m.uploads.Go(func() { m.upload(server.(*net.TCPConn), client, over) })
	})
}

// upload passes on what may be; over says that the server has hung up.
func (m *meddler) upload(server *net.TCPConn, client net.Conn, over <-chan struct{}) {
	defer client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if most := m.most.Load(); most >= 0 && m.took(n) > most {
			if !m.holds {
				_ = server.CloseWrite()
				<-over // it has written what it was sent
				m.cut()
			}
			<-over
			return
		}
		if _, gone := server.Write(buf[:n]); gone != nil || err != nil {
			_ = server.CloseWrite()
			<-over
			return
		}
	}
}

func (m *meddler) took(n int) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken += int64(n)
	return m.taken
}
