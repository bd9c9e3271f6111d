package resample

import "math"

// grid is where the samples of a plane lie along an axis, in pixels of the
// picture: the first one, and one every so many.
type grid struct{ every, first float64 }

// The grids of 4:2:0 chroma as H.264 has them by default (Annex E, chroma sample
// type 0), and MPEG-2 before it: horizontally a sample lies on every second pixel's
// centre, vertically halfway between two.
var (
	whole   = grid{every: 1, first: 0.5}
	chromaX = grid{every: 2, first: 0.5}
	chromaY = grid{every: 2, first: 1}
)

// pair is two samples of a plane and how much of each is taken.
type pair struct{ a, b, wa, wb uint16 }

// axis says for every sample drawn along one axis which samples of the plane it is
// made of: two near it and, where wide, two more around them.
type axis struct {
	grid      grid
	from, to  int
	near, far []pair
	wide      bool
	// first and last are the outermost samples used.
	first, last int
	// one is the sum of a sample's weights.
	one float64
	// place is what stands in a pair for a sample.
	place func(int) uint16
	// origin and step are what the pairs were made for.
	origin, step float64
}

func newRows(g grid, from, to int) axis {
	return newAxis(g, from, to, 1<<rowBits, func(i int) uint16 { return uint16(i) })
}

func newColumns(g grid, from, to int) axis { return newAxis(g, from, to, 1<<columnBits, place) }

func newAxis(g grid, from, to int, one float64, place func(int) uint16) axis {
	return axis{
		grid: g, from: from, to: to, near: make([]pair, to), far: make([]pair, to),
		one: one, place: place, step: math.NaN(),
	}
}

// aim makes the pairs for a view that begins at a place of the picture and has
// that many pixels for every one drawn.
//
// Sample i is drawn at pixel first+every*i of its own picture. That is
// from+scale*(first+every*i) in the source, whose sample j lies at first+every*j;
// so j = (from+first*(scale-1))/every + scale*i.
func (a *axis) aim(from, scale float64) {
	origin := (from + a.grid.first*(scale-1)) / a.grid.every
	if origin == a.origin && scale == a.step {
		return
	}
	a.origin, a.step = origin, scale
	k := kernel{width: within(2*(math.Abs(scale)-1), 0, 2)}
	if a.wide = k.width > 1e-6; !a.wide {
		k.width = 0
	}
	a.first, a.last = a.from-1, 0
	for i := range a.to {
		// Further out every sample is the edge's.
		a.sample(i, within(origin+scale*float64(i), -2, float64(a.from+1)), k)
	}
}

// sample makes the pairs of sample i, which lies at a place between the plane's.
func (a *axis) sample(i int, at float64, k kernel) {
	begin := int(math.Floor(at-1-k.width/2)) + 1
	var places, parts [4]uint16
	var sum, done float64
	for t := range parts {
		// Rounding the sums, not the weights, keeps the whole.
		sum += k.weight(float64(begin+t) - at)
		upTo := math.Round(a.one * sum)
		parts[t] = uint16(upTo - done)
		done = upTo
		index := min(max(begin+t, 0), a.from-1)
		places[t] = a.place(index)
		if parts[t] > 0 {
			a.first, a.last = min(a.first, index), max(a.last, index)
		}
	}
	a.near[i] = pair{places[0], places[1], parts[0], parts[1]}
	a.far[i] = pair{places[2], places[3], parts[2], parts[3]}
}

// kernel is linear interpolation, averaged over a width in samples, 0 to 2. Its
// weights sum to one and their centre is where the sample drawn lies, whatever the
// width: flat areas and slopes stay exactly as they are.
type kernel struct{ width float64 }

// weight is how much a sample at a distance counts, 0 from 1+width/2 on.
func (k kernel) weight(d float64) float64 {
	if k.width == 0 {
		return max(0, 1-math.Abs(d))
	}
	return (ramp(d+k.width/2) - ramp(d-k.width/2)) / k.width
}

// ramp is the integral of linear interpolation's weight up to a distance.
func ramp(d float64) float64 {
	switch d = within(d, -1, 1); {
	case d < 0:
		return (1 + d) * (1 + d) / 2
	default:
		return 1 - (1-d)*(1-d)/2
	}
}

// within is x between two bounds, the lower one when x is not a number.
func within(x, low, high float64) float64 {
	if !(x > low) {
		return low
	}
	return min(x, high)
}
