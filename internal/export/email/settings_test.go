package email

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest"
)

// own are settings of a destination's own server, operators' of one without.
var (
	operators = with{"to": "a@example.org", "subject": "s", "message": "m"}
	own       = merged(operators, with{"host": "mail.example.net", "username": "me@example.net", "password": "p4ss-phrase"})
)

func carrier(t testing.TB, server, from string) *Carrier {
	t.Helper()
	o := Options{Policy: loopbackPolicy(), From: from}
	if server != "" {
		u, err := ParseServer(server)
		must(t, err)
		o.Server = u
	}
	return New(o)
}

// TestSender is who a mail may be from.
func TestSender(t *testing.T) {
	const operator = "Videos <videos@example.org>"
	for name, v := range map[string]struct {
		settings with
		want     string
	}{
		"the operator's":               {operators, `"Videos" <videos@example.org>`},
		"another name":                 {merged(operators, with{"from": "Studio Größe <x@evil.example>"}), `=?utf-8?q?Studio_Gr=C3=B6=C3=9Fe?= <videos@example.org>`},
		"another address":              {merged(operators, with{"from": "boss@bank.example"}), `"Videos" <videos@example.org>`},
		"the operator's domain":        {merged(operators, with{"from": "news@EXAMPLE.org"}), `"Videos" <news@EXAMPLE.org>`},
		"not a domain below":           {merged(operators, with{"from": "news@sub.example.org"}), `"Videos" <videos@example.org>`},
		"not one that ends so":         {merged(operators, with{"from": "news@bad-example.org"}), `"Videos" <videos@example.org>`},
		"not one hidden in a name":     {merged(operators, with{"from": `"news@example.org"@evil.example`}), `"Videos" <videos@example.org>`},
		"of an own server":             {merged(own, with{"from": []string{"Me <boss@bank.example>"}}), `"Me" <boss@bank.example>`},
		"the user of an own server":    {own, `<me@example.net>`},
		"an own server without a name": {merged(own, with{"username": "me"}), ""},
		"a user that is no address":    {merged(own, with{"username": "me@@"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := carrier(t, "smtp://relay.example.org", operator).read(given(t, v.settings))
			got := ""
			if err == nil {
				got = d.from.String()
			}
			if got != v.want {
				t.Errorf("from %s (%v), want %s", got, err, v.want)
			}
		})
	}
}

// TestWay is how an own server is reached.
func TestWay(t *testing.T) {
	for _, v := range []struct {
		more with
		want string
	}{
		{with{}, "mail.example.net:587 starttls"},
		{with{"secure": true}, "mail.example.net:587 starttls"},
		{with{"secure": "STARTTLS", "port": "2525"}, "mail.example.net:2525 starttls"},
		{with{"port": 465}, "mail.example.net:465 implicit"},
		{with{"port": 465, "secure": "starttls"}, "mail.example.net:465 starttls"},
		{with{"secure": "implicit"}, "mail.example.net:465 implicit"},
		{with{"secure": "ssl", "port": 1465}, "mail.example.net:1465 implicit"},
		{with{"host": "München.example"}, "xn--mnchen-3ya.example:587 starttls"},
		{with{"host": "::1"}, "[::1]:587 starttls"},
		{with{"host": "[::1]", "port": 25}, "[::1]:25 starttls"},
		{with{"secure": "none", "username": nil, "password": nil, "from": "a@b.example"}, "mail.example.net:25 none"},
		{with{"secure": false, "username": nil, "password": nil, "from": "a@b.example"}, "mail.example.net:25 none"},
		{with{"secure": false, "host": "127.0.0.1"}, "127.0.0.1:25 none"},
	} {
		d, err := carrier(t, "", "").read(given(t, own, v.more))
		if err != nil {
			t.Errorf("%v: %v", v.more, err)
		} else if got := d.address() + " " + d.secure; got != v.want {
			t.Errorf("%v: %s, want %s", v.more, got, v.want)
		}
	}
}

// TestRecipients are lists, or texts with commas.
func TestRecipients(t *testing.T) {
	for _, v := range []struct {
		to   any
		want string
	}{
		{"a@example.org", "mailto:a@example.org"},
		{"a@example.org, B <b@example.org>", "mailto:a@example.org,b@example.org"},
		{[]string{"A <a@example.org>", "b@example.org, c@example.org"}, "mailto:a@example.org,b@example.org,c@example.org"},
		{strings.Repeat("a@example.org,", 49) + "a@example.org", "mailto:a@example.org,a@example.org,a@example.org,and 47 more"},
		{`"a?b #%/c"@example.org`, "mailto:a%3Fb%20%23%25%2Fc@example.org"},
		{"ä@bücher.example", "mailto:%C3%A4@xn--bcher-kva.example"},
	} {
		p, err := carrier(t, "smtp://u:p4ss-phrase@relay.example.org", "v@example.org").Plan(given(t, operators, with{"to": v.to}))
		must(t, err)
		if diff := cmp.Diff(export.Plan{Target: v.want, Group: "smtp://relay.example.org:587"}, p); diff != "" {
			t.Error(diff)
		}
		if u, err := url.Parse(p.Target); err != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%s: %+v, %v", p.Target, u, err)
		}
	}
}

