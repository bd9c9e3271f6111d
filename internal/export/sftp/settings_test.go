package sftp

import (
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
	"github.com/reelhook/reelhook/internal/safehttp"
)

func TestPlan(t *testing.T) {
	base := with{"type": "sftp", "host": "files.example.org", "port": 22, "username": "u", "password": "p"}
	for name, tc := range map[string]struct {
		with   with
		target string // behind sftp://
		says   string // what is wrong
	}{
		"as the contract has it": {with{"remote-path": "/in/2026/", "file": "a.mp4"}, "files.example.org:22/in/2026/a.mp4", ""},
		"no file":                {with{"remote-path": "/in"}, "files.example.org:22/in/", ""},
		"no path":                {with{}, "files.example.org:22/~/", ""},
		"where the login leads":  {with{"file": "x/a.mp4"}, "files.example.org:22/~/x/a.mp4", ""},
		"port as text":           {with{"port": "2222"}, "files.example.org:2222/~/", ""},
		"capitals and a dot":     {with{"host": "Files.Example.ORG."}, "files.example.org:22/~/", ""},
		"IPv6":                   {with{"host": "[2606:4700::1111]"}, "[2606:4700::1111]:22/~/", ""},
		"no host":                {with{"host": nil}, "", `"host"`},
		"host is a URL":          {with{"host": "sftp://files.example.org"}, "", `"host" must be`},
		"host with port":         {with{"host": "files.example.org:22"}, "", `"host" must be`},
		"host is odd":            {with{"host": "a b"}, "", "cannot be used"},
		"host is inside":         {with{"host": "192.168.1.1"}, "", "not public"},
		"no user":                {with{"username": ""}, "", `"username"`},
		"no password":            {with{"password": ""}, "", `"password" or "private-key"`},
		"bad port":               {with{"port": 70000}, "", `"port"`},
		"leaves the folder":      {with{"file": "../a.mp4"}, "", ".."},
		"too long":               {with{"password": strings.Repeat("x", 9<<10)}, "", `"password" is longer`},
		"bad policy":             {with{"if-exists": "ask"}, "", "if-exists"},
		"bad fingerprint":        {with{"host-key": "SHA256:abc"}, "", "cut off"},
		"MD5":                    {with{"host-key": "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48"}, "", "SHA256"},
		"empty list":             {with{"host-key": []string{" "}}, "", "no key"},
		"bad known hosts":        {with{"known-hosts": "# ok\nfiles.example.org ssh-ed25519 AAAA"}, "", `"known-hosts" cannot be read: line 2`},
		"other trust":            {with{"trust-host-key": "always"}, "", "first-use"},
		"trust without memory":   {with{"trust-host-key": "first-use"}, "", "remembers no host keys"},
		"key":                    {with{"password": nil, "private-key": sshd.PrivateKey(t, "ecdsa", "")}, "files.example.org:22/~/", ""},
		"key is a path":          {with{"private-key": "/root/.ssh/id_rsa"}, "", "must be the whole text"},
		"key of PuTTY":           {with{"private-key": "PuTTY-User-Key-File-3: ssh-ed25519"}, "", "PuTTYgen"},
		"key is cut off":         {with{"private-key": sshd.PrivateKey(t, "rsa", "")[:200]}, "", "whole text"},
		"key is public":          {with{"private-key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}, "", "cannot be read"},
		"key is locked":          {with{"private-key": sshd.PrivateKey(t, "ed25519", "x")}, "", `set "passphrase"`},
		"wrong passphrase":       {with{"private-key": sshd.PrivateKey(t, "ed25519", "x"), "passphrase": "y"}, "", "does not open"},
		"key takes too long":     {with{"private-key": slowKey(t), "passphrase": "x"}, "", "too long to open"},
	} {
		plan, err := New(Options{}).Plan(settings(t, base, tc.with))
		if tc.says != "" {
			var refusal export.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		group, _, _ := strings.Cut(tc.target, "/")
		if err != nil || plan.Target != "sftp://"+tc.target || plan.Group != "sftp://"+group {
			t.Errorf("%s: %+v %v", name, plan, err)
		}
	}
}

// slowKey asks for a passphrase to be hashed four thousand million times.
func slowKey(t *testing.T) string {
	t.Helper()
	block, _ := pem.Decode([]byte(sshd.PrivateKey(t, "ed25519", "x")))
	at := strings.Index(string(block.Bytes), "bcrypt") + len("bcrypt") + 4 + 4 + 16
	copy(block.Bytes[at:], "\xff\xff\xff\xff")
	return string(pem.EncodeToMemory(block))
}

func TestCheckKnownHosts(t *testing.T) {
	for text, says := range map[string]string{
		"":                                     "",
		"# none\n\n":                           "",
		"a.example " + whole("ed25519") + "\n": "",
		"a.example\n":                          "line 1",
		"@trusted a.example " + whole("rsa"):   "line 1",
	} {
		err := CheckKnownHosts(text)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := New(Options{KnownHosts: "a.example"}).Plan(settings(t, with{"host": "a.example", "username": "u", "password": "p"}))
	if err == nil || !strings.Contains(err.Error(), "known hosts") {
		t.Errorf("got %v", err)
	}
}

// FuzzPlan: nothing that a client writes may panic, take long or come back whole
// in an error.
func FuzzPlan(f *testing.F) {
	f.Add("h", "SHA256:abc", "h ssh-ed25519 AAAA", sshd.PrivateKey(f, "ed25519", ""), "x")
	f.Add("[::1]", whole("rsa"), "|1|a|b ssh-rsa AAAA", sshd.PrivateKey(f, "rsa", "x"), "x")
	f.Add("", "ssh-dss AAAA", "@revoked", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----", "x")
	f.Fuzz(func(t *testing.T, host, hostKey, known, key, passphrase string) {
		s := settings(t, with{"host": host, "username": "u", "host-key": hostKey, "known-hosts": known, "private-key": key, "passphrase": passphrase})
		_, err := New(Options{Policy: safehttp.Policy{}}).Plan(s)
		if len(passphrase) > 8 && err != nil && strings.Contains(err.Error(), passphrase) && !strings.Contains(host+hostKey+known, passphrase) {
			t.Errorf("the passphrase is in %q", err)
		}
	})
}
