package movie

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Locate is where the place that a Fault's path names stands: its key, or in a list
// the item itself. What is missing, or came out of a variable, is where the nearest
// thing around it stands. Lines and columns count from 1, columns in characters.
func (d *Document) Locate(path string) (line, column int) {
	if d.places == nil {
		d.places = newMap(d.data)
	}
	return d.places.locate(path)
}

// textMap is where everything in a document stands. It is made once for all faults,
// for the text may be long and they may be many.
type textMap struct {
	data []byte
	root spot
}

// spot is a value in a text.
type spot struct {
	// at is its offset, or that of its key.
	at      int
	members []member
	items   []spot
}

// member is a value under a key. A path may name it as it was written or as it is
// read, and either cut short.
type member struct {
	names []string
	spot
}

func newMember(key string, value spot) member {
	m := member{[]string{key}, value}
	for _, name := range []string{normalKey(key), short(key), short(normalKey(key))} {
		if !slices.Contains(m.names, name) {
			m.names = append(m.names, name)
		}
	}
	return m
}

// newMap maps a text that document accepts. Of any other it knows what comes before
// the mistake.
func newMap(data []byte) *textMap {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	m := &mapper{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
	m.dec.UseNumber()
	return &textMap{data, m.value(0)}
}

func (m *textMap) locate(path string) (line, column int) {
	at := m.root.find(path).at
	before := m.data[:at]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// find follows a path as far as it leads.
func (s spot) find(path string) spot {
	if path == "" {
		return s
	}
	if path[0] == '[' {
		index, rest, ok := cutIndex(path)
		switch {
		case !ok:
			return s
		case index < len(s.items):
			return s.items[index].find(rest)
		case index == 0 && s.members != nil: // a lone object is a list of one
			return s.find(rest)
		}
		return s
	}
	if inner, rest, ok := s.member(strings.TrimPrefix(path, ".")); ok {
		return inner.find(rest)
	}
	return s
}

// cutIndex takes an index off a path, and what stands in brackets behind it: that
// says which copy of a scene it is.
func cutIndex(path string) (index int, rest string, ok bool) {
	inside, rest, closed := strings.Cut(path[1:], "]")
	index, err := strconv.Atoi(inside)
	if !closed || err != nil || index < 0 {
		return 0, "", false
	}
	if strings.HasPrefix(rest, "(") {
		if _, behind, closed := strings.Cut(rest, ")"); closed {
			rest = behind
		}
	}
	return index, rest, true
}

// member is the one that a path begins with. Keys may have dots and brackets in
// them, so the longest that fits is meant; of equal ones the last counts.
func (s spot) member(path string) (found spot, rest string, ok bool) {
	longest := -1
	for _, m := range s.members {
		for _, name := range m.names {
			behind, fits := strings.CutPrefix(path, name)
			if fits && len(name) >= longest && (behind == "" || behind[0] == '.' || behind[0] == '[') {
				found, rest, longest = m.spot, behind, len(name)
			}
		}
	}
	return found, rest, longest >= 0
}

// mapper reads a text into spots.
type mapper struct {
	dec  *json.Decoder
	data []byte
}

// next is the next token and its offset.
func (m *mapper) next() (token json.Token, at int, ok bool) {
	from := m.dec.InputOffset()
	token, err := m.dec.Token()
	if err != nil {
		return nil, int(from), false
	}
	written := bytes.TrimLeft(m.data[from:m.dec.InputOffset()], " \t\r\n,:")
	return token, int(m.dec.InputOffset()) - len(written), true
}

func (m *mapper) value(depth int) spot {
	token, at, ok := m.next()
	s := spot{at: at}
	switch {
	case !ok || depth > maxDepth:
	case token == json.Delim('{'):
		s.members = []member{}
		for m.dec.More() {
			key, at, ok := m.next()
			name, isText := key.(string)
			if !ok || !isText {
				return s
			}
			value := m.value(depth + 1)
			value.at = at
			s.members = append(s.members, newMember(name, value))
		}
		m.next()
	case token == json.Delim('['):
		for m.dec.More() {
			before := m.dec.InputOffset()
			s.items = append(s.items, m.value(depth+1))
			if m.dec.InputOffset() == before {
				return s // a mistake; More would go on for ever
			}
		}
		m.next()
	}
	return s
}