// TestRefusals say what is wrong, and nothing that is secret.
func TestRefusals(t *testing.T) {
	_, authority := exporttest.Certificate(t)
	many := strings.Repeat("a@example.org,", 30) + "a@example.org"
	for _, v := range []struct {
		all  with
		want string
	}{
		{merged(own, with{"to": nil}), `no recipient; set "to"`},
		{merged(own, with{"to": []string{}}), `no recipient`},
		{merged(own, with{"to": "nobody"}), `"to" must be email addresses`},
		{merged(own, with{"to": []any{"a@example.org", 1}}), `"to" must be email addresses`},
		{merged(own, with{"to": "=?utf-8?q?x=0D=0ABcc=3A_e=40example.org?= <a@example.org>"}), `"to" holds a line break`},
		{merged(own, with{"to": "a@ex–ämple..org"}), `"to" `},
		{merged(own, with{"cc": many, "bcc": many}), `at most 50 recipients, not 63`},
		{merged(own, with{"bcc": "a@"}), `"bcc" must be`},
		{merged(own, with{"reply-to": "a@example.org, b@example.org"}), `"reply-to" must be one address, not 2`},
		{merged(own, with{"from": []string{"a@example.org", "b@example.org"}}), `"from" must be one`},
		{merged(own, with{"username": nil, "password": nil}), `no sender; set "from"`},
		{merged(own, with{"subject": " \r\n "}), `no subject`},
		{merged(own, with{"subject": strings.Repeat("x", 999)}), `"subject" is longer than 998 bytes`},
		{merged(own, with{"message": nil, "html": "<p>"}), `no text; set "message"`},
		{merged(own, with{"message": strings.Repeat("x", maxText)}), ""},
		{merged(own, with{"message": strings.Repeat("x", maxText), "html": "x"}), `at most 1048576 bytes together`},
		{merged(own, with{"to": strings.Repeat("x", maxSetting)}), `"to" is longer than`},
		{merged(own, with{"host": "me:p4ss-phrase@mail.example.net"}), `"host" must be the mail server's name alone`},
		{merged(own, with{"host": "smtp://mail.example.net"}), `"host" must be`},
		{merged(own, with{"host": "mail.example.net:25"}), `"host" must be`},
		{merged(own, with{"host": []int{1}}), `"host" must be`},
		{merged(own, with{"host": "a\r\nQUIT"}), `cannot be used`},
		{merged(own, with{"host": "0x7f.1"}), `cannot be used`},
		{merged(own, with{"host": "10.0.0.1"}), `cannot be used`},
		{merged(own, with{"port": 65536}), `"port" must be`},
		{merged(own, with{"secure": "sometimes"}), `"secure" must be starttls, implicit or none`},
		{merged(own, with{"secure": []string{"none"}}), `"secure" must be`},
		{merged(own, with{"secure": "none"}), `A password is not sent without TLS`},
		{merged(own, with{"secure": false}), `A password is not sent without TLS`},
		{merged(own, with{"secure": "none", "host": "localhost.example.net"}), `A password is not sent without TLS`},
		{merged(own, with{"username": nil, "from": "a@example.org"}), `both "username" and "password"`},
		{merged(own, with{"password": nil}), `both "username" and "password"`},
		{merged(own, with{"ca": "p4ss-phrase"}), `"ca" holds no certificate`},
		{merged(own, with{"ca": authority}), ""},
		{operators, `no server; set "host"`},
		{merged(operators, with{"password": "p4ss-phrase"}), `"password" is about a mail server of your own`},
	} {
		_, err := carrier(t, "", "").Plan(given(t, v.all))
		var refusal export.Refusal
		switch {
		case v.want == "" && err != nil:
			t.Errorf("%.200v: %v", v.all, err)
		case v.want != "" && (!errors.As(err, &refusal) || !strings.Contains(err.Error(), v.want) || strings.Contains(err.Error(), "p4ss-phrase")):
			t.Errorf("%.200v: %v, want %s", v.all, err, v.want)
		}
	}
	if _, err := carrier(t, "smtp://relay.example.org", "").Plan(given(t, operators)); err == nil || !strings.Contains(err.Error(), "--smtp-from") {
		t.Errorf("without a sender: %v", err)
	}
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"smtp://mail.example.org":                           "mail.example.org:587 starttls  ",
		" smtp://u%40x:p4ss%2Fphrase@mail.example.org:25\n": "mail.example.org:25 starttls u@x p4ss/phrase",
		"smtps://u:p@mail.example.org":                      "mail.example.org:465 implicit u p",
		"smtp://[::1]":                                      "[::1]:587 starttls  ",
		"smtp://mail.example.org/?tls=none":                 "mail.example.org:25 none  ",
		"smtp://u:p@127.0.0.1:1025?tls=none":                "127.0.0.1:1025 none u p",
		"smtp://u:p4ss-phrase@mail.example.org?tls=none":    "",
		"smtps://mail.example.org?tls=none":                 "",
		"smtp://mail.example.org?tls=p4ss-phrase":           "",
		"smtp://mail.example.org?p4ss-phrase=1":             "",
		"smtp://mail.example.org?tls=none&tls=p4ss-phrase":  "",
		"smtp://u:p4ss-phrase@mail.example.org/x":           "",
		"smtp://u:p4ss-phrase@mail.example.org#x":           "",
		"smtp://u:p4ss-phrase@mail.example.org:99999":       "",
		"smtp://u:p4ss-phrase@mail.example.org:0":           "",
		"smtp://u:p4ss-phrase@":                             "",
		"smtp://u:p4ss-phrase\x7f@mail.example.org":         "",
		"smtp://u:p4ss-phrase%zz@mail.example.org":          "",
		"smtp://u@mail.example.org":                         "",
		"http://u:p4ss-phrase@mail.example.org":             "",
		"mail.example.org:p4ss-phrase":                      "",
		"":                                                  "",
	} {
		u, err := ParseServer(text)
		got := ""
		if err == nil {
			s := ofURL(u)
			got = fmt.Sprintf("%s %s %s %s", s.address(), s.secure, s.user, s.password)
		} else if strings.Contains(err.Error(), "p4ss") {
			t.Errorf("%q: it is shown: %v", text, err)
		}
		if got != want {
			t.Errorf("%q: %q (%v), want %q", text, got, err, want)
		}
	}
}
