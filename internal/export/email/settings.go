package email

import (
	"cmp"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"github.com/reelhook/reelhook/internal/export"
)

// The bounds of what a destination may ask for.
const (
	maxRecipients = 50
	maxSubject    = 998 // bytes, RFC 5322, section 2.1.1
	maxText       = 1 << 20
	maxSetting    = 256 << 10
)

// destination is what settings say.
type destination struct {
	server
	from, replyTo      *mail.Address
	to, cc, bcc        []*mail.Address
	subject, text, web string
	attach             bool
}

// target is the recipients as they may be shown.
func (d *destination) target() string {
	const most = 3
	var names []string
	for _, a := range d.to[:min(most, len(d.to))] {
		names = append(names, url.PathEscape(a.Address))
	}
	if len(d.to) > most {
		names = append(names, fmt.Sprintf("and %d more", len(d.to)-most))
	}
	return "mailto:" + strings.Join(names, ",")
}

// read reads settings. The error is a Refusal.
func (c *Carrier) read(s export.Settings) (*destination, error) {
	d, err := c.readEnvelope(s)
	switch {
	case err != nil:
		return nil, err
	case len(d.to) == 0:
		return nil, export.Refusal(`The email has no recipient; set "to" to an address or a list of them`)
	}
	return d, readWords(s, d)
}

// readEnvelope reads by whom and to whom a mail goes, which may be nobody.
func (c *Carrier) readEnvelope(s export.Settings) (*destination, error) {
	for _, name := range []string{"to", "cc", "bcc", "from", "reply-to", "subject", "ca", "host", "username", "password"} {
		if len(s[name]) > maxSetting {
			return nil, export.Refusal(fmt.Sprintf(`"%s" is longer than %d bytes`, name, maxSetting))
		}
	}
	d := &destination{}
	if err := c.readServer(s, d); err != nil {
		return nil, err
	}
	if err := readRecipients(s, d); err != nil {
		return nil, err
	}
	if len(d.to) == 0 {
		return d, nil
	}
	return d, c.readSender(s, d)
}

func readWords(s export.Settings, d *destination) error {
	d.subject, d.text, d.web, d.attach = s.Text("subject"), s.Text("message"), s.Text("html"), s.Bool("attach", false)
	switch {
	case d.subject == "":
		return export.Refusal(`The email has no subject; set "subject"`)
	case d.text == "":
		return export.Refusal(`The email has no text; set "message"`)
	case len(d.subject) > maxSubject:
		return export.Refusal(fmt.Sprintf(`"subject" is longer than %d bytes`, maxSubject))
	case len(d.text)+len(d.web) > maxText:
		return export.Refusal(fmt.Sprintf(`"message" and "html" may have at most %d bytes together`, maxText))
	}
	d.subject = strings.Join(strings.Fields(d.subject), " ") // a header is one line
	return nil
}

func readRecipients(s export.Settings, d *destination) (err error) {
	if d.to, err = addresses("to", s); err != nil {
		return err
	}
	if d.cc, err = addresses("cc", s); err != nil {
		return err
	}
	if d.bcc, err = addresses("bcc", s); err != nil {
		return err
	}
	if n := len(d.to) + len(d.cc) + len(d.bcc); n > maxRecipients {
		return export.Refusal(fmt.Sprintf("An email may have at most %d recipients, not %d", maxRecipients, n))
	}
	d.replyTo, err = address("reply-to", s)
	return err
}

// address reads one address, nil for none.
func address(name string, s export.Settings) (*mail.Address, error) {
	list, err := addresses(name, s)
	switch {
	case err != nil || len(list) == 0:
		return nil, err
	case len(list) > 1:
		return nil, export.Refusal(fmt.Sprintf(`"%s" must be one address, not %d`, name, len(list)))
	}
	return list[0], nil
}

// addresses reads a list of addresses, or a text of them with commas between.
func addresses(name string, s export.Settings) (all []*mail.Address, err error) {
	if !s.Has(name) {
		return nil, nil
	}
	texts := []string{s.Text(name)}
	if texts[0] == "" {
		texts = s.List(name)
	}
	for _, text := range texts {
		list, err := mail.ParseAddressList(text)
		if err != nil {
			return nil, export.Refusal(fmt.Sprintf(`"%s" must be email addresses, such as editor@example.org`, name))
		}
		all = append(all, list...)
	}
	for _, a := range all {
		if strings.ContainsFunc(a.Address+a.Name, unicode.IsControl) {
			return nil, export.Refusal(fmt.Sprintf(`"%s" holds a line break or another control character`, name))
		}
		if a.Address, err = asciiDomain(a.Address); err != nil {
			return nil, export.Refusal(fmt.Sprintf(`"%s" holds an address whose domain is none`, name))
		}
	}
	return all, nil
}

// ascii is how a domain travels: münchen.example is xn--mnchen-3ya.example.
func ascii(domain string) (string, error) {
	if isASCII(domain) {
		return domain, nil
	}
	return idna.Lookup.ToASCII(domain)
}

// asciiDomain is an address whose domain is as it travels.
func asciiDomain(address string) (string, error) {
	at := strings.LastIndexByte(address, '@') + 1
	host, err := ascii(address[at:])
	return address[:at] + host, err
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// readSender chooses the sender; see the package.
func (c *Carrier) readSender(s export.Settings, d *destination) error {
	asked, err := address("from", s)
	if err != nil {
		return err
	}
	if !d.operators {
		switch {
		case asked != nil:
			d.from = asked
			return nil
		case strings.Contains(d.user, "@"): // most servers' user names are addresses
			if d.from, err = address("username", s); err == nil && d.from != nil {
				return nil
			}
		}
		return export.Refusal(`The email has no sender; set "from"`)
	}
	operator, err := mail.ParseAddress(c.From)
	if err == nil {
		operator.Address, err = asciiDomain(operator.Address)
	}
	if err != nil {
		return export.Refusal("This server has no sender for emails; its operator sets one with --smtp-from")
	}
	d.from = operator
	if asked != nil {
		d.from = &mail.Address{Name: cmp.Or(asked.Name, operator.Name), Address: operator.Address}
		if strings.EqualFold(domain(asked.Address), domain(operator.Address)) {
			d.from.Address = asked.Address
		}
	}
	return nil
}

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// Settings are the names of those that are read of an email, beside export.Shared.
func Settings() []string {
	return []string{
		"to", "cc", "bcc", "from", "reply-to", "subject", "message", "html", "attach", "on",
		"host", "port", "username", "password", "secure", "ca", "file",
	}
}
