package main

import "math"

// dawn is the sun coming up over a sea of fog.
func dawn() shader {
	sky := newGradient(stop{0, 0x10244e}, stop{0.2, 0x1d3f74}, stop{0.38, 0x3f6797}, stop{0.52, 0x8c93ac},
		stop{0.6, 0xe3b196}, stop{0.68, 0xffd9a0})
	rising := sun{x: 1.36, y: 0.555, radius: 0.046, disc: hex(0xffedc4).times(1.45), glow: hex(0xffa860), reach: 0.14, strength: 0.95}
	hills := dawnLand().raise()
	birds := []bird{{1.13, 0.33, 0.020, 0.1}, {1.165, 0.305, 0.016, -0.15}, {1.20, 0.325, 0.013, 0.2}, {1.105, 0.29, 0.012, 0}, {1.235, 0.30, 0.010, -0.1}}
	return func(x, y float64) rgb {
		c := rising.over(sky.at(y), x, y)
		band := smooth(0.1, 0.3, y) * smooth(0.66, 0.5, y)
		if cloud := band * streaks(177, x, y, 0.04); cloud > 0 {
			lit := mix(hex(0x6d7fa8), hex(0xffc48a), bell(x-rising.x, 0.6)*smooth(0.2, 0.5, y))
			c = mix(c, lit, 0.45*cloud)
		}
		for _, b := range birds {
			c = mix(c, hex(0x1a2748), b.cover(x, y))
		}
		c = hills.over(c, x, y)
		// Away from the sun it is still night.
		c = mix(rgb{c.r * 0.34, c.g * 0.42, c.b * 0.58}, c, smooth(-0.25, 1.15, x))
		return vignette(c, x, y)
	}
}

// bird is two wings, far away.
type bird struct{ x, y, span, tilt float64 }

// cover is how much of a place the bird fills.
func (b bird) cover(x, y float64) float64 {
	dx, dy := (x-b.x)/b.span, (y-b.y)/b.span
	dy += b.tilt * dx
	if math.Abs(dx) > 1 {
		return 0
	}
	wing := 0.32*math.Abs(dx) - 0.5*math.Sqrt(math.Abs(dx))*(1-0.45*math.Abs(dx))
	thick := 0.085 * (1 - 0.75*math.Abs(dx))
	return 1 - smooth(thick-0.03, thick+0.03, math.Abs(dy-wing))
}

func dawnLand() land {
	fog := hex(0xf3cfae)
	return land{
		{seed: 211, base: 0.665, height: 0.12, detail: 2.6, octaves: 7, body: hex(0x8d90ad), mist: hex(0xffd9ab), depth: 0.07, relief: 0.12},
		{seed: 242, base: 0.725, height: 0.17, detail: 2.0, octaves: 7, body: hex(0x5f719b), mist: fog, depth: 0.08, relief: 0.16},
		{seed: 223, base: 0.80, height: 0.15, detail: 2.3, octaves: 6, body: hex(0x405787), mist: hex(0xd9b7aa), depth: 0.09, relief: 0.2},
		{seed: 264, base: 0.875, height: 0.11, detail: 1.8, octaves: 6, body: hex(0x2b406e), mist: hex(0xa995a5), depth: 0.11, relief: 0.18,
			trees: &forest{seed: 25, spacing: 0.006, height: 0.024}},
		{seed: 285, base: 1.0, height: 0.09, detail: 1.2, octaves: 6, body: hex(0x182a50), mist: hex(0x51587c), depth: 0.26, relief: 0.1,
			lift:  func(x float64) float64 { return 0.30 * smooth(0.85, -0.1, x) },
			trees: &forest{seed: 26, spacing: 0.007, height: 0.06}},
		{seed: 296, base: 1.08, height: 0.05, detail: 1.1, octaves: 5, body: hex(0x0c1730), mist: hex(0x0c1730), depth: 100,
			lift:  func(x float64) float64 { return 0.20*smooth(0.5, -0.1, x) + 0.09*smooth(1.4, 1.8, x) },
			trees: &forest{seed: 27, spacing: 0.014, height: 0.16}},
	}
}
