package movie_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/movie"
)

func TestSecret(t *testing.T) {
	for _, name := range []string{"password", "Password", " pass_word ", "smtp-password", "passphrase", "private-key", "privateKey",
		"private-key-passphrase", "secret", "secret-key", "secret_access_key", "aws-secret-access-key", "session-token", "token",
		"bearer", "authorization", "client-key", "headers", "api-key", "apiKey", "auth", "webhook-secret", "secret-\u212aey"} {
		if !movie.Secret(name) {
			t.Errorf("%q is not a secret", name)
		}
	}
	for _, name := range []string{"", "id", "type", "host", "port", "username", "user", "host-key", "known-hosts", "trust-host-key",
		"access-key", "access-key-id", "client-cert", "ca", "endpoint", "url", "remote-path", "file", "bucket", "region", "subject",
		"message", "to", "from", "content-type", "retries", "events", "key", "basic-path", "secrets-folder"} {
		if movie.Secret(name) {
			t.Errorf("%q is a secret", name)
		}
	}
}

// hidden is a case of what is taken out of the exports of a document.
var hidden = []struct{ name, exports, shown, secrets string }{
	{"a password", `[{"destinations":[{"type":"ftp","password":"p\"\\","host":"h"}]}]`,
		`[{"destinations":[{"type":"ftp","password":"(redacted)","host":"h"}]}]`, `["p\"\\"]`},
	{"white space stays", "[ {\n\"destinations\" : [\t{ \"password\" : \"p\" , \"x\" : 1e0 } ] } ]\n",
		"[ {\n\"destinations\" : [\t{ \"password\" : \"(redacted)\" , \"x\" : 1e0 } ] } ]\n", `["p"]`},
	{"lone objects", `{"destinations":{"token":"t"}}`, `{"destinations":{"token":"(redacted)"}}`, `["t"]`},
	{"the key of a name that is spelled otherwise", `{"Destinations":[{"\u0050ass_WORD":"p"}]}`,
		`{"Destinations":[{"\u0050ass_WORD":"(redacted)"}]}`, `["p"]`},
	{"twice", `{"destinations":[{"password":"a","password":"b","Password":"c"}]}`,
		`{"destinations":[{"password":"(redacted)","password":"(redacted)","Password":"(redacted)"}]}`, `["a","b","c"]`},
	{"what is nothing", `{"destinations":[{"password":"","token":null,"headers":{"a":"","b":null},"secret":[]}]}`,
		`{"destinations":[{"password":"","token":null,"headers":{"a":"","b":null},"secret":"(redacted)"}]}`, `[[]]`},
	{"values that are no text", `{"destinations":[{"password":12.50,"secret":false,"auth":{ "basic" : [1, "{"] }}]}`,
		`{"destinations":[{"password":"(redacted)","secret":"(redacted)","auth":"(redacted)"}]}`, `[12.50,false,{ "basic" : [1, "{"] }]`},
	{"headers", `{"destinations":[{"headers":{"X-Own":"a","type":1}},{"HEADERS":"X: a"},{"headers":[{"X":"a"}]}]}`,
		`{"destinations":[{"headers":{"X-Own":"(redacted)","type":"(redacted)"}},{"HEADERS":"(redacted)"},{"headers":"(redacted)"}]}`,
		`["a",1,"X: a",[{"X":"a"}]]`},
	{"addresses", `{"destinations":[{"endpoint":"https://x/hook?token=1"},{"url":"https:\/\/u:p@x\/"},{"proxy":"socks5://u@x:1"},{"endpoint":"https://x/hook"}]}`,
		`{"destinations":[{"endpoint":"https://x/hook?(redacted)"},{"url":"https://(redacted)@x/"},{"proxy":"socks5://(redacted)@x:1"},{"endpoint":"https://x/hook"}]}`,
		`["https://x/hook?token=1","https:\/\/u:p@x\/","socks5://u@x:1"]`},
	{"an address that is none", `{"destinations":[{"endpoint":1},{"url":["https://x?t=1"]}]}`,
		`{"destinations":[{"endpoint":1},{"url":["https://x?t=1"]}]}`, ``},
	{"a client that is redacted itself", `{"destinations":[{"password":"(redacted)","file":"(redacted).mp4","x":["a (redacted)"],"endpoint":"https://x/(redacted)"}]}`,
		`{"destinations":[{"password":"(redacted)","file":"(redacted).mp4","x":["a (redacted)"],"endpoint":"https://x/(redacted)"}]}`,
		`["(redacted)","(redacted).mp4","a (redacted)","https://x/(redacted)"]`},
	{"odd nesting", `[[{"destinations":[[{"options":{"password":"p"}}]]}],{"password":"q"},7,"a"]`,
		`[[{"destinations":[[{"options":{"password":"(redacted)"}}]]}],{"password":"(redacted)"},7,"a"]`, `["p","q"]`},
	{"nothing secret", `[{"destinations":[{"id":"acme"}]}]`, `[{"destinations":[{"id":"acme"}]}]`, ``},
}

