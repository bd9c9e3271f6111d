package resample

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// draw draws one view.
func draw(from Picture, width, height int, v View) []byte {
	to := make([]byte, Bytes(width, height, from.Alpha))
	New(from, width, height).Draw(to, v)
	return to
}

func all(p Picture) View { return View{0, 0, float64(p.Width), float64(p.Height)} }

var sides = []int{1, 2, 3, 7, 8, 9, 16, 31, 64, 101}

func TestIdentity(t *testing.T) {
	for _, w := range sides {
		for _, h := range []int{1, 2, 5, 12} {
			for _, alpha := range []bool{false, true} {
				p := noise(w, h, alpha)
				if got := draw(p, w, h, all(p)); !bytes.Equal(got, p.Pix) {
					t.Errorf("%dx%d alpha %t: not the same", w, h, alpha)
				}
			}
		}
	}
}

// TestWholePixels holds that a view moved by whole pixels, of chroma too, is a
// plain crop.
func TestWholePixels(t *testing.T) {
	p := noise(40, 30, false)
	got := draw(p, 20, 10, View{6, 8, 20, 10})
	for y := range 10 {
		if !bytes.Equal(got[y*20:][:20], p.Pix[(y+8)*40+6:][:20]) {
			t.Errorf("row %d of luma", y)
		}
		if y < 5 && !bytes.Equal(got[200+y*10:][:10], p.Pix[1200+(y+4)*20+3:][:10]) {
			t.Errorf("row %d of chroma", y)
		}
	}
}

func TestConstantStays(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, value := range []byte{0, 1, 16, 127, 128, 235, 255} {
		p := noise(1+random.IntN(70), 1+random.IntN(50), true)
		for i := range p.Pix {
			p.Pix[i] = value
		}
		for range 50 {
			v := someView(random, p)
			for i, got := range draw(p, 33, 21, v) {
				if got != value {
					t.Fatalf("%+v: sample %d is %d, want %d", v, i, got, value)
				}
			}
		}
	}
}

// someView is a view from a small part of a picture to four times its size, also
// partly outside.
func someView(random *rand.Rand, p Picture) View {
	w := float64(p.Width) * math.Exp2(3*random.Float64()-2)
	h := float64(p.Height) * math.Exp2(3*random.Float64()-2)
	return View{(float64(p.Width) - w) * (1.4*random.Float64() - 0.2), (float64(p.Height) - h) * (1.4*random.Float64() - 0.2), w, h}
}

// TestRamp holds where samples lie: a ramp that rises by the pixel's place, in luma
// and chroma, shows everywhere the place its formula says.
func TestRamp(t *testing.T) {
	const w, h = 120, 80
	p := Picture{Width: w, Height: h, Pix: make([]byte, Bytes(w, h, false))}
	for y := range h {
		for x := range w {
			p.Pix[y*w+x] = byte(x + y)
		}
	}
	for y := range h / 2 {
		for x := range w / 2 {
			p.Pix[w*h+y*w/2+x] = byte(2 * x)        // the place of pixel 2x, where it is
			p.Pix[w*h*5/4+y*w/2+x] = byte(2*y + 10) // 9.5 more than where it is, 2y + 0.5
		}
	}
	for _, v := range []View{{20, 10, 60, 40}, {20.3, 10.7, 47.1, 31.9}, {20.25, 10.5, 85.5, 55.25}, {10, 10, 90.4, 60.2}} {
		const ow, oh = 60, 40
		got := draw(p, ow, oh, v)
		// The place of an output pixel's middle, counted as the picture's pixels are.
		column := func(x float64) float64 { return v.X + (x+0.5)*v.Width/ow - 0.5 }
		row := func(y float64) float64 { return v.Y + (y+0.5)*v.Height/oh - 0.5 }
		for y := range oh {
			for x := range ow {
				shows(t, v, "luma", x, y, got[y*ow+x], column(float64(x))+row(float64(y)))
				if y < oh/2 && x < ow/2 {
					shows(t, v, "U", x, y, got[ow*oh+y*ow/2+x], column(float64(2*x)))
					shows(t, v, "V", x, y, got[ow*oh*5/4+y*ow/2+x], row(2*float64(y)+0.5)+9.5)
				}
			}
		}
	}
}

// shows fails the test where a sample is not the nearest to what it should be, but
// for the steps weights are made in.
func shows(t *testing.T, v View, plane string, x, y int, got byte, want float64) {
	t.Helper()
	if math.Abs(float64(got)-want) > 0.5+0.02 {
		t.Fatalf("%+v: %s %d,%d is %d, want %.3f", v, plane, x, y, got, want)
	}
}

