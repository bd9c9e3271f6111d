package email

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
)

// The bounds of what a destination may ask for.
const (
	maxRecipients = 50
	maxSubject    = 998 // bytes, RFC 5322, section 2.1.1
	maxText       = 1 << 20
	maxSetting    = 256 << 10
)

// How TLS is begun, if it is.
const (
	startTLS = "starttls"
	implicit = "implicit"
	none     = "none"
)

// server is where mails are handed over.
type server struct {
	host           string
	port           int
	secure         string
	user, password string
	roots          *x509.CertPool // nil for the system's
	// operators tells that it is the operator's own.
	operators bool
}

func (s server) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// destination is what settings say.
type destination struct {
	server
	from, replyTo      *mail.Address
	to, cc, bcc        []*mail.Address
	subject, text, web string
	attach             bool
}

// target is the recipients as they may be shown.
func (d *destination) target() string {
	const most = 3
	var names []string
	for _, a := range d.to[:min(most, len(d.to))] {
		names = append(names, a.Address)
	}
	if len(d.to) > most {
		names = append(names, fmt.Sprintf("and %d more", len(d.to)-most))
	}
	return "mailto:" + strings.Join(names, ",")
}

// read reads settings. The error is a Refusal.
func (c *Carrier) read(s export.Settings) (*destination, error) {
	for _, name := range []string{"to", "cc", "bcc", "from", "reply-to", "subject", "ca", "host", "username", "password"} {
		if len(s[name]) > maxSetting {
			return nil, export.Refusal(fmt.Sprintf(`"%s" is longer than %d bytes`, name, maxSetting))
		}
	}
	d := &destination{attach: s.Bool("attach", false)}
	for _, step := range []func(export.Settings, *destination) error{c.readServer, readRecipients, c.readSender, readWords} {
		if err := step(s, d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func readWords(s export.Settings, d *destination) error {
	d.subject, d.text, d.web = s.Text("subject"), s.Text("message"), s.Text("html")
	switch {
	case d.subject == "":
		return export.Refusal(`The email has no subject; set "subject"`)
	case d.text == "":
		return export.Refusal(`The email has no text; set "message"`)
	case len(d.subject) > maxSubject:
		return export.Refusal(fmt.Sprintf(`"subject" is longer than %d bytes`, maxSubject))
	case len(d.text)+len(d.web) > maxText:
		return export.Refusal(fmt.Sprintf(`"message" and "html" may have at most %d bytes together`, maxText))
	}
	d.subject = strings.Join(strings.Fields(d.subject), " ") // a header is one line
	return nil
}

func readRecipients(s export.Settings, d *destination) (err error) {
	for name, to := range map[string]*[]*mail.Address{"to": &d.to, "cc": &d.cc, "bcc": &d.bcc} {
		if *to, err = addresses(name, s); err != nil {
			return err
		}
	}
	if len(d.to) == 0 {
		return export.Refusal(`The email has no recipient; set "to" to an address or a list of them`)
	}
	if n := len(d.to) + len(d.cc) + len(d.bcc); n > maxRecipients {
		return export.Refusal(fmt.Sprintf("An email may have at most %d recipients, not %d", maxRecipients, n))
	}
	list, err := addresses("reply-to", s)
	if len(list) > 0 {
		d.replyTo = list[0]
	}
	return err
}

// addresses reads a list of addresses, or a text of them with commas between.
func addresses(name string, s export.Settings) (all []*mail.Address, err error) {
	if !s.Has(name) {
		return nil, nil
	}
	texts := []string{s.Text(name)}
	if texts[0] == "" {
		texts = s.List(name)
	}
	for _, text := range texts {
		list, err := mail.ParseAddressList(text)
		if err != nil {
			return nil, export.Refusal(fmt.Sprintf(`"%s" must be email addresses, such as editor@example.org`, name))
		}
		all = append(all, list...)
	}
	for _, a := range all {
		if strings.ContainsAny(a.Address+a.Name, "\r\n\x00") {
			return nil, export.Refusal(fmt.Sprintf(`"%s" holds a line break`, name))
		}
	}
	return all, nil
}

// readSender chooses the sender; see the package.
func (c *Carrier) readSender(s export.Settings, d *destination) error {
	asked, err := addresses("from", s)
	if err != nil {
		return err
	}
	if !d.operators {
		switch {
		case len(asked) > 0:
			d.from = asked[0]
		case strings.Contains(d.user, "@"):
			d.from = &mail.Address{Address: d.user}
		default:
			return export.Refusal(`The email has no sender; set "from"`)
		}
		return nil
	}
	operator, err := mail.ParseAddress(c.From)
	if err != nil {
		return export.Refusal("This server has no sender for emails; its operator sets one with --smtp-from")
	}
	d.from = operator
	if len(asked) > 0 {
		d.from = &mail.Address{Name: cmp.Or(asked[0].Name, operator.Name), Address: operator.Address}
		if strings.EqualFold(domain(asked[0].Address), domain(operator.Address)) {
			d.from.Address = asked[0].Address
		}
	}
	return nil
}

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// readServer reads the destination's own server, or takes the operator's.
func (c *Carrier) readServer(s export.Settings, d *destination) (err error) {
	if !s.Has("host") {
		if c.Server == nil {
			return export.Refusal(`The email has no server; set "host", or have the operator set one with --smtp`)
		}
		d.server = ofURL(c.Server)
		d.roots = c.RootCAs
		return nil
	}
	d.host, d.user, d.password = strings.ToLower(s.Text("host")), s.Text("username"), s.Secret("password")
	if strings.ContainsAny(d.host, "/@?#%") || strings.Count(d.host, ":") == 1 {
		return export.Refusal(`"host" must be the mail server's name alone; "port" is a setting of its own`)
	}
	d.host = strings.Trim(d.host, "[]")
	switch mode := strings.ToLower(s.Text("secure")); {
	case mode == "implicit", mode == "tls", mode == "ssl", mode == "smtps":
		d.secure = implicit
	case mode == "", mode == "starttls", s.Bool("secure", false):
		d.secure = startTLS
	case mode == "none", !s.Bool("secure", true):
		d.secure = none
	default:
		return export.Refusal(`"secure" must be starttls, implicit or none`)
	}
	if d.port, err = s.Port(map[string]int{startTLS: 587, implicit: 465, none: 25}[d.secure]); err != nil {
		return err
	}
	if d.port == 465 && !s.Has("secure") {
		d.secure = implicit // nobody waits for STARTTLS there
	}
	if d.secure == none && d.password != "" && !loopback(d.host) {
		return export.Refusal(`A password is not sent without TLS; set "secure" to starttls or implicit`)
	}
	return d.readAuthority(s, c.RootCAs)
}

// readAuthority trusts the destination's own authority beside the others.
func (d *destination) readAuthority(s export.Settings, roots *x509.CertPool) error {
	if d.roots = roots; !s.Has("ca") {
		return nil
	}
	if d.roots != nil {
		d.roots = d.roots.Clone()
	} else if system, err := x509.SystemCertPool(); err == nil {
		d.roots = system
	} else {
		d.roots = x509.NewCertPool()
	}
	if !d.roots.AppendCertsFromPEM([]byte(s.Text("ca"))) {
		return export.Refusal(`"ca" holds no certificate; it must be the authority's in PEM, from -----BEGIN CERTIFICATE----- on`)
	}
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// ParseServer reads the operator's server: smtp://user:password@host:587, where
// TLS begins with STARTTLS, or smtps://, where it is there from the first. Behind
// smtp:// the query tls=none permits a relay without; then no password is sent
// but on this machine itself. The errors hold nothing of the text.
func ParseServer(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("it must look like smtp://user:password@mail.example.org:587 or smtps://…")
	}
	if tls := u.Query().Get("tls"); u.Path != "" && u.Path != "/" || u.Fragment != "" || tls != "" && (tls != none || u.Scheme == "smtps") {
		return nil, errors.New("behind host and port there may be ?tls=none and nothing else")
	}
	if _, set := u.User.Password(); set && u.Query().Get("tls") == none && !loopback(u.Hostname()) {
		return nil, errors.New("a password is not sent without TLS: take ?tls=none away")
	}
	return u, nil
}

// ofURL is what ParseServer has read.
func ofURL(u *url.URL) server {
	s := server{host: u.Hostname(), secure: startTLS, user: u.User.Username(), operators: true}
	s.password, _ = u.User.Password()
	usual := 587
	switch {
	case u.Scheme == "smtps":
		s.secure, usual = implicit, 465
	case u.Query().Get("tls") == none:
		s.secure, usual = none, 25
	}
	s.port = usual
	if n, err := strconv.Atoi(u.Port()); err == nil {
		s.port = n
	}
	return s
}
