package main

import "math"

// night is northern lights over a lake.
func night() shader {
	const shore = 0.80
	sky := newGradient(stop{0, 0x050818}, stop{0.4, 0x0a1836}, stop{0.62, 0x10304e}, stop{0.8, 0x1c5560})
	fine := starfield{seed: 131, cells: 105, share: 0.45, size: 0.0007}
	bold := starfield{seed: 132, cells: 30, share: 0.45, size: 0.0012}
	hills := nightLand().raise()
	above := func(x, y float64, stars bool) rgb {
		c := sky.at(y).plus(aurora(x, y))
		if !stars {
			return hills.over(c, x, y)
		}
		milky := bell(y-0.42+0.5*(x-0.5)+0.05*noise(8).at(x*3, y*3), 0.16) * (0.55 + 0.6*noise(9).clouds(x*5, y*5, 5))
		c = c.plus(rgb{0.020, 0.022, 0.040}.times(max(0, milky)))
		c = c.plus(fine.at(x, y).times(0.45 + 1.1*clamp(milky)))
		c = c.plus(bold.at(x, y).times(0.9))
		return hills.over(c, x, y)
	}
	return func(x, y float64) rgb {
		if y < shore {
			return vignette(above(x, y, true), x, y)
		}
		return vignette(lake(func(x, y float64) rgb { return above(x, y, false) }, x, y, shore), x, y)
	}
}

// aurora is the light of three curtains.
func aurora(x, y float64) rgb {
	curtains := []struct {
		seed                  noise
		hem, tall, bend, glow float64
	}{
		{201, 0.60, 0.30, 0.13, 0.50},
		{202, 0.50, 0.36, 0.17, 0.75},
		{203, 0.66, 0.22, 0.09, 0.34},
	}
	var sum rgb
	for _, k := range curtains {
		hem := k.hem + k.bend*k.seed.at(x*1.25, 0.5) - 0.12*(x-0.9)
		up := hem - y
		fold := x*1 + 0.05*k.seed.at(x*4, 9) + 0.10*up
		rays := 0.6 + 0.35*(k.seed+1).at(fold*26, 3) + 0.3*(k.seed+2).at(fold*7, 5)
		patch := smooth(-0.5, 0.45, (k.seed+3).at(x*1.4, 2))
		tall := k.tall * (0.75 + 0.4*(k.seed+4).at(fold*9, 1))
		light := smooth(-0.022, 0.02, up) * math.Exp(-max(0, up)/(tall*0.42))
		light *= k.glow * max(0.05, rays) * patch
		if light < 1e-4 {
			continue
		}
		tint := mix(hex(0x4fffb0), hex(0x2fc8d8), smooth(0, 0.14, up))
		tint = mix(tint, hex(0x8a5cf0), smooth(0.08, 0.34, up))
		sum = sum.plus(tint.times(light))
	}
	return sum
}

// lake mirrors what is above the shore in rippled water.
func lake(above shader, x, y, shore float64) rgb {
	deep := (y - shore) / (1 - shore)
	ripple := noise(301).clouds(x*9, 60*math.Sqrt(deep+0.02), 3)
	shift := 0.004 + 0.022*deep
	c := above(x+shift*0.5*ripple, shore-(y-shore)*1.75-shift*ripple)
	c = mix(c, hex(0x081c2c), 0.22+0.33*deep)
	glint := bell(y-shore, 0.0035) * (0.5 + 0.5*noise(302).at(x*14, 1))
	return c.plus(hex(0x5fb8a8).times(0.16 * glint))
}

func nightLand() land {
	return land{
		{seed: 111, base: 0.76, height: 0.22, detail: 2.3, octaves: 7, body: hex(0x14394e), mist: hex(0x2a6b70), depth: 0.16, relief: 0.25},
		{seed: 142, base: 0.80, height: 0.17, detail: 1.9, octaves: 7, body: hex(0x0c2438), mist: hex(0x1b4a58), depth: 0.16, relief: 0.25},
		{seed: 123, base: 0.80, height: 0.05, detail: 1.7, octaves: 5, body: hex(0x06121f), mist: hex(0x0d2a38), depth: 0.12,
			lift:  func(x float64) float64 { return 0.07*smooth(0.6, 0, x) + 0.06*smooth(1.3, 1.75, x) },
			trees: &forest{seed: 15, spacing: 0.006, height: 0.045}},
	}
}
