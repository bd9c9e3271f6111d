package email

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/mailbox"
)

// saying is a server that takes everything, but for what is said here.
func saying(more map[string]string) *script {
	all := maps.Clone(ok)
	maps.Copy(all, more)
	return &script{says: all}
}

// impatient is a carrier that gives a server as little time as the test needs.
func (w *world) impatient(stall time.Duration) *Carrier {
	c := *w.carrier
	c.stall = stall
	return &c
}

// secret holds that nothing of the login is shown.
func secret(t testing.TB, shown string) {
	t.Helper()
	for _, s := range []string{mailbox.Password, mailbox.User} {
		for _, form := range []string{s, base64.RawStdEncoding.EncodeToString([]byte(s))} {
			if strings.Contains(shown, form) {
				t.Errorf("%q is shown: %s", form, shown)
			}
		}
	}
	plain := base64.RawStdEncoding.EncodeToString([]byte("\x00" + mailbox.User + "\x00" + mailbox.Password))
	if strings.Contains(shown, plain) {
		t.Errorf("the login is shown: %s", shown)
	}
}

// TestFaults has a server fail at every step.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + mailbox.User + "\x00" + mailbox.Password))
	echo := "you said " + mailbox.User + " " + mailbox.Password + " " + plain + " " + base64.StdEncoding.EncodeToString([]byte(mailbox.Password)) + "\x1b[31m\x00" + strings.Repeat("é", 5000)
	for name, v := range map[string]struct {
		says map[string]string
		want export.Fault // without its message
		in   string       // which is in it
	}{
		"greeting 421":           {map[string]string{"greeting": "421 too busy"}, export.Fault{Step: "connect", Class: "protocol", Status: 421}, "421 too busy"},
		"greeting 554":           {map[string]string{"greeting": "554 go away"}, export.Fault{Step: "connect", Class: "denied", Status: 554, Permanent: true}, "go away"},
		"no mail server":         {map[string]string{"greeting": "HTTP/1.1 400 Bad Request"}, export.Fault{Step: "connect", Class: "protocol"}, "as a mail server does"},
		"hangs up":               {map[string]string{"EHLO": "hang up"}, export.Fault{Step: "connect", Class: "reset"}, "closed the connection"},
		"no TLS":                 {map[string]string{"EHLO": "250-hello\r\n250 AUTH PLAIN"}, export.Fault{Step: "tls", Class: "tls", Permanent: true}, "offers no TLS"},
		"old, so no TLS":         {map[string]string{"EHLO": "502 what?"}, export.Fault{Step: "tls", Class: "tls", Permanent: true}, "offers no TLS"},
		"TLS not now":            {map[string]string{"STARTTLS": "454 not now"}, export.Fault{Step: "tls", Class: "protocol", Status: 454}, "454 not now"},
		"TLS not at all":         {map[string]string{"STARTTLS": "502 no"}, export.Fault{Step: "tls", Class: "tls", Status: 502, Permanent: true}, "refused TLS: 502 no"},
		"TLS cut":                {map[string]string{"STARTTLS": "hang up"}, export.Fault{Step: "tls", Class: "reset"}, "closed the connection"},
		"no login that is known": {map[string]string{"EHLO": "250-hello\r\n250-STARTTLS\r\n250 AUTH XOAUTH2 NTLM SCRAM-SHA-256"}, export.Fault{Step: "login", Class: "login", Permanent: true}, "takes no login"},
		"only CRAM-MD5":          {map[string]string{"EHLO": "250-hello\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5", "AUTH": "334 PDEyMz4="}, export.Fault{Step: "login", Class: "login", Status: 500, Permanent: true}, "refused the login"},
		"no login":               {map[string]string{"EHLO": "250-hello\r\n250 STARTTLS"}, export.Fault{Step: "login", Class: "login", Permanent: true}, "takes no login"},
		"echoes the password":    {map[string]string{"AUTH": "535 " + echo}, export.Fault{Step: "login", Class: "login", Status: 535, Permanent: true}, "you said … …"},
		"echoes it later":        {map[string]string{"MAIL": "550-" + echo + "\r\n550 that was it"}, export.Fault{Step: "send", Class: "denied", Status: 550, Permanent: true}, "you said … …"},
		"login 454":              {map[string]string{"AUTH": "454 later"}, export.Fault{Step: "login", Class: "protocol", Status: 454}, "454 later"},
		"login cut":              {map[string]string{"AUTH": "hang up"}, export.Fault{Step: "login", Class: "reset"}, "closed"},
		"MAIL 451":               {map[string]string{"MAIL": "451 later"}, export.Fault{Step: "send", Class: "protocol", Status: 451}, "later"},
		"RCPT 450":               {map[string]string{"RCPT": "450 later"}, export.Fault{Step: "send", Class: "protocol", Status: 450}, "The recipient <editor@example.org> was not taken, so nothing was sent"},
		"RCPT 550":               {map[string]string{"RCPT": "550 who?"}, export.Fault{Step: "send", Class: "denied", Status: 550, Permanent: true}, "550 who?"},
		"RCPT 452":               {map[string]string{"RCPT": "452 full"}, export.Fault{Step: "send", Class: "space", Status: 452}, "no room"},
		"DATA 451":               {map[string]string{"DATA": "451 later"}, export.Fault{Step: "send", Class: "protocol", Status: 451}, "later"},
		"DATA 554":               {map[string]string{"DATA": "554 no"}, export.Fault{Step: "send", Class: "denied", Status: 554, Permanent: true}, "no"},
		"mail 451":               {map[string]string{".": "451 later"}, export.Fault{Step: "send", Class: "protocol", Status: 451}, "later"},
		"mail 571":               {map[string]string{".": "571 spam"}, export.Fault{Step: "send", Class: "protocol", Status: 571, Permanent: true}, "571 spam"},
		"mail 552":               {map[string]string{".": "552 too large"}, export.Fault{Step: "send", Class: "space", Status: 552}, "no room"},
		"lost before the answer": {map[string]string{".": "hang up"}, export.Fault{Step: "send", Class: "reset", Unknown: true}, "may have been taken"},
		"lost before the mail":   {map[string]string{"DATA": "hang up"}, export.Fault{Step: "send", Class: "reset"}, "closed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := saying(v.says)
			_, err := w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate))), nil))
			got := *faultOf(t, err)
			message := got.Message
			if got.Message = ""; got != v.want {
				t.Errorf("got %+v (%s), want %+v", got, message, v.want)
			}
			if !strings.Contains(message, v.in) || len([]rune(message)) > 400 || strings.ContainsAny(message, "\x00\x1b\n") {
				t.Errorf("the message %q, not with %q", message, v.in)
			}
			secret(t, message)
			if clear := s.clear(); strings.Contains(clear, "AUTH") || strings.Contains(clear, plain) || strings.Contains(clear, "MAIL") {
				t.Errorf("in clear: %q", clear)
			}
		})
	}
}

