package sftp

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
)

// probe tries settings out and returns the steps and the fault.
func probe(t *testing.T, c *Carrier, s export.Settings) ([]string, export.Fault) {
	t.Helper()
	var steps []string
	err := c.Probe(t.Context(), s, func(step string) { steps = append(steps, step) })
	return steps, asFault(t, err)
}

var allSteps = []string{"settings", "connect", "host-key", "login", "folder", "write", "size", "remove"}

func TestLoginToOpenSSH(t *testing.T) {
	srv := sshd.Start(t, sshd.HostKeys)
	c := patient(Options{Policy: loopback()})
	type login struct {
		with with
		want export.Fault // of Step, Class and Permanent
	}
	cases := map[string]login{
		"ed25519":              {with{}, export.Fault{}},
		"ecdsa":                {with{"private-key": sshd.PrivateKey(t, "ecdsa", "")}, export.Fault{}},
		"rsa":                  {with{"private-key": sshd.PrivateKey(t, "rsa", "")}, export.Fault{}},
		"rsa, locked":          {with{"private-key": sshd.PrivateKey(t, "rsa", testPassphrase), "passphrase": testPassphrase}, export.Fault{}},
		"line ends of DOS":     {with{"private-key": strings.ReplaceAll(sshd.PrivateKey(t, "ed25519", ""), "\n", "\r\n")}, export.Fault{}},
		"key and password":     {with{"password": sshd.Password}, export.Fault{}},
		"port as text":         {with{"port": strconv.Itoa(srv.Addr.Port)}, export.Fault{}},
		"wrong key":            {with{"private-key": sshd.PrivateKey(t, "other", "")}, export.Fault{Step: "login", Class: "login", Permanent: true}},
		"wrong user":           {with{"username": "nobody-here"}, export.Fault{Step: "login", Class: "login", Permanent: true}},
		"a folder is made":     {with{"remote-path": "a/b/c"}, export.Fault{}},
		"a file is in the way": {with{"remote-path": "file/b"}, export.Fault{Step: "folder", Class: "exists", Permanent: true}},
	}
	if os.Geteuid() == 0 { // PAM is not for others; see TestLoginByPassword
		cases["password"] = login{with{"private-key": nil, "password": sshd.Password}, export.Fault{}}
		cases["wrong password"] = login{with{"private-key": nil, "password": "wrong"}, export.Fault{Step: "login", Class: "login", Permanent: true}}
		cases["wrong key, right password"] = login{with{"private-key": sshd.PrivateKey(t, "other", ""), "password": sshd.Password}, export.Fault{}}
	}
	for name, tc := range cases {
		srv.Write(t)("file", nil)
		steps, f := probe(t, c, settings(t, srv.Settings(t), tc.with))
		if got := (export.Fault{Step: f.Step, Class: f.Class, Permanent: f.Permanent}); got != tc.want {
			t.Errorf("%s: got %+v", name, f)
		}
		if diff := cmp.Diff(allSteps, steps); f.Step == "" && diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if names := srv.Names(""); slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "probe") }) {
		t.Errorf("the probe left %v", names)
	}
}
