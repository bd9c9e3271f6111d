package email

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gomail "github.com/wneessen/go-mail"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/mailbox"
)

// part is a part of a mail, decoded.
type part struct{ Type, File, Content string }

// parts reads a mail's body as a mail program does.
func parts(t testing.TB, header interface{ Get(string) string }, body io.Reader) (all []part) {
	t.Helper()
	typ, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	must(t, err)
	if strings.HasPrefix(typ, "multipart/") {
		all = []part{{Type: typ}}
		for r := multipart.NewReader(body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return all
			}
			must(t, err)
			all = append(all, parts(t, p.Header, p)...)
		}
	}
	switch header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
		defer func() { all[0].Content = strings.ReplaceAll(all[0].Content, "\r\n", "\n") }()
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	default:
		t.Errorf("the encoding %q", header.Get("Content-Transfer-Encoding"))
	}
	content, err := io.ReadAll(body)
	must(t, err)
	_, disposition, _ := mime.ParseMediaType(header.Get("Content-Disposition"))
	return []part{{typ, decoded(t, disposition["filename"]), string(content)}}
}

func decoded(t testing.TB, header string) string {
	t.Helper()
	text, err := (&mime.WordDecoder{}).DecodeHeader(header)
	must(t, err)
	return text
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file is a movie in memory.
type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func parcel(s export.Settings, content []byte) export.Parcel {
	return export.Parcel{
		Settings: s, Size: int64(len(content)), Name: "Füße 1.mp4", Type: "video/mp4", Part: "part1q", Sent: func(int64) {},
		Open: func() (io.ReadSeekCloser, error) { return file{bytes.NewReader(content)}, nil },
	}
}

// sent brings a parcel and returns what arrived.
func (w *world) sent(t testing.TB, b *mailbox.Box, p export.Parcel) (mailbox.Mail, export.Receipt) {
	t.Helper()
	before := len(b.Mails())
	r, err := w.carrier.Carry(t.Context(), p)
	must(t, err)
	all := b.Mails()
	if len(all) != before+1 {
		t.Fatalf("%d mails arrived", len(all)-before)
	}
	return all[before], r
}

// text is what has been hard for a mail: long lines, dots at their begin, endings.
var text = "Grüße,\n\n.\n..two dots\n.a dot\n\tand a tab   \nFrom here\n=20 100%\n" + strings.Repeat("long ", 2000) + "\n" + strings.Repeat("ü", 1500) + "\n\nBye"

// TestLetter reads what arrived with the standard library.
func TestLetter(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	movie := bytes.Repeat([]byte("\r\n.\r\nmovie\x00\xff"), 300_000)
	m, r := w.sent(t, b, parcel(given(t, settings(b.Addr.Port, with{
		"to": []string{`"Löwe, Anna" <anna@example.org>`, "b@münchen.example"}, "cc": "c@example.org, d@example.org", "bcc": "hidden@example.org",
		"reply-to": "Büro <office@example.org>", "subject": "  Der Film „Füße“\r\n ist\tfertig " + strings.Repeat("🎬 sehr ", 40),
		"message": text, "html": "<p>" + text + "</p>", "attach": true,
	})), movie))

	header := func(name string) string { return decoded(t, m.Header.Get(name)) }
	got := map[string]any{"id": r.ID, "envelope": m.To}
	for _, name := range []string{"Subject", "From", "To", "Cc", "Bcc", "Reply-To", "Message-ID", "Auto-Submitted", "User-Agent", "MIME-Version"} {
		got[name] = header(name)
	}
	want := map[string]any{
		"id": "<part1q@example.org>", "envelope": []string{"anna@example.org", "b@xn--mnchen-3ya.example", "c@example.org", "d@example.org", "hidden@example.org"},
		"Subject": strings.TrimSpace("Der Film „Füße“ ist fertig " + strings.Repeat("🎬 sehr ", 40)), "From": "Rüdiger <r@example.org>",
		"To": "Löwe, Anna <anna@example.org>, <b@xn--mnchen-3ya.example>", "Cc": "<c@example.org>, <d@example.org>", "Bcc": "",
		"Reply-To": "Büro <office@example.org>", "Message-ID": r.ID, "Auto-Submitted": "auto-generated", "User-Agent": "Reelhook/1", "MIME-Version": "1.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers: %s", diff)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Errorf("the date: %v", err)
	}
	wantParts := []part{
		{Type: "multipart/mixed"}, {Type: "multipart/alternative"}, {"text/plain", "", text}, {"text/html", "", "<p>" + text + "</p>"},
		{"video/mp4", "Füße 1.mp4", string(movie)},
	}
	if diff := cmp.Diff(wantParts, parts(t, m.Header, strings.NewReader(m.Body))); diff != "" {
		t.Errorf("parts: %.2000s", diff)
	}
	for line := range strings.SplitSeq(m.Body, "\n") {
		if len(line) > 79 {
			t.Errorf("a line of %d bytes: %.100q", len(line), line)
		}
	}
}

// TestHiddenIsNowhere looks at all that arrived.
func TestHiddenIsNowhere(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	m, _ := w.sent(t, b, parcel(given(t, settings(b.Addr.Port, with{"bcc": "hidden@example.org"})), nil))
	for name, values := range m.Header {
		if strings.Contains(strings.Join(values, " "), "hidden") {
			t.Errorf("%s names who is hidden", name)
		}
	}
}

