package listen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

const (
	// maxShown is how many bytes of a body are shown.
	maxShown = 64 << 10
	// maxDepth is how deep JSON may be to be indented: each line costs its depth.
	maxDepth = 100
)

// showBody is a body for reading, and what it is. Nothing in either moves a
// terminal.
func showBody(contentType string, body []byte) (what, text string) {
	what = humanize.IBytes(uint64(len(body)))
	if contentType != "" {
		what = clean(contentType) + ", " + what
	}
	switch {
	case len(body) == 0:
		return "none", ""
	case !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0:
		return "binary, " + what, ""
	case len(body) > maxShown:
		start := strings.ToValidUTF8(string(body[:maxShown]), "")
		return what, cleanLines(start) + "\n... and " + humanize.IBytes(uint64(len(body)-len(start))) + " more"
	}
	if t, _, err := mime.ParseMediaType(contentType); err == nil && t == "application/x-www-form-urlencoded" {
		if form, ok := showForm(string(body)); ok {
			return what, form
		}
	}
	var indented bytes.Buffer
	if depth(body) <= maxDepth && json.Indent(&indented, body, "", "  ") == nil {
		return what, cleanLines(indented.String())
	}
	return what, cleanLines(string(body))
}

// showForm is a form as lines of key = value, in the order it was sent; url.Values
// would lose that.
func showForm(body string) (text string, ok bool) {
	var b strings.Builder
	for pair := range strings.SplitSeq(body, "&") {
		key, value, _ := strings.Cut(pair, "=")
		key, errKey := url.QueryUnescape(key)
		value, errValue := url.QueryUnescape(value)
		if errKey != nil || errValue != nil {
			return "", false
		}
		fmt.Fprintf(&b, "%s = %s\n", clean(key), clean(value))
	}
	return b.String(), true
}

// depth is how deep brackets are nested. Those inside strings count too: it
// bounds work, no more.
func depth(body []byte) int {
	now, most := 0, 0
	for _, c := range body {
		switch c {
		case '{', '[':
			now++
			most = max(most, now)
		case '}', ']':
			now--
		}
	}
	return most
}

// clean is a stranger's text on one line: what does not print, such as escape
// sequences, line ends and marks that turn the direction of text, is written as
// Go would write it.
func clean(text string) string {
	var b strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			fmt.Fprintf(&b, `\x%02x`, text[i])
		} else if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// cleanLines is clean on each line, tabs and line ends left as they are.
func cleanLines(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = clean(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}
