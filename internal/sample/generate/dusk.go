package main

// dusk is the sun going down behind rows of hazy mountains.
func dusk() shader {
	sky := newGradient(stop{0, 0x0e1238}, stop{0.22, 0x2a1f58}, stop{0.42, 0x633070}, stop{0.56, 0xb14a70},
		stop{0.66, 0xee7f5c}, stop{0.76, 0xffc27a})
	stars := starfield{seed: 31, cells: 70, share: 0.5, size: 0.0009}
	low := sun{x: 1.425, y: 0.638, radius: 0.056, disc: hex(0xfff0c4).times(1.5), glow: hex(0xff8a58), reach: 0.12, strength: 0.8}
	hills := duskLand().raise()
	return func(x, y float64) rgb {
		c := sky.at(y)
		if y < 0.5 {
			c = c.plus(stars.at(x, y).times(0.8 * smooth(0.5, 0.05, y)))
		}
		c = low.over(c, x, y)
		band := smooth(0.2, 0.45, y) * smooth(0.72, 0.55, y)
		if cloud := band * streaks(77, x, y, 0.02); cloud > 0 {
			near := bell(x-low.x, 0.75)
			lit := mix(hex(0x9c3f7e), hex(0xff9468), near*smooth(0.25, 0.55, y))
			c = mix(c, lit, 0.6*cloud)
		}
		return vignette(hills.over(c, x, y), x, y)
	}
}

func duskLand() land {
	return land{
		{seed: 11, base: 0.745, height: 0.17, detail: 2.1, octaves: 6, body: hex(0xb4597a), mist: hex(0xf79b6c), depth: 0.09, relief: 0.16},
		{seed: 42, base: 0.80, height: 0.19, detail: 1.7, octaves: 6, body: hex(0x84446f), mist: hex(0xdb7a70), depth: 0.12, relief: 0.2},
		{seed: 23, base: 0.855, height: 0.16, detail: 1.9, octaves: 6, body: hex(0x573263), mist: hex(0xa9566f), depth: 0.14, relief: 0.2},
		{seed: 64, base: 0.905, height: 0.13, detail: 1.6, octaves: 6, body: hex(0x38264f), mist: hex(0x6f3d63), depth: 0.16, relief: 0.15,
			trees: &forest{seed: 5, spacing: 0.006, height: 0.022}},
		{seed: 85, base: 0.97, height: 0.10, detail: 1.3, octaves: 5, body: hex(0x1e193b), mist: hex(0x3a2750), depth: 0.2,
			trees: &forest{seed: 6, spacing: 0.0075, height: 0.055}},
		{seed: 96, base: 1.06, height: 0.05, detail: 1.1, octaves: 4, body: hex(0x0f1028), mist: hex(0x0f1028), depth: 100,
			lift:  func(x float64) float64 { return 0.11*smooth(0.55, -0.05, x) + 0.13*smooth(1.25, 1.8, x) },
			trees: &forest{seed: 7, spacing: 0.013, height: 0.15}},
	}
}
