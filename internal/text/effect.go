package text

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// fillBox draws a rectangle with round corners.
func fillBox(dst draw.Image, box image.Rectangle, radius float64, c color.NRGBA) {
	r := float32(min(max(0, radius), float64(min(box.Dx(), box.Dy()))/2))
	x0, y0, x1, y1 := float32(box.Min.X), float32(box.Min.Y), float32(box.Max.X), float32(box.Max.Y)
	const k = 0.5523 // a quarter of a circle as a cubic curve
	v := vector.NewRasterizer(dst.Bounds().Dx(), dst.Bounds().Dy())
	v.MoveTo(x0+r, y0)
	v.LineTo(x1-r, y0)
	v.CubeTo(x1-r+k*r, y0, x1, y0+r-k*r, x1, y0+r)
	v.LineTo(x1, y1-r)
	v.CubeTo(x1, y1-r+k*r, x1-r+k*r, y1, x1-r, y1)
	v.LineTo(x0+r, y1)
	v.CubeTo(x0+r-k*r, y1, x0, y1-r+k*r, x0, y1-r)
	v.LineTo(x0, y0+r)
	v.CubeTo(x0, y0+r-k*r, x0+r-k*r, y0, x0+r, y0)
	v.ClosePath()
	v.Draw(dst, dst.Bounds(), image.NewUniform(c), image.Point{})
}

// blur softens a mask as CSS does, whose blur radius is twice the standard
// deviation: three box filters come within a few per cent of the Gaussian.
func blur(mask *image.Alpha, radius float64) *image.Alpha {
	sigma := radius / 2
	if sigma < 0.25 {
		return mask
	}
	half := max(1, int(math.Round((math.Sqrt(4*sigma*sigma+1)-1)/2)))
	out := image.NewAlpha(mask.Bounds())
	copy(out.Pix, mask.Pix)
	w, h := mask.Bounds().Dx(), mask.Bounds().Dy()
	for range 3 {
		for y := range h {
			boxFilter(out.Pix[y*out.Stride:], w, 1, half)
		}
		for x := range w {
			boxFilter(out.Pix[x:], h, out.Stride, half)
		}
	}
	return out
}

// boxFilter replaces n values, step apart, by the mean of those up to half away.
func boxFilter(pix []uint8, n, step, half int) {
	line := make([]uint8, n)
	for i := range n {
		line[i] = pix[i*step]
	}
	sum, size := 0, 2*half+1
	for i := -half; i < n; i++ {
		if j := i + half; j < n {
			sum += int(line[j])
		}
		if j := i - half - 1; j >= 0 {
			sum -= int(line[j])
		}
		if i >= 0 {
			pix[i*step] = uint8(sum / size)
		}
	}
}