// TestAgainstFormula compares with the filter as one would write it down.
func TestAgainstFormula(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		p := noise(1+random.IntN(90), 1+random.IntN(60), random.IntN(2) == 0)
		w, h := 1+random.IntN(60), 1+random.IntN(40)
		v := someView(random, p)
		v.Width, v.Height = min(v.Width, 2*float64(w)), min(v.Height, 2*float64(h))
		got, want := draw(p, w, h, v), formula(p, w, h, v)
		for i := range got {
			if math.Abs(float64(got[i])-math.Round(want[i])) > 1 {
				t.Fatalf("%dx%d %+v at %dx%d: sample %d is %d, want %.2f", p.Width, p.Height, v, w, h, i, got[i], want[i])
			}
		}
	}
}

// formula draws a view slowly.
func formula(p Picture, w, h int, v View) []float64 {
	var out []float64
	pix := p.Pix
	add := func(pw, ph, ow, oh int, every, firstX, firstY float64) {
		for y := range oh {
			for x := range ow {
				columns := weigh(v.X, v.Width/float64(w), float64(x), every, firstX, pw)
				rows := weigh(v.Y, v.Height/float64(h), float64(y), every, firstY, ph)
				var sum float64
				for j, a := range rows {
					for i, b := range columns {
						sum += a * b * float64(pix[j*pw+i])
					}
				}
				out = append(out, sum)
			}
		}
		pix = pix[pw*ph:]
	}
	add(p.Width, p.Height, w, h, 1, 0.5, 0.5)
	add(half(p.Width), half(p.Height), half(w), half(h), 2, 0.5, 1)
	add(half(p.Width), half(p.Height), half(w), half(h), 2, 0.5, 1)
	if p.Alpha {
		add(p.Width, p.Height, w, h, 1, 0.5, 0.5)
	}
	return out
}

// weigh is how much of each sample along an axis is in one that is drawn: linear
// interpolation, averaged over many places around it.
func weigh(from, scale, i, every, first float64, n int) map[int]float64 {
	at := (from + scale*(every*i+first) - first) / every
	weights := map[int]float64{}
	const steps = 64
	for k := range steps {
		x := at + max(0, scale-1)*2*((float64(k)+0.5)/steps-0.5)
		left := math.Floor(x)
		weights[min(max(int(left), 0), n-1)] += (left + 1 - x) / steps
		weights[min(max(int(left)+1, 0), n-1)] += (x - left) / steps
	}
	return weights
}

// TestNothingPops holds that a slow zoom through equal size changes a picture of
// noise by about as much from each frame to the next.
func TestNothingPops(t *testing.T) {
	p := noise(160, 96, false)
	const w, h, frames = 120, 72, 200
	r := New(p, w, h)
	last, now := make([]byte, Bytes(w, h, false)), make([]byte, Bytes(w, h, false))
	var changes []float64
	for i := range frames {
		scale := 1.02 - 0.04*float64(i)/frames
		r.Draw(now, View{80.3 - w*scale/2, 48.4 - h*scale/2, w * scale, h * scale})
		if i > 0 {
			var sum float64
			for k := range now {
				sum += math.Abs(float64(now[k]) - float64(last[k]))
			}
			changes = append(changes, sum/float64(len(now)))
		}
		last, now = now, last
	}
	for i, c := range changes[1:] {
		if before := changes[i]; c > 1.3*before || c < before/1.3 {
			t.Errorf("frame %d changes by %.3f, the one before by %.3f", i+2, c, before)
		}
	}
}

// TestNoJitter follows 20 dots through a zoom to 1.2 in 125 frames that passes
// through equal size.
func TestNoJitter(t *testing.T) {
	position, jitter := tremble(480, 270, 1.1)
	t.Logf("position %.4f px, jitter %.4f px RMS", position, jitter)
	if position > 0.02 || jitter > 0.02 {
		t.Errorf("position is off by %.4f px, jitter %.4f px RMS, want 0.02 at most", position, jitter)
	}
}

