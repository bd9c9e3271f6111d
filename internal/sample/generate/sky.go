package main

import "math"

// starfield is stars scattered over a grid of cells, most of them faint.
type starfield struct {
	seed noise
	// cells per height, and the share of them that holds a star.
	cells, share float64
	// size is the radius of a star's light.
	size float64
}

func (s starfield) at(x, y float64) rgb {
	cx, cy := math.Floor(x*s.cells), math.Floor(y*s.cells)
	ix, iy := int(cx), int(cy)
	if s.seed.cell(ix, iy) > s.share {
		return rgb{}
	}
	// Away from the edge of the cell, so that no star is cut.
	px := (cx + 0.25 + 0.5*s.seed.cell(ix, iy+5000)) / s.cells
	py := (cy + 0.25 + 0.5*s.seed.cell(ix, iy+9000)) / s.cells
	bright := math.Pow(s.seed.cell(ix+5000, iy), 9)
	size := s.size * (0.7 + 0.9*bright)
	light := (0.1 + 1.4*bright) * math.Exp(-(square(x-px)+square(y-py))/(size*size))
	warmth := s.seed.cell(ix+9000, iy)
	return mix(rgb{0.75, 0.85, 1}, rgb{1, 0.88, 0.72}, warmth).times(light)
}

// sun is a disc with a glow around it.
type sun struct {
	x, y, radius float64
	disc, glow   rgb
	// reach is how far the glow goes, strength how bright it is at the disc.
	reach, strength float64
}

// over adds the sun to a sky. The glow hugs the horizon: higher up the air is
// too clear to light up.
func (s sun) over(sky rgb, x, y float64) rgb {
	d := math.Hypot(x-s.x, (y-s.y)*1.05)
	low := smooth(0, s.y, y)
	glow := 0.6*math.Exp(-d/s.reach)*(0.3+0.7*low) + 0.4*bell(d, s.reach*2.6)*low
	sky = sky.plus(s.glow.times(s.strength * glow))
	disc := s.disc.times(1 - 0.25*smooth(0, s.radius, y-s.y+s.radius*0.5))
	return mix(sky, disc, smooth(s.radius+0.0012, s.radius-0.0012, d))
}

// streaks is how much thin, drawn-out cloud there is at a place, 0 to 1.
func streaks(seed noise, x, y, cover float64) float64 {
	bend := 0.25 * seed.at(x*1.3, y*2)
	n := seed.clouds(x*1.7+bend, y*13+x*0.9, 6)
	return smooth(0.12-cover, 0.62-cover, n)
}

// vignette darkens the corners.
func vignette(c rgb, x, y float64) rgb {
	d := square((x-0.889)/0.889) + square((y-0.5)/0.5)
	return c.times(1 - 0.16*smooth(0.6, 2, d))
}
