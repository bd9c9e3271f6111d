package text

import (
	"image"
	"image/color"
	"reflect"
	"strings"
	"testing"
)

func TestParseStyle(t *testing.T) {
	canvas := image.Pt(1000, 500)
	base, _ := ParseStyle(nil, canvas, named)
	if base.Size != 40 || base.Families[0] != "Inter" || len(base.Shadows) != 1 || base.MaxWidth != 1000 {
		t.Fatalf("defaults: %+v", base)
	}
	for _, tc := range []struct {
		key, value string
		want       func(*Style)
	}{
		{"font-size", "80", func(s *Style) { s.Size = 80 }},
		{"font-size", "80px", func(s *Style) { s.Size = 80 }},
		{"font-size", "5vw", func(s *Style) { s.Size = 50 }},
		{"font-size", "10vh", func(s *Style) { s.Size = 50 }},
		{"font-size", "2em", func(s *Style) { s.Size = 32 }},
		{"font-size", "50%", func(s *Style) { s.Size = 20 }},
		{"font-family", `"Noto Sans", serif`, func(s *Style) { s.Families = []string{"Noto Sans", "serif", "Inter"} }},
		{"font-family", "https://x.test/f.ttf", func(s *Style) { s.FontURL = "https://x.test/f.ttf" }},
		{"font-weight", "bold", func(s *Style) { s.Weight = 700 }},
		{"font-weight", "300", func(s *Style) { s.Weight = 300 }},
		{"font-color", "red", func(s *Style) { s.Color = color.NRGBA{255, 0, 0, 255} }},
		{"color", "red !important", func(s *Style) { s.Color = color.NRGBA{255, 0, 0, 255} }},
		{"padding", "1px 2px 3px", func(s *Style) { s.Padding = Edges{1, 2, 3, 2} }},
		{"padding", "1vw", func(s *Style) { s.Padding = Edges{10, 10, 10, 10} }},
		{"margin-top", "5%", func(s *Style) { s.Margin.Top = 50 }},
		{"line-height", "1.5", func(s *Style) { s.LineHeight = 60 }},
		{"line-height", "70px", func(s *Style) { s.LineHeight = 70 }},
		{"letter-spacing", ".1em", func(s *Style) { s.LetterSpacing = 4 }},
		{"text-align", "right", func(s *Style) { s.Align = End }},
		{"vertical-position", "top", func(s *Style) { s.Vertical = Start }},
		{"horizontal-align", "left", func(s *Style) { s.Horizontal = Start }},
		{"text-shadow", "none", func(s *Style) { s.Shadows = nil }},
		{"text-shadow", "1px 2px 3px red, -1px 0 rgba(0, 0, 0, 0.5)", func(s *Style) {
			s.Shadows = []Shadow{{1, 2, 3, color.NRGBA{255, 0, 0, 255}}, {-1, 0, 0, color.NRGBA{A: 128}}}
		}},
		{"-webkit-text-stroke", "2px red", func(s *Style) { s.Stroke = Stroke{2, color.NRGBA{255, 0, 0, 255}} }},
		{"width", "80%", func(s *Style) { s.Width = 800 }},
		{"white-space", "nowrap", func(s *Style) { s.NoWrap = true }},
		{"word-break", "break-word", func(s *Style) { s.BreakWords = true }},
		{"opacity", "0.5", func(s *Style) { s.Opacity = 0.5 }},
		{"text-transform", "uppercase", func(s *Style) { s.Transform = "uppercase" }},
		{"text-decoration", "underline line-through", func(s *Style) { s.Underline, s.StrikeThrough = true, true }},
	} {
		want := base
		tc.want(&want)
		got, problems := ParseStyle(map[string]string{tc.key: tc.value}, canvas, named)
		if len(problems) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s\n got %+v\nwant %+v\n%v", tc.key, tc.value, got, want, problems)
		}
	}
}

func TestParseStyleReportsProblems(t *testing.T) {
	canvas := image.Pt(1000, 500)
	base, _ := ParseStyle(nil, canvas, named)
	for key, value := range map[string]string{
		"font-size": "huge", "color": "nocolour", "padding": "1px 2px 3px 4px 5px", "text-shadow": "red", "text-align": "diagonal",
		"font-weight": "9999", "hyphens": "auto", "line-height": "x", "letter-spacing": "1furlong", "width": "1e300px",
	} {
		got, problems := ParseStyle(map[string]string{key: value}, canvas, named)
		if len(problems) != 1 || problems[0].Key != key || !reflect.DeepEqual(got, base) {
			t.Errorf("%s: %s gave %v and %+v", key, value, problems, got)
		}
	}
}

// TestParseStyleBoundsCost holds that what grows with a number is bounded, said,
// and otherwise kept.
func TestParseStyleBoundsCost(t *testing.T) {
	for key, value := range map[string]string{
		"text-shadow":               strings.Repeat("1px 1px red,", 5000),
		"-webkit-text-stroke":       "90000px red",
		"-webkit-text-stroke-width": "90000px",
	} {
		got, problems := ParseStyle(map[string]string{key: value}, image.Pt(1000, 500), named)
		if len(problems) != 1 || len(got.Shadows) > maxShadows || got.Stroke.Width > maxStroke {
			t.Errorf("%s: %d shadows, stroke %v, problems %v", key, len(got.Shadows), got.Stroke, problems)
		}
	}
	got, problems := ParseStyle(map[string]string{"text-shadow": "1px 1px 90000px red"}, image.Pt(1000, 500), named)
	if len(problems) != 1 || len(got.Shadows) != 1 || got.Shadows[0].Blur != maxBlur {
		t.Errorf("blur: %+v, problems %v", got.Shadows, problems)
	}
}

func FuzzParseStyle(f *testing.F) {
	f.Add("text-shadow", "1px 2px (")
	f.Add("padding", "1 2 3")
	f.Fuzz(func(_ *testing.T, key, value string) {
		ParseStyle(map[string]string{key: value}, image.Pt(640, 360), named)
	})
}
