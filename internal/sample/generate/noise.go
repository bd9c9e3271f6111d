package main

import "math"

// noise is a seed; the same one gives the same noise for ever.
type noise uint32

// cell is a number from 0 to 1 for each cell of a grid.
func (n noise) cell(x, y int) float64 {
	h := uint32(n)*0x9e3779b9 ^ uint32(x)*0x85ebca6b ^ uint32(y)*0xc2b2ae35
	h ^= h >> 16
	h *= 0x7feb352d
	h ^= h >> 15
	h *= 0x846ca68b
	h ^= h >> 16
	return float64(h) / (1 << 32)
}

// at is smooth noise from -1 to 1 with features about 1 wide.
func (n noise) at(x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	u, v := fade(x-fx), fade(y-fy)
	top := n.cell(ix, iy)*(1-u) + n.cell(ix+1, iy)*u
	bottom := n.cell(ix, iy+1)*(1-u) + n.cell(ix+1, iy+1)*u
	return 2*(top*(1-v)+bottom*v) - 1
}

func fade(t float64) float64 { return t * t * t * (t*(t*6-15) + 10) }

// clouds sums octaves of noise, each twice as fine and half as strong.
func (n noise) clouds(x, y float64, octaves int) float64 {
	sum, strength := 0.0, 0.5
	for i := range octaves {
		sum += strength * (n+noise(i)*101).at(x, y)
		x, y, strength = x*2.03+17.1, y*2.03+5.7, strength/2
	}
	return sum
}

// crest is a mountain's skyline, from 0 to about 1: octaves of straight lines
// from point to point, the coarse ones folded so that tops are sharp and valleys
// wide.
func (n noise) crest(x float64, octaves int) float64 {
	sum, strength := 0.0, 0.5
	for i := range octaves {
		at := math.Floor(x)
		t := x - at
		a, b := (n+noise(i)*57).cell(int(at), 0), (n+noise(i)*57).cell(int(at)+1, 0)
		v := a + t*(b-a)
		if i < 2 {
			v = math.Pow(1-math.Abs(2*v-1), 1.25)
		}
		sum += strength * v
		x, strength = x*2.13+3.3, strength*0.56
	}
	return sum
}
