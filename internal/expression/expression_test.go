package expression_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/expression"
	"github.com/reelhook/reelhook/internal/golden"
)

var errLoop = errors.New("'loop' needs itself")

// variables are what the tests' texts can name.
func variables(t testing.TB) expression.Scope {
	d := json.NewDecoder(strings.NewReader(`{
		"name": "Ada", "empty": "", "nothing": null, "yes": true, "no": false, "text_no": "false",
		"n": 7, "price": 1.50, "half": "0.5", "ten": "10", "nine": "9", "a": 5, "b": 3,
		"room": {"image": "r.jpg", "image-url": "https://x.test/r.jpg", "size": {"w": 30, "h": 20}, "not": 1},
		"list": ["one", {"title": "two"}, 3], "none": [],
		"client-data": {"order": "A-17"}, "my-video_end": 8, "big": 9007199254740993}`))
	d.UseNumber()
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		t.Fatal(err)
	}
	return func(name string) (any, bool, error) {
		if name == "loop" {
			return nil, false, errLoop
		}
		v, ok := values[name]
		return v, ok, nil
	}
}

// named is a scope that is asked for no name but those that Names tells.
func named(t *testing.T, text string, scope expression.Scope) expression.Scope {
	told := map[string]bool{}
	for name := range expression.Names(text) {
		told[name] = true
	}
	return func(name string) (any, bool, error) {
		v, ok, err := scope(name)
		if ok && !told[name] {
			t.Errorf("%q: '%s' is not among its names", text, name)
		}
		return v, ok, err
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string][]string{
		"a {b} }}":                              nil,
		"{{a}} b {{ c.d['e'] }}":                {"a", "c", "d", "e"},
		"{{ a-b - c--d-e }}":                    {"a", "a-b", "b", "c", "d", "d-e", "e"},
		"{{ 2-ä_1-2 }}":                         {"ä_1", "ä_1-2", "2"},
		"{{ '}}' + x }}{{ y":                    nil,
		"{{ '}}' + x }}{{ y }}":                 {"x", "y"},
		"{{" + strings.Repeat("a", 2001) + "}}": nil,
	} {
		if got := slices.Collect(expression.Names(text)); !slices.Equal(got, want) {
			t.Errorf("%q names %q, want %q", text, got, want)
		}
	}
}

// TestFill reads testdata/*.txt, whose inputs are one text a line.
func TestFill(t *testing.T) {
	for _, file := range golden.Files(t, "testdata/*.txt") {
		golden.Run(t, file, func(t *testing.T, input string) string {
			var b strings.Builder
			for text := range strings.Lines(input) {
				text = strings.TrimSuffix(text, "\n")
				f, err := expression.New().Fill(text, named(t, text, variables(t)))
				if err != nil {
					fmt.Fprintf(&b, "%s  refused: %v\n", text, err)
					continue
				}
				shown, _ := json.Marshal(f.Value)
				fmt.Fprintf(&b, "%s  %s", text, shown)
				if f.Missing != nil {
					fmt.Fprintf(&b, " missing %q", f.Missing)
				}
				b.WriteString("\n")
			}
			return b.String()
		})
	}
}

func TestTrue(t *testing.T) {
	for _, tc := range []struct {
		value any
		want  bool
	}{
		{false, false}, {"", false}, {" ", false}, {"false", false}, {"FALSE ", false}, {"0", false}, {nil, false},
		{0.0, false}, {json.Number("0"), false}, {json.Number("0.0"), false}, {json.Number("-0"), false},
		{true, true}, {"true", true}, {"no", true}, {"0.0", true}, {0.1, true}, {json.Number("1e999"), true},
		{[]any{}, true}, {map[string]any{}, true},
	} {
		if got := expression.True(tc.value); got != tc.want {
			t.Errorf("True(%#v) = %v", tc.value, got)
		}
	}
}

func TestScopeErrorsCanBeTold(t *testing.T) {
	_, err := expression.New().Fill("ä {{ 1 + loop }}", variables(t))
	at, ok := errors.AsType[*expression.Error](err)
	if !ok || !errors.Is(err, errLoop) || at.Position != 10 {
		t.Errorf("got %+v", err)
	}
}

