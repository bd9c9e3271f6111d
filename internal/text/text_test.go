package text

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var library = sync.OnceValues(func() (*Library, error) { return Open(filepath.Join(os.TempDir(), "reelhook-test-fonts")) })

func open(t testing.TB) *Library {
	t.Helper()
	l, err := library()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func named(s string) (color.NRGBA, bool) {
	c, ok := map[string]color.NRGBA{
		"red": {255, 0, 0, 255}, "white": white, "black": {A: 255}, "rgba(0, 0, 0, 0.5)": {A: 128}, "transparent": {},
	}[s]
	return c, ok
}

func style(t testing.TB, settings map[string]string) Style {
	t.Helper()
	st, problems := ParseStyle(settings, image.Pt(1920, 1080), named)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return st
}

// save keeps a picture to be looked at when REELHOOK_TEXT_OUT names a folder.
func save(t testing.TB, name string, b *Block) {
	dir := os.Getenv("REELHOOK_TEXT_OUT")
	if dir == "" {
		return
	}
	f, err := os.Create(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, b.Image); err != nil {
		t.Fatal(err)
	}
}

// TestScripts draws one text in each script and checks what can be checked
// without a picture to compare with: lines, ink, no missing glyphs.
func TestScripts(t *testing.T) {
	l := open(t)
	for _, tc := range []struct {
		name, text string
		lines      int
	}{
		{"latin", "AVATAR: The quick brown fox jumps over the lazy dog, twice.", 2},
		{"arabic", "مرحبا بالعالم هذا نص طويل لاختبار التفاف الأسطر في الصندوق", 2},
		{"hebrew", "שלום עולם with English 123 בפנים של הטקסט הזה שלנו", 2},
		{"cjk", "这是一个没有空格的很长的中文句子用来测试自动换行的功能是否正确工作", 2},
		{"devanagari", "नमस्ते दुनिया क्षत्रिय ज्ञान", 1},
		{"thai", "สวัสดีชาวโลก ที่นี่", 1},
		{"emoji", "Hi 👨‍👩‍👧‍👦 🇫🇷 👍🏽 3️⃣ ❤️ 😀", 1},
		{"breaks", "one<br>two\nthree<BR/>four", 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := style(t, map[string]string{"font-size": "48px", "font-weight": "700", "background-color": "rgba(0, 0, 0, 0.5)", "width": "900px", "padding": "20px"})
			b, err := l.Draw(tc.text, st)
			if err != nil {
				t.Fatal(err)
			}
			save(t, tc.name, b)
			if len(b.Warnings) > 0 {
				t.Errorf("warnings: %v", b.Warnings)
			}
			plain := l.layoutFor(t, tc.text, st)
			if len(plain) != tc.lines {
				t.Errorf("%d lines, want %d", len(plain), tc.lines)
			}
			for i, ln := range plain {
				if ln.width > 860.5 {
					t.Errorf("line %d is %.1f wide, more than the box", i, ln.width)
				}
			}
			if got := b.Box.Dx(); got != 900 {
				t.Errorf("box is %d wide", got)
			}
		})
	}
}

func (l *Library) layoutFor(t *testing.T, s string, st Style) []line {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	f, _, err := l.choose(s, st)
	if err != nil {
		t.Fatal(err)
	}
	return l.layout(paragraphs(s, st), f, st)
}

// TestEmojiAreOneColourGlyph holds that joined sequences stay whole.
func TestEmojiAreOneColourGlyph(t *testing.T) {
	l := open(t)
	st := style(t, map[string]string{"font-size": "64px", "color": "white", "text-shadow": "none"})
	one, err := l.Draw("😀", st)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"👩‍🚀", "🇫🇷", "👍🏽", "3️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"} {
		b, err := l.Draw(s, st)
		if err != nil {
			t.Fatal(err)
		}
		if b.Box.Dx() > one.Box.Dx()+2 {
			t.Errorf("%s is %d wide, one emoji is %d", s, b.Box.Dx(), one.Box.Dx())
		}
		if !colourful(b.Image) {
			t.Errorf("%s has no colour", s)
		}
	}
	two, err := l.Draw("👨‍👩‍👧‍👦 😀", st)
	if err != nil {
		t.Fatal(err)
	}
	if most := 2*one.Box.Dx() + 30; two.Box.Dx() > most {
		t.Errorf("two emoji and a space are %d wide, want at most %d", two.Box.Dx(), most)
	}
	if plain, _ := l.Draw("3", st); colourful(plain.Image) {
		t.Error("a plain digit was drawn as emoji")
	}
}

func colourful(img *image.NRGBA) bool {
	n := 0
	for i := 0; i < len(img.Pix); i += 4 {
		r, g, b, a := int(img.Pix[i]), int(img.Pix[i+1]), int(img.Pix[i+2]), img.Pix[i+3]
		if a > 200 && max(r, g, b)-min(r, g, b) > 40 {
			n++
		}
	}
	return n > 50
}

