package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// maxAttachment is how large a file may be that is attached: base64 makes it a
// third larger, and many servers take no more than 20 MB.
const maxAttachment = 10 << 20

// try is one try of a mail or a probe.
type try struct {
	*destination
	carrier *Carrier
	ctx     context.Context
	cancel  context.CancelFunc
	// step is the one it is in, seen are those it has been in.
	step string
	seen []string
	note func(step string) // nil for nobody

	client  *mail.Client
	session *smtp.Client
	// secured tells that the server has shown a certificate that is right.
	secured atomic.Bool
}

// begin reads the settings; the error is a Fault.
func (c *Carrier) begin(ctx context.Context, s export.Settings, note func(string)) (*try, error) {
	d, err := c.read(s)
	if err != nil {
		return nil, &export.Fault{Step: export.StepSettings, Class: "error", Message: err.Error(), Permanent: true}
	}
	t := &try{destination: d, carrier: c, note: note}
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t, nil
}

// end hangs up.
func (t *try) end() {
	if t.session != nil && t.ctx.Err() == nil {
		_ = t.client.CloseWithSMTPClient(t.session) // QUIT; the mail is accepted or not by now
	}
	t.cancel()
}

// enter begins a step, which is told of once.
func (t *try) enter(step string) {
	t.step = step
	if t.note != nil && !slices.Contains(t.seen, step) {
		t.note(step)
	}
	t.seen = append(t.seen, step)
}

// connect connects, shakes hands and logs in.
func (t *try) connect() (err error) {
	t.enter(export.StepConnect)
	options := []mail.Option{mail.WithPort(t.port), mail.WithTimeout(t.carrier.stall), mail.WithDialContextFunc(t.dial), mail.WithTLSConfig(t.tls())}
	switch t.secure {
	case startTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case implicit: // by dial; this has the library see that TLS is there
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if t.user != "" || t.password != "" {
		// Not what the library holds to be best: XOAUTH2 would take a password for a token.
		options = append(options, mail.WithUsername(t.user), mail.WithPassword(t.password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5))
	}
	if t.client, err = mail.NewClient(t.host, options...); err != nil {
		return err
	}
	t.session, err = t.client.DialToSMTPClientWithContext(t.ctx)
	if err == nil && (t.user != "" || t.password != "") {
		t.enter(export.StepLogin)
	}
	return err
}

// tls notes when the server's certificate is found right, which is when the login
// begins.
func (t *try) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.host, RootCAs: t.roots, VerifyConnection: func(s tls.ConnectionState) error {
		safehttp.Secured(t.ctx, s)
		t.secured.Store(true)
		return nil
	}}
}

// dial connects, under the policy unless the server is the operator's.
func (t *try) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, export.ConnectTimeout)
	defer cancel()
	var conn net.Conn
	var err error
	if t.operators {
		conn, err = (&net.Dialer{Resolver: t.carrier.Resolver}).DialContext(ctx, "tcp", t.address())
	} else {
		conn, err = t.carrier.Policy.Dial(ctx, t.address(), safehttp.Options{Resolver: t.carrier.Resolver, ConnectTimeout: export.ConnectTimeout})
	}
	if err != nil {
		return nil, err
	}
	context.AfterFunc(t.ctx, func() { conn.Close() })
	conn = patient{conn, t.carrier.stall}
	if t.secure == none {
		return conn, nil
	}
	t.enter(export.StepTLS)
	if t.secure == startTLS {
		return conn, nil
	}
	secure := tls.Client(conn, t.tls())
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// patient gives the other side the same time for every step, and not, as the
// library would, one for all.
type patient struct {
	net.Conn
	stall time.Duration
}

func (p patient) SetDeadline(time.Time) error { return nil }

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(p.stall)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(p.stall)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

var errLocal = errors.New("the file cannot be read")

// carry sends the mail and returns its id.
func (t *try) carry(p export.Parcel) (id string, err error) {
	if err := t.connect(); err != nil {
		return "", err
	}
	text := t.text
	attach := t.attach && p.Open != nil
	if attach && p.Size > maxAttachment {
		attach = false
		text += fmt.Sprintf("\n\n(The file is not attached: it has %d MB, and %d are the most.)\n", p.Size/1e6, maxAttachment/1_000_000)
	}
	m := t.letter(t.subject, text)
	if t.web != "" {
		m.AddAlternativeString(mail.TypeTextHTML, t.web)
	}
	id = p.Part + "@" + domain(t.from.Address)
	m.SetMessageIDWithValue(id)
	if attach {
		file, err := p.Open()
		if err != nil {
			return "", errors.Join(errLocal, err)
		}
		defer file.Close()
		m.AttachReadSeeker(p.Name, &counted{ReadSeeker: file, sent: p.Sent}, mail.WithFileContentType(mail.ContentType(p.Type)))
	}
	t.enter(export.StepSend)
	err = t.client.SendWithSMTPClient(t.session, m)
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.Reason == mail.ErrSMTPReset {
		err = nil // it was accepted; what comes after does not matter
	}
	if err == nil && p.Sent != nil {
		p.Sent(p.Size)
	}
	return id, err
}

// counted tells how much of a file is on its way.
type counted struct {
	io.ReadSeeker
	sent func(int64)
	read int64
}

func (c *counted) Read(p []byte) (int, error) {
	if c.sent != nil {
		c.sent(c.read)
	}
	n, err := c.ReadSeeker.Read(p)
	c.read += int64(n)
	return n, err
}

func (c *counted) Seek(offset int64, whence int) (int64, error) {
	n, err := c.ReadSeeker.Seek(offset, whence)
	c.read = n
	return n, err
}
