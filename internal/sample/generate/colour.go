package main

import "math"

// rgb is a colour in linear light; 1 is white, and light may exceed it.
type rgb struct{ r, g, b float64 }

// hex is a colour written as sRGB, 0xRRGGBB.
func hex(v uint32) rgb {
	part := func(shift uint) float64 {
		s := float64(v>>shift&0xff) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return rgb{part(16), part(8), part(0)}
}

func (c rgb) plus(d rgb) rgb        { return rgb{c.r + d.r, c.g + d.g, c.b + d.b} }
func (c rgb) times(k float64) rgb   { return rgb{c.r * k, c.g * k, c.b * k} }
func mix(a, b rgb, t float64) rgb   { return a.times(1 - t).plus(b.times(t)) }
func clamp(x float64) float64       { return min(max(x, 0), 1) }
func square(x float64) float64      { return x * x }
func bell(x, width float64) float64 { return math.Exp(-square(x / width)) }

// smooth rises from 0 to 1 between from and to.
func smooth(from, to, x float64) float64 {
	t := clamp((x - from) / (to - from))
	return t * t * (3 - 2*t)
}

// lab is a colour in Oklab, where a straight line between two colours looks
// like one.
type lab struct{ l, a, b float64 }

func (c rgb) lab() lab {
	l := math.Cbrt(0.4122214708*c.r + 0.5363325363*c.g + 0.0514459929*c.b)
	m := math.Cbrt(0.2119034982*c.r + 0.6806995451*c.g + 0.1073969566*c.b)
	s := math.Cbrt(0.0883024619*c.r + 0.2817188376*c.g + 0.6299787005*c.b)
	return lab{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

func (c lab) rgb() rgb {
	cube := func(x float64) float64 { return x * x * x }
	l := cube(c.l + 0.3963377774*c.a + 0.2158037573*c.b)
	m := cube(c.l - 0.1055613458*c.a - 0.0638541728*c.b)
	s := cube(c.l - 0.0894841775*c.a - 1.2914855480*c.b)
	return rgb{
		4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s,
	}
}

// stop is a colour at one place of a gradient.
type stop struct {
	at    float64
	color uint32
}

// gradient runs through its stops, smoothly mixed in Oklab.
type gradient []struct {
	at float64
	lab
}

func newGradient(stops ...stop) gradient {
	g := make(gradient, len(stops))
	for i, s := range stops {
		g[i].at, g[i].lab = s.at, hex(s.color).lab()
	}
	return g
}

func (g gradient) at(x float64) rgb {
	last := len(g) - 1
	if x <= g[0].at {
		return g[0].rgb()
	}
	for i := range last {
		p, q := g[i], g[i+1]
		if x < q.at {
			t := (x - p.at) / (q.at - p.at)
			return lab{p.l + t*(q.l-p.l), p.a + t*(q.a-p.a), p.b + t*(q.b-p.b)}.rgb()
		}
	}
	return g[last].rgb()
}

// encode turns light into an 8-bit sRGB value. Highlights roll off instead of
// clipping; noise, from -1 to 1, breaks the steps of gradients up.
func encode(x, noise float64) uint8 {
	const knee = 0.75
	if x > knee {
		x = knee + (1-knee)*(1-math.Exp(-(x-knee)/(1-knee)))
	}
	if x <= 0.0031308 {
		x *= 12.92
	} else {
		x = 1.055*math.Pow(x, 1/2.4) - 0.055
	}
	return uint8(clamp(x+noise/255)*255 + 0.5)
}
