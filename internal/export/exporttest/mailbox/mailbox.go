// Package mailbox is a mail server on loopback that keeps what it is sent, for
// tests that are about something else than mail. It must not know who sends.
package mailbox

import (
	"cmp"
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

// Box keeps mails in the order they came. What is set, is set before Start.
type Box struct {
	Addr *net.TCPAddr

	// Implicit has TLS from the first byte, and no STARTTLS.
	Implicit bool
	// Mechanism is how to log in: PLAIN, or LOGIN.
	Mechanism string
	// Login, Sender, Recipient and Arriving are called before each is accepted; an
	// error refuses it. Nil accepts; Login then wants User and Password.
	Login             func(user, password string) error
	Sender, Recipient func(address string) error
	Arriving          func(Mail) error

	mu    sync.Mutex
	mails []Mail
}

// Start runs a server that wants STARTTLS and a login, until the test ends.
func Start(t testing.TB, certificate tls.Certificate) *Box {
	t.Helper()
	b := &Box{}
	b.Start(t, certificate)
	return b
}

// Start runs the server until the test ends.
func (b *Box) Start(t testing.TB, certificate tls.Certificate) {
	t.Helper()
	b.Mechanism = cmp.Or(b.Mechanism, sasl.Plain)
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }))
	s.Domain, s.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.ErrorLog = quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Addr = l.Addr().(*net.TCPAddr)
	if b.Implicit {
		l = tls.NewListener(l, s.TLSConfig)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
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

func (s *session) AuthMechanisms() []string { return []string{s.box.Mechanism} }

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	switch {
	case mechanism != s.box.Mechanism:
	case mechanism == sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return s.login(user, password) }), nil
	case mechanism == sasl.Login:
		return &byLogin{check: s.login}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *session) login(user, password string) error {
	if s.box.Login != nil {
		if err := s.box.Login(user, password); err != nil {
			return err
		}
	} else if user != User || password != Password {
		return smtp.ErrAuthFailed
	}
	s.in = true
	return nil
}

// byLogin is the mechanism LOGIN, whose prompts nobody reads.
type byLogin struct {
	check func(user, password string) error
	user  *string
}

func (l *byLogin) Next(response []byte) (challenge []byte, done bool, err error) {
	text := string(response)
	switch {
	case response == nil:
		return []byte("Username:"), false, nil
	case l.user == nil:
		l.user = &text
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(*l.user, text)
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if err := asked(s.box.Sender, from); err != nil {
		return err
	}
	if !s.in {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return asked(s.box.Recipient, to)
}

func asked(accept func(string) error, address string) error {
	if accept == nil {
		return nil
	}
	return accept(address)
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