// TestNothingAfterTLSFailed in clear, whose certificate nobody vouches for.
func TestNothingAfterTLSFailed(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	s := saying(nil)
	_, err := w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, other.certificate))), nil))
	if f := faultOf(t, err); f.Step != "tls" || f.Class != "tls" || !f.Permanent || !strings.Contains(f.Message, "certificate") {
		t.Errorf("%+v", *f)
	}
	<-s.over
	if got := s.verbs(); !slices.Equal(got[:2], []string{"EHLO", "STARTTLS"}) || slices.ContainsFunc(got[2:], func(v string) bool { return v != "x" }) {
		t.Errorf("the server heard %q", got)
	}
}

// TestAnswerBeforeTLS is of whoever stands in between, and counts for nothing
// (CVE-2021-38371 is such a fault).
func TestAnswerBeforeTLS(t *testing.T) {
	w := newWorld(t)
	s := saying(map[string]string{"STARTTLS": "220 go on\r\n250 AUTH CRAM-MD5"})
	_, err := w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate))), nil))
	if err != nil && faultOf(t, err).Step != "tls" {
		t.Error(err)
	}
	if err == nil && !slices.Equal(s.verbs()[:4], []string{"EHLO", "STARTTLS", "EHLO", "AUTH"}) {
		t.Errorf("the server heard %q", s.verbs())
	}
}

// TestAcceptedIsAccepted, whatever comes after.
func TestAcceptedIsAccepted(t *testing.T) {
	w := newWorld(t)
	for _, quit := range []string{"421 oops", "hang up", "550 no"} {
		s := saying(map[string]string{"QUIT": quit})
		if _, err := w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate))), nil)); err != nil {
			t.Errorf("QUIT %s: %v", quit, err)
		}
	}
}

// TestSilence at every step ends by itself, and does not hang after that.
func TestSilence(t *testing.T) {
	w := newWorld(t)
	for verb, step := range map[string]string{
		"greeting": "connect", "EHLO": "connect", "STARTTLS": "tls", "AUTH": "login", "MAIL": "send", "RCPT": "send", "DATA": "send", ".": "send", "QUIT": "",
	} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			s, stall := saying(map[string]string{verb: "be silent"}), 2*time.Second
			if verb == "QUIT" { // has a time of its own
				stall = time.Hour
			}
			_, err := w.impatient(stall).Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate))), nil))
			if verb == "QUIT" {
				must(t, err)
				return
			}
			if f := faultOf(t, err); f.Step != step || f.Class != "timeout" || f.Permanent || f.Unknown != (verb == ".") {
				t.Errorf("%+v", *f)
			}
			<-s.over // it has hung up
		})
	}
}