// TestMessageID is the same over tries, and no other parcel's.
func TestMessageID(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	p := parcel(given(t, settings(b.Addr.Port)), nil)
	one, _ := w.sent(t, b, p)
	again, _ := w.sent(t, b, p)
	p.Part = "part2q"
	other, _ := w.sent(t, b, p)
	id := func(m mailbox.Mail) string { return m.Header.Get("Message-ID") }
	if id(one) != id(again) || id(one) == id(other) {
		t.Errorf("the ids %s, %s, %s", id(one), id(again), id(other))
	}
}

// TestLargeFile is left out, and the mail says so, in both its texts.
func TestLargeFile(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	for _, v := range []struct {
		size int64
		want bool
	}{{maxAttachment, true}, {maxAttachment + 1, false}} {
		p := parcel(given(t, settings(b.Addr.Port, with{"attach": true, "html": "<b>Done</b>"})), make([]byte, v.size))
		var last int64
		p.Sent = func(n int64) { last = n }
		m, _ := w.sent(t, b, p)
		all := parts(t, m.Header, strings.NewReader(m.Body))
		attached := all[len(all)-1].Type == "video/mp4"
		said := strings.Count(m.Body, "is not attached")
		if attached != v.want || (said == 2) == v.want || last != v.size {
			t.Errorf("%d bytes: attached %t, said %d times, sent %d", v.size, attached, said, last)
		}
	}
}

// TestFileIsGone must not end in half a file that is taken for the whole.
func TestFileIsGone(t *testing.T) {
	w := newWorld(t)
	b := w.box(t, &mailbox.Box{})
	p := parcel(given(t, settings(b.Addr.Port, with{"attach": true})), make([]byte, 1<<20))
	for name, open := range map[string]func() (io.ReadSeekCloser, error){
		"at once":       func() (io.ReadSeekCloser, error) { return nil, errors.New("gone: /secret/path") },
		"in the middle": func() (io.ReadSeekCloser, error) { return &broken{Reader: bytes.NewReader(make([]byte, 1<<20))}, nil },
	} {
		p.Open = open
		_, err := w.carrier.Carry(t.Context(), p)
		f := faultOf(t, err)
		if f.Class != "error" || f.Permanent || f.Unknown || strings.Contains(f.Message, "/secret") {
			t.Errorf("%s: %+v", name, *f)
		}
	}
	w.sent(t, b, parcel(given(t, settings(b.Addr.Port)), nil)) // by now the others would have come
	if n := len(b.Mails()); n != 1 {
		t.Errorf("%d mails arrived", n)
	}
}

// broken fails after half a megabyte.
type broken struct {
	*bytes.Reader
	closed bool
}

func (b *broken) Read(p []byte) (int, error) {
	if b.Len() < 512<<10 {
		return 0, errors.New("the disk is gone")
	}
	return b.Reader.Read(p)
}

func (b *broken) Close() error {
	b.closed = true
	return nil
}

func faultOf(t testing.TB, err error) *export.Fault {
	t.Helper()
	var f *export.Fault
	if !errors.As(err, &f) {
		t.Fatalf("no fault: %v", err)
	}
	return f
}

// FuzzHeaders has no way to get a line into a mail's head.
func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{
		"x\r\nBcc: evil@example.org", "=?utf-8?q?x=0D=0ABcc:=20evil@example.org?= <a@example.org>", "\"a\r\n b\" <a@example.org>", "a@example.org\nX-Evil: 1",
		"\"a> BODY=8BITMIME\r\nRSET\"@example.org", "\x00", "a@example.org, b@example.org", "\u2028X-Evil: 1", "=?x?=", "<@a,@b:c@example.org>", "grp: a@example.org;", "(c\r\n) a@example.org",
	} {
		f.Add(seed, seed, seed)
	}
	c := New(Options{Policy: loopbackPolicy()})
	f.Fuzz(func(t *testing.T, subject, address, name string) {
		d, err := c.read(given(t, settings(25, with{"subject": subject, "to": address, "cc": []string{address}, "from": address, "reply-to": name + " <r@example.org>"})))
		if err != nil {
			return
		}
		p := parcel(nil, nil)
		p.Name, p.Size = name, 1
		tr := c.begin(t.Context(), d, nil)
		m := tr.letter(d.subject, d.text)
		var out bytes.Buffer
		m.SetAttachments([]*gomail.File{attachment(&out, strings.NewReader("x"), p)})
		if _, err := m.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		got, err := mail.ReadMessage(&out)
		if err != nil {
			t.Fatalf("no mail: %v", err)
		}
		for key := range got.Header {
			if !strings.Contains("Auto-Submitted Cc Content-Type Date From Message-Id Mime-Version Reply-To Subject To User-Agent X-Mailer", key) {
				t.Errorf("the header %q", key)
			}
		}
		recipients, err := m.GetRecipients()
		must(t, err)
		for _, r := range recipients {
			if strings.ContainsAny(r, "\r\n\x00") || !strings.HasPrefix(r, "<") || !strings.HasSuffix(r, ">") {
				t.Errorf("the recipient %q", r)
			}
		}
		if n := len(parts(t, got.Header, got.Body)); n != 3 {
			t.Errorf("%d parts", n)
		}
	})
}
