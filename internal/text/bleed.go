package text

import "image"

// straight turns a premultiplied picture into one that is not, in place.
func straight(img *image.RGBA) *image.NRGBA {
	for i := 0; i < len(img.Pix); i += 4 {
		p := img.Pix[i : i+4 : i+4]
		a := int(p[3])
		if a == 0 || a == 255 {
			continue
		}
		for k := range 3 {
			p[k] = uint8(min(255, (int(p[k])*255+a/2)/a))
		}
	}
	return &image.NRGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
}

const (
	// faint is the alpha below which a pixel's colour is mostly a rounding error.
	faint = 8
	// bleedReach is how far colour runs, counted in steps along rows and columns.
	// Colour is halved in both directions for the encoder by a filter that looks
	// three pixels around.
	bleedReach = 6
)

// bleed gives pixels that show nothing the colour of those near them that do.
// Video has one colour for four pixels: black under what is transparent would be
// mixed into the edges of all that is drawn. Alpha stays as it is.
func bleed(img *image.NRGBA) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	steps := make([]uint8, w*h)
	for i := range steps {
		if img.Pix[4*i+3] < faint {
			steps[i] = bleedReach + 1
		}
	}
	// take is one pixel's chance to get a neighbour's colour.
	take := func(i, from int) {
		if steps[from]+1 < steps[i] {
			steps[i] = steps[from] + 1
			copy(img.Pix[4*i:4*i+3], img.Pix[4*from:4*from+3])
		}
	}
	for i := range steps {
		if steps[i] == 0 {
			continue
		}
		if i%w > 0 {
			take(i, i-1)
		}
		if i >= w {
			take(i, i-w)
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i] == 0 {
			continue
		}
		if i%w < w-1 {
			take(i, i+1)
		}
		if i+w < len(steps) {
			take(i, i+w)
		}
	}
}