// TestCancel ends a try that waits, at once, and hangs up.
func TestCancel(t *testing.T) {
	w := newWorld(t)
	for _, verb := range []string{"greeting", "STARTTLS", "AUTH", "."} {
		s := saying(map[string]string{verb: "be silent"})
		port := s.start(t, w.certificate)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := w.impatient(time.Hour).Carry(ctx, parcel(given(t, settings(port)), nil))
			done <- err
		}()
		<-s.silent
		cancel()
		if f := faultOf(t, <-done); f.Class != "reset" || f.Permanent || f.Unknown != (verb == ".") {
			t.Errorf("%s: %+v", verb, *f)
		}
		<-s.over
	}
}

// TestTalkative servers are left, before they fill the memory.
func TestTalkative(t *testing.T) {
	w := newWorld(t)
	for verb, text := range map[string]string{"greeting": "220-" + strings.Repeat("x", 4000) + "\r\n", "EHLO": strings.Repeat("x", 4000), "MAIL": "550-no\r\n"} {
		s := saying(nil)
		s.endless = map[string]string{verb: text}
		_, err := w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate))), nil))
		if f := faultOf(t, err); f.Class != "protocol" || f.Permanent {
			t.Errorf("%s: %+v", verb, *f)
		}
	}
}

// TestLostInTheMiddle is not unknown: a mail without its end is none.
func TestLostInTheMiddle(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	p := parcel(given(t, settings(b.Addr.Port, with{"attach": true})), make([]byte, 8<<20))
	ctx, cancel := context.WithCancel(t.Context())
	p.Sent = func(n int64) {
		if n > 4<<20 {
			cancel()
		}
	}
	_, err := w.carrier.Carry(ctx, p)
	if f := faultOf(t, err); f.Unknown || f.Permanent || f.Step != "send" {
		t.Errorf("%+v", *f)
	}
}

// TestProbe tells its steps in order.
func TestProbe(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	implicit := w.box(t, &mailbox.Box{Implicit: true})
	for name, v := range map[string]struct {
		all  with
		want []string
		sent int
	}{
		"recipients":         {settings(b.Addr.Port), []string{"settings", "connect", "tls", "login", "send"}, 1},
		"implicit":           {settings(implicit.Addr.Port, with{"secure": "implicit"}), []string{"settings", "connect", "tls", "login", "send"}, 0},
		"no recipients":      {settings(b.Addr.Port, with{"to": nil, "from": nil, "subject": nil, "message": nil}), []string{"settings", "connect", "tls", "login"}, 0},
		"no text is needed":  {settings(b.Addr.Port, with{"subject": nil, "message": nil}), []string{"settings", "connect", "tls", "login", "send"}, 1},
		"settings not right": {settings(b.Addr.Port, with{"port": "x"}), []string{"settings"}, 0},
	} {
		before := len(b.Mails())
		var got []string
		err := w.carrier.Probe(t.Context(), given(t, v.all), func(step string) { got = append(got, step) })
		if (err != nil) != (name == "settings not right") {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(v.want, got); diff != "" || len(b.Mails())-before != v.sent {
			t.Errorf("%s: %d mails; %s", name, len(b.Mails())-before, diff)
		}
	}
}

// TestOperator is reached wherever it is; a connection's own server is under the
// policy.
func TestOperator(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	o := w.carrier.Options
	o.Policy.AllowNetworks = nil
	var err error
	o.Server, err = ParseServer(fmt.Sprintf("smtp://%s:%s@127.0.0.1:%d", mailbox.User, mailbox.Password, b.Addr.Port))
	must(t, err)
	c := New(o)
	all := settings(b.Addr.Port, with{"host": nil, "port": nil, "username": nil, "password": nil, "from": "Studio <boss@bank.example>"})
	_, err = c.Carry(t.Context(), parcel(given(t, all), nil))
	must(t, err)
	if from := b.Mails()[0].Header.Get("From"); from != `"Studio" <videos@example.org>` {
		t.Errorf("from %s", from)
	}
	_, err = c.Carry(t.Context(), parcel(given(t, settings(b.Addr.Port)), nil))
	if f := faultOf(t, err); f.Class != "blocked" || f.Step != "connect" || !f.Permanent {
		t.Errorf("%+v", *f)
	}
	plan, err := c.Plan(given(t, all))
	must(t, err)
	secret(t, fmt.Sprintf("%+v", plan))
	if len(b.Mails()) != 1 {
		t.Errorf("%d mails", len(b.Mails()))
	}
}
