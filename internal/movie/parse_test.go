package movie_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
)

// TestParse reads testdata/*.txt: cases of "# name", a document, "->" and what
// was read: the movie as JSON without its defaults, faults and warnings.
func TestParse(t *testing.T) {
	for _, file := range golden.Files(t, "testdata/*.txt") {
		golden.Run(t, file, func(_ *testing.T, source string) string { return read(source) })
	}
}

// read shows what was understood, leaving out what is as in any movie.
func read(source string) string {
	m, err := movie.Parse([]byte(source))
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%dx%d at %d/%d %s", m.Width, m.Height, m.FPS.Num, m.FPS.Den, m.Quality)
	if m.ID != "" {
		fmt.Fprintf(&b, " id %q", m.ID)
	}
	if string(m.ClientData) != "{}" {
		fmt.Fprintf(&b, " client-data %s", m.ClientData)
	}
	b.WriteString("\n")
	for _, s := range m.Scenes {
		fmt.Fprintf(&b, "%s for %g on %v", s.Path, s.Duration, s.Background)
		if s.Transition != nil {
			fmt.Fprintf(&b, " enters by %s in %g", s.Transition.Style, s.Transition.Duration)
		}
		b.WriteString("\n")
		for _, e := range s.Elements {
			element(&b, e)
		}
	}
	for _, e := range m.Elements {
		element(&b, e)
	}
	for _, e := range m.Exports {
		for _, d := range e.Destinations {
			fields, _ := json.Marshal(d.Fields)
			fmt.Fprintf(&b, "%s %q %s\n", d.Path, d.Type, fields)
		}
	}
	for _, f := range m.Faults {
		fmt.Fprintf(&b, "fault %s: %s\n", f.Path, f.Message)
	}
	for _, f := range m.Warnings {
		fmt.Fprintf(&b, "warning %s: %s\n", f.Path, f.Message)
	}
	return b.String()
}

func element(b *strings.Builder, e movie.Element) {
	fmt.Fprintf(b, "  %s (%s) %s %q at %g for %g", e.Path, e.Name, e.Type, e.Src, e.Start, e.Duration)
	if e.ExtraTime != 0 || e.ZIndex != 0 || e.FadeIn != 0 || e.FadeOut != 0 {
		fmt.Fprintf(b, " extra %g z %d fade %g/%g", e.ExtraTime, e.ZIndex, e.FadeIn, e.FadeOut)
	}
	if v := e.Visual; v != nil && *v != (movie.Visual{Position: movie.Custom, Width: -1, Height: -1, Opacity: 1}) {
		fmt.Fprintf(b, " visual %+v", *v)
	}
	if s := e.Sound; s != nil && *s != (movie.Sound{Volume: 1, Loop: 1}) {
		fmt.Fprintf(b, " sound %+v", *s)
	}
	if len(e.Later) > 0 {
		fmt.Fprintf(b, " waits for %q", slices.Sorted(maps.Keys(e.Later)))
	}
	if e.Text != nil {
		fmt.Fprintf(b, " text %q %v", e.Text.Text, e.Text.Settings)
	}
	b.WriteString("\n")
}

func TestSyntaxErrorSaysWhere(t *testing.T) {
	_, err := movie.Parse([]byte("{\n  \"scenes\": [,]\n}"))
	var at *movie.SyntaxError
	if !errors.As(err, &at) || at.Line != 2 || at.Column != 14 {
		t.Errorf("got %+v", at)
	}
	if !errors.Is(err, movie.ErrSyntax) {
		t.Errorf("%v is no ErrSyntax", err)
	}
}

func TestTooMuch(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	if _, err := movie.Parse([]byte(deep)); !errors.Is(err, movie.ErrSyntax) {
		t.Errorf("deep nesting: got %v", err)
	}
	many := `{"elements":[` + strings.Repeat(`{"type":"text"},`, 3000) + `{}]}`
	m, err := movie.Parse([]byte(many))
	if err != nil || len(m.Faults) != 1 || m.Faults[0].Path != "elements" {
		t.Errorf("many elements: %v %v", m.Faults, err)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, block := range strings.Split(string(text), "\n# ") {
			_, rest, _ := strings.Cut(block, "\n")
			source, _, _ := strings.Cut(rest, "\n->")
			f.Add([]byte(source))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := movie.Parse(data)
		if err != nil {
			return
		}
		again, err := movie.Parse(data)
		later := cmp.Comparer(func(x, y *movie.Later) bool { return (x == nil) == (y == nil) })
		if err != nil || cmp.Diff(m, again, later) != "" {
			t.Errorf("read differently the second time: %v", err)
		}
		if m.Width%2+m.Height%2 != 0 || m.Width < 50 || m.Height > 3840 || m.FPS.Num < m.FPS.Den || m.FPS.Den < 1 {
			t.Errorf("impossible output %dx%d at %v", m.Width, m.Height, m.FPS)
		}
		if !json.Valid(m.ClientData) {
			t.Errorf("client-data is no longer JSON: %s", m.ClientData)
		}
	})
}

func TestTooManyDestinations(t *testing.T) {
	doc := `{"scenes":[{}],"exports":[{"destinations":[{"type":"webhook"}]},{"destinations":[` + strings.Repeat(`{"type":"webhook"},`, 1000) + `{}]},{}]}`
	m, err := movie.Parse([]byte(doc))
	if err != nil || len(m.Exports) != 1 || len(m.Faults) != 1 || m.Faults[0].Path != "exports" {
		t.Errorf("%v, %d exports, faults %v", err, len(m.Exports), m.Faults)
	}
}
