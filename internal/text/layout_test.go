package text

import (
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"
)

// ends are the texts of a paragraph's lines.
func ends(t *testing.T, text string, st Style) []string {
	t.Helper()
	var list []string
	runes := []rune(text)
	for _, ln := range open(t).layoutFor(t, text, st) {
		var from, to = len(runes), 0
		for _, r := range ln.runs {
			from, to = min(from, r.Runes.Offset), max(to, r.Runes.Offset+r.Runes.Count)
		}
		list = append(list, string(runes[from:to]))
	}
	return list
}

// TestScriptsWithoutSpacesWrap holds that such text stays in its box and that no
// syllable is cut.
func TestScriptsWithoutSpacesWrap(t *testing.T) {
	for name, text := range map[string]string{
		"thai":    "เมื่อวานนี้ฉันไปเที่ยวทะเลกับเพื่อนๆของฉันและกินข้าวที่ร้านอาหารริมทะเลน้ำ",
		"lao":     "ຂ້ອຍໄປຕະຫຼາດກັບໝູ່ຂອງຂ້ອຍເພື່ອຊື້ອາຫານແລະເຄື່ອງດື່ມ",
		"khmer":   "ខ្ញុំស្រលាញ់ប្រទេសកម្ពុជាខ្ញុំស្រលាញ់ប្រទេសកម្ពុជា",
		"myanmar": "ကျွန်ုပ်တို့သည်မြန်မာနိုင်ငံတွင်နေထိုင်ကြပါသည်",
	} {
		for width := 150; width <= 500; width += 25 {
			st := style(t, map[string]string{"font-size": "40px", "width": fmt.Sprint(width)})
			list := ends(t, text, st)
			if len(list) < 2 || strings.Join(list, "") != text {
				t.Errorf("%s, %d: lines %q", name, width, list)
			}
			for i, ln := range open(t).layoutFor(t, text, st) {
				if ln.width > float64(width)+0.5 {
					t.Errorf("%s, %d: line %q is %.0f wide", name, width, list[i], ln.width)
				}
				first, last := []rune(list[i])[0], []rune(list[i])[len([]rune(list[i]))-1]
				if i > 0 && strings.ContainsRune("ะาำๆ\u0e31\u0e34\u0e37\u0e48\u0e49ະາຳ\u0eb5\u0ec9\u17d2\u17bb\u102d\u103a", first) || strings.ContainsRune("เแโใไເແໂໃໄ\u17d2", last) {
					t.Errorf("%s, %d: line %q cuts a syllable", name, width, list[i])
				}
			}
		}
	}
}

// TestWidthAndMargin holds that text fills a box of a set width: margins are
// outside of it.
func TestWidthAndMargin(t *testing.T) {
	text := strings.Repeat("word ", 60)
	plain := ends(t, text, style(t, map[string]string{"width": "80%"}))
	if got := ends(t, text, style(t, map[string]string{"width": "80%", "margin": "200px"})); !reflect.DeepEqual(got, plain) {
		t.Errorf("a margin makes %q of %q", got[0], plain[0])
	}
	if got, free := ends(t, text, style(t, map[string]string{"margin": "200px"})), ends(t, text, style(t, nil)); len(got[0]) >= len(free[0]) {
		t.Errorf("a margin does not narrow text without a width: %q", got[0])
	}
}

func TestWhiteSpace(t *testing.T) {
	text := "  two   spaces \n\tand a tab "
	for _, tc := range []struct {
		value string
		want  []string
		wraps bool
	}{
		{"normal", []string{"two spaces", "and a tab"}, true},
		{"pre-line", []string{"two spaces", "and a tab"}, true},
		{"nowrap", []string{"two spaces", "and a tab"}, false},
		{"pre", []string{"  two   spaces ", "        and a tab "}, false},
		{"pre-wrap", []string{"  two   spaces ", "        and a tab "}, true},
	} {
		st := style(t, map[string]string{"white-space": tc.value, "width": "600px", "font-size": "40px"})
		if got := paragraphs(text, st); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.value, got, tc.want)
		}
		if got := len(open(t).layoutFor(t, strings.Repeat("word ", 40), st)) > 1; got != tc.wraps {
			t.Errorf("%s: wraps is %v", tc.value, got)
		}
	}
	plain, kept := drawn(t, "a", "white-space", "pre"), drawn(t, "   a   ", "white-space", "pre")
	if kept.Box.Dx() < plain.Box.Dx()+40 {
		t.Errorf("spaces around a letter make %d of %d pixels", kept.Box.Dx(), plain.Box.Dx())
	}
	if _, problems := ParseStyle(map[string]string{"white-space": "wide"}, image.Pt(100, 100), named); len(problems) != 1 {
		t.Errorf("problems: %v", problems)
	}
}

// TestCharactersThatShowNothing holds that they leave no mark and no warning.
func TestCharactersThatShowNothing(t *testing.T) {
	want := drawn(t, "ab")
	for name, s := range map[string]string{
		"controls": "a\x00\x01\x07\x0b\x0c\x1b\x7f\u0080b", "byte order mark": "\ufeffab", "broken character": "a\ufffdb", "broken bytes": "a\xed\xa0\x80b",
		"not characters": "a\ufffe\uffff\U0001ffffb", "zero width": "a\u2060b", "soft hyphen": "a\u00adb", "direction marks": "\u200eab\u200e", "selector": "a\ufe0eb",
	} {
		got := drawn(t, s)
		if len(got.Warnings) > 0 {
			t.Errorf("%s: %v", name, got.Warnings)
		}
		if d := got.Box.Dx() - want.Box.Dx(); d < -1 || d > 1 {
			t.Errorf("%s: %d wide, want %d", name, got.Box.Dx(), want.Box.Dx())
		}
	}
	if got := paragraphs("a\u2028b\u0085c\r\nd", Style{}); len(got) != 4 {
		t.Errorf("line ends: %q", got)
	}
}
