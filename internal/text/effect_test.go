package text

import (
	"image"
	"image/color"
	"math"
	"testing"
)

// glyphMask is real text to measure on.
func glyphMask(t *testing.T, s, size string) *image.Alpha {
	t.Helper()
	b := drawn(t, s, "font-size", size, "text-shadow", "none", "color", "white")
	mask := image.NewAlpha(b.Image.Rect)
	for i := range mask.Pix {
		mask.Pix[i] = b.Image.Pix[4*i+3]
	}
	return mask
}

func drawn(t *testing.T, s string, settings ...string) *Block {
	t.Helper()
	m := map[string]string{}
	for i := 0; i < len(settings); i += 2 {
		m[settings[i]] = settings[i+1]
	}
	b, err := open(t).Draw(s, style(t, m))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGrowIsADistance compares with the nearest of all pixels, sought one by one.
func TestGrowIsADistance(t *testing.T) {
	mask := glyphMask(t, "R", "24px")
	b := mask.Bounds()
	for _, radius := range []float64{0.5, 2, 5.5, 20} {
		got := grow(mask, radius)
		var sum, edge float64
		for i := range got.Pix {
			nearest := math.Inf(1)
			for j, a := range mask.Pix {
				if a > 0 {
					nearest = min(nearest, math.Hypot(float64(i%b.Dx()-j%b.Dx()), float64(i/b.Dx()-j/b.Dx()))+0.5-float64(a)/255)
				}
			}
			want := 255 * min(max(radius+0.5-nearest, 0), 1)
			off := math.Abs(want - float64(got.Pix[i]))
			sum += off
			if want > 0 && want < 255 {
				edge++
			}
			if off > 40 { // a sixth of a pixel: the sweeps are not quite exact
				t.Fatalf("radius %v at %d,%d: %d, want %.0f", radius, i%b.Dx(), i/b.Dx(), got.Pix[i], want)
			}
		}
		if sum > 3*edge {
			t.Errorf("radius %v: off by %.1f on average", radius, sum/edge)
		}
	}
}

// TestGrowEdges holds that a straight edge moves by the radius, part of a pixel
// included.
func TestGrowEdges(t *testing.T) {
	mask := image.NewAlpha(image.Rect(0, 0, 40, 40))
	for y := 10; y < 30; y++ {
		for x := 10; x < 30; x++ {
			mask.SetAlpha(x, y, color.Alpha{A: 255})
		}
	}
	for _, radius := range []float64{0.25, 1, 3.5} {
		sum := 0
		for _, v := range grow(mask, radius).Pix[20*40 : 21*40] {
			sum += int(v)
		}
		if got, want := float64(sum)/255, 20+2*radius; math.Abs(got-want) > 0.05 {
			t.Errorf("radius %v: %.2f pixels wide, want %.2f", radius, got, want)
		}
		line := band(mask, grow(mask, radius), 2*radius)
		sum = 0
		for _, v := range line.Pix[20*40 : 21*40] {
			sum += int(v)
		}
		if got, want := float64(sum)/255, 4*radius; math.Abs(got-want) > 0.05 {
			t.Errorf("radius %v: the lines are %.2f pixels wide, want %.2f", radius, got, want)
		}
	}
}

// TestStrokeLiesOverTheGlyphs holds the order and place of browsers.
func TestStrokeLiesOverTheGlyphs(t *testing.T) {
	// A dash of a heavy font is a bar some twenty pixels high.
	row := func(stroke string) (white, red int) {
		b := drawn(t, "—", "font-size", "200px", "font-weight", "900", "text-shadow", "none", "color", "white", "-webkit-text-stroke", stroke)
		x := (b.Box.Min.X + b.Box.Max.X) / 2
		for y := range b.Image.Rect.Dy() {
			switch b.Image.NRGBAAt(x, y) {
			case color.NRGBA{255, 255, 255, 255}:
				white++
			case color.NRGBA{255, 0, 0, 255}:
				red++
			}
		}
		return white, red
	}
	plain, _ := row("0 red")
	white, red := row("8px red")
	if d := plain - white; d < 7 || d > 9 {
		t.Errorf("the stroke covers %d of %d pixels of the glyph, want 8", d, plain)
	}
	if red < 14 || red > 17 {
		t.Errorf("the strokes are %d pixels, want 16", red)
	}
	if white, _ = row("100px red"); white != 0 {
		t.Error("a wide stroke leaves some of the glyph")
	}
}

func TestStrokeOfTransparentTextIsAnOutline(t *testing.T) {
	b := drawn(t, "—", "font-size", "200px", "font-weight", "900", "text-shadow", "none", "color", "transparent", "-webkit-text-stroke", "4px red")
	x, edges, in := (b.Box.Min.X+b.Box.Max.X)/2, 0, false
	for y := range b.Image.Rect.Dy() {
		if now := b.Image.NRGBAAt(x, y).A > 127; now != in {
			edges, in = edges+1, now
		}
	}
	if edges != 4 {
		t.Errorf("%d edges, want those of two lines", edges)
	}
}

// TestLongStrokesAndBlurs holds that a style cannot make the machine work for
// long.
func TestLongStrokesAndBlurs(t *testing.T) {
	for key, value := range map[string]string{"-webkit-text-stroke": "20000px red", "-webkit-text-stroke-width": "20000px", "text-shadow": "0 0 9999px red"} {
		st, problems := ParseStyle(map[string]string{key: value, "font-size": "150px"}, image.Pt(1920, 1080), named)
		if len(problems) != 1 || st.Stroke.Width > maxStroke || len(st.Shadows) > 0 && st.Shadows[0].Blur > maxBlur {
			t.Errorf("%s: %v %v, %v", key, st.Stroke, st.Shadows, problems)
		}
		if _, err := open(t).Draw("Long", st); err != nil {
			t.Error(err)
		}
	}
	st, problems := ParseStyle(map[string]string{"-webkit-text-stroke": "60px red", "font-size": "20px"}, image.Pt(1920, 1080), named)
	if st.Stroke.Width != 40 || len(problems) != 1 {
		t.Errorf("stroke of small text: %v, %v", st.Stroke, problems)
	}
}

// TestNoFringes halves the colours of a picture as yuva420p does before it is
// laid over white, and compares with halving what is already over white.
func TestNoFringes(t *testing.T) {
	b := drawn(t, "Reel", "font-size", "60px", "text-shadow", "none", "color", "red")
	img := b.Image
	for y := 0; y+1 < img.Rect.Dy(); y += 2 {
		for x := 0; x+1 < img.Rect.Dx(); x += 2 {
			var u, v, a, wantU, wantV float64
			for i := range 4 {
				c := img.NRGBAAt(x+i%2, y+i/2)
				cu, cv := chroma(c)
				alpha := float64(c.A) / 255
				u, v, a = u+cu/4, v+cv/4, a+alpha/4
				wantU, wantV = wantU+cu*alpha/4, wantV+cv*alpha/4 // white has none
			}
			if du, dv := math.Abs(u*a-wantU), math.Abs(v*a-wantV); du > 4 || dv > 4 {
				t.Fatalf("at %d,%d the colour is off by %.1f, %.1f", x, y, du, dv)
			}
		}
	}
}

// chroma is the colour part of ITU-R BT.709.
func chroma(c color.NRGBA) (u, v float64) {
	r, g, b := float64(c.R), float64(c.G), float64(c.B)
	y := 0.2126*r + 0.7152*g + 0.0722*b
	return (b - y) / 1.8556, (r - y) / 1.5748
}

func TestBleed(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 30, 30))
	img.SetNRGBA(15, 15, color.NRGBA{200, 10, 20, 255})
	img.SetNRGBA(16, 15, color.NRGBA{0, 255, 0, faint - 1})
	bleed(img)
	for _, tc := range []struct {
		x, y int
		want color.NRGBA
	}{
		{15, 15, color.NRGBA{200, 10, 20, 255}}, {16, 15, color.NRGBA{200, 10, 20, faint - 1}}, {12, 12, color.NRGBA{200, 10, 20, 0}},
		{18, 18, color.NRGBA{200, 10, 20, 0}}, {15, 21, color.NRGBA{200, 10, 20, 0}}, {15, 22, color.NRGBA{}}, {0, 0, color.NRGBA{}},
	} {
		if got := img.NRGBAAt(tc.x, tc.y); got != tc.want {
			t.Errorf("at %d,%d: %v, want %v", tc.x, tc.y, got, tc.want)
		}
	}
}

