package export_test

import (
	stdcmp "cmp"
	"encoding/json"
	"path"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
)

// set makes settings of one JSON object.
func set(t *testing.T, text string) export.Settings {
	t.Helper()
	var s export.Settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlace(t *testing.T) {
	for text, want := range map[string]export.Place{
		`{}`:                                        {Folder: "", Name: "m.mp4", IfExists: "overwrite"},
		`{"remote-path":"./"}`:                      {Folder: "", Name: "m.mp4", IfExists: "overwrite"},
		`{"remote-path":"/"}`:                       {Folder: "/", Name: "m.mp4", IfExists: "overwrite"},
		`{"remote-path":"/in/a","file":"b.mp4"}`:    {Folder: "/in/a", Name: "b.mp4", IfExists: "overwrite"},
		`{"remote-path":"in//a/./","file":"b"}`:     {Folder: "in/a", Name: "b", IfExists: "overwrite"},
		`{"remote-path":"in","file":"/b/c.mp4"}`:    {Folder: "in/b", Name: "c.mp4", IfExists: "overwrite"},
		`{"file":"/etc/passwd"}`:                    {Folder: "etc", Name: "passwd", IfExists: "overwrite"},
		`{"remote-path":"~/x","file":" b.mp4 "}`:    {Folder: "~/x", Name: "b.mp4", IfExists: "overwrite"},
		`{"file":"..a.mp4"}`:                        {Folder: "", Name: "..a.mp4", IfExists: "overwrite"},
		`{"file":"...","if-exists":"Unique"}`:       {Folder: "", Name: "...", IfExists: "unique"},
		`{"file":7,"if-exists":"fail"}`:             {Folder: "", Name: "7", IfExists: "fail"},
		`{"file":"ü 日本.mp4","if-exists":null}`:      {Folder: "", Name: "ü 日本.mp4", IfExists: "overwrite"},
		`{"file":["x"],"remote-path":{"a":1}}`:      {Folder: "", Name: "m.mp4", IfExists: "overwrite"},
		`{"file":"  ","if-exists":"overwrite"}`:     {Folder: "", Name: "m.mp4", IfExists: "overwrite"},
		`{"file":"a\\b","remote-path":"C:\\Users"}`: {Folder: `C:\Users`, Name: `a\b`, IfExists: "overwrite"},
	} {
		got, err := set(t, text).Place("m.mp4")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got\n%s", text, err, diff)
		}
	}
}

func TestPlaceRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"file":"../x.mp4"}`:                          `"file" leaves the remote folder: ".." is not allowed in "../x.mp4"`,
		`{"file":".."}`:                                `"file" leaves the remote folder: ".." is not allowed in ".."`,
		`{"file":"a/../../b"}`:                         `"file" leaves the remote folder: ".." is not allowed in "a/../../b"`,
		`{"file":"a/../b"}`:                            `"file" leaves the remote folder: ".." is not allowed in "a/../b"`,
		`{"file":"..\\b"}`:                             `"file" leaves the remote folder: ".." is not allowed in "..\b"`,
		`{"file":"a/ .. /b"}`:                          `"file" leaves the remote folder: ".." is not allowed in "a/ .. /b"`,
		`{"remote-path":"/in/../.."}`:                  `"remote-path" leaves the remote folder: ".." is not allowed in "/in/../.."`,
		`{"remote-path":"a\nb"}`:                       `"remote-path" holds a line break or another control character`,
		`{"file":"a\u0000b"}`:                          `"file" holds a line break or another control character`,
		`{"file":"a\u0085b"}`:                          `"file" holds a line break or another control character`,
		`{"file":"a/"}`:                                `"file" must end in a file's name, which "a/" does not`,
		`{"file":"a\\"}`:                               `"file" must end in a file's name, which "a\" does not`,
		`{"file":"/"}`:                                 `"file" must end in a file's name, which "/" does not`,
		`{"file":"."}`:                                 `"file" must end in a file's name, which "." does not`,
		`{"file":"/."}`:                                `"file" must end in a file's name, which "/." does not`,
		`{"file":"./."}`:                               `"file" must end in a file's name, which "./." does not`,
		`{"file":"in/.\\x"}`:                           `"file" begins with a dot and a backslash: ".\x"`,
		`{"file":". \\x"}`:                             `"file" begins with a dot and a backslash: ". \x"`,
		`{"if-exists":"sometimes"}`:                    `"if-exists" must be overwrite, unique or fail, not "sometimes"`,
		`{"file":"` + strings.Repeat("x", 4097) + `"}`: `"file" is longer than 4096 bytes`,
		`{"remote-path":"` + strings.Repeat("x/", 2049) + `"}`: `"remote-path" is longer than 4096 bytes`,
	} {
		_, err := set(t, text).Place("m.mp4")
		if _, ok := err.(export.Refusal); !ok || err.Error() != want { //nolint:errorlint // it is not wrapped
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestPlaceNames(t *testing.T) {
	for text, want := range map[string][4]string{
		`{"remote-path":"/in","file":"a.b.mp4"}`: {"/in/a.b.mp4", "/in/.a.b.mp4.m1.part", "a.b-1.mp4", "a.b-12.mp4"},
		`{"file":"movie"}`:                       {"movie", ".movie.m1.part", "movie-1", "movie-12"},
	} {
		p, err := set(t, text).Place("")
		if diff := cmp.Diff(want, [4]string{p.Path(), p.Part("m1"), p.Another(1).Name, p.Another(12).Name}); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got\n%s", text, err, diff)
		}
		if p.Another(1).Folder != p.Folder || p.Another(1).IfExists != p.IfExists {
			t.Errorf("%s: another is %+v", text, p.Another(1))
		}
	}
}

// FuzzPlace holds that no file leaves its folder, whatever it is called.
func FuzzPlace(f *testing.F) {
	for _, seed := range [][2]string{{"/in", "a.mp4"}, {"", "../x"}, {"./", "/x"}, {`a\b`, `..\x`}, {"in", "a/./b"}, {"/", "."}, {"a b", "ü"}, {"in", ". ./x"}, {"x", "\u2028"}, {"0", `.\0`}, {"0", "/."}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, folder, file string) {
		one, _ := json.Marshal(folder) // a string always can
		two, _ := json.Marshal(file)
		s := export.Settings{"remote-path": one, "file": two}
		p, err := s.Place("m.mp4")
		if err != nil {
			return
		}
		base := path.Clean(stdcmp.Or(s.Text("remote-path"), "."))
		for _, at := range []string{p.Path(), p.Part("m"), p.Another(1).Path(), p.Another(1).Part("m")} {
			slashes := func(at string) string { return path.Clean(strings.ReplaceAll(at, `\`, "/")) } // some servers do
			if !under(base, path.Clean(at)) || !under(slashes(base), slashes(at)) || strings.ContainsFunc(at, unicode.IsControl) {
				t.Errorf("%q in %q is %q", file, folder, at)
			}
		}
		if base == "." && strings.HasPrefix(p.Path(), "/") || p.Name == "" || p.Name == "." || strings.Contains(p.Name, "/") {
			t.Errorf("%q in %q is %+v", file, folder, p)
		}
	})
}

// under tells whether a path is below a folder.
func under(folder, at string) bool {
	if folder == "." {
		return at != ".." && !strings.HasPrefix(at, "../")
	}
	return strings.HasPrefix(at, strings.TrimSuffix(folder, "/")+"/")
}

// TestSettings reads members of every kind.
func TestSettings(t *testing.T) {
	s := set(t, `{"text":" a b ","number":7,"float":2.50,"true":true,"yes":"Yes","one":1,"off":"off","zero":0,"no":"NO","null":null,"empty":"","blank":" ",
		"list":[" a ",7,"",null,{"x":1},"b,c"],"commas":" a, b ,,c","object":{"a":1}}`)
	type read struct {
		Text, Secret string
		Has, On, Off bool // Off is Bool unless said otherwise
		List         []string
	}
	for name, want := range map[string]read{
		"text": {"a b", " a b ", true, true, false, []string{"a b"}}, "number": {"7", "7", true, true, false, []string{"7"}},
		"float": {"2.50", "2.50", true, true, false, []string{"2.50"}}, "true": {"", "", true, true, true, nil}, "yes": {"Yes", "Yes", true, true, true, []string{"Yes"}},
		"one": {"1", "1", true, true, true, []string{"1"}}, "off": {"off", "off", true, false, false, []string{"off"}}, "zero": {"0", "0", true, false, false, []string{"0"}},
		"no": {"NO", "NO", true, false, false, []string{"NO"}}, "null": {"", "", false, true, false, nil}, "empty": {"", "", false, true, false, nil},
		"blank": {"", " ", true, true, false, nil}, "list": {"", "", true, true, false, []string{"a", "7", "b,c"}},
		"commas": {"a, b ,,c", " a, b ,,c", true, true, false, []string{"a", "b", "c"}}, "object": {"", "", true, true, false, nil}, "missing": {"", "", false, true, false, nil},
	} {
		got := read{s.Text(name), s.Secret(name), s.Has(name), s.Bool(name, true), s.Bool(name, false), s.List(name)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestPort(t *testing.T) {
	for text, want := range map[string]int{`{}`: 21, `{"port":null}`: 21, `{"port":""}`: 21, `{"port":22}`: 22, `{"port":" 65535 "}`: 65535, `{"port":1}`: 1,
		`{"port":0}`: 0, `{"port":65536}`: 0, `{"port":-1}`: 0, `{"port":"ftp"}`: 0, `{"port":2.5}`: 0, `{"port":[22]}`: 0, `{"port":true}`: 0} {
		got, err := set(t, text).Port(21)
		if got != want || (err == nil) != (want != 0) || err != nil && err.Error() != `"port" must be a number from 1 to 65535` {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
}