// TestLimits asks for too much in every way there is.
func TestLimits(t *testing.T) {
	long := strings.Repeat("x", 60_000)
	wide := make([]any, 70_000)
	scope := func(name string) (any, bool, error) {
		switch name {
		case "long":
			return long, true, nil
		case "wide":
			return wide, true, nil
		case "longer":
			return long + long, true, nil
		}
		return nil, false, nil
	}
	twice := "1"
	for range 24 { // the middle of a chain of comparisons is evaluated twice
		twice = "0 < (" + twice + ") < 2"
	}
	for _, tc := range []struct{ name, text, want string }{
		{"source", "{{ " + strings.Repeat("1+", 1000) + "1 }}", "an expression may have 2000 bytes at most, at character 1"},
		{"parts", "{{" + strings.Repeat("1+", 600) + "1}}", "the expression has too many parts, at character 504"},
		{"brackets", "{{" + strings.Repeat("(", 1900) + "}}", "the expression ends too early, at character 1902"},
		{"signs", "{{" + strings.Repeat("-", 1900) + "1}}", "the expression has too many parts, at character 1903"},
		{"value", "{{longer}}", "a text would become longer than 64 KiB, at character 3"},
		{"sum", "{{ long + long }}", "a text would become longer than 64 KiB, at character 9"},
		{"texts", "{{long}} and {{long}}", "a text would become longer than 64 KiB, at character 16"},
		{"list", "a {{wide}}", "a text would become longer than 64 KiB, at character 5"},
		{"twice", "{{" + twice + "}}", "the expressions of this document take too much work, at character 3"},
		{"work", strings.Repeat("{{len(long)}}", 300), "the expressions of this document take too much work, at character "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := expression.New().Fill(tc.text, scope)
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %.80v, %v", f, err)
			}
		})
	}
	if f, err := expression.New().Fill("{{wide}}", scope); err != nil || len(f.Value.([]any)) != len(wide) {
		t.Errorf("a list handed on whole: %v", err)
	}
}

// TestArithmetic holds random sums against what Go makes of them.
func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y, z := rapid.Int32().Draw(t, "x"), rapid.Int32().Draw(t, "y"), rapid.Int32Range(1, 1000).Draw(t, "z")
		text := fmt.Sprintf("{{ (%d + '%d') * 2 - %d / %d }}", x, y, y, z)
		f, err := expression.New().Fill(text, func(string) (any, bool, error) { return nil, false, nil })
		if want := (float64(x)+float64(y))*2 - float64(y)/float64(z); err != nil || f.Value != want {
			t.Errorf("%s is %v (%v), want %v", text, f.Value, err, want)
		}
	})
}

func FuzzFill(f *testing.F) {
	for _, text := range []string{
		"{{ (a + b) * min(n, 3) }}", `x {{ name == 'Ada' ? "yes" : 'no' }} y`, "{{ room.size['w'] % 4 }}", "{{ list[1].title }}", "{{ not yes or !no && 1 }}",
		"{{ my-video_end - 1 }}", "{{ '}}' }}", "{{", "{{ map(list, # > 1) }}", "{{ let x = 1; x }}", "{{ a | upper() }}", "{{ 1 < 2 < 3 }}", "{{ {a: 1}.a }}", "{{ [1][0] }}", "{{ a?.b?.c }}", "{{ ::len(a) }}",
	} {
		f.Add(text)
	}
	scope := variables(f)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := expression.New().Fill(text, named(t, text, scope))
		if at, ok := errors.AsType[*expression.Error](err); ok && (at.Position < 1 || at.Position > utf8.RuneCountInString(text)+1) {
			t.Errorf("%q: a mistake at character %d", text, at.Position)
		} else if err != nil && !ok {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := json.Marshal(got.Value); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if s, ok := got.Value.(string); ok && len(s) > len(text)+64<<10 {
			t.Errorf("%q became %d bytes", text, len(s))
		}
		if !expression.Has(text) && got.Value != text {
			t.Errorf("%q became %v", text, got.Value)
		}
	})
}

func BenchmarkFill(b *testing.B) {
	scope := variables(b)
	e := expression.New()
	for i := 0; b.Loop(); i++ {
		if i%10_000 == 0 {
			e = expression.New()
		}
		if _, err := e.Fill("Hello {{ name }}, {{ n * 2 + 1 }}", scope); err != nil {
			b.Fatal(err)
		}
	}
}