func TestEmojiHaveShadows(t *testing.T) {
	b := drawn(t, "😀", "font-size", "80px", "text-shadow", "200px 0 0 red")
	red := 0
	for x := b.Box.Min.X + 200; x < b.Image.Rect.Max.X; x++ {
		if b.Image.NRGBAAt(x, (b.Box.Min.Y+b.Box.Max.Y)/2) == (color.NRGBA{255, 0, 0, 255}) {
			red++
		}
	}
	if red < 60 {
		t.Errorf("%d pixels of shadow across an emoji", red)
	}
}

func TestRoundCorners(t *testing.T) {
	share := drawn(t, "wide enough", "font-size", "40px", "padding", "20px", "background-color", "red", "border-radius", "50%")
	r := share.Box
	for _, tc := range []struct {
		name   string
		x, y   int
		filled bool
	}{
		{"corner", r.Min.X + 5, r.Min.Y + 5, false},
		{"middle of the left side", r.Min.X + 1, (r.Min.Y + r.Max.Y) / 2, true},
		{"where the top is straight", r.Min.X + r.Dy()/2 + 3, r.Min.Y + 1, true},
	} {
		if got := share.Image.NRGBAAt(tc.x, tc.y).A > 200; got != tc.filled {
			t.Errorf("%s: filled is %v", tc.name, got)
		}
	}
}

func BenchmarkStroke(b *testing.B) {
	l := open(b)
	st := style(b, map[string]string{"font-size": "400px", "-webkit-text-stroke": "200px red"})
	for b.Loop() {
		if _, err := l.Draw("Hello", st); err != nil {
			b.Fatal(err)
		}
	}
}
