package ftp

import (
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/reelhook/reelhook/internal/export"
)

// security is how TLS is begun, if it is.
type security int

const (
	noTLS       security = iota
	explicitTLS          // AUTH TLS on a plain connection (RFC 4217)
	implicitTLS          // TLS first, on port 990
)

const implicitPort = 990

// longest is how many bytes of JSON a setting may have.
var longest = map[string]int{
	"host": 1 << 10, "username": 1 << 10, "password": 8 << 10, "secure": 1 << 10, "ca": 256 << 10,
}

// destination is what settings say.
type destination struct {
	host           string
	port           int
	user, password string
	secure         security
	roots          *x509.CertPool // nil for the system's
	place          export.Place
	// target is the path as it was asked for, a folder when "file" is not said.
	target string
}

func (d *destination) address() string { return net.JoinHostPort(d.host, strconv.Itoa(d.port)) }

// read reads settings; name is the file's when "file" says nothing. The error is
// a Refusal.
func (c *Carrier) read(s export.Settings, name string) (*destination, error) {
	for field, most := range longest {
		if len(s[field]) > most {
			return nil, export.Refusal(fmt.Sprintf(`"%s" is longer than %d bytes`, field, most))
		}
	}
	d := &destination{}
	for _, step := range []func(export.Settings) error{d.readSecurity, d.readServer, d.readLogin} {
		if err := step(s); err != nil {
			return nil, err
		}
	}
	var err error
	if d.roots, err = s.Authorities(c.RootCAs); err != nil {
		return nil, err
	}
	d.place, d.target, err = s.Target(name)
	return d, err
}

func (d *destination) readSecurity(s export.Settings) error {
	mode := strings.ToLower(s.Text("secure"))
	switch {
	case s.Has("tls") && !s.Has("secure"): // or the password would go unencrypted, against what was meant
		return export.Refusal(`"tls" is not known here; set "secure" to none, explicit or implicit`)
	case mode == "implicit":
		d.secure = implicitTLS
	case slices.Contains([]string{"explicit", "ftps", "ftpes", "tls"}, mode), s.Bool("secure", false):
		d.secure = explicitTLS
	case mode == "none", !s.Bool("secure", true):
	case s.Has("secure"):
		return export.Refusal(`"secure" must be none, explicit or implicit`)
	case strings.EqualFold(s.Text("type"), "ftps"):
		d.secure = explicitTLS
	}
	return nil
}

func (d *destination) readServer(s export.Settings) (err error) {
	usual := 21
	if d.secure == implicitTLS {
		usual = implicitPort
	}
	if d.port, err = s.Port(usual); err != nil {
		return err
	}
	if d.port == implicitPort && d.secure == explicitTLS && !strings.EqualFold(s.Text("secure"), "explicit") {
		d.secure = implicitTLS // nobody waits for AUTH TLS there
	}
	d.host, err = s.Host("ftp")
	return err
}

// readLogin refuses control characters too: FTP ends a command at a line break.
func (d *destination) readLogin(s export.Settings) error {
	d.user, d.password = s.Text("username"), s.Secret("password")
	switch {
	case d.user == "":
		return export.Refusal(`The FTP destination has no user name; set "username" (to "anonymous" if the server wants none)`)
	case d.password == "":
		return export.Refusal(`The FTP destination has no password; set "password" (to any text for the user "anonymous")`)
	case strings.ContainsFunc(d.user, unicode.IsControl):
		return export.Refusal(`"username" holds a line break or another control character`)
	case strings.ContainsFunc(d.password, unicode.IsControl):
		return export.Refusal(`"password" holds a line break or another control character`)
	}
	return nil
}

// Settings are the names of those that are read of an FTP destination, beside export.Shared.
func Settings() []string {
	return []string{"host", "port", "username", "password", "secure", "ca", "remote-path", "file", "if-exists"}
}
