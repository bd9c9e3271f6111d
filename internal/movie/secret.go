package movie

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Redacted stands in the place of a secret.
const Redacted = "(redacted)"

// The names of settings that are secrets, without dashes: secretNames whole,
// secretEnds also behind something else, as in smtp-password.
var (
	secretNames = map[string]bool{"pass": true, "pwd": true, "auth": true, "bearer": true, "basic": true, "cookie": true, "headers": true}
	secretEnds  = []string{"password", "passwd", "passphrase", "secret", "token", "authorization", "credential", "credentials",
		"privatekey", "secretkey", "secretaccesskey", "clientkey", "apikey", "signingkey", "accountkey"}
)

// addressNames are the settings whose user name and query may be secret.
var addressNames = map[string]bool{"endpoint": true, "url": true, "proxy": true}

// Name is how the name of a setting is read: in lower case, with dashes.
func Name(name string) string { return normalKey(name) }

// Secret tells whether a destination's setting of a name is a secret. Of "headers"
// the values are, not their names.
func Secret(name string) bool {
	name = strings.ReplaceAll(normalKey(name), "-", "")
	return secretNames[name] || slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

// Show is a setting as it may be shown: a secret as "(redacted)", of headers each
// value, of an address its query and user name, and the same inside of objects and
// lists. hidden tells that it differs from the setting, which may also be one that
// was shown before.
func Show(name string, value []byte) (shown json.RawMessage, hidden bool) {
	c := cutter{doc: value, swap: func(_, shown []byte) ([]byte, bool) { return shown, true }}
	switch c.space(); {
	case !c.setting(name, 1):
		return json.RawMessage(`"` + Redacted + `"`), true
	case c.out == nil:
		return value, false
	}
	return c.rest(), true
}

// Hide takes what is secret out of the exports of a document that Parse accepts:
// all that Show would not show, at any depth. Everything else stays byte for byte.
// secrets is a JSON array of the values that were taken, in their order and as
// they were written; it is nil when there are none, and shown is then the document
// itself. Whatever text of the exports has "(redacted)" in it is taken too, so
// that Reveal needs to know no names: the next release may have others.
func Hide(doc []byte) (shown, secrets []byte) {
	c := cutter{doc: doc, swap: func(value, shown []byte) ([]byte, bool) {
		if secrets == nil {
			secrets = append(secrets, '[')
		} else {
			secrets = append(secrets, ',')
		}
		secrets = append(secrets, value...)
		return shown, true
	}}
	if !c.document() || secrets == nil {
		return doc, nil
	}
	if secrets = append(secrets, ']'); !json.Valid(secrets) {
		return doc, nil // no movie
	}
	return c.rest(), secrets
}

var errReveal = errors.New("the secrets are not those of this document")

// Reveal is the document that Hide was given.
func Reveal(shown, secrets []byte) ([]byte, error) {
	if len(secrets) == 0 {
		return shown, nil
	}
	var values []json.RawMessage
	if json.Unmarshal(secrets, &values) != nil {
		return nil, errReveal
	}
	c := cutter{doc: shown, nameless: true, swap: func(_, _ []byte) ([]byte, bool) {
		if len(values) == 0 {
			return nil, false
		}
		next := values[0]
		values = values[1:]
		return next, true
	}}
	if !c.document() || len(values) > 0 {
		return nil, errReveal
	}
	return c.rest(), nil
}

// showAddress hides what may be secret of an address; ok is false when nothing is.
// One that cannot be read is hidden whole: nobody knows what is where in it.
func showAddress(address string) (shown string, ok bool) {
	address = strings.TrimSpace(address)
	base, tail := address, ""
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		base, tail = address[:i], address[i:i+1]+Redacted
	}
	scheme, rest, found := strings.Cut(base, "://")
	if found {
		scheme += "://"
	} else {
		scheme, rest = "", base
	}
	host, path, _ := strings.Cut(rest, "/")
	if _, err := url.Parse("//" + host); err != nil || base == Redacted || !found && strings.Contains(path, "@") {
		return Redacted, true
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		return scheme + Redacted + base[len(scheme)+i:] + tail, true
	}
	return base + tail, tail != ""
}

// cutter goes through a JSON text once and puts others in the places of some of
// its values. It reads keys and brackets and passes over everything else, for it
// is on the way of every movie that is accepted: a text that is not JSON it may
// take for one. Its methods return false where it cannot go on.
type cutter struct {
	doc []byte
	at  int // of the next byte
	// nameless has it look for what is marked only, whatever its name.
	nameless bool
	// swap is called for each value that is secret, with how it would be shown, and
	// returns what is put there.
	swap func(value, shown []byte) (with []byte, ok bool)
	// out is what has been written; the document is copied up to from.
	out  []byte
	from int
}

