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
	d := &destination{roots: c.RootCAs}
	for _, step := range []func(export.Settings) error{d.readSecurity, d.readServer, d.readLogin, d.readAuthority} {
		if err := step(s); err != nil {
			return nil, err
		}
	}
	return d, d.readPlace(s, name)
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
	d.host = strings.TrimSuffix(strings.ToLower(s.Text("host")), ".")
	if strings.HasPrefix(d.host, "[") && strings.HasSuffix(d.host, "]") {
		d.host = d.host[1 : len(d.host)-1]
	}
	switch {
	case d.host == "":
		return export.Refusal(`The FTP destination has no host; set "host" to the server's name`)
	case strings.ContainsAny(d.host, "/@?#%") || strings.Count(d.host, ":") == 1:
		return export.Refusal(`"host" must be the server's name alone, without "ftp://", user, port or path; these have settings of their own`)
	}
	return nil
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

// readAuthority trusts the destination's own authority beside the others.
func (d *destination) readAuthority(s export.Settings) error {
	if !s.Has("ca") {
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

func (d *destination) readPlace(s export.Settings, name string) (err error) {
	named := s.Text("file") != "" || name != ""
	if !named {
		name = "file" // not known yet, and not asked for
	}
	if d.place, err = s.Place(name); err != nil {
		return err
	}
	d.target = d.place.Path()
	if !named {
		d.target = strings.TrimSuffix(d.target, "file")
	}
	return nil
}
