package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// farewell is how long a server may take to answer QUIT. By then the mail is
// accepted or not.
const farewell = 3 * time.Second

// try is one try of a mail or a probe. It speaks SMTP command by command, and not
// through the library's client, which says too little of how far it came.
type try struct {
	*destination
	carrier *Carrier
	ctx     context.Context
	export.Steps

	conn     *patient     // nil before
	unwatch  func() bool  // ends the watch for ctx
	session  *smtp.Client // nil before
	refused  string       // the recipient that was refused
	finished bool         // all of the mail was written
}

func (c *Carrier) begin(ctx context.Context, d *destination, note func(string)) *try {
	return &try{destination: d, carrier: c, ctx: ctx, Steps: export.Steps{Note: note}}
}

// end hangs up: with a QUIT when the server is waiting for a command. Anywhere
// else, such as within a mail, that would end what it stands in, and be taken.
func (t *try) end(err error) {
	if t.conn == nil {
		return
	}
	var answer *textproto.Error
	if t.session != nil && (err == nil || errors.As(err, &answer)) {
		t.conn.stall = farewell
		_ = t.session.Quit()
	}
	t.unwatch()
	t.conn.Close()
}

// connect connects, shakes hands and logs in.
func (t *try) connect() error {
	t.Enter(export.StepConnect)
	conn, err := t.dial()
	if err != nil {
		return err
	}
	if t.session, err = smtp.NewClient(conn, t.host); err != nil {
		return err
	}
	name, _ := os.Hostname()
	if err := t.session.Hello(cmp.Or(name, "localhost")); err != nil {
		return err
	}
	if t.secure == startTLS {
		if err := t.startTLS(); err != nil {
			return err
		}
	}
	if t.password == "" {
		return nil
	}
	t.Enter(export.StepLogin)
	return t.login()
}

var (
	errNoTLS   = errors.New("the server offers no TLS")
	errNoLogin = errors.New("the server takes no login that is known here")
)

func (t *try) startTLS() error {
	t.Enter(export.StepTLS)
	if offered, _ := t.session.Extension("STARTTLS"); !offered {
		return errNoTLS
	}
	return t.session.StartTLS(t.tls())
}

// login chooses what nearly every server takes. Never what turns a password into
// work for this machine, as SCRAM does with as many rounds as the server likes.
func (t *try) login() error {
	_, offered := t.session.Extension("AUTH")
	open := t.secure == none // settings have that, with a password, on this machine alone
	ways := strings.Fields(strings.ToUpper(offered))
	for _, way := range ways {
		switch way {
		case "PLAIN":
			return t.session.Auth(smtp.PlainAuth("", t.user, t.password, t.host, open))
		case "LOGIN":
			return t.session.Auth(smtp.LoginAuth(t.user, t.password, t.host, open))
		}
	}
	if slices.Contains(ways, "CRAM-MD5") {
		return t.session.Auth(smtp.CRAMMD5Auth(t.user, t.password))
	}
	return errNoLogin
}

func (t *try) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.host, RootCAs: t.roots, VerifyConnection: func(s tls.ConnectionState) error {
		safehttp.Secured(t.ctx, s)
		return nil
	}}
}

// dial connects, under the policy unless the server is the operator's.
func (t *try) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, export.ConnectTimeout)
	defer cancel()
	dial := func() (net.Conn, error) {
		return t.carrier.Policy.Dial(ctx, t.address(), safehttp.Options{Resolver: t.carrier.Resolver, ConnectTimeout: export.ConnectTimeout})
	}
	if t.operators {
		dial = func() (net.Conn, error) {
			return (&net.Dialer{Resolver: t.carrier.Resolver}).DialContext(ctx, "tcp", t.address())
		}
	}
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	t.conn = &patient{Conn: conn, stall: t.carrier.stall}
	t.unwatch = context.AfterFunc(t.ctx, func() { conn.Close() })
	if t.secure != implicit {
		return t.conn, nil
	}
	t.Enter(export.StepTLS)
	secure := tls.Client(t.conn, t.tls())
	return secure, secure.HandshakeContext(ctx)
}

// carry sends the mail about a parcel and returns its id.
func (t *try) carry(p export.Parcel) (id string, err error) {
	if err := t.connect(); err != nil {
		return "", err
	}
	m, attach := t.message(p)
	if err := t.send(m, p, attach); err != nil {
		return "", err
	}
	if p.Sent != nil {
		p.Sent(p.Size)
	}
	return t.id(p), nil
}

func (t *try) probe() error {
	if err := t.connect(); err != nil || len(t.to) == 0 {
		return err
	}
	m := t.letter("Reelhook tries this mail destination out", "If you read this, mails arrive here.\n")
	return t.send(m, export.Parcel{}, false)
}

// send is one transaction (RFC 5321, section 3.3): all recipients or none.
func (t *try) send(m *mail.Msg, p export.Parcel, attach bool) error {
	t.Enter(export.StepSend)
	from, err := m.GetSender(false)
	if err != nil {
		return err
	}
	to, err := m.GetRecipients()
	if err != nil {
		return err
	}
	if err := t.international(); err != nil {
		return err
	}
	if err := t.session.Mail(from); err != nil {
		return err
	}
	for _, recipient := range to {
		if err := t.session.Rcpt(recipient); err != nil {
			t.refused = recipient
			return err
		}
	}
	w, err := t.session.Data()
	if err != nil {
		return err
	}
	if attach {
		file, err := p.Open()
		if err != nil {
			return errors.Join(errLocal, err)
		}
		defer file.Close()
		m.SetAttachments([]*mail.File{attachment(w, file, p)})
	}
	if _, err := m.WriteTo(w); err != nil {
		return err
	}
	t.finished = true
	return w.Close()
}

var errInternational = errors.New("the server takes no international addresses")

// international refuses addresses that are not ASCII where the server does not
// take them (RFC 6531, section 3.1); their domains are ASCII by now.
func (t *try) international() error {
	if offered, _ := t.session.Extension("SMTPUTF8"); offered {
		return nil
	}
	all := slices.Concat(t.to, t.cc, t.bcc, []*netmail.Address{t.from})
	if t.replyTo != nil {
		all = append(all, t.replyTo)
	}
	for _, a := range all {
		if !isASCII(a.Address) {
			t.refused = a.Address
			return errInternational
		}
	}
	return nil
}
