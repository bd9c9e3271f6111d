package text

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-text/typesetting/font"
)

func TestInstalled(t *testing.T) {
	here := func(names ...string) func(string) bool {
		return func(name string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		}
	}
	for _, tc := range []struct {
		family string
		has    func(string) bool
		want   string
		found  bool
	}{
		{"Noto Sans JP", here("Noto Sans CJK JP"), "Noto Sans CJK JP", true},
		{"Noto Sans JP", here("Noto Sans CJK JP", "Noto Sans JP"), "Noto Sans JP", true},
		{"noto serif tc", here("Noto Serif CJK TC"), "Noto Serif CJK TC", true},
		{"Noto Sans Simplified Chinese", here("Noto Sans CJK SC"), "Noto Sans CJK SC", true},
		{"Source Han Sans KR", here("Noto Sans CJK KR"), "Noto Sans CJK KR", true},
		{"Noto Sans CJK HK", here("Noto Sans HK"), "Noto Sans HK", true},
		{"Japanese", here("Noto Sans CJK JP"), "Noto Sans CJK JP", true},
		{"Noto Sans Thai Looped", here("Noto Looped Thai"), "Noto Looped Thai", true},
		{"Arial", here("Arimo"), "Arimo", true},
		{"ARIAL", here("Liberation Sans", "Arimo"), "Liberation Sans", true},
		{"Arial", here(), "Arial", false},
		{"Poppins", here("Inter"), "Poppins", false},
		{"Noto Sans", here(), "Noto Sans", false},
	} {
		got, found := installed([]string{tc.family, "Inter"}, tc.has)
		if !strings.EqualFold(got[0], tc.want) || found != tc.found || len(got) != 2 {
			t.Errorf("%s: %v %v, want %s %v", tc.family, got, found, tc.want, tc.found)
		}
	}
}

func TestHanRegion(t *testing.T) {
	for _, tc := range []struct {
		text, family string
		want         region
	}{
		{"直", "Noto Sans JP", japan}, {"直", "Noto Serif KR", korea}, {"直", "Noto Sans SC", simplified}, {"直", "Noto Sans TC", taiwan},
		{"直", "Noto Sans HK", hongKong}, {"直の", "Inter", japan}, {"直 한", "Inter", korea}, {"直ㄅ", "Inter", taiwan}, {"直", "Inter", simplified},
		{"直の", "Noto Sans SC", simplified},
	} {
		if got := hanRegion(tc.text, []string{tc.family}); got != tc.want {
			t.Errorf("%s in %s: %v, want %v", tc.text, tc.family, got, tc.want)
		}
	}
}

// TestHanVariants holds that one character looks as its region writes it, and
// that Google's names raise no warning.
func TestHanVariants(t *testing.T) {
	l := open(t)
	glyph := func(text, family string) font.GID {
		st := style(t, map[string]string{"font-family": family})
		if b, err := l.Draw(text, st); err != nil || len(b.Warnings) > 0 {
			t.Errorf("%s in %s: %v, %v", text, family, b.Warnings, err)
		}
		return l.layoutFor(t, text, st)[0].runs[0].Glyphs[0].GlyphID
	}
	jp, sc := glyph("直", "Noto Sans JP"), glyph("直", "Noto Sans SC")
	if jp == sc {
		t.Error("Japanese and Chinese forms are the same")
	}
	for text, want := range map[string]font.GID{"直の": jp, "直": sc} {
		if got := glyph(text, "Inter"); got != want {
			t.Errorf("%s: glyph %d, want %d", text, got, want)
		}
	}
}

// TestMarksStayWithTheirBase holds that no part of a syllable comes from another
// font, which would draw a dotted circle under it.
func TestMarksStayWithTheirBase(t *testing.T) {
	for _, text := range []string{"ស្រលាញ់", "เมื่อนี้", "ကျွန်ုပ်", "ນີ້", "क्षि"} {
		if runs := open(t).layoutFor(t, text, style(t, nil))[0].runs; len(runs) != 1 {
			t.Errorf("%s is drawn in %d runs", text, len(runs))
		}
	}
}
