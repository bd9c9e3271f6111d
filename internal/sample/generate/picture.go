package main

import (
	"image"
	"runtime"
	"sync"
)

// shader is the light at a place of a picture. y runs from 0 at the top to 1 at
// the bottom, x from 0 to the picture's aspect ratio.
type shader func(x, y float64) rgb

// still is a picture's size and how many samples across a pixel smooth its
// edges.
type still struct{ width, height, samples int }

// grain dithers the last bit of every picture.
const grain noise = 4711

// draw renders a shader, rows shared out among the processors.
func (s still) draw(shade shader) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, s.width, s.height))
	rows := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for y := range rows {
				s.row(img, y, shade)
			}
		})
	}
	for y := range s.height {
		rows <- y
	}
	close(rows)
	workers.Wait()
	return img
}

func (s still) row(img *image.RGBA, y int, shade shader) {
	step := 1 / float64(s.samples)
	unit := 1 / float64(s.height)
	for x := range s.width {
		var sum rgb
		for j := range s.samples {
			for i := range s.samples {
				sx := (float64(x) + (float64(i)+0.5)*step) * unit
				sy := (float64(y) + (float64(j)+0.5)*step) * unit
				sum = sum.plus(shade(sx, sy))
			}
		}
		sum = sum.times(step * step)
		d := grain.cell(x, y) + grain.cell(x, y+s.height) - 1
		p := img.Pix[img.PixOffset(x, y):]
		p[0], p[1], p[2], p[3] = encode(sum.r, d), encode(sum.g, d), encode(sum.b, d), 255
	}
}
