package email

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/mailbox"
)

// TestOtherSize never has part of a movie, or more than it, pass for the movie.
func TestOtherSize(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	for _, size := range []int{0, 50_000, 99_999, 100_001, maxAttachment + 1} {
		p := parcel(given(t, settings(b.Addr.Port, with{"attach": true})), make([]byte, 100_000))
		p.Open = func() (io.ReadSeekCloser, error) { return file{bytes.NewReader(make([]byte, size))}, nil }
		_, err := w.carrier.Carry(t.Context(), p)
		if f := faultOf(t, err); f.Class != "error" || f.Permanent || f.Unknown {
			t.Errorf("%d bytes: %+v", size, *f)
		}
	}
	w.sent(t, b, parcel(given(t, settings(b.Addr.Port)), nil)) // by now the others would have come
	if n := len(b.Mails()); n != 1 {
		t.Errorf("%d mails arrived", n)
	}
}

// TestInternational addresses go to no server that does not take them, and their
// fault names which it was.
func TestInternational(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"to", "cc", "bcc", "from", "reply-to"} {
		more := with{name: "jörg@example.org"}
		s := saying(nil)
		_, err := w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate), more)), nil))
		f := faultOf(t, err)
		if f.Step != export.StepSend || f.Class != "protocol" || !f.Permanent || !strings.Contains(f.Message, "jörg@example.org") {
			t.Errorf("%s: %+v", name, *f)
		}
		if slices.Contains(s.verbs(), "MAIL") {
			t.Errorf("%s: a mail was begun", name)
		}
		s = saying(map[string]string{"EHLO": ok["EHLO"] + "\r\n250 SMTPUTF8"})
		s.says["EHLO"] = strings.Replace(s.says["EHLO"], "250 AUTH", "250-AUTH", 1)
		_, err = w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate), more)), nil))
		must(t, err)
	}
}

// TestOperatorsDomain travels as ASCII, in the sender and in the id.
func TestOperatorsDomain(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	o := w.carrier.Options
	o.From = "Videos <videos@münchen.example>"
	var err error
	o.Server, err = ParseServer(fmt.Sprintf("smtp://%s:%s@127.0.0.1:%d", mailbox.User, mailbox.Password, b.Addr.Port))
	must(t, err)
	all := settings(b.Addr.Port, with{"host": nil, "port": nil, "username": nil, "password": nil, "from": "News <news@münchen.example>"})
	r, err := New(o).Carry(t.Context(), parcel(given(t, all), nil))
	must(t, err)
	m := b.Mails()[0]
	if from := m.Header.Get("From"); from != `"News" <news@xn--mnchen-3ya.example>` {
		t.Errorf("from %s", from)
	}
	if id := m.Header.Get("Message-ID"); id != r.ID || id != "<part1q@xn--mnchen-3ya.example>" {
		t.Errorf("the id %s, not %s", id, r.ID)
	}
}

// TestOperatorsLogin is not the client's to correct.
func TestOperatorsLogin(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{Login: func(string, string) error { return refusal(535) }})
	o := w.carrier.Options
	var err error
	o.Server, err = ParseServer(fmt.Sprintf("smtp://%s:%s@127.0.0.1:%d", mailbox.User, mailbox.Password, b.Addr.Port))
	must(t, err)
	all := settings(b.Addr.Port, with{"host": nil, "port": nil, "username": nil, "password": nil})
	_, err = New(o).Carry(t.Context(), parcel(given(t, all), nil))
	f := faultOf(t, err)
	if f.Step != export.StepLogin || f.Class != "login" || !strings.Contains(f.Message, "--smtp") || strings.Contains(f.Message, `"password"`) {
		t.Errorf("%+v", *f)
	}
	secret(t, f.Message)
}

// TestChallenge that makes no sense does not read as if nobody were there.
func TestChallenge(t *testing.T) {
	w := newWorld(t)
	s := saying(map[string]string{"AUTH": "334 !!!!"})
	_, err := w.carrier.Carry(t.Context(), parcel(given(t, settings(s.start(t, w.certificate))), nil))
	if f := faultOf(t, err); f.Step != export.StepLogin || f.Class != "protocol" || f.Permanent {
		t.Errorf("%+v", *f)
	}
}
