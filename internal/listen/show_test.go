package listen

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/webhook"
)

const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func keys(t testing.TB) []webhook.Verifier {
	t.Helper()
	list, err := ParseKeys([]string{secretText})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sign signs a request of a given body as Reelhook does, now.
func sign(h http.Header, body string) {
	secret, err := webhook.ParseSecret(secretText)
	if err != nil {
		panic(err)
	}
	if h.Get(webhook.HeaderID) == "" {
		h.Set(webhook.HeaderID, "msg_0")
	}
	now := time.Now()
	h.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(webhook.HeaderSignature, webhook.Sign(h.Get(webhook.HeaderID), now, []byte(body), secret))
}

// appThat is an application of a status that takes 120 ms.
type appThat string

func (a appThat) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(120 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	status, err := strconv.Atoi(string(a))
	if err != nil {
		return nil, errors.New("dial tcp 127.0.0.1:3000: connect: connection refused")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// TestMain fixes where it is, for the times that are shown.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// TestBlocks compares what is printed. A case is a line of how the receiver is
// set, if any, and requests with "--" between them; the line "signed" signs, and
// pictures of control characters stand for them.
func TestBlocks(t *testing.T) {
	golden.Run(t, "testdata/blocks.txt", func(t *testing.T, input string) (out string) {
		synctest.Test(t, func(t *testing.T) {
			var b strings.Builder
			first, rest, _ := strings.Cut(input, "\n")
			if head, _, _ := strings.Cut(first, " "); strings.ToUpper(head) == head {
				first, rest = "", input
			}
			h := blockHandler(t, first, &b)
			for text := range strings.SplitSeq(rest, "\n--\n") {
				visitAs(h, strings.Map(control, text))
			}
			out = b.String()
		})
		return out
	})
}

func blockHandler(t *testing.T, settings string, out io.Writer) *Handler {
	t.Helper()
	o := Options{Out: out}
	var transport http.RoundTripper
	for word := range strings.FieldsSeq(settings) {
		var err error
		switch name, value, _ := strings.Cut(word, "="); name {
		case "keys":
			o.Keys = keys(t)
		case "colour":
			o.Colour = true
		case "fail":
			o.Fail, err = ParseSteps(strings.Split(value, ","))
		case "delay":
			o.Delay, err = time.ParseDuration(value)
		case "app":
			o.Forward, err = url.Parse("http://user:hunter2@localhost:3000/hook")
			transport = appThat(value)
		default:
			t.Fatalf("no setting %q", word)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h := New(o)
	if transport != nil {
		h.transport = transport
	}
	return h
}

// control turns the picture of a control character into the character.
func control(r rune) rune {
	switch {
	case r == '␡':
		return 0x7f
	case r >= '␀' && r <= '␟':
		return r - '␀'
	}
	return r
}

// visitAs makes one request. A sender gives up after an hour.
func visitAs(h *Handler, text string) {
	head, body, _ := strings.Cut(text, "\n\n")
	line, headers, _ := strings.Cut(head, "\n")
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Method, r.RequestURI, _ = strings.Cut(line, " ")
	signed := false
	for header := range strings.Lines(headers) {
		name, value, ok := strings.Cut(strings.TrimSuffix(header, "\n"), ": ")
		if signed = signed || name == "signed"; ok {
			r.Header.Set(name, value)
		}
	}
	if signed {
		sign(r.Header, body)
	}
	ctx, cancel := contextFor(time.Hour)
	defer cancel()
	defer func() { _ = recover() }() // http.ErrAbortHandler, which is the server's to catch
	h.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
}

// TestBodies is for bodies that are too long for a golden file.
func TestBodies(t *testing.T) {
	long := strings.Repeat("ä", maxShown/2) + "x"
	deep := strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)
	broad := "[" + strings.Repeat("[],", 166) + "1]"
	for _, tc := range []struct{ name, contentType, body, what, text string }{
		{"none", "application/json", "", "none", ""},
		{"bytes", "image/png", "\x89PNG\xff", "binary, image/png, 5 B", ""},
		{"not UTF-8 in JSON", "application/json", "{\"a\":\"\xff\"}", "binary, application/json, 9 B", ""},
		{"cut", "", long, "64 KiB", strings.Repeat("ä", maxShown/2) + "\n... and 1 B more"},
		{"cut within a letter", "", "x" + long, "64 KiB", "x" + strings.Repeat("ä", maxShown/2-1) + "\n... and 3 B more"},
		{"as deep as is indented", "", deep[1 : len(deep)-1], "200 B", ""},
		{"too deep", "", deep, "202 B", deep},
		{"broad, not deep", "", broad, "501 B", "[\n" + strings.Repeat("  [],\n", 166) + "  1\n]"},
		{"turned text, C1 and BOM", "", "a\u202eb\u009bc\ufeffd", "12 B", `a\u202eb\u009bc\ufeffd`},
		{"lines of Windows", "text/plain", "a\r\n\tb\r", "text/plain, 6 B", "a\n\tb\\r"},
		{"other types of JSON", "application/cloudevents+json", "[1]", "application/cloudevents+json, 3 B", "[\n  1\n]"},
	} {
		what, text := showBody(tc.contentType, []byte(tc.body))
		if what != tc.what || tc.text != "" && text != tc.text {
			t.Errorf("%s: got %q and %.60q", tc.name, what, text)
		}
		if tc.name == "as deep as is indented" && strings.Count(text, "\n") != 2*maxDepth-2 {
			t.Errorf("%s: %d lines", tc.name, strings.Count(text, "\n"))
		}
	}
}

// FuzzShowBody holds that nothing of a stranger moves the terminal, and that it
// does not grow beyond all measure.
func FuzzShowBody(f *testing.F) {
	f.Add("application/json", []byte(`{"a":["\u001b","`+"\x7f"+`"]}`))
	f.Add("application/x-www-form-urlencoded", []byte("a=%1b[2J&b[c]=%0a"))
	f.Add("text/\x1b", []byte("\u009b\u202e\r\x00\xff"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		what, text := showBody(contentType, body)
		if strings.ContainsAny(what, "\n\t") {
			t.Errorf("lines in %q", what)
		}
		for _, r := range what + text {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				t.Fatalf("%q in %q %q", r, what, text)
			}
		}
		if !utf8.ValidString(what + text) {
			t.Errorf("not UTF-8: %q %q", what, text)
		}
	})
}
