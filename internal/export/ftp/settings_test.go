package ftp

import (
	"errors"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

func TestSettings(t *testing.T) {
	c := New(Options{})
	login := with{"host": "ftp.example.org", "username": "u", "password": "p"}
	for _, tc := range []struct {
		more   with
		secure security
		target string
		group  string
	}{
		{nil, noTLS, "ftp://ftp.example.org:21/", "ftp://ftp.example.org:21"},
		{with{"host": "FTP.Example.org.", "file": "a b?.mp4"}, noTLS, "ftp://ftp.example.org:21/a%20b%3F.mp4", "ftp://ftp.example.org:21"},
		{with{"remote-path": "./in/", "file": "x.mp4"}, noTLS, "ftp://ftp.example.org:21/in/x.mp4", "ftp://ftp.example.org:21"},
		{with{"remote-path": "/in x/"}, noTLS, "ftp://ftp.example.org:21/%2Fin%20x/", "ftp://ftp.example.org:21"},
		{with{"host": "[2001:db8::1]", "port": "2121"}, noTLS, "ftp://[2001:db8::1]:2121/", "ftp://[2001:db8::1]:2121"},
		{with{"secure": false, "type": "ftps"}, noTLS, "", ""},
		{with{"secure": "none"}, noTLS, "", ""},
		{with{"secure": 0}, noTLS, "", ""},
		{with{"type": "ftps"}, explicitTLS, "ftp://ftp.example.org:21/", ""},
		{with{"type": "FTPS", "secure": ""}, explicitTLS, "", ""},
		{with{"secure": true}, explicitTLS, "", ""},
		{with{"secure": "true"}, explicitTLS, "", ""},
		{with{"secure": "TLS"}, explicitTLS, "", ""},
		{with{"secure": "ftps"}, explicitTLS, "", ""},
		{with{"secure": "Explicit", "port": 990}, explicitTLS, "ftp://ftp.example.org:990/", ""},
		{with{"secure": true, "port": 990}, implicitTLS, "ftps://ftp.example.org:990/", ""},
		{with{"secure": "implicit"}, implicitTLS, "ftps://ftp.example.org:990/", "ftps://ftp.example.org:990"},
		{with{"secure": "implicit", "port": 9990}, implicitTLS, "ftps://ftp.example.org:9990/", ""},
	} {
		s := parcel(t, nil, merged(login, tc.more)).Settings
		d, err := c.read(s, "")
		if err != nil {
			t.Errorf("%v: %v", tc.more, err)
			continue
		}
		if d.secure != tc.secure {
			t.Errorf("%v: TLS is %d, not %d", tc.more, d.secure, tc.secure)
		}
		if tc.target == "" || strings.Contains(tc.target, "2001:") {
			continue
		}
		p, err := c.Plan(s)
		if err != nil || p.Target != tc.target || tc.group != "" && p.Group != tc.group {
			t.Errorf("%v: %+v, %v", tc.more, p, err)
		}
	}
}

func TestRefusedSettings(t *testing.T) {
	login := with{"host": "ftp.example.org", "username": "u", "password": "s3cret\r\nDELE x"}
	for _, tc := range []struct {
		more with
		want string
	}{
		{with{"host": nil}, "has no host"},
		{with{"host": "ftp://x.test"}, `"host" must be`},
		{with{"host": "x.test:21"}, `"host" must be`},
		{with{"host": "u@x.test"}, `"host" must be`},
		{with{"host": "127.0.0.1"}, "--allow-networks"},
		{with{"host": "2130706433"}, "in disguise"},
		{with{"port": 0}, `"port"`},
		{with{"username": nil}, "no user name"},
		{with{"username": "a\r\nQUIT"}, `"username" holds`},
		{with{"password": nil}, "no password"},
		{with{"password": "s3cret\r\nQUIT"}, `"password" holds`},
		{with{"password": "s3cret\x00"}, `"password" holds`},
		{with{"password": strings.Repeat("s3cret", 2000)}, "longer"},
		{with{"secure": "maybe"}, `"secure"`},
		{with{"secure": []any{1}}, `"secure"`},
		{with{"tls": true}, `"tls" is not known here; set "secure"`},
		{with{"ca": "s3cret"}, `"ca" holds no certificate`},
		{with{"remote-path": "../x"}, `"remote-path"`},
		{with{"file": "x\r\nDELE y"}, `"file"`},
		{with{"if-exists": "never"}, `"if-exists"`},
	} {
		_, err := New(Options{Policy: safehttp.Policy{}}).Plan(parcel(t, nil, merged(login, with{"password": "p"}, tc.more)).Settings)
		var refusal export.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v", tc.more, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: the secret is shown: %v", tc.more, err)
		}
	}
}