// tremble zooms into a picture that is so many times the size drawn, and tells by
// how much dots are not where they belong and how much that changes from frame to
// frame, as root mean squares in pixels.
func tremble(w, h int, times float64) (position, jitter float64) {
	const frames, dots = 125, 20
	p := Picture{Width: int(float64(w) * times), Height: int(float64(h) * times)}
	p.Pix = bytes.Repeat([]byte{16}, p.Size())
	var xs, ys [dots]float64
	for i := range dots {
		xs[i] = float64(p.Width) * (0.14 + 0.17*float64(i%5) + 0.0013*float64(i))
		ys[i] = float64(p.Height) * (0.16 + 0.21*float64(i/5) + 0.0017*float64(i))
		dot(p, xs[i], ys[i], 5)
	}
	r, to := New(p, w, h), make([]byte, Bytes(w, h, false))
	var before [dots][2]float64
	for frame := range frames {
		zoom := 1 + 0.2*float64(frame)/(frames-1)
		vw, vh := float64(p.Width)/zoom, float64(p.Height)/zoom
		v := View{(float64(p.Width) - vw) / 2, (float64(p.Height) - vh) / 2, vw, vh}
		r.Draw(to, v)
		for i := range dots {
			x, y := (xs[i]-v.X)*float64(w)/v.Width, (ys[i]-v.Y)*float64(h)/v.Height
			gotX, gotY := centroid(to[:w*h], w, x, y)
			off := [2]float64{gotX - x, gotY - y}
			position += off[0]*off[0] + off[1]*off[1]
			if frame > 0 {
				dx, dy := off[0]-before[i][0], off[1]-before[i][1]
				jitter += dx*dx + dy*dy
			}
			before[i] = off
		}
	}
	return math.Sqrt(position / (frames * dots)), math.Sqrt(jitter / ((frames - 1) * dots))
}

// dot draws a Gaussian dot whose middle is at a place, pixel 0 reaching from 0 to 1.
func dot(p Picture, x, y, sigma float64) {
	for j := int(y) - 40; j < int(y)+40; j++ {
		for i := int(x) - 40; i < int(x)+40; i++ {
			dx, dy := float64(i)+0.5-x, float64(j)+0.5-y
			if v := 16 + 200*math.Exp(-(dx*dx+dy*dy)/(2*sigma*sigma)); i >= 0 && j >= 0 && i < p.Width && j < p.Height {
				p.Pix[j*p.Width+i] = max(p.Pix[j*p.Width+i], byte(math.Round(v)))
			}
		}
	}
}

// centroid is the middle of the dot around a place, in a window of 49 pixels from
// which the background is taken.
func centroid(luma []byte, w int, x, y float64) (float64, float64) {
	left, top := int(x)-24, int(y)-24
	background := float64(luma[top*w+left])
	var sx, sy, sum float64
	for j := top; j < top+49; j++ {
		for i := left; i < left+49; i++ {
			v := float64(luma[j*w+i]) - background
			sx, sy, sum = sx+v*(float64(i)+0.5), sy+v*(float64(j)+0.5), sum+v
		}
	}
	return sx / sum, sy / sum
}

func TestDrawAllocatesNothing(t *testing.T) {
	p := noise(50, 40, true)
	r, to := New(p, 30, 20), make([]byte, Bytes(30, 20, true))
	x := 0.0
	if n := testing.AllocsPerRun(10, func() { r.Draw(to, View{x, x / 2, 35, 25}); x++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, p := range []Picture{{}, {Width: 2, Height: 2, Pix: make([]byte, 5)}, {Width: 2, Height: 2, Alpha: true, Pix: make([]byte, 6)}, {Width: MaxSide + 1, Height: 1, Pix: make([]byte, 3*MaxSide)}} {
		t.Run(fmt.Sprintf("%dx%d", p.Width, p.Height), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was taken")
				}
			}()
			New(p, 2, 2)
		})
	}
}

// TestWidest holds that the last sample of the widest picture is reached.
func TestWidest(t *testing.T) {
	p := noise(MaxSide, 2, false)
	got := draw(p, 16, 2, View{MaxSide - 16, 0, 16, 2})
	if want := p.Pix[MaxSide-16 : MaxSide]; !bytes.Equal(got[:16], want) {
		t.Errorf("got %v, want %v", got[:16], want)
	}
}

// FuzzDraw holds that any view is drawn, with colours that are in the picture.
func FuzzDraw(f *testing.F) {
	f.Add(10, 10, 10, 10, true, 0.0, 0.0, 10.0, 10.0)
	f.Add(1, 1, 5, 3, false, -1.0, 3.5, 0.0, -4.0)
	f.Add(2, 2, 7, 7, true, math.NaN(), math.Inf(1), math.Inf(-1), 1e300)
	f.Add(33, 17, 40, 1, false, 1e18, -1e18, math.MaxFloat64, math.SmallestNonzeroFloat64)
	f.Fuzz(func(t *testing.T, w, h, toW, toH int, alpha bool, x, y, vw, vh float64) {
		w, h, toW, toH = 1+w&63, 1+h&63, 1+toW&63, 1+toH&63
		p := noise(w, h, alpha)
		for i := range p.Pix {
			p.Pix[i] = 100 + p.Pix[i]%50
		}
		for i, got := range draw(p, toW, toH, View{x, y, vw, vh}) {
			if got < 100 || got >= 150 {
				t.Fatalf("sample %d is %d", i, got)
			}
		}
	})
}
