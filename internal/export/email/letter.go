package email

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/wneessen/go-mail"

	"github.com/reelhook/reelhook/internal/export"
)

// maxAttachment is how large a file may be that is attached, in bytes: base64 makes
// it a third larger, and many servers take no more than 20 MB.
const maxAttachment = 10 << 20

// letter is a mail with everything but its particulars.
func (t *try) letter(subject, text string) *mail.Msg {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	m.FromMailAddress(t.from)
	m.ToMailAddress(t.to...)
	m.CcMailAddress(t.cc...)
	m.BccMailAddress(t.bcc...) // recipients, but in no header
	if t.replyTo != nil {
		m.ReplyToMailAddress(t.replyTo)
	}
	m.Subject(subject)
	m.SetDate()
	m.SetUserAgent("Reelhook/" + t.carrier.Version)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	m.SetBodyString(mail.TypeTextPlain, text)
	return m
}

// message is the mail about a parcel, and whether its file is to be attached.
func (t *try) message(p export.Parcel) (m *mail.Msg, attach bool) {
	text, web := t.text, t.web
	attach = t.attach && p.Open != nil
	if most := t.room(); attach && p.Size > most {
		attach = false
		why := fmt.Sprintf("The file is not attached: it has %.1f MB, and %.1f are the most.", float64(p.Size)/1e6, float64(most)/1e6)
		text += "\n\n(" + why + ")\n"
		if web != "" {
			web += "\n<p>(" + why + ")</p>\n"
		}
	}
	m = t.letter(t.subject, text)
	if web != "" {
		m.AddAlternativeString(mail.TypeTextHTML, web)
	}
	m.SetMessageIDWithValue(t.id(p))
	return m, attach
}

// room is how large a file may be that is attached, in bytes, as far as the server
// tells how large a mail may be (RFC 1870).
func (t *try) room() int64 {
	_, size := t.session.Extension("SIZE")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n <= 0 {
		return maxAttachment
	}
	words := 3*int64(len(t.text)+len(t.web)) + 8<<10 // at most, with the headers
	return max(0, min(maxAttachment, (n-words)*57/78))
}

// id is the Message-ID without its brackets, the same for every try of a parcel.
func (t *try) id(p export.Parcel) string { return p.Part + "@" + domain(t.from.Address) }

// attachment is a file as a part of a mail that is written to w. The library
// would hold all of it in memory, encoded, before it writes any; so its own writer
// is passed by, which is where it writes everything else to.
func attachment(w io.Writer, file io.Reader, p export.Parcel) *mail.File {
	return &mail.File{
		Name: p.Name, ContentType: mail.ContentType(p.Type), Enc: mail.EncodingB64, Header: map[string][]string{},
		Writer: func(io.Writer) (int64, error) { return 0, encode(w, file, p) },
	}
}

var (
	errLocal = errors.New("the file cannot be read")
	errSize  = errors.New("the file has another size than was said")
)

// encode writes base64 in lines of 76 characters (RFC 2045, section 6.8), and tells
// after each block how many bytes of the file are on their way. A file of another
// size than the parcel says is an error: part of a movie must not pass for it.
func encode(w io.Writer, r io.Reader, p export.Parcel) error {
	const line, lines = 57, 600
	raw, text := make([]byte, line*lines), make([]byte, 0, lines*78)
	for total := int64(0); ; {
		n, err := io.ReadFull(r, raw)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.Join(errLocal, err)
		}
		text = text[:0]
		for piece := range slices.Chunk(raw[:n], line) {
			text = append(base64.StdEncoding.AppendEncode(text, piece), "\r\n"...)
		}
		if _, wrong := w.Write(text); wrong != nil {
			return wrong
		}
		total += int64(n)
		if total > p.Size || err != nil && total < p.Size {
			return errors.Join(errLocal, errSize)
		}
		if p.Sent != nil {
			p.Sent(total)
		}
		if err != nil {
			return nil
		}
	}
}