func TestHide(t *testing.T) {
	const around = "\ufeff { \"id\":\"a\", \"scenes\":[{\"elements\":[{\"password\":\"}]\\\"exports\\\"\"}]}], \"n\":-1.0,\"Export\\u0073\" :%s,\"exports\":null}"
	for _, c := range hidden {
		t.Run(c.name, func(t *testing.T) {
			doc := fmt.Appendf(nil, around, c.exports)
			shown, secrets := movie.Hide(doc)
			if diff := cmp.Diff(fmt.Sprintf(around, c.shown), string(shown)); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
			if string(secrets) != c.secrets || (secrets == nil) != (c.secrets == "") {
				t.Errorf("the secrets are %s, want %s", secrets, c.secrets)
			}
			if secrets == nil && &shown[0] != &doc[0] {
				t.Error("it was copied for nothing")
			}
			if back, err := movie.Reveal(shown, secrets); err != nil || !bytes.Equal(back, doc) {
				t.Errorf("revealed it is %s, %v", back, err)
			}
			sameButSecrets(t, doc, shown)
		})
	}
}

// What is nested as deep as Parse goes is looked into, and nothing deeper: it
// would take memory for ever.
func TestHideGoesAsDeepAsParse(t *testing.T) {
	for depth, want := range map[int]bool{62: true, 64: false} {
		doc := []byte(`{"a":1,"exports":` + strings.Repeat("[", depth) + `{"password":"p"}` + strings.Repeat("]", depth) + "}")
		_, err := movie.Parse(doc)
		if _, secrets := movie.Hide(doc); (err == nil) != want || (secrets != nil) != want {
			t.Errorf("%d lists: parsed with %v, secrets %s", depth, err, secrets)
		}
	}
}

// What is no movie comes back as it is, or so that Reveal has it back.
func TestHideWhatIsNoMovie(t *testing.T) {
	for _, doc := range []string{
		"", " ", "[]", `"exports"`, "{", `{"exports"`, `{"exports":`, `{"exports":{"password":`, `{"exports":{"password":"p`, `{"exports":{"password":"p\"}}`,
		`{"exports":{"password":"p"}`, `{"exports":{"password" "p"}}`, `{"exports":{"password":p}}`, `{"exports":{"password":"a" "b"}}`,
		`{"exports":{password:"p"}}`, `{"exports":{"pass\xword":"p"}}`, `{"exports":{"password":[}}`, `{"a":[,"exports":{"password":"p"}}`,
		`{"exports":` + strings.Repeat("[", 1e6), `{"exports":` + strings.Repeat(`{"a":`, 65) + `{"password":"p"}` + strings.Repeat("}", 66),
		`{"a":` + strings.Repeat("{", 1e6),
	} {
		shown, secrets := movie.Hide([]byte(doc))
		if back, err := movie.Reveal(shown, secrets); err != nil || string(back) != doc {
			t.Errorf("%.60s came back as %.60s, %v", doc, back, err)
		}
	}
}

func TestRevealRefuses(t *testing.T) {
	for _, c := range []struct{ shown, secrets string }{
		{`{"exports":{"a":"(redacted)"}}`, `[]`},
		{`{"exports":{"a":"(redacted)"}}`, `["a","b"]`},
		{`{"exports":{"a":"(redacted)"}}`, `["a"`},
		{`{"exports":{"a":"b"}}`, `["a"]`},
		{`{"exports":`, `["a"]`},
	} {
		if back, err := movie.Reveal([]byte(c.shown), []byte(c.secrets)); err == nil || strings.Contains(err.Error(), "a\"") {
			t.Errorf("%s with %s gave %s, %v", c.shown, c.secrets, back, err)
		}
	}
}

// A release that knows other names of secrets reads what this one has stored.
func TestRevealKnowsNoNames(t *testing.T) {
	const shown = `{"exports":{"password":"left in clear","former-name":"(redacted)","headers":{"x":"clear","y":"(redacted)"}}}`
	const want = `{"exports":{"password":"left in clear","former-name":"a","headers":{"x":"clear","y":"b"}}}`
	if back, err := movie.Reveal([]byte(shown), []byte(`["a","b"]`)); err != nil || string(back) != want {
		t.Errorf("got %s, %v", back, err)
	}
}

