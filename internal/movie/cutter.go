package movie

import (
	"bytes"
	"encoding/json"
	"strings"
)

// cutter goes through a JSON text once and puts others in the places of some of
// its values. It reads keys and brackets and passes over everything else, for it
// is on the way of every movie that is accepted: a text that is not JSON it may
// take for one. Its methods return false where it cannot go on.
type cutter struct {
	doc []byte
	at  int // of the next byte
	// nameless has it look for what is marked only, whatever its name.
	nameless bool
	// named are variables that are secret although their names are not.
	named map[string]bool
	// refs is told of variables, and of secrets that may name some; nil is nobody.
	refs *references
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
	return c.next('{') && c.look(0)
}

// look goes through what may hold exports or variables. What it passes over Parse
// does not read either, or hands on as it is.
func (c *cutter) look(depth int) bool {
	switch {
	case depth > maxDepth:
		return false
	case c.next('['):
		return c.items('[', ']', func() bool { return c.look(depth + 1) })
	case !c.next('{'):
		return c.skip()
	}
	return c.members(func(name string) bool {
		switch name = normalKey(name); {
		case name == "exports" && depth == 0:
			return c.tree(1)
		case name == "variables":
			return c.variables(depth + 1)
		case name == "client-data":
			return c.skip()
		}
		return c.look(depth + 1)
	})
}

// variables are those of the movie, of a scene or of an element.
func (c *cutter) variables(depth int) bool {
	if !c.next('{') {
		return c.tree(depth)
	}
	return c.members(func(name string) bool {
		if c.named[name] {
			return c.value(hideAll)
		}
		start := c.at
		if !c.setting(name, depth+1) {
			return false
		}
		c.refs.variable(name, c.doc[start:c.at])
		return true
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
		return c.members(func(name string) bool { return c.setting(name, depth+1) })
	}
	return c.value(keepMarked)
}

// setting is the value of a setting.
func (c *cutter) setting(name string, depth int) bool {
	name = normalKey(name)
	switch {
	case c.nameless:
	case name == "headers" && c.next('{'):
		return c.members(func(string) bool { return c.secret(hideAll) })
	case Secret(name):
		return c.secret(hideAll)
	case addressNames[name] && c.next('"'):
		return c.secret(hideAddress)
	}
	return c.tree(depth)
}

// secret is a value that may name variables, which are secret then.
func (c *cutter) secret(hide func(value []byte) []byte) bool {
	start := c.at
	if !c.value(hide) {
		return false
	}
	c.refs.secret(c.doc[start:c.at])
	return true
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

// members are those of an object; member gets the name of each and reads its value.
func (c *cutter) members(member func(name string) bool) bool {
	return c.items('{', '}', func() bool {
		name, ok := c.name()
		return ok && member(name)
	})
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
