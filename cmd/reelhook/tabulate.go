package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
)

const (
	// lineWidth is how many columns of a terminal a line may take. It is the same
	// in a pipe, so that what was seen is what is found.
	lineWidth = 100
	// leastWidth is what a column is never cut below.
	leastWidth = 8
	gap        = "  "
	// factWidth is how far the names of facts reach.
	factWidth = 12
)

// terminal measures text, the same in every locale.
var terminal = &runewidth.Condition{StrictEmojiNeutral: true}

// The colours of a terminal (ECMA-48, SGR).
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (s *screen) paint(colour, text string) string {
	if !s.colour || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// colourOf is that of a state of a delivery, an attempt or an endpoint.
func colourOf(state string) string {
	switch state {
	case "delivered", "succeeded", "enabled":
		return green
	case "failed", "disabled":
		return red
	case "retrying", "unknown", "held", "paused":
		return yellow
	}
	return ""
}

// cell is one of a table.
type cell struct{ text, colour string }

func plain(text string) cell { return cell{text: text} }

// column is one of a table. Those that may be cut are shortened before others.
type column struct {
	head string
	cut  bool
}

// table prints rows under a head, each on a line of at most lineWidth. The first
// rows decide how wide the columns are.
type table struct {
	*screen
	columns []column
	widths  []int
}

func (t *table) print(rows [][]cell) {
	if t.widths == nil {
		t.measure(rows)
		heads := make([]cell, len(t.columns))
		for i, c := range t.columns {
			heads[i] = cell{c.head, bold}
		}
		rows = append([][]cell{heads}, rows...)
	}
	for _, row := range rows {
		t.row(row)
	}
}

func (t *table) row(cells []cell) {
	var b strings.Builder
	for i, c := range cells {
		text := terminal.Truncate(printable(c.text), t.widths[i], "…")
		b.WriteString(t.paint(c.colour, text))
		if i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", t.widths[i]-terminal.StringWidth(text)) + gap)
		}
	}
	fmt.Fprintln(t.out, strings.TrimRight(b.String(), " "))
}

// measure makes the columns as wide as what is in them, and then takes from the
// widest until a line fits: of those that may be cut and, if need be, of all.
func (t *table) measure(rows [][]cell) {
	t.widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		t.widths[i] = len(c.head)
		for _, row := range rows {
			t.widths[i] = max(t.widths[i], min(lineWidth, terminal.StringWidth(printable(row[i].text))))
		}
	}
	t.shrink(func(c column) bool { return c.cut })
	t.shrink(func(column) bool { return true })
}

func (t *table) shrink(may func(column) bool) {
	for {
		total, widest := len(gap)*(len(t.widths)-1), -1
		for i, w := range t.widths {
			total += w
			if may(t.columns[i]) && w > leastWidth && (widest < 0 || w > t.widths[widest]) {
				widest = i
			}
		}
		if total <= lineWidth || widest < 0 {
			return
		}
		t.widths[widest]--
	}
}

// fact prints a name and what is known, cut to a line; nothing when it is "".
func (s *screen) fact(name, text string) {
	s.whole(name, terminal.Truncate(printable(text), lineWidth-factWidth-1, "…"))
}

// state is fact for a state in its colour, with a word on it.
func (s *screen) state(name, state, more string) {
	text := terminal.Truncate(printable(state+more), lineWidth-factWidth-1, "…")
	fmt.Fprintf(s.out, "%-*s %s\n", factWidth, name, s.paint(colourOf(state), text))
}

// whole is fact for what is there to be copied, however long.
func (s *screen) whole(name, text string) {
	if text != "" {
		fmt.Fprintf(s.out, "%-*s %s\n", factWidth, name, printable(text))
	}
}

// headers prints them by name, each value on its line.
func (s *screen) headers(name string, all map[string][]string, put func(name, text string)) {
	keys := make([]string, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		for _, value := range all[key] {
			put(name, key+": "+value)
			name = ""
		}
	}
}

// text prints at most so many lines of a text for reading, JSON indented; 0 is
// all of it, else lines are cut too.
func (s *screen) text(text string, most int) {
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(text), "", "  ") == nil {
		text = indented.String()
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\t", "    ")
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		line = printable(line)
		switch {
		case most > 0 && i == most:
			fmt.Fprintf(s.out, "  … %d more lines, see --json\n", len(lines)-most)
			return
		case most > 0:
			line = terminal.Truncate(line, lineWidth-2, "…")
		}
		fmt.Fprintln(s.out, strings.TrimRight("  "+line, " "))
	}
}

// printable is a stranger's text on one line: what does not print, such as escape
// sequences, line ends and marks that turn the direction of text, is written as
// Go would write it.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// local is a time of the API in the zone of the clock; what is none stays.
func (s *screen) local(stamp string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return stamp
	}
	return at.In(s.now().Location()).Format(time.DateTime)
}

// age is how long ago a time of the API is, or how long until then.
func (s *screen) age(stamp string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return stamp
	}
	return short(s.now().Sub(at).Abs())
}

// when is a time of the API and how far away that is.
func (s *screen) when(stamp string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	switch {
	case err != nil:
		return stamp
	case at.After(s.now()):
		return fmt.Sprintf("%s (in %s)", s.local(stamp), s.age(stamp))
	}
	return fmt.Sprintf("%s (%s ago)", s.local(stamp), s.age(stamp))
}

// short is a time in its largest unit.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 2*day:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/day)) + "d"
}

// valueOf is what a pointer points to, and zero for none.
func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
