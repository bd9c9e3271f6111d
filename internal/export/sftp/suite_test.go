package sftp

import (
	"errors"
	"os"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
)

// TestRules holds the carrier to exporttest: with OpenSSH's server, by key and by
// password, and with the library's server on a disk.
func TestRules(t *testing.T) {
	carrier := patient(Options{Policy: loopback(), Trust: &memory{}, FirstUse: true})
	logins := map[string]with{"rsa, host trusted at first use": {"private-key": sshd.PrivateKey(t, "rsa", ""), "host-key": nil}}
	if os.Geteuid() == 0 {
		logins["password"] = with{"private-key": nil, "password": sshd.Password}
	}
	for name, login := range logins {
		t.Run(name, func(t *testing.T) { openSSH(t, carrier, login) })
	}
	t.Run("another server", func(t *testing.T) { anotherServer(t, carrier) })
}

func openSSH(t *testing.T, carrier export.Carrier, login with) {
	t.Parallel() // most of it is waiting
	srv := sshd.Start(t, sshd.HostKeys)
	if os.Geteuid() == 0 {
		mount(t, srv, "full", "size=64k")
	}
	exporttest.Run(t, exporttest.Server{
		Carrier: carrier, Host: "host", Port: "port", Renames: true, IfExists: true,
		Settings: func() map[string]any { return merged(srv.Settings(t), login) },
		Secrets:  []string{sshd.Password, sshd.PrivateKey(t, "ed25519", ""), sshd.PrivateKey(t, "rsa", "")},
		Read:     srv.Read, Names: srv.Names, Write: srv.Write(t),
		Faults: faults(t, srv, login),
	})
}

func anotherServer(t *testing.T, carrier export.Carrier) {
	t.Parallel()
	home := &sshd.Server{Home: t.TempDir()}
	other := newInProcess("ed25519")
	other.byPassword()
	other.subsystem = func(c ssh.Channel) {
		s, err := sftp.NewServer(c, sftp.WithServerWorkingDirectory(home.Home))
		if err == nil {
			_ = s.Serve()
		}
	}
	base := other.start(t)
	exporttest.Run(t, exporttest.Server{
		Carrier: carrier, Host: "host", Port: "port", Renames: true, IfExists: true,
		Settings: func() map[string]any { return merged(base) },
		Secrets:  []string{sshd.Password},
		Read:     home.Read, Names: home.Names, Write: home.Write(t),
	})
}

// faults are what can be wrong with OpenSSH's server, and with one that lies.
func faults(t *testing.T, srv *sshd.Server, login with) map[string]exporttest.Fault {
	settings := func(more with) func(*testing.T) map[string]any {
		return func(*testing.T) map[string]any { return merged(srv.Settings(t), login, more) }
	}
	byPassword := func(change func(*inProcess)) func(*testing.T) map[string]any {
		return func(t *testing.T) map[string]any {
			s := newInProcess("ed25519")
			s.byPassword()
			change(s)
			return s.start(t)
		}
	}
	all := map[string]exporttest.Fault{
		"wrong password": {Settings: byPassword(func(s *inProcess) {
			s.config.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, errors.New("no") }
		}), Step: "login", Class: "login", Permanent: true},
		"wrong key": {
			Settings: settings(with{"password": nil, "private-key": sshd.PrivateKey(t, "other", "")}),
			Step:     "login", Class: "login", Permanent: true,
		},
		"wrong host key": {Settings: settings(with{"host-key": fingerprint("other")}), Step: "host-key", Class: "host-key", Permanent: true},
		"read-only folder": {Settings: func(t *testing.T) map[string]any {
			srv.Folder(t, "closed", 0o555)
			return settings(with{"remote-path": "closed"})(t)
		}, Step: "write", Class: "denied", Permanent: true},
		"lies about size": {Settings: byPassword(func(s *inProcess) { s.handlers.FileList = liar{s.handlers.FileList} }), Step: "size", Class: "size"},
		"no space, and says so": {Settings: byPassword(func(s *inProcess) {
			s.handlers.FilePut = refuser{s.handlers.FilePut, errors.New("no space left on device")}
		}), Step: "write", Class: "space"},
	}
	if os.Geteuid() == 0 { // others may not mount
		all["no space"] = exporttest.Fault{Settings: settings(with{"remote-path": "full"}), Step: "write", Class: "space"}
		all["wrong password, by PAM"] = exporttest.Fault{
			Settings: settings(with{"private-key": nil, "password": "wrong"}), Step: "login", Class: "login", Permanent: true,
		}
	}
	return all
}
