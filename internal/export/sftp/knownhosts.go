package sftp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// knownHosts are lines of a known_hosts file; nil has none.
type knownHosts struct {
	check ssh.HostKeyCallback
	// authorities tells that hosts may show a certificate in place of a key.
	authorities bool
}

// CheckKnownHosts tells what is wrong with a text of known_hosts lines.
func CheckKnownHosts(text string) error {
	_, err := parseKnownHosts(text)
	return err
}

// parseKnownHosts hands a text to the library, which takes only files.
func parseKnownHosts(text string) (*knownHosts, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	file, err := os.CreateTemp("", "known-hosts-")
	if err != nil {
		return nil, fmt.Errorf("no temporary file: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(strings.ReplaceAll(text, "\r\n", "\n"))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("no temporary file: %w", err)
	}
	check, err := knownhosts.New(file.Name())
	if err != nil {
		what := strings.TrimPrefix(err.Error(), "knownhosts: ")
		return nil, errors.New(strings.ReplaceAll(what, file.Name()+":", "line "))
	}
	return &knownHosts{check, strings.Contains(text, "@cert-authority")}, nil
}

// verdict is what is known of a host's key.
type verdict int

const (
	silent  verdict = iota // the host is not known
	agrees                 // the key is right
	differs                // the host has another key
	revoked                // the key is nobody's any more
)

// judge says what the lines say of the key that the server at an address showed,
// and which keys they have for it.
func (k *knownHosts) judge(address string, key ssh.PublicKey) (verdict, []knownhosts.KnownKey) {
	if k == nil {
		return silent, nil
	}
	err := k.check(address, &net.TCPAddr{}, key)
	var unlike *knownhosts.KeyError
	var bad *knownhosts.RevokedError
	switch {
	case err == nil:
		return agrees, nil
	case errors.As(err, &bad):
		return revoked, nil
	case errors.As(err, &unlike) && len(unlike.Want) == 0:
		return silent, nil
	case errors.As(err, &unlike):
		return differs, unlike.Want
	}
	return differs, nil // a certificate that is not in order
}

// kinds returns the kinds of key that an address is known by.
func (k *knownHosts) kinds(address string) []string {
	_, want := k.judge(address, noKey{})
	var kinds []string
	for _, key := range want {
		kinds = append(kinds, key.Key.Type())
	}
	return kinds
}

// noKey is a key that no server has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
