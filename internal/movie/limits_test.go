package movie_test

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
)

// TestLimits reads testdata/limits/*.txt. In its documents <3 times {},> stands
// for {},{},{},; of what was read only the ends are shown.
func TestLimits(t *testing.T) {
	for _, file := range golden.Files(t, "testdata/limits/*.txt") {
		golden.Run(t, file, func(_ *testing.T, source string) string {
			source = expand(source)
			_, err := movie.Parse([]byte(source))
			if at, ok := errors.AsType[*movie.SyntaxError](err); ok {
				return fmt.Sprintf("line %d, column %d: %s", at.Line, at.Column, at.Reason)
			}
			return ends(read(source))
		})
	}
}

var times = regexp.MustCompile(`(?s)<(\d+) times (.*?)>`)

func expand(source string) string {
	return times.ReplaceAllStringFunc(source, func(s string) string {
		found := times.FindStringSubmatch(s)
		n, _ := strconv.Atoi(found[1])
		return strings.Repeat(found[2], n)
	})
}

// ends leaves out the middle of many lines and of long ones.
func ends(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		if len(line) > 400 {
			lines[i] = fmt.Sprintf("%s (%d bytes) %s", line[:60], len(line)-120, line[len(line)-60:])
		}
	}
	if n := len(lines); n > 8 {
		lines = append(lines[:3:3], append([]string{fmt.Sprintf("(%d lines)", n-6)}, lines[n-3:]...)...)
	}
	return strings.Join(lines, "\n")
}

// body is how large a document may be when it comes through the API.
const body = 2 << 20