func TestDrawLooks(t *testing.T) {
	l := open(t)
	base := map[string]string{"font-size": "80px", "color": "white", "text-shadow": "none"}
	with := func(more ...string) *Block {
		settings := map[string]string{}
		for k, v := range base {
			settings[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			settings[more[i]] = more[i+1]
		}
		b, err := l.Draw("Reel", style(t, settings))
		if err != nil {
			t.Fatal(err)
		}
		save(t, "look "+strings.Join(more, " "), b)
		return b
	}
	plain := with()
	if at := plain.Image.NRGBAAt(plain.Box.Min.X, plain.Box.Min.Y); at.A != 0 {
		t.Errorf("a block without background is not transparent: %v", at)
	}
	boxed := with("background-color", "red", "padding", "10px 20px")
	if got, want := boxed.Box.Dx(), plain.Box.Dx()+40; got != want {
		t.Errorf("padded box is %d wide, want %d", got, want)
	}
	if at := boxed.Image.NRGBAAt(boxed.Box.Min.X, boxed.Box.Min.Y); at != (color.NRGBA{255, 0, 0, 255}) {
		t.Errorf("corner of the box is %v", at)
	}
	round := with("background-color", "red", "padding", "20px", "border-radius", "20px")
	if at := round.Image.NRGBAAt(round.Box.Min.X+1, round.Box.Min.Y+1); at.A > 40 {
		t.Errorf("round corner is filled: %v", at)
	}
	if ink(with("text-shadow", "10px 10px 8px black")) <= ink(plain) {
		t.Error("a shadow adds nothing")
	}
	if ink(with("-webkit-text-stroke", "6px red")) <= ink(plain) {
		t.Error("a stroke adds nothing")
	}
	if ink(with("opacity", "0.5")) >= ink(plain) {
		t.Error("opacity takes nothing away")
	}
	if ink(with("text-decoration", "underline")) <= ink(plain) {
		t.Error("an underline adds nothing")
	}
	if with("letter-spacing", "10px").Box.Dx() <= plain.Box.Dx()+20 {
		t.Error("letter spacing widens nothing")
	}
}

// ink is the sum of a picture's alpha.
func ink(b *Block) (sum int) {
	for i := 3; i < len(b.Image.Pix); i += 4 {
		sum += int(b.Image.Pix[i])
	}
	return sum
}

func TestPlace(t *testing.T) {
	b := &Block{Box: image.Rect(5, 5, 105, 55)} // five pixels of shadow around
	canvas := image.Rect(100, 100, 500, 300)
	for _, tc := range []struct {
		settings map[string]string
		want     image.Point
	}{
		{nil, image.Pt(250, 175)},
		{map[string]string{"vertical-position": "top", "horizontal-position": "left"}, image.Pt(100, 100)},
		{map[string]string{"vertical-align": "bottom", "horizontal-align": "right", "margin-bottom": "20px"}, image.Pt(400, 230)},
	} {
		if got := b.Place(canvas, style(t, tc.settings)).Add(b.Box.Min); got != tc.want {
			t.Errorf("%v: box at %v, want %v", tc.settings, got, tc.want)
		}
	}
}

func TestTooMuch(t *testing.T) {
	l := open(t)
	for name, tc := range map[string]struct{ text, size string }{
		"long text": {strings.Repeat("x", maxRunes+1), "20px"},
		"huge font": {"x", "3000px"},
		"huge area": {strings.Repeat("word ", 4000), "1900px"},
	} {
		if _, err := l.Draw(tc.text, style(t, map[string]string{"font-size": tc.size})); err == nil {
			t.Errorf("%s was drawn", name)
		}
	}
}

func TestMissingFamily(t *testing.T) {
	b, err := open(t).Draw("x", style(t, map[string]string{"font-family": "No Such Font"}))
	if err != nil || len(b.Warnings) != 1 || !strings.Contains(b.Warnings[0], "No Such Font") {
		t.Errorf("%v %v", b.Warnings, err)
	}
}

func TestBrokenFont(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.ttf")
	if err := os.WriteFile(path, []byte("\x00\x01\x00\x00garbage that is no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	st := style(t, nil)
	st.FontFile = path
	if _, err := open(t).Draw("x", st); err == nil {
		t.Error("a broken font was used")
	}
}

func FuzzDraw(f *testing.F) {
	for _, s := range []string{"a", "", "\u200d", "3\ufe0f\u20e3", "\U0001F1E6", "شكرا x", "<br>", "\x00\xff"} {
		f.Add(s)
	}
	l := open(f)
	st, _ := ParseStyle(nil, image.Pt(640, 360), named)
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := l.Draw(s, st); err != nil && len(s) < 100 {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func BenchmarkDraw(b *testing.B) {
	l := open(b)
	st := style(b, map[string]string{"font-size": "48px", "width": "900px", "background-color": "rgba(0, 0, 0, 0.5)"})
	for b.Loop() {
		if _, err := l.Draw("The quick brown fox jumps over the lazy dog, twice.", st); err != nil {
			b.Fatal(err)
		}
	}
}
