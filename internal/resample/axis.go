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

// pair is how much of two neighbours is taken, the first in its upper half: times
// a word that has the first in its lower half, the upper one is the sum.
type pair uint64

func newPair(first, second uint64) pair { return pair(first<<32 | second) }

func (p pair) weights() (first, second uint64) { return uint64(p >> 32), uint64(p & (1<<32 - 1)) }

// margin is how far beyond an edge the samples are that anything is made of.
const margin = 5

// axis says for every sample drawn along one axis which samples of the plane it is
// made of: two and, where wide, the two after them.
type axis struct {
	grid     grid
	from, to int
	// at is the first sample, counted from margin before the edge.
	at        []uint16
	near, far []pair
	wide      bool
	// first and end are what is used of the plane.
	first, end int
	// one is the sum of a sample's weights.
	one float64
	// origin and step are what the above was made for.
	origin, step float64
}

func newAxis(g grid, from, to, bits int) axis {
	return axis{
		grid: g, from: from, to: to, one: float64(int(1) << bits), step: math.NaN(),
		at: make([]uint16, to), near: make([]pair, to), far: make([]pair, to),
	}
}

// aim makes the weights for a view that begins at a place of the picture and has
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
	a.first, a.end = a.from, 0
	for i := range a.to {
		// Further out every sample is the edge's.
		a.sample(i, within(origin+scale*float64(i), -2, float64(a.from+1)), k)
	}
}

// sample makes the weights of sample i, which lies at a place between the plane's.
func (a *axis) sample(i int, at float64, k kernel) {
	begin := int(math.Floor(at-1-k.width/2)) + 1
	taps := 2
	if a.wide {
		taps = 4
	}
	var parts [4]uint64
	var sum float64
	var done uint64
	for t := range taps {
		// Rounding the sums, not the weights, keeps the whole.
		sum += k.weight(float64(begin+t) - at)
		upTo := uint64(a.one*sum + 0.5)
		parts[t] = upTo - done
		done = upTo
	}
	a.at[i] = uint16(begin + margin)
	a.near[i], a.far[i] = newPair(parts[0], parts[1]), newPair(parts[2], parts[3])
	a.first = min(a.first, a.inside(begin))
	a.end = max(a.end, a.inside(begin+taps-1)+1)
}

// inside is the sample, or that of the edge it is beyond.
func (a *axis) inside(sample int) int { return min(max(sample, 0), a.from-1) }

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
	if d = within(d, -1, 1); d < 0 {
		return (1 + d) * (1 + d) / 2
	}
	return 1 - (1-d)*(1-d)/2
}

// within is x between two bounds, the lower one when x is not a number.
func within(x, low, high float64) float64 {
	if !(x > low) {
		return low
	}
	return min(x, high)
}
