package main

import "math"

// ridge is one line of mountains, cut out of the picture like paper: its body
// at the crest, fading into mist further down.
type ridge struct {
	seed noise
	// base is where its valleys lie, height how far tops rise above them.
	base, height float64
	// detail is how many features fit across the picture's height, octaves how
	// fine they get.
	detail  float64
	octaves int
	// lift raises parts of the ridge.
	lift func(x float64) float64
	// body is the colour at the crest, mist the one it fades into over depth.
	body, mist rgb
	depth      float64
	// relief is how much slopes that face the light stand out.
	relief float64
	trees  *forest

	// skyline is the ridge's top, slope the same without wrinkles: mist lies
	// along slopes.
	skyline, slope []float64
}

// skylineStep is the distance of the places where skylines are known.
const skylineStep = 1.0 / 2048

// raise computes the skyline.
func (r *ridge) raise() {
	r.skyline = make([]float64, 4096)
	for i := range r.skyline {
		x := (float64(i) - 200) * skylineStep
		r.skyline[i] = r.base - r.height*r.seed.crest(x*r.detail, r.octaves)
		if r.lift != nil {
			r.skyline[i] -= r.lift(x)
		}
	}
	r.slope = blur(r.skyline, 90)
	if r.trees != nil {
		r.trees.plant(r.top)
	}
}

// blur averages three times over the values up to reach away.
func blur(values []float64, reach int) []float64 {
	last := len(values) - 1
	for range 3 {
		out := make([]float64, len(values))
		sum := 0.0
		for i := -reach; i <= reach; i++ {
			sum += values[max(i, 0)]
		}
		for i := range out {
			out[i] = sum / float64(2*reach+1)
			sum += values[min(i+reach+1, last)] - values[max(i-reach, 0)]
		}
		values = out
	}
	return values
}

// top is the skyline's y.
func (r *ridge) top(x float64) float64 { return height(r.skyline, x) }

// height looks a line up at x.
func height(line []float64, x float64) float64 {
	at := min(max(x/skylineStep+200, 0), float64(len(line)-2))
	i := int(at)
	return line[i] + (at-float64(i))*(line[i+1]-line[i])
}

// over paints the ridge over what is behind it.
func (r *ridge) over(behind rgb, x, y float64) rgb {
	below := y - r.top(x)
	if below < 0 {
		if r.trees == nil || !r.trees.covers(x, y) {
			return behind
		}
		return r.body
	}
	c := r.body
	if r.relief > 0 {
		// Slopes are seen as stretched, slanting folds.
		fold := r.seed.clouds(x*r.detail*4+below*r.detail*5, below*r.detail*9, 4)
		side := r.seed.clouds(x*r.detail*1.5-below*r.detail*2, 7, 2)
		c = c.times(1 + r.relief*(fold+0.6*side))
	}
	veil := 1 - math.Exp(-square(max(0, y-height(r.slope, x)+0.3*r.depth)/r.depth))
	wisp := 1 + 0.35*(r.seed+9).clouds(x*2.2, y*9, 4)
	return mix(c, r.mist, clamp(veil*wisp)*smooth(0, 0.3*r.depth, below))
}

// land is ridges from the far one to the near one.
type land []*ridge

func (l land) raise() land {
	for _, r := range l {
		r.raise()
	}
	return l
}

// over paints all ridges over the sky.
func (l land) over(sky rgb, x, y float64) rgb {
	first := 0
	for i := len(l) - 1; i > 0; i-- { // what hides the rest completely
		if l[i].depth > 99 && y > l[i].top(x) {
			first = i
			break
		}
	}
	for _, r := range l[first:] {
		sky = r.over(sky, x, y)
	}
	return sky
}

// forest is pines along a skyline.
type forest struct {
	seed noise
	// spacing is the mean distance of trees, height how tall they get.
	spacing, height float64

	trees [][]tree // by grove
}

type tree struct{ x, foot, height, width, seed float64 }

// grove is the width of the strips in which trees are looked for.
const grove = 1.0 / 64

func (f *forest) plant(ground func(float64) float64) {
	f.trees = make([][]tree, 160)
	for i := 0; ; i++ {
		x := -0.1 + (float64(i)+0.9*f.seed.cell(i, 0))*f.spacing
		if x > 1.9 {
			return
		}
		h := f.height * (0.35 + 0.65*math.Pow(f.seed.cell(i, 2), 1.3))
		t := tree{x: x, foot: ground(x) + h*0.13, height: h, width: h * (0.17 + 0.07*f.seed.cell(i, 3)), seed: f.seed.cell(i, 4)}
		for g := f.grove(x - t.width); g <= f.grove(x+t.width); g++ {
			f.trees[g] = append(f.trees[g], t)
		}
	}
}

func (f *forest) grove(x float64) int { return min(max(int((x+0.2)/grove), 0), len(f.trees)-1) }

func (f *forest) covers(x, y float64) bool {
	for _, t := range f.trees[f.grove(x)] {
		if t.covers(x, y) {
			return true
		}
	}
	return false
}

// covers tells whether a place is within the tree: a cone of drooping branches.
func (t tree) covers(x, y float64) bool {
	up := (t.foot - y) / t.height
	if up < 0 || up > 1 {
		return false
	}
	off := x - t.x
	side := 0.5
	if off < 0 {
		off, side = -off, 0
	}
	if up > 0.97 || up < 0.08 {
		return off < t.width*0.035
	}
	whorl := up*11 + t.seed + side + off/t.width*1.6
	branch := 1 - (whorl - math.Floor(whorl))
	ragged := 0.82 + 0.18*math.Sin(up*71+t.seed*40+side*9)
	return off < t.width*math.Pow(1-up, 0.85)*(0.42+0.58*branch)*ragged
}
