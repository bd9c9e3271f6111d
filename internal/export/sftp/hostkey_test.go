package sftp

import (
	"crypto/rand"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
)

func fingerprint(name string) string { return ssh.FingerprintSHA256(sshd.PublicKey(name)) }

func whole(name string) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshd.PublicKey(name))))
}

// hostKeyFault is what every refusal of a host key must be.
var hostKeyFault = export.Fault{Step: "host-key", Class: "host-key", Permanent: true}

// kind is a fault without its message.
func kind(f export.Fault) export.Fault {
	return export.Fault{Step: f.Step, Class: f.Class, Permanent: f.Permanent}
}

func TestHostKey(t *testing.T) {
	srv := sshd.Start(t, sshd.HostKeys)
	address := srv.Addr.String()
	line := func(host, key string) string { return knownhosts.Line([]string{host}, sshd.PublicKey(key)) }
	hashed := knownhosts.HashHostname(knownhosts.Normalize(address)) + " " + whole("rsa")
	const unknown, wrong, bad = "put it into \"host-key\"", "not among", "revoked"
	for name, tc := range map[string]struct {
		with     with
		operator string
		says     string // "" when it is trusted
	}{
		"fingerprint":                      {with{"host-key": fingerprint("ed25519")}, "", ""},
		"fingerprint of RSA":               {with{"host-key": fingerprint("rsa")}, "", ""},
		"fingerprint of ECDSA, padded":     {with{"host-key": fingerprint("ecdsa") + "="}, "", ""},
		"one of a list":                    {with{"host-key": []string{fingerprint("other"), fingerprint("rsa")}}, "", ""},
		"one with a comma":                 {with{"host-key": fingerprint("other") + ", " + whole("ecdsa")}, "", ""},
		"whole key":                        {with{"host-key": whole("rsa") + " me@here"}, "", ""},
		"another's fingerprint":            {with{"host-key": fingerprint("other")}, "", wrong},
		"another's whole key":              {with{"host-key": whole("other")}, "", wrong},
		"nothing":                          {with{}, "", unknown},
		"known host":                       {with{"known-hosts": line(address, "rsa")}, "", ""},
		"hashed":                           {with{"known-hosts": "# mine\r\n" + hashed + "\r\n"}, "", ""},
		"another port":                     {with{"known-hosts": line("127.0.0.1", "ed25519")}, "", unknown},
		"another host":                     {with{"known-hosts": line("elsewhere:"+strconv.Itoa(srv.Addr.Port), "ed25519")}, "", unknown},
		"known by another key":             {with{"known-hosts": line(address, "other")}, "", wrong},
		"known by another, and by its":     {with{"known-hosts": line(address, "other") + "\n" + line(address, "ed25519")}, "", ""},
		"pattern":                          {with{"known-hosts": "[127.0.0.*]:" + strconv.Itoa(srv.Addr.Port) + " " + whole("ecdsa")}, "", ""},
		"revoked":                          {with{"known-hosts": line(address, "ed25519") + "\n@revoked * " + whole("ed25519")}, "", bad},
		"revoked, but pinned":              {with{"known-hosts": "@revoked * " + whole("ed25519"), "host-key": whole("ed25519")}, "", bad},
		"revoked by the operator":          {with{"host-key": whole("ed25519")}, "@revoked * " + whole("ed25519"), bad},
		"the operator's":                   {with{}, line(address, "ecdsa"), ""},
		"the operator's says another":      {with{}, line(address, "other"), wrong},
		"the operator's, first use asked":  {with{"trust-host-key": "first-use"}, line(address, "other"), wrong},
		"the client's over the operator's": {with{"host-key": fingerprint("ed25519")}, line(address, "other"), ""},
		"pinned, first use asked":          {with{"host-key": fingerprint("other"), "trust-host-key": "first-use"}, "", wrong},
		"first use":                        {with{"trust-host-key": "First-Use"}, "", ""},
		"known by DSA alone":               {with{"known-hosts": "[127.0.0.1]:" + strconv.Itoa(srv.Addr.Port) + " " + dsaKey}, "", wrong},
	} {
		c := patient(Options{Policy: loopback(), KnownHosts: tc.operator, Trust: &memory{}})
		s := settings(t, srv.Settings(t), with{"host-key": nil}, tc.with)
		_, f := probe(t, c, s)
		want := hostKeyFault
		if tc.says == "" {
			want = export.Fault{}
		}
		if diff := cmp.Diff(want, kind(f)); diff != "" || !strings.Contains(f.Message, tc.says) {
			t.Errorf("%s: %s%s", name, f.Message, diff)
		}
		if tc.says == unknown && !strings.Contains(f.Message, fingerprint("ed25519")) {
			t.Errorf("%s: %q does not show the key", name, f.Message)
		}
	}
}

