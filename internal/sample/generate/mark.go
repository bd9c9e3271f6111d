package main

import (
	"image"
	"image/color"
	"math"
)

// markSize is the width and height of the mark's picture.
const markSize = 512

// mark draws Reelhook's sign: a film reel whose film runs out into a hook.
func mark() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, markSize, markSize))
	cream, coral := hex(0xfff6e9), hex(0xff7f5c)
	for py := range markSize {
		for px := range markSize {
			x, y := (float64(px)+0.5)/markSize, (float64(py)+0.5)/markSize
			cover := func(distance float64) float64 { return clamp(0.5 - distance*markSize) }
			reel, hook := cover(reelShape(x, y)), cover(hookShape(x, y))
			shadow := 0.42 * smooth(0.05, -0.03, math.Min(reelShape(x, y-0.012), hookShape(x, y-0.012)))
			tint := mix(cream, coral, max(smooth(0.5, 0.72, y), smooth(0.66, 0.64, x)))
			alpha := reel + hook*(1-reel)
			c := cream.times(reel).plus(tint.times(hook * (1 - reel)))
			total := alpha + shadow*(1-alpha)
			if total < 1.0/512 {
				continue
			}
			c = c.plus(hex(0x0a0a20).times(shadow * (1 - alpha))).times(1 / total)
			img.SetNRGBA(px, py, color.NRGBA{encode(c.r, 0), encode(c.g, 0), encode(c.b, 0), uint8(total*255 + 0.5)})
		}
	}
	return img
}

// The reel's middle and radius.
const reelX, reelY, reelRadius = 0.5, 0.335, 0.275

// reelShape is the signed distance from the reel: a disc with holes.
func reelShape(x, y float64) float64 {
	return max(math.Hypot(x-reelX, y-reelY)-reelRadius, -holes(x, y))
}

// holes is the signed distance from the reel's holes.
func holes(x, y float64) float64 {
	d := math.Hypot(x-reelX, y-reelY) - 0.036
	for i := range 5 {
		angle := 2*math.Pi*float64(i)/5 - math.Pi/2
		hx, hy := reelX+0.158*math.Cos(angle), reelY+0.158*math.Sin(angle)
		d = min(d, math.Hypot(x-hx, y-hy)-0.067)
	}
	return d
}

// hookShape is the signed distance from the hook: film that runs off the reel's
// right side, turns round at the bottom and ends in a barbed point.
func hookShape(x, y float64) float64 {
	const (
		half  = 0.037                     // half the thickness
		shaft = reelX + reelRadius - half // x of the straight part
		bend  = 0.765                     // y where the turn begins
		turn  = 0.145                     // radius of the turn
		end   = shaft - 2*turn            // x of the point
		tip   = 0.645                     // y of the point
	)
	line := min(segment(x, y, shaft, reelY, shaft, bend), segment(x, y, end, bend, end, tip+0.11))
	if y > bend { // the lower half of a circle
		line = min(line, math.Abs(math.Hypot(x-(shaft-turn), y-bend)-turn))
	}
	barb := triangle(x, y, [3][2]float64{{end - half + 0.008, tip}, {end + 0.088, tip + 0.115}, {end - half + 0.008, tip + 0.115}})
	return max(min(line-half, barb-0.008), -holes(x, y))
}

// segment is the distance from a line between two points.
func segment(x, y, x0, y0, x1, y1 float64) float64 {
	dx, dy := x1-x0, y1-y0
	t := clamp(((x-x0)*dx + (y-y0)*dy) / (dx*dx + dy*dy))
	return math.Hypot(x-x0-t*dx, y-y0-t*dy)
}

// triangle is the signed distance from a triangle.
func triangle(x, y float64, p [3][2]float64) float64 {
	d, inside := math.Inf(1), true
	for i := range p {
		a, b := p[i], p[(i+1)%3]
		d = min(d, segment(x, y, a[0], a[1], b[0], b[1]))
		if (b[0]-a[0])*(y-a[1])-(b[1]-a[1])*(x-a[0]) < 0 {
			inside = false
		}
	}
	if inside {
		return -d
	}
	return d
}
