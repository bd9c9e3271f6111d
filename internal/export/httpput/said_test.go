package httpput

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzSaid holds that whatever page a server sends, what is shown of it is short,
// plain text, and free of the secret.
func FuzzSaid(f *testing.F) {
	for _, page := range []string{
		s3Error("AccessDenied", "Request has expired"), s3Error(testToken, testToken), s3Error("A", "&#83;IGNATURE/9+=x"), s3Error("A", "<![CDATA["+testToken+"]]>"),
		s3Error("A", "sIgN&#x61;TuRe/9+=x"), "<Error><Code>", "<Error><Message>\x1b[0m</Message></Error>", "<html>", "\xff", "", s3Error("A", strings.Repeat("ü", 500)),
	} {
		f.Add(page)
	}
	up := &upload{}
	up.keep(testToken)
	f.Fuzz(func(t *testing.T, page string) {
		tr := &try{upload: up}
		got := tr.said(&http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(page))}).text
		switch {
		case strings.Contains(strings.ToLower(got), strings.ToLower(testToken)):
			t.Errorf("shows the secret: %q", got)
		case utf8.RuneCountInString(got) > maxText+1 || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl):
			t.Errorf("shows %q", got)
		}
	})
}
