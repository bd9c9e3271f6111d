package movie_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/movie"
)

// TestHideVariables has variables that are secret in a document, beside an export.
func TestHideVariables(t *testing.T) {
	const doc = `{"variables":%s,"scenes":[{"elements":[%s]}],"exports":[{"destinations":[%s]}]}`
	const password = `{"type":"ftp","password":"{{ftp}}"}`
	for _, c := range []struct{ name, variables, element, destination, shown, secrets string }{
		{"named like a secret", `{"ftp_password":"p","title":"t"}`, `{}`, `{}`, `{"ftp_password":"(redacted)","title":"t"}`, `["p"]`},
		{"inside of objects and lists", `{"rows":[{"token":"a","n":1},{"token":"b","url":"https://x/?k=1"}]}`, `{}`, `{}`,
			`{"rows":[{"token":"(redacted)","n":1},{"token":"(redacted)","url":"https://x/?(redacted)"}]}`, `["a","b","https://x/?k=1"]`},
		{"named by a secret", `{"ftp":"p","Ftp":"q"}`, `{"text":"{{ftp}}"}`, password, `{"ftp":"(redacted)","Ftp":"q"}`, `["p","{{ftp}}"]`},
		{"named by what it names", `{"c":7,"b":"{{ c + 1 }}","ftp":"x{{b}}","d":"{{c}}"}`, `{}`, password,
			`{"c":"(redacted)","b":"(redacted)","ftp":"(redacted)","d":"{{c}}"}`, `[7,"{{ c + 1 }}","x{{b}}","{{ftp}}"]`},
		{"round in a circle", `{"ftp":"{{b}}","b":"{{ftp}}"}`, `{}`, password, `{"ftp":"(redacted)","b":"(redacted)"}`, `["{{b}}","{{ftp}}","{{ftp}}"]`},
		{"a secret variable names another", `{"api_key":"{{k}}","k":"p"}`, `{}`, `{}`, `{"api_key":"(redacted)","k":"(redacted)"}`, `["{{k}}","p"]`},
		{"part of an object", `{"ftp":{"user":"u","pw":"p"}}`, `{}`, `{"password":"{{ftp.pw}}"}`, `{"ftp":"(redacted)"}`, `[{"user":"u","pw":"p"},"{{ftp.pw}}"]`},
		{"a name with dashes", `{"my-ftp-pw":"p","my":1,"pw":2,"ftp-pw":3}`, `{}`, `{"password":"{{ my-ftp-pw }}"}`,
			`{"my-ftp-pw":"(redacted)","my":"(redacted)","pw":"(redacted)","ftp-pw":3}`, `["p",1,2,"{{ my-ftp-pw }}"]`},
		{"spelled as escapes", `{"\u0066tp":"p"}`, `{}`, `{"password":"\u007b\u007bftp}}"}`, `{"\u0066tp":"(redacted)"}`, `["p","\u007b\u007bftp}}"]`},
		{"in a header", `{"ftp":"p"}`, `{}`, `{"headers":{"X":"Bearer {{ftp}}"}}`, `{"ftp":"(redacted)"}`, `["p","Bearer {{ftp}}"]`},
		{"in an address", `{"ftp":"h?token=p"}`, `{}`, `{"url":"https://x/{{ftp}}"}`, `{"ftp":"(redacted)"}`, `["h?token=p"]`},
		{"in a setting that is shown", `{"ftp":"p"}`, `{}`, `{"file":"{{ftp}}"}`, `{"ftp":"p"}`, ``},
		{"a whole destination", `{"ftp":{"type":"ftp","password":"{{p}}","host":"h"},"p":"p"}`, `{}`, `"{{ftp}}"`,
			`{"ftp":{"type":"ftp","password":"(redacted)","host":"h"},"p":"(redacted)"}`, `["{{p}}","p"]`},
		{"of an element", `{"ftp":"p"}`, `{"variables":{"ftp":"q","token":"r","x":"(redacted)"}}`, password, `{"ftp":"(redacted)"}`, `["p","q","r","(redacted)","{{ftp}}"]`},
		{"no object", `["(redacted)"]`, `{"variables":7}`, `{}`, `["(redacted)"]`, `["(redacted)"]`},
		{"of somebody else", `{}`, `{"client-data":{"variables":{"token":"t"}},"text":"variables","token":"t"}`, `{}`, `{}`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := fmt.Appendf(nil, doc, c.variables, c.element, c.destination)
			shown, secrets := movie.Hide(text)
			if string(secrets) != c.secrets {
				t.Errorf("the secrets are %s, want %s", secrets, c.secrets)
			}
			var m struct{ Variables json.RawMessage }
			if err := json.Unmarshal(shown, &m); err != nil {
				t.Fatalf("no JSON: %s", shown)
			}
			if diff := cmp.Diff(c.shown, string(m.Variables)); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
			if back, err := movie.Reveal(shown, secrets); err != nil || !bytes.Equal(back, text) {
				t.Errorf("revealed it is %s, %v", back, err)
			}
		})
	}
}

// TestHideWhatSecretsComeTo has variables name one another at random, and a password
// that names some: no text that went into it may be left.
func TestHideWhatSecretsComeTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "a-b", "c", "b-c", "data"}
		mention := rapid.SampledFrom([]string{"", "{{a}}", "{{ b + c }}", "{{a-b}}", "{{ a-b-c }}", "{{ data.x }}", "{{ upper(c) }}", "{{ '{{a}}' }}", "{{ a ? b : c }}", "{{"})
		variables := map[string]any{}
		for i, name := range names {
			variables[name] = any(fmt.Sprintf("secret%d%s", i, mention.Draw(t, name)))
		}
		variables["data"] = map[string]any{"x": variables["data"]}
		doc, err := json.Marshal(map[string]any{"variables": variables, "exports": map[string]any{
			"destinations": map[string]any{"type": "ftp", "password": mention.Draw(t, "password") + mention.Draw(t, "more")}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := movie.Parse(doc)
		if err != nil {
			t.Fatal(err)
		}
		shown, _ := movie.Hide(doc)
		filled := strings.ToLower(string(m.Exports[0].Destinations[0].Fields["password"]))
		for i := range names {
			if text := fmt.Sprintf("secret%d", i); strings.Contains(filled, text) && bytes.Contains(shown, []byte(text)) {
				t.Errorf("the password is %s, and is left in %s", filled, shown)
			}
		}
	})
}

// TestSecretsThatLookLikePlaceholders holds that no word of a password is told for
// being no variable.
func TestSecretsThatLookLikePlaceholders(t *testing.T) {
	for _, pw := range []string{"x{{hunter2}}y", "{{hunter2", "{{ hunter2( }}", "{{ftp_password}}"} {
		doc := fmt.Sprintf(`{"scenes":[{"duration":1}],"variables":{"ftp_password":%q},"exports":[{"destinations":[{"password":"{{ftp_password}}"}]}]}`, pw)
		m, err := movie.Parse([]byte(doc))
		if err != nil || len(m.Faults) > 0 || len(m.Warnings) != 1 || m.Warnings[0].Path != "variables.ftp_password" {
			t.Fatalf("%s: %+v, %+v, %v", pw, m.Faults, m.Warnings, err)
		}
		if strings.Contains(m.Warnings[0].Message, "hunter2") {
			t.Errorf("it says %s", m.Warnings[0].Message)
		}
		if got := string(m.Exports[0].Destinations[0].Fields["password"]); got != fmt.Sprintf("%q", pw) {
			t.Errorf("%s became %s", pw, got)
		}
	}
}
