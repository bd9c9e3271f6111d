package golden

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"
)

// TestAlike holds that a small thing that is gone in a large picture is noticed,
// and one that has another colour.
func TestAlike(t *testing.T) {
	code := func(spot color.Color) []byte {
		p := image.NewRGBA(image.Rect(0, 0, 400, 300))
		for i := range p.Pix {
			p.Pix[i] = byte(i / 1600)
		}
		draw.Draw(p, image.Rect(200, 200, 220, 212), image.NewUniform(spot), image.Point{}, draw.Src)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, p, nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	grey := code(color.Gray{120})
	if likeness, tint := alike(t, grey, grey); likeness != 1 || tint != 0 {
		t.Errorf("equal pictures: likeness %.4f, tint %.2f", likeness, tint)
	}
	if likeness, _ := alike(t, grey, code(color.Black)); likeness > leastLikeness-0.02 {
		t.Errorf("a hole: likeness %.4f", likeness)
	}
	if _, tint := alike(t, grey, code(color.RGBA{200, 100, 40, 255})); tint < mostTint+0.1 {
		t.Errorf("a brown spot: tint %.4f", tint)
	}
}
