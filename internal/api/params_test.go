package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

func TestReadDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1h": time.Hour, "90m": 90 * time.Minute, "7d": 7 * day, "30d": 30 * day, "720h": 30 * day, "1h30m": 90 * time.Minute,
		"": -1, "0": -1, "59m": -1, "31d": -1, "-2h": -1, "-1d": -1, "1.5d": -1, "d": -1, "99999999999d": -1, "week": -1, "24": -1,
	} {
		got, err := readDuration("window", text, time.Hour, 30*day)
		if want < 0 {
			f, ok := errors.AsType[*Failure](err)
			if !ok || f.Status != 400 || !strings.Contains(f.Message, "'window' must be a duration from 1h to 720h") {
				t.Errorf("%q: %v, %v", text, got, err)
			}
		} else if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// FuzzParameters: whatever a query says, it is refused with 400 or becomes a page
// that a store can answer.
func FuzzParameters(f *testing.F) {
	for _, query := range []string{
		"", "status=failed,held&limit=200&cursor=x", "from=2026-01-01&to=2026-01-01", "to=2200-12-31", "endpoint=https://x/y?z",
		"endpoint=ep_aaaaaaaaaaaaaaaa", "status=,", "limit=+5", "limit=05", "project=AAAAAAAAAAAAAAAA", "event=movie.failed", "a=%00&a=1",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		page, err := page(values)
		if err != nil {
			if f, ok := errors.AsType[*Failure](err); !ok || f.Status != 400 || f.Message == "" {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if page.Limit < 1 || page.Limit > maxPage || len(page.After) > maxCursor || len(page.States) > len(states) {
			t.Fatalf("%q: %+v", query, page)
		}
		if !page.To.IsZero() && !page.From.Before(page.To) || page.To.Year() > lastYear+1 {
			t.Fatalf("%q: %+v", query, page)
		}
		if page.Endpoint != "" && !isEndpointID(page.Endpoint) || page.Project != "" && len(page.Project) != project.IDLength {
			t.Fatalf("%q: %+v", query, page)
		}
	})
}

func page(values url.Values) (page export.Page, err error) {
	return readPage(&call{query: values, Request: httptest.NewRequest("GET", "/", nil)})
}

// TestAnswersAreShownWhole cuts a text at every byte.
func TestAnswersAreShownWhole(t *testing.T) {
	const text = "aé€😀"
	for n := range len(text) + 1 {
		a := export.Attempt{Answer: []byte(text[:n]), Cut: n < len(text)}
		shown, coded := showAnswer(a)
		if coded != "" || !strings.HasPrefix(text, shown) || !utf8.ValidString(shown) || n-len(shown) >= utf8.UTFMax || !a.Cut && shown != text {
			t.Errorf("%d bytes: %q %q", n, shown, coded)
		}
	}
	for _, odd := range []string{"\xff", "a\xff", "\x80\x80\x80\x80\x80", "é\xffé"} {
		for _, cut := range []bool{false, true} {
			if shown, coded := showAnswer(export.Attempt{Answer: []byte(odd), Cut: cut}); shown != "" || coded == "" {
				t.Errorf("%q, cut %v: %q %q", odd, cut, shown, coded)
			}
		}
	}
}

// TestCanonicalJSON compares with section 3.2 of RFC 8785 done by hand.
func TestCanonicalJSON(t *testing.T) {
	short := map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`, '"': `\"`, '\\': `\\`}
	quote := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			switch {
			case short[r] != "":
				b.WriteString(short[r])
			case r < 0x20:
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		}
		return `"` + b.String() + `"`
	}
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("\u2028\u2029\\u2028<>&\"\x00\x1f\x7f\b\f\n\té😀"))))
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOf(rapid.StringMatching(`[a-z_]{1,4}`), text).Draw(t, "members")
		n := rapid.Int64Range(-1<<53, 1<<53).Draw(t, "n")
		object := map[string]any{"N": n, "list": []any{true, nil}}
		var parts []string
		for name, value := range members {
			object[name] = value
		}
		for name, value := range object {
			switch v := value.(type) {
			case string:
				parts = append(parts, quote(name)+":"+quote(v))
			case int64:
				parts = append(parts, fmt.Sprintf(`"N":%d`, v))
			default:
				parts = append(parts, `"list":[true,null]`)
			}
		}
		slices.SortFunc(parts, func(a, b string) int {
			return strings.Compare(a[:strings.Index(a, `":`)], b[:strings.Index(b, `":`)])
		})
		got, err := canonicalJSON(object)
		if want := "{" + strings.Join(parts, ",") + "}"; err != nil || string(got) != want || !json.Valid(got) {
			t.Fatalf("%v\n got %s\nwant %s", err, got, want)
		}
	})
}