func TestShow(t *testing.T) {
	for _, c := range []struct{ name, value, shown string }{
		{"password", `"p"`, `"(redacted)"`},
		{"Pass_word", ` 1`, ` "(redacted)"`},
		{"password", `""`, ``},
		{"host", `"p"`, ``},
		{"headers", `{"A":"a","B":null}`, `{"A":"(redacted)","B":null}`},
		{"options", `[{"token":"t","a":1}]`, `[{"token":"(redacted)","a":1}]`},
		{"url", `"https://h/p#t"`, `"https://h/p#(redacted)"`},
		{"url", `"https://h/p?a=1#t"`, `"https://h/p?(redacted)"`},
		{"url", `"https://a@b:c@h/p@q"`, `"https://(redacted)@h/p@q"`},
		{"url", `"https://h/p@q"`, ``},
		{"url", `"//u:p@h/"`, `"(redacted)"`},
		{"url", `"https://u:p/q@h/"`, `"(redacted)"`},
		{"url", `"https://u:p?q@h/"`, `"(redacted)"`},
		{"url", `"https:/u:p@h/"`, `"(redacted)"`},
		{"url", `"h:9000"`, ``},
		{"url", `"u:p@h:9000"`, `"(redacted)@h:9000"`},
		{"url", `"https://\u0001"`, `"(redacted)"`},
		{"url", `"https://h/é&<>?"`, `"https://h/é&<>?(redacted)"`},
		{"host", `"(redacted)"`, `"(redacted)"`},
		{"host", `{"a"`, `"(redacted)"`}, // no JSON: nobody knows
	} {
		shown, hides := movie.Show(c.name, []byte(c.value))
		if want := c.shown; hides != (want != "") || hides && string(shown) != want || !hides && string(shown) != c.value {
			t.Errorf("%s %s: got %s, %v, want %s", c.name, c.value, shown, hides, want)
		}
		if again, _ := movie.Show(c.name, shown); string(again) != string(shown) {
			t.Errorf("%s %s is shown as %s and then as %s", c.name, c.value, shown, again)
		}
	}
}

// sameButSecrets holds that a document is the same movie before and after, and
// that no secret is left in it.
func sameButSecrets(t *testing.T, doc, shown []byte) {
	t.Helper()
	read := func(text []byte) *movie.Movie {
		m, err := movie.Parse(text)
		if err != nil {
			t.Fatalf("%s is no movie any more: %v", text, err)
		}
		for _, e := range m.Exports {
			for _, d := range e.Destinations {
				for name, value := range d.Fields {
					d.Fields[name], _ = movie.Show(name, value)
				}
			}
		}
		return m
	}
	if diff := cmp.Diff(read(doc), read(shown)); diff != "" {
		t.Errorf("the movie has changed (-want +got):\n%s", diff)
	}
	var all map[string]any
	if json.Unmarshal(bytes.TrimPrefix(shown, []byte("\ufeff")), &all) != nil {
		t.Fatalf("no JSON: %s", shown)
	}
	for name, value := range all {
		if movie.Name(name) == "exports" {
			noSecret(t, value)
		}
	}
}

func noSecret(t *testing.T, value any) {
	t.Helper()
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			noSecret(t, item)
		}
	case map[string]any:
		for name, item := range value {
			inside, isObject := item.(map[string]any)
			if movie.Name(name) != "headers" || !isObject {
				inside = map[string]any{name: item}
			}
			for _, v := range inside {
				if movie.Secret(name) && v != nil && v != "" && v != movie.Redacted {
					t.Errorf("%s is left as %v", name, v)
				}
			}
			if !movie.Secret(name) {
				noSecret(t, item)
			}
		}
	}
}

// filled is found in documents that may have variables: without their values they are
// other movies.
var filled = regexp.MustCompile(`(?i)variables|\\`)

func FuzzHide(f *testing.F) {
	for _, c := range hidden {
		f.Add([]byte(`{"a":[{}],"exports":` + c.exports + `}`))
	}
	f.Add([]byte(`{"scenes":[{"variables":{"pw":{"a":1},"token":"{{b}}"}}],"exports":[{"password":"{{pw}}"}],"variables":{"b":"(redacted)"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		before := bytes.Clone(doc)
		shown, secrets := movie.Hide(doc)
		back, err := movie.Reveal(shown, secrets)
		if err != nil || !bytes.Equal(back, before) || !bytes.Equal(doc, before) {
			t.Fatalf("it came back as %q, %v", back, err)
		}
		if _, err := movie.Parse(doc); err == nil && !filled.Match(doc) {
			sameButSecrets(t, doc, shown)
		}
	})
}

// The document that costs most: 2 MiB with nothing to hide.
func BenchmarkHide(b *testing.B) {
	element := `{"type":"text","text":"one \"two\" three","settings":{"font-size":12,"color":"#fff"},"x":1,"y":2},`
	doc := []byte(`{"elements":[` + strings.Repeat(element, 2<<20/len(element)) + `{}],"exports":[{"destinations":[{"type":"ftp","host":"h"}]}]}`)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, secrets := movie.Hide(doc); secrets != nil {
			b.Fatal("a secret")
		}
	}
}
