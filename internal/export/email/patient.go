package email

import (
	"errors"
	"net"
	"time"
)

// maxAnswers is how much a server may say in one try, in bytes: TLS included it
// is a few thousand, and the library reads an answer of any length into memory.
const maxAnswers = 1 << 20

var errTalkative = errors.New("the server says too much")

// patient is a connection that gives the other side the same time for every step.
// After a fault it is closed, and that fault is all that it has to say.
type patient struct {
	net.Conn
	stall time.Duration
	heard int
	fault error
}

func (p *patient) Read(b []byte) (n int, err error) {
	if p.fault == nil && p.heard >= maxAnswers {
		return 0, p.fail(errTalkative)
	}
	if p.fault != nil {
		return 0, p.fault
	}
	if err = p.SetReadDeadline(time.Now().Add(p.stall)); err == nil {
		n, err = p.Conn.Read(b)
	}
	p.heard += n
	return n, p.fail(err)
}

func (p *patient) Write(b []byte) (n int, err error) {
	if p.fault != nil {
		return 0, p.fault
	}
	if err = p.SetWriteDeadline(time.Now().Add(p.stall)); err == nil {
		n, err = p.Conn.Write(b)
	}
	return n, p.fail(err)
}

func (p *patient) fail(err error) error {
	if err != nil {
		p.fault = err
		p.Close()
	}
	return err
}
