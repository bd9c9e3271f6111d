package ftp

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// mostRead bounds what is read from a connection without anything written to it:
// replies have no end of their own, nor has a listing.
const mostRead = 1 << 20

var errFlood = errors.New("the server sends without an end")

// link is a connection of a try. It ends with the try's context.
type link struct {
	net.Conn
	try  *try
	read int
}

// Write gives up when the server takes nothing for as long as it may stall; how
// slow it is otherwise does not matter.
func (l *link) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		_ = l.SetWriteDeadline(time.Now().Add(l.try.patience()))
		m, err = l.Conn.Write(p[n:])
		n += m
		if m > 0 {
			l.try.progress, l.read = time.Now(), 0
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = nil
			}
		}
	}
	return n, l.try.stalled(err)
}

// Read counts the time from when the server took something last: a reply is no
// progress until it is whole, else one letter now and then would be.
func (l *link) Read(p []byte) (int, error) {
	_ = l.SetReadDeadline(l.try.progress.Add(l.try.patience()))
	n, err := l.Conn.Read(p)
	if l.read += n; l.read > mostRead {
		return 0, errFlood
	}
	return n, l.try.stalled(err)
}

// sealed is a data connection with TLS. The handshake waits until it is used: some
// servers begin theirs only after the command.
type sealed struct{ *tls.Conn }

// Close lets the server close first where TLS is 1.3. There the server sends
// tickets that nobody reads, and closing a socket with something unread in it
// resets the connection: the end of the file would be lost.
func (s sealed) Close() error {
	if s.ConnectionState().Version >= tls.VersionTLS13 && s.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, s.Conn)
	}
	return s.Conn.Close()
}
