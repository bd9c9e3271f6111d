package sftp

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export"
)

const firstUse = "first-use"

// longest is how many bytes of JSON a setting may have.
var longest = map[string]int{
	"host": 1 << 10, "username": 1 << 10, "password": 8 << 10, "private-key": 16 << 10, "passphrase": 8 << 10,
	"host-key": 16 << 10, "known-hosts": 256 << 10,
}

// destination is what settings say.
type destination struct {
	host           string
	port           int
	user, password string
	key            ssh.Signer // nil for none
	pins           []pin
	known          *knownHosts
	firstUse       bool
	place          export.Place
	// target is the path as it was asked for, a folder when "file" is not said.
	target string
	// secrets are kept out of what is told about a server's answers.
	secrets []string
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
	d := &destination{user: s.Text("username"), password: s.Secret("password")}
	for _, step := range []func(export.Settings) error{d.readServer, d.readLogin, d.readHostKeys} {
		if err := step(s); err != nil {
			return nil, err
		}
	}
	if d.firstUse && c.Trust == nil {
		return nil, export.Refusal(`"trust-host-key" cannot be "first-use" on this server, which remembers no host keys; set "host-key" or "known-hosts"`)
	}
	if _, err := c.known(); err != nil {
		return nil, fmt.Errorf("the server's own known hosts cannot be read: %w", err)
	}
	var err error
	d.place, d.target, err = s.Target(name)
	return d, err
}

func (d *destination) readServer(s export.Settings) (err error) {
	if d.port, err = s.Port(22); err != nil {
		return err
	}
	d.host, err = s.Host("sftp")
	return err
}

func (d *destination) readLogin(s export.Settings) (err error) {
	switch {
	case d.user == "":
		return export.Refusal(`The SFTP destination has no user name; set "username"`)
	case !s.Has("password") && !s.Has("private-key"):
		return export.Refusal(`The SFTP destination has no way to log in; set "password" or "private-key"`)
	case s.Has("private-key"):
		d.key, err = readKey(s.Secret("private-key"), s.Secret("passphrase"))
	}
	for _, secret := range []string{d.password, s.Secret("passphrase"), s.Secret("private-key")} {
		if secret != "" {
			d.secrets = append(d.secrets, secret)
		}
	}
	return err
}

func (d *destination) readHostKeys(s export.Settings) (err error) {
	switch text := strings.ToLower(s.Text("trust-host-key")); text {
	case "":
	case firstUse:
		d.firstUse = true
	default:
		return export.Refusal(`"trust-host-key" can only be "first-use"`)
	}
	if d.pins, err = readPins(s.List("host-key")); err != nil {
		return err
	}
	if s.Has("host-key") && len(d.pins) == 0 {
		return export.Refusal(`"host-key" holds no key; ` + pinHint)
	}
	if d.known, err = parseKnownHosts(s.Secret("known-hosts")); err != nil {
		return export.Refusal(`"known-hosts" cannot be read: ` + err.Error())
	}
	return nil
}

// Settings are the names of those that are read of an SFTP destination, beside export.Shared.
func Settings() []string {
	return []string{
		"host", "port", "username", "password", "private-key", "passphrase",
		"host-key", "known-hosts", "trust-host-key", "remote-path", "file", "if-exists",
	}
}