// rest is the whole text, once all has been read.
func (c *cutter) rest() []byte { return append(c.out, c.doc[c.from:]...) }

func (c *cutter) document() bool {
	if bytes.HasPrefix(c.doc, []byte("\xef\xbb\xbf")) {
		c.at = 3
	}
	c.space()
	return c.items('{', '}', func() bool {
		name, ok := c.name()
		if !ok {
			return false
		}
		if normalKey(name) == "exports" {
			return c.tree(1)
		}
		return c.skip()
	})
}

// tree is a value that may hold settings somewhere.
func (c *cutter) tree(depth int) bool {
	switch {
	case depth > maxDepth:
		return false
	case c.next('['):
		return c.items('[', ']', func() bool { return c.tree(depth + 1) })
	case c.next('{'):
		return c.items('{', '}', func() bool {
			name, ok := c.name()
			return ok && c.setting(name, depth+1)
		})
	}
	return c.value(keepMarked)
}

// setting is the value of a setting.
func (c *cutter) setting(name string, depth int) bool {
	name = normalKey(name)
	switch {
	case c.nameless:
	case name == "headers" && c.next('{'):
		return c.items('{', '}', func() bool {
			_, ok := c.name()
			return ok && c.value(hideAll)
		})
	case Secret(name):
		return c.value(hideAll)
	case addressNames[name] && c.next('"'):
		return c.value(hideAddress)
	}
	return c.tree(depth)
}

// value is one that may be secret; hide tells how it is shown, nil when it is not.
func (c *cutter) value(hide func(value []byte) []byte) bool {
	start := c.at
	if !c.skip() {
		return false
	}
	value := c.doc[start:c.at]
	shown := hide(value)
	if shown == nil {
		return true
	}
	with, ok := c.swap(value, shown)
	c.out = append(append(c.out, c.doc[c.from:start]...), with...)
	c.from = c.at
	return ok
}

// keepMarked takes a text that would be taken for a secret afterwards.
func keepMarked(value []byte) []byte {
	if value[0] != '"' || !bytes.Contains(value, []byte(Redacted)) {
		return nil
	}
	return value
}

func hideAll(value []byte) []byte {
	if s := string(value); s == "null" || s == `""` {
		return nil
	}
	return []byte(`"` + Redacted + `"`)
}

func hideAddress(value []byte) []byte {
	var address string
	if json.Unmarshal(value, &address) != nil {
		return hideAll(value)
	}
	shown, ok := showAddress(address)
	if !ok {
		return keepMarked(value)
	}
	text, err := encode(shown)
	if err != nil {
		return hideAll(value)
	}
	return text
}

// items are what stands between two brackets, with commas between.
func (c *cutter) items(open, closing byte, item func() bool) bool {
	if !c.take(open) {
		return false
	}
	for c.space(); !c.take(closing); c.space() {
		if !item() {
			return false
		}
		if c.space(); !c.take(',') && !c.next(closing) {
			return false
		}
	}
	return true
}

// name is a member's name; its value is next.
func (c *cutter) name() (name string, ok bool) {
	start := c.at
	if !c.text() {
		return "", false
	}
	quoted := c.doc[start:c.at]
	c.space()
	if !c.take(':') {
		return "", false
	}
	c.space()
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), true
	}
	return name, json.Unmarshal(quoted, &name) == nil
}

// skip passes over a value.
func (c *cutter) skip() bool {
	switch {
	case c.next('"'):
		return c.text()
	case c.next('{'), c.next('['):
		return c.nested()
	}
	start := c.at
	for c.at < len(c.doc) && strings.IndexByte(",]}: \t\r\n\"[{", c.doc[c.at]) < 0 {
		c.at++
	}
	return c.at > start
}

// nested passes over an object or a list.
func (c *cutter) nested() bool {
	for depth := 0; c.at < len(c.doc); {
		switch c.doc[c.at] {
		case '"':
			if !c.text() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if c.at++; depth == 0 {
			return true
		}
	}
	return false
}

// text passes over a string.
func (c *cutter) text() bool {
	if !c.take('"') {
		return false
	}
	for {
		i := bytes.IndexByte(c.doc[c.at:], '"')
		if i < 0 {
			return false
		}
		before := c.doc[c.at : c.at+i]
		c.at += i + 1
		if escapes := len(before) - len(bytes.TrimRight(before, `\`)); escapes%2 == 0 {
			return true
		}
	}
}

func (c *cutter) space() {
	for c.at < len(c.doc) && strings.IndexByte(" \t\r\n", c.doc[c.at]) >= 0 {
		c.at++
	}
}

func (c *cutter) next(b byte) bool { return c.at < len(c.doc) && c.doc[c.at] == b }

func (c *cutter) take(b byte) bool {
	if !c.next(b) {
		return false
	}
	c.at++
	return true
}
