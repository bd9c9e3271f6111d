package movie

import (
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

// Hide takes what is secret out of a document that Parse accepts: of its exports
// all that Show would not show, at any depth; of its variables the same, and those
// that a secret names, directly or by way of others. Everything else stays byte for
// byte. secrets is a JSON array of the values that were taken, in their order and
// as they were written; it is nil when there are none, and shown is then the
// document itself. Whatever text of the exports and variables has "(redacted)" in
// it is taken too, so that Reveal needs to know no names: the next release may have
// others.
func Hide(doc []byte) (shown, secrets []byte) {
	refs := references{variables: map[string][][]byte{}}
	shown, secrets = hide(doc, nil, &refs)
	if named := refs.follow(); len(named) > 0 {
		return hide(doc, named, nil)
	}
	return shown, secrets
}

// hide is Hide where it is known which variables secrets name.
func hide(doc []byte, named map[string]bool, refs *references) (shown, secrets []byte) {
	c := cutter{doc: doc, named: named, refs: refs, swap: func(value, shown []byte) ([]byte, bool) {
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