// TestHostileMemory bounds what a document can make the parser allocate, whatever
// becomes of it.
func TestHostileMemory(t *testing.T) {
	const most = 128 << 20
	for _, tc := range hostile() {
		t.Run(tc.name, func(t *testing.T) {
			data := []byte(tc.source)
			if len(data) > body {
				t.Fatalf("a body of %d bytes never gets here", len(data))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := movie.Parse(data)
			runtime.ReadMemStats(&after)
			used := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes, %d MiB allocated", len(data), used>>20)
			if used > most {
				t.Errorf("%d MiB allocated", used>>20)
			}
			var at *movie.SyntaxError
			if errors.As(err, &at) != tc.refused || tc.refused && at.Reason != "more than 100000 values" {
				t.Errorf("got %+v", err)
			}
			if err == nil && (len(m.Faults) > 100 || len(m.Warnings) > 100) {
				t.Errorf("%d faults, %d warnings", len(m.Faults), len(m.Warnings))
			}
		})
	}
}

type hostileCase struct {
	name    string
	refused bool // for its many values; the others are read to their end
	source  string
}

// hostile are documents that ask for as much work as they can.
func hostile() []hostileCase {
	many := func(part string) string { return strings.Repeat(part, (body-1000)/len(part)) }
	deep := func(open, inside, end string, n int) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(end, n)
	}
	scenes := func(element string, n int) string { // 1999 elements in each of n scenes
		return `{"scenes":[` + strings.Repeat(`{"elements":[`+strings.Repeat(element+`,`, 1998)+element+`]},`, n) + `{}]}`
	}
	return []hostileCase{
		{"destinations", true, `{"exports":[{"destinations":[` + many(`0,`) + `0]}]}`},
		{"exports", true, `{"exports":[` + many(`0,`) + `0]}`},
		{"scenes", true, `{"scenes":[` + many(`0,`) + `0]}`},
		{"elements", true, `{"elements":[` + many(`{},`) + `{}]}`},
		{"arrays", true, `{"a":[` + many(`[],`) + `[]]}`},
		{"same key", true, `{` + many(`"a":{},`) + `"a":0}`},
		{"keys", true, `{` + keys(149_000, `0`) + `}`},
		{"deep numbers", true, deep(`{"a":[`, many(`0,`)+`0`, `]}`, 30)},
		{"deep keys", true, deep(`{"a":`, `{`+many(`"settings":0,`)+`"a":0}`, `}`, 60)},

		{"deep text", false, deep(`{"a":[`, `"`+many(`x`)+`"`, `]}`, 30)},
		{"deep client-data", false, deep(`{"client-data":`, `"`+many(`x`)+`"`, `}`, 60)},
		{"destinations that are read", false, `{"exports":[{"destinations":[` + strings.Repeat(`0,`, 99_000) + `0]}]}`},
		{"scenes that are read", false, `{"scenes":[` + strings.Repeat(`{},`, 99_000) + `0]}`},
		{"keys that are read", false, `{` + keys(99_000, `0`) + `}`},
		{"one destination of many keys", false, `{"exports":{"destinations":{` + keys(99_000, `0`) + `}}}`},
		{"destinations of many keys", false, `{"exports":{"destinations":[` + strings.Repeat(`{`+keys(98, `0`)+`},`, 998) + `{}]}}`},
		{"a destination of objects", false, `{"exports":{"destinations":{"a":[` + strings.Repeat(`{"a":0},`, 49_000) + `0]}}}`},
		{"a destination of escapes", false, `{"exports":{"destinations":{"a":"` + many(`<`) + `"}}}`},
		{"texts", false, scenes(`{"type":"text"}`, 24)},
		{"pictures", false, scenes(`{"type":"image"}`, 24)},
		{"pictures with much to refuse", false, scenes(`{"type":"image","pan":1,"mask":1}`, 12)},
		{"elements that are no objects", false, scenes(`0`, 49)},
		{"settings that are no text", false, `{"elements":[{"type":"text","settings":{` + keys(49_000, `[0]`) + `}}]}`},
		{"placeholders", false, `{"elements":[{"type":"text","settings":{` + keys(80_000, `"{{"`) + `}}]}`},
		{"placeholders that differ", false, `{"elements":[{"type":"text","settings":{` + numbered(70_000, `"{{%d+%d}}"`) + `}}]}`},
		{"one long expression", false, `{"id":"{{` + many(`1+`) + `1}}"}`},
		{"many expressions", false, `{"id":"` + many(`{{1+1}}`) + `"}`},
		{"much text from little", false, `{"variables":{"a":"` + strings.Repeat("x", 60_000) + `"},"elements":[{"type":"text","settings":{` + keys(80_000, `"{{a}}"`) + `}}]}`},
		{"much of much", false, `{"variables":{"a":"` + strings.Repeat("x", 60_000) + `"},"elements":[{"type":"text","settings":{` + keys(20_000, `"{{upper(a)+lower(a)}}"`) + `}}]}`},
		{"a large object in many places", false, `{"variables":{"a":{` + keys(40_000, `0`) + `}},"elements":[` + strings.Repeat(`{"type":"text","settings":"{{a}}"},`, 1999) + `{}]}`},
		{"a large object in many texts", false, `{"variables":{"a":{` + keys(40_000, `0`) + `}},"elements":[{"type":"text","settings":{` + keys(40_000, `"a{{a}}"`) + `}}]}`},
		{"variables that double", false, `{"variables":{"a0":"xx",` + numbered(50, `"{{a%d}}{{a%d}}"`) + `},"id":"{{a50}}"}`},
		{"a list of many scenes", false, `{"variables":{"a":[` + strings.Repeat(`0,`, 90_000) + `0]},"scenes":[` + strings.Repeat(`{"iterate":"a"},`, 999) + `{}]}`},
		{"many scenes that are dropped", false, `{"variables":{"a":[` + strings.Repeat(`0,`, 90_000) + `0]},"scenes":[` + strings.Repeat(`{"iterate":"a","condition":0},`, 999) + `{}]}`},
		{"large scenes in many copies", false, `{"variables":{"a":[` + strings.Repeat(`0,`, 999) + `0]},"scenes":[{"iterate":"a","elements":[` + strings.Repeat(`{"type":"text","text":"{{index}}"},`, 1999) + `{}]}]}`},
		{"large scenes in many scenes", false, `{"scenes":[{"id":"a","elements":[` + strings.Repeat(`{"type":"text","text":"x"},`, 1999) + `{}]},` + strings.Repeat(`{"import":"a"},`, 998) + `{}]}`},
		{"long texts in many copies", false, `{"variables":{"a":[` + strings.Repeat(`0,`, 999) + `0]},"scenes":[{"iterate":"a","background-color":"` + strings.Repeat(`x`, 2_000_000) + `"}]}`},
		{"variables in a row", false, `{"variables":{` + numbered(40_000, `"{{a%d}}{{b%d}}"`) + `},"id":"{{a39999}}"}`},
		{"long keys around many mistakes", false, `{"` + strings.Repeat("k", 1<<20) + `":{` + keys(50_000, `"{{"`) + `}}`},
		{"a long word", false, `{"resolution":"` + many(`\u0001`) + `"}`},
		{"a long colour", false, `{"scenes":[{"background-color":"rgba(1,1,` + many(`1`) + `"}]}`},
	}
}

// numbered are n members of an object, their values with their numbers in them.
func numbered(n int, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"a%d":%s`, i+1, fmt.Sprintf(value, i, i))
	}
	return b.String()[1:]
}

// keys are n members of an object, no two alike.
func keys(n int, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%08d":%s`, i, value)
	}
	return b.String()[1:]
}
