package email

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
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

// readServer reads the destination's own server, or takes the operator's.
func (c *Carrier) readServer(s export.Settings, d *destination) (err error) {
	if !s.Has("host") {
		return c.useOperators(s, d)
	}
	d.user, d.password = s.Text("username"), s.Secret("password")
	if d.host, err = readHost(s); err != nil {
		return err
	}
	if d.secure, err = readSecure(s); err != nil {
		return err
	}
	if d.port, err = s.Port(map[string]int{startTLS: 587, implicit: 465, none: 25}[d.secure]); err != nil {
		return err
	}
	if d.port == 465 && !s.Has("secure") {
		d.secure = implicit // nobody waits for STARTTLS there
	}
	if (d.user == "") != (d.password == "") {
		return export.Refusal(`A login takes both "username" and "password"; leave both away for none`)
	}
	if d.secure == none && d.password != "" && !loopback(d.host) {
		return export.Refusal(`A password is not sent without TLS; set "secure" to starttls or implicit`)
	}
	d.roots, err = s.Authorities(c.RootCAs)
	return err
}

// useOperators takes the operator's server.
func (c *Carrier) useOperators(s export.Settings, d *destination) error {
	for _, name := range []string{"port", "username", "password", "secure", "ca"} {
		if s.Has(name) {
			return export.Refusal(fmt.Sprintf(`"%s" is about a mail server of your own; set its "host" too`, name))
		}
	}
	if c.Server == nil {
		return export.Refusal(`The email has no server; set "host", or have the operator set one with --smtp`)
	}
	d.server = ofURL(c.Server)
	d.roots = c.RootCAs
	return nil
}

func readHost(s export.Settings) (string, error) {
	host := strings.ToLower(s.Text("host"))
	if host == "" || strings.ContainsAny(host, "/@?#%") || strings.Count(host, ":") == 1 {
		return "", export.Refusal(`"host" must be the mail server's name alone; "port" is a setting of its own`)
	}
	host, err := ascii(strings.Trim(host, "[]"))
	if err != nil {
		return "", export.Refusal(`"host" is not a host name`)
	}
	return host, nil
}

func readSecure(s export.Settings) (string, error) {
	if !s.Has("secure") {
		return startTLS, nil
	}
	switch strings.ToLower(s.Text("secure")) {
	case implicit, "tls", "ssl", "smtps":
		return implicit, nil
	case startTLS:
		return startTLS, nil
	case none:
		return none, nil
	}
	if secure := s.Bool("secure", false); secure == s.Bool("secure", true) { // it says which
		return map[bool]string{true: startTLS, false: none}[secure], nil
	}
	return "", export.Refusal(`"secure" must be starttls, implicit or none`)
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
	relay := u.Scheme == "smtp" && u.RawQuery == "tls="+none
	password, _ := u.User.Password()
	switch n, err := strconv.Atoi(cmp.Or(u.Port(), "25")); {
	case u.Path != "" && u.Path != "/" || u.Fragment != "" || u.RawQuery != "" && !relay:
		return nil, errors.New("behind host and port there may be ?tls=none, with smtp://, and nothing else")
	case err != nil || n < 1 || n > 65535:
		return nil, errors.New("the port must be a number from 1 to 65535")
	case (u.User.Username() == "") != (password == ""):
		return nil, errors.New("a login takes both user and password; leave both away for none")
	case relay && password != "" && !loopback(u.Hostname()):
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
	case u.RawQuery != "":
		s.secure, usual = none, 25
	}
	s.port = usual
	if n, err := strconv.Atoi(u.Port()); err == nil {
		s.port = n
	}
	return s
}
