package golden

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// How alike a picture and its reference must be in the section that is least
// alike. The same FFmpeg gives 1 and 0. Coding a movie at crf 12 instead of 8 gives 0.95 and 0.3
// at worst, which another FFmpeg's scaling and coding should not exceed by much. A
// turn of half a degree too far gives 0.92 and 0.85, a saturation of nine tenths 2.2.
const (
	leastLikeness = 0.94
	mostTint      = 1.0
)

// Picture compares a picture with the one in a JPEG file; -update writes that anew.
func Picture(t *testing.T, file string, got image.Image) {
	t.Helper()
	var coded bytes.Buffer
	if err := jpeg.Encode(&coded, got, &jpeg.Options{Quality: 88}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, coded.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if likeness, tint := alike(t, want, coded.Bytes()); likeness < leastLikeness || tint > mostTint {
		at := filepath.Join(os.TempDir(), "got-"+filepath.Base(file))
		t.Errorf("%s: likeness %.3f (at least %g), tint %.2f (at most %g); look at %s (%v)",
			file, likeness, leastLikeness, tint, mostTint, at, os.WriteFile(at, coded.Bytes(), 0o644))
	}
}

// Blocks of 8 by 8 pixels that overlap by half, and the constants of SSIM as its
// paper has them (Wang, Bovik, Sheikh, Simoncelli 2004).
const (
	blockSize = 8
	blockStep = blockSize / 2
	ssimC1    = (0.01 * 255) * (0.01 * 255)
	ssimC2    = (0.03 * 255) * (0.03 * 255)
	// section is the side, in blocks, of the square of a picture that is judged by
	// itself: about 40 pixels. The mean of a whole picture would not notice that a
	// small thing is gone.
	section = 9
)

// plane is one component of a picture.
type plane struct {
	pix           []byte
	stride        int
	width, height int
}

// alike compares two JPEGs: likeness is the structural similarity of brightness in
// the section that is least alike, 1 for equal ones and 0 for pictures of other sizes.
// tint is by how much brightness, Cb or Cr is off, of 255, in the section where it
// is most: structure alone says little of either.
func alike(t *testing.T, a, b []byte) (likeness, tint float64) {
	t.Helper()
	x, y := planes(t, a), planes(t, b)
	if x[0].width != y[0].width || x[0].height != y[0].height {
		return 0, 255
	}
	likeness = least(compareBlocks(x[0], y[0], ssim))
	for i := range x {
		off := compareBlocks(x[i], y[i], meanDifference)
		tint = max(tint, -least(scaled(off, -1)), -least(off))
	}
	return likeness, tint
}

// planes are brightness, Cb and Cr.
func planes(t *testing.T, coded []byte) [3]plane {
	t.Helper()
	decoded, err := jpeg.Decode(bytes.NewReader(coded))
	if err != nil {
		t.Fatal(err)
	}
	p, ok := decoded.(*image.YCbCr)
	if !ok || p.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		t.Fatalf("a reference is coded as %T", decoded)
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	return [3]plane{{p.Y, p.YStride, w, h}, {p.Cb, p.CStride, (w + 1) / 2, (h + 1) / 2}, {p.Cr, p.CStride, (w + 1) / 2, (h + 1) / 2}}
}

// compareBlocks is what measure says of every block, row by row.
func compareBlocks(a, b plane, measure func(sums) float64) [][]float64 {
	var rows [][]float64
	for y := 0; y+blockSize <= a.height; y += blockStep {
		var row []float64
		for x := 0; x+blockSize <= a.width; x += blockStep {
			row = append(row, measure(sum(a, b, x, y)))
		}
		rows = append(rows, row)
	}
	return rows
}

// sums are those of two blocks, of their squares and of their products, each
// divided by the number of pixels.
type sums struct{ a, b, aa, bb, ab float64 }

func sum(a, b plane, x, y int) (s sums) {
	for dy := range blockSize {
		ra, rb := a.pix[(y+dy)*a.stride+x:], b.pix[(y+dy)*b.stride+x:]
		for dx := range blockSize {
			va, vb := float64(ra[dx]), float64(rb[dx])
			s = sums{s.a + va, s.b + vb, s.aa + va*va, s.bb + vb*vb, s.ab + va*vb}
		}
	}
	const n = blockSize * blockSize
	return sums{s.a / n, s.b / n, s.aa / n, s.bb / n, s.ab / n}
}

func ssim(s sums) float64 {
	return (2*s.a*s.b + ssimC1) * (2*(s.ab-s.a*s.b) + ssimC2) / ((s.a*s.a + s.b*s.b + ssimC1) * (s.aa - s.a*s.a + s.bb - s.b*s.b + ssimC2))
}

func meanDifference(s sums) float64 { return s.a - s.b }

func scaled(rows [][]float64, by float64) [][]float64 {
	for _, row := range rows {
		for i := range row {
			row[i] *= by
		}
	}
	return rows
}

// least is the least mean of all sections.
func least(rows [][]float64) float64 {
	high, wide := min(section, len(rows)), min(section, len(rows[0]))
	least := math.Inf(1)
	for y := 0; y+high <= len(rows); y++ {
		for x := 0; x+wide <= len(rows[0]); x++ {
			var sum float64
			for _, row := range rows[y : y+high] {
				for _, s := range row[x : x+wide] {
					sum += s
				}
			}
			least = min(least, sum/float64(high*wide))
		}
	}
	return least
}
