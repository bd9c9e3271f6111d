package movie_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
)

// TestDocument reads testdata/document/*.txt: cases of "# name", a document, "->"
// and what is known of it beside the movie: where its faults, warnings and unknown
// keys stand, and what is left once it is filled in.
func TestDocument(t *testing.T) {
	for _, file := range golden.Files(t, "testdata/document/*.txt") {
		golden.Run(t, file, described)
	}
}

func described(t *testing.T, source string) string {
	d, err := movie.ParseDocument([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	tell := func(what string, faults []movie.Fault) {
		for _, f := range faults {
			line, column := d.Locate(f.Path)
			fmt.Fprintf(&b, "%s %d:%d %s: %s\n", what, line, column, f.Path, f.Message)
		}
	}
	tell("fault", d.Faults)
	tell("warning", d.Warnings)
	tell("unknown", d.Unknown())
	var shown bytes.Buffer
	if err := json.Indent(&shown, d.Resolved(), "", " "); err != nil {
		t.Fatal(err)
	}
	return b.String() + shown.String()
}

func TestLocate(t *testing.T) {
	const doc = "\xef\xbb\xbf{\n \"fps\": 1,\n \"scenes\": [ {\"Back_Ground\": 1},\n  {\"elements\": [{\"settings\": {\"a.b[0]\": 1, \"a\": {\"b\": 2}}, \"é\": \"ü\", \"x\": 5}]}\n ],\n \"variables\": {\"A_b\": {\"c\": [1, [2]]}},\n" +
		" \"elements\": {\"type\": \"text\", \"type\": \"image\"}, \"\": 0\n}"
	d, err := movie.ParseDocument([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"": "1:1", "fps": "2:2", "fps.deeper": "2:2", "scenes": "3:2", "scenes[0]": "3:14", "scenes[1]": "4:3", "scenes[7]": "3:2",
		"scenes[0].back-ground": "3:15", "scenes[0].Back_Ground": "3:15", "scenes[0].duration": "3:14",
		"scenes[1](slides[2]).elements[0]": "4:17", "scenes[1](a.b[2]).elements[0].x": "4:70", "scenes[1].elements[0].é": "4:60",
		"scenes[1].elements[0].settings.a.b[0]": "4:31", "scenes[1].elements[0].settings.a.b": "4:50", "scenes[1].elements[0].settings.a": "4:44",
		"variables.A_b.c[1][0]": "6:34", "variables.a-b": "6:16", "variables.none": "6:2",
		"elements[0].type": "7:31", "elements[1].type": "7:2", "nowhere": "1:1", "[0]": "1:1", "scenes[": "3:2", "scenes[x": "3:2", "scenes[-1]": "3:2", "scenes[0](": "3:14",
		"elements[0].": "7:2",
	} {
		line, column := d.Locate(path)
		if got := fmt.Sprintf("%d:%d", line, column); got != want {
			t.Errorf("%q stands at %s, want %s", path, got, want)
		}
	}
}

// FuzzDocument holds that whatever is said of a document names a place inside of it,
// and that what is left of it is JSON that reads as the document did.
func FuzzDocument(f *testing.F) {
	for _, file := range []string{"testdata/accepted.txt", "testdata/variables.txt", "testdata/document/resolved.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "\n# ") {
			_, rest, _ := strings.Cut(block, "\n")
			source, _, _ := strings.Cut(rest, "\n->")
			f.Add([]byte(source), "scenes[0](a[1]).elements[0].settings.color")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		d, err := movie.ParseDocument(data)
		if err != nil {
			return
		}
		paths := []string{path}
		for _, list := range [][]movie.Fault{d.Faults, d.Warnings, d.Unknown()} {
			for _, fault := range list {
				paths = append(paths, fault.Path)
			}
		}
		lines := strings.Split(strings.TrimPrefix(string(data), "\xef\xbb\xbf"), "\n")
		for _, path := range paths {
			line, column := d.Locate(path)
			if line < 1 || line > len(lines) || column < 1 || column > utf8.RuneCountInString(lines[line-1]) {
				t.Errorf("%q stands at %d:%d", path, line, column)
			}
		}
		again, err := movie.Parse(d.Resolved())
		if err != nil {
			t.Fatalf("%v in %s", err, d.Resolved())
		}
		if len(d.Faults) == 0 && len(d.Warnings) == 0 && (len(again.Scenes) != len(d.Scenes) || len(again.Elements) != len(d.Elements) || again.Width != d.Width) {
			t.Errorf("what is left reads differently: %s", d.Resolved())
		}
	})
}
