package main

import "math"

// The clip: so many frames, after which it is back where it began.
const (
	waveFrames = 150
	waveRate   = 25
	waveWidth  = 1280
	waveHeight = 720
)

// fold is one sheet of silk: the line of its upper edge and its colours.
type fold struct {
	y, swing  float64
	turns     float64 // how often it swings in one round, whole
	phase     float64
	edge, hem uint32
	depth     float64
	shine     float64
}

var folds = []fold{
	{0.36, 0.085, 1, 0.0, 0x5a3a9c, 0x231a56, 0.42, 0.30},
	{0.48, 0.095, -1, 1.9, 0x9c3f92, 0x34195e, 0.38, 0.38},
	{0.60, 0.085, 1, 3.7, 0xe0586f, 0x571f66, 0.34, 0.46},
	{0.73, 0.075, -1, 5.2, 0xff8f5e, 0x7c2a68, 0.34, 0.55},
	{0.87, 0.060, 1, 0.8, 0xffb57f, 0xb8486c, 0.34, 0.60},
}

// waves is sheets of silk that swing, and lights that drift over them, at a
// time from 0 to 1 of the round.
func waves(time float64) shader {
	sky := newGradient(stop{0, 0x0a0e2c}, stop{0.3, 0x191547}, stop{0.6, 0x2b1b5c})
	edges := make([][2]rgb, len(folds))
	for i, f := range folds {
		edges[i] = [2]rgb{hex(f.edge), hex(f.hem)}
	}
	round := 2 * math.Pi * time
	lights := drift(time)
	return func(x, y float64) rgb {
		c := sky.at(y)
		for i, f := range folds {
			down := y - f.line(x, round)
			// A soft shadow lies on what is behind the sheet.
			c = c.times(1 - 0.35*math.Exp(-square(min(down, 0)/0.05)))
			cover := smooth(-0.0014, 0.0014, down)
			if cover == 0 {
				continue
			}
			gloss := 0.5 + 0.5*math.Sin(x*3.1+f.phase*2-f.turns*round)
			sheet := mix(edges[i][0], edges[i][1], 1-(0.5+0.5*gloss)*math.Exp(-max(down, 0)/(f.depth*0.4)))
			sheet = sheet.times(0.8 + 0.2*gloss).plus(edges[i][0].times(f.shine * gloss * math.Exp(-max(down, 0)/0.012)))
			c = mix(c, sheet, cover)
		}
		return c.plus(lights(x, y))
	}
}

// line is the upper edge of a fold.
func (f fold) line(x, round float64) float64 {
	return f.y +
		f.swing*0.62*math.Sin(x*2.3+f.phase+f.turns*round) +
		f.swing*0.38*math.Sin(x*4.1-1.7*f.phase-f.turns*round) +
		f.swing*0.16*math.Sin(x*7.3+2.3*f.phase+2*f.turns*round)
}

// drift is soft discs of light on small orbits.
func drift(time float64) shader {
	const seed noise = 401
	type light struct {
		x, y, radius float64
		color        rgb
	}
	var lights []light
	for i := range 34 {
		of := func(k int) float64 { return seed.cell(i, k) }
		turn := 2 * math.Pi * (time*math.Copysign(1, of(0)-0.5) + of(1))
		breath := 0.5 + 0.5*math.Sin(2*math.Pi*(time+of(2)))
		tint := mix(hex(0xffc9b0), hex(0xb9a8ff), of(3))
		lights = append(lights, light{
			x: 1.78*of(4) + 0.05*math.Cos(turn), y: 0.3 + 0.66*of(5) + 0.035*math.Sin(turn),
			radius: 0.0025 + 0.009*math.Pow(of(6), 3), color: tint.times((0.05 + 0.2*of(7)) * (0.25 + 0.75*breath)),
		})
	}
	return func(x, y float64) rgb {
		var sum rgb
		for _, l := range lights {
			d := math.Hypot(x-l.x, y-l.y) / l.radius
			if d > 3 {
				continue
			}
			sum = sum.plus(l.color.times(0.75*smooth(1.1, 0.8, d)*(0.7+0.3*d) + 0.35*bell(d, 1.2)))
		}
		return sum
	}
}
