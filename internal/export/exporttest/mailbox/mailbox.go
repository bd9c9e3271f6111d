// Package mailbox is a mail server on loopback that keeps what it is sent, for
// tests that are about something else than mail. It must not know who sends.
package mailbox

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// User and Password are who may send.
const (
	User     = "reelhook"
	Password = "p4ss-of-the-mailbox"
)

// Mail is one that arrived.
type Mail struct {
	*mail.Message
	To   []string
	Body string
}

// Box keeps mails in the order they came.
type Box struct {
	Addr *net.TCPAddr

	// Arriving, when set, is called before a mail is accepted; an error refuses it.
	Arriving func(Mail) error

	mu    sync.Mutex
	mails []Mail
}

// Start runs a server that wants STARTTLS and a login, until the test ends.
func Start(t testing.TB, certificate tls.Certificate) *Box {
	t.Helper()
	b := &Box{}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }))
	s.Domain, s.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.ErrorLog = quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Addr = l.Addr().(*net.TCPAddr)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return b
}

// Mails returns what arrived.
func (b *Box) Mails() []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Mail(nil), b.mails...)
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type session struct {
	box *Box
	in  bool
	to  []string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}
	if mechanism == sasl.Plain {
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		return errors.New("that is no mail")
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	got := Mail{m, s.to, string(body)}
	if s.box.Arriving != nil {
		if err := s.box.Arriving(got); err != nil {
			return err
		}
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, got)
	return nil
}

func (s *session) Reset()        { s.to = nil }
func (s *session) Logout() error { return nil }