// dsaKey is of a kind that is not asked for.
const dsaKey = "ssh-dss AAAAB3NzaC1kc3MAAACBAPY8ZOHY2yFSJA6XYC9HRwNHxaehvx5wOJ0rzZdzoSOXxbETW6ToHv8D1UJ/z+zHo9Fiko5XybZnDIaBDHtblQ+Yp7StxyltHnXF1YLfKD1G4T6JYrdHYI14Om1eg9e4NnCRleaqoZPF3UGfZia6bXrGTQf3gJq2e7Yisk/gF+1VAAAAFQDb8D5cvwHWTZDPfX0D2s9Rd7NBvQAAAIEAlN92+Bb7D4KLYk3IwRbXblwXdkPggA4pfdtW9vGfJ0/RHd+NjB4eo1D+0dix6tXwYGN7PKS5R/FXPNwxHPapcj9uL1Jn2AWQ2dsknf+i/FAAvioUPkmdMc0zuWoSOEsSNhVDtX3WdvVcGcBq9cetzrtOKWOocJmJ80qadxTRHtUAAACBAN7CY+KKv1gHpRzFwdQm7HK9bb1LAo2KwaoXnadFgeptNBQeSXG1vO+JsvphVMBJc9HSn24VYtYtsMu74qXviYjziVucWKjjKEb11juqnF0GDlB3VVmxHLmxnAz643WK42Z7dLM5sY29ouezv4Xz2PuMch5VGPP+CDqzCM4loWgV"

func TestFirstUse(t *testing.T) {
	srv := sshd.Start(t, sshd.HostKeys)
	asked := settings(t, srv.Settings(t), with{"host-key": nil, "trust-host-key": "first-use"})
	silent := settings(t, srv.Settings(t), with{"host-key": nil})
	address := srv.Addr.String()
	trust := &memory{}
	c := patient(Options{Policy: loopback(), Trust: trust})
	if _, f := probe(t, c, silent); kind(f) != hostKeyFault || !strings.Contains(f.Message, "first-use") {
		t.Errorf("not asked for: %+v", f)
	}
	if len(trust.keys) != 0 {
		t.Errorf("remembered without being asked: %v", trust.keys)
	}
	for range 2 {
		if _, f := probe(t, c, asked); f.Step != "" {
			t.Errorf("asked for: %+v", f)
		}
	}
	if diff := cmp.Diff(map[string]string{address: fingerprint("ed25519")}, trust.keys); diff != "" {
		t.Error(diff)
	}
	trust.keys[address] = fingerprint("rsa") // from when the server had no other
	if _, f := probe(t, c, asked); f.Step != "" {
		t.Errorf("a new kind of key beside the old one: %+v", f)
	}
	trust.keys[address] = fingerprint("other")
	if _, f := probe(t, c, asked); kind(f) != hostKeyFault || !strings.Contains(f.Message, "trusted at first use") {
		t.Errorf("a changed key: %+v", f)
	}
	if trust.keys[address] != fingerprint("other") {
		t.Error("a changed key was remembered")
	}
	operators := patient(Options{Policy: loopback(), Trust: &memory{}, FirstUse: true})
	if _, f := probe(t, operators, silent); f.Step != "" {
		t.Errorf("asked for by the operator: %+v", f)
	}
	broken := patient(Options{Policy: loopback(), Trust: &memory{err: errors.New("disk full")}})
	if _, f := probe(t, broken, asked); f.Step != "host-key" || f.Permanent {
		t.Errorf("without memory: %+v", f)
	}
}

// TestNoSecretsForStrangers: a server that is not known to be right must see
// neither user name nor password.
func TestNoSecretsForStrangers(t *testing.T) {
	srv := newInProcess("other")
	srv.byPassword()
	s := srv.start(t)
	for name, w := range map[string]with{
		"pinned another":   {},
		"nothing":          {"host-key": nil},
		"known by another": {"host-key": nil, "known-hosts": "[127.0.0.1]:" + strconv.Itoa(s["port"].(int)) + " " + whole("ed25519")},
		"no key of a kind": {"host-key": whole("rsa")},
	} {
		steps, f := probe(t, patient(Options{Policy: loopback()}), settings(t, s, w))
		if kind(f) != hostKeyFault || steps[len(steps)-1] != "host-key" {
			t.Errorf("%s: %v %+v", name, steps, f)
		}
	}
	if len(srv.logins) != 0 {
		t.Errorf("it was told %q", srv.logins)
	}
}

func TestHostCertificate(t *testing.T) {
	authority, err := ssh.NewSignerFromKey(sshd.Key("other"))
	must(t, err)
	host, err := ssh.NewSignerFromKey(sshd.Key("ed25519"))
	must(t, err)
	for name, tc := range map[string]struct {
		principal string
		want      export.Fault
	}{"its own": {"127.0.0.1", export.Fault{}}, "another's": {"elsewhere", hostKeyFault}} {
		cert := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{tc.principal}, ValidBefore: ssh.CertTimeInfinity}
		must(t, cert.SignCert(rand.Reader, authority))
		certified, err := ssh.NewCertSigner(cert, host)
		must(t, err)
		srv := newInProcess("ecdsa")
		srv.config.AddHostKey(certified)
		srv.byPassword()
		s := srv.start(t)
		_, port, _ := net.SplitHostPort(net.JoinHostPort("127.0.0.1", strconv.Itoa(s["port"].(int))))
		known := with{"host-key": nil, "known-hosts": "@cert-authority [127.0.0.1]:" + port + " " + whole("other")}
		if _, f := probe(t, patient(Options{Policy: loopback()}), settings(t, s, known)); kind(f) != tc.want {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestKeysAreExchangedAgain(t *testing.T) {
	srv := newInProcess("ed25519")
	srv.config.RekeyThreshold = 1 << 20
	srv.byPassword()
	s := srv.start(t)
	trust := &memory{}
	c := patient(Options{Policy: loopback(), Trust: trust})
	for _, w := range []with{{}, {"host-key": nil, "trust-host-key": "first-use"}} {
		content := random(8 << 20)
		if _, err := c.Carry(t.Context(), parcel(t, settings(t, s, w), content)); err != nil {
			t.Error(err)
		}
	}
}
