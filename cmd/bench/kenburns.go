package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The movie that shows whether a zoom is smooth: a picture with dots, enlarged
// from 1 to 1.2 about its middle within five seconds.
const (
	zoomName     = "zoom"
	zoomFrames   = 125
	zoomGrows    = 0.2
	dotColumns   = 5
	dotRows      = 4
	dotSpacingX  = 480 // in pixels of the picture, which is 2560x1440
	dotSpacingY  = 320
	zoomWidth    = 1920
	zoomHeight   = 1080
	zoomScale    = 0.75 // from the picture to the movie
	dotWindow    = 24   // a dot is looked for so far from where it should be
	zoomEncoding = "-c:v libx264 -preset faster -crf 21 -pix_fmt yuv420p -r 25"
)

// dots is the brightness of the picture: Gaussian dots of sigma 5 on dark grey,
// the middle ones at 1280, 560 and 1280, 880.
const dots = "40+190*exp(-(pow(mod(X,480)-320,2)+pow(mod(Y,320)-240,2))/50)"

// zoom measures how smoothly pictures grow, in what is encoded and decoded again.
// Frames without any fault, encoded alike, tell how much of it is the encoder's.
func (s *stage) zoom(ctx context.Context) error {
	t := table{title: fmt.Sprintf("render: zoom 1.0 to 1.2 in %d frames, %d dots in the decoded movie", zoomFrames, dotColumns*dotRows)}
	t.add("who", "jitter px (RMS)", "largest", "error of position px (RMS)", "largest", "wall s", "CPU s")
	for _, r := range []*rival{
		s.manual("FFmpeg by hand, zoompan of 8000 px", "zoom-hand.mp4", zoomFrames, zoomByHand),
		s.reelhook("reelhook render, quality high", zoomName, zoomFrames, s.cold),
		{who: "frames drawn exactly", output: "zoom-exact.mp4", make: s.drawExactly},
	} {
		used, err := r.make(ctx)
		if err != nil {
			return err
		}
		errs, err := s.displaced(ctx, r.output)
		if err != nil {
			return fmt.Errorf("%s: %w", r.who, err)
		}
		position, jitter := spread(errs), spread(steps(errs))
		cells := []string{r.who, fmt.Sprintf("%.4f", jitter.rms), fmt.Sprintf("%.3f", jitter.most), fmt.Sprintf("%.4f", position.rms), fmt.Sprintf("%.3f", position.most)}
		if used.wall > 0 {
			cells = append(cells, fmt.Sprintf("%.2f", used.wall.Seconds()), fmt.Sprintf("%.2f", used.cpu.Seconds()))
		}
		t.add(cells...)
	}
	t.print(s.out)
	return nil
}

// zoomByHand is the remedy that is told for zoompan's jitter: a larger picture.
func zoomByHand(_, output string) []string {
	argv := strings.Fields("ffmpeg -nostdin -v error -y -i dots.png -vf")
	argv = append(argv, fmt.Sprintf("scale=8000:4500:flags=bicubic,format=yuv420p,zoompan=z='1+%g*on/%d':x='iw/2-(iw/zoom/2)':y='ih/2-(ih/zoom/2)':d=%d:s=%dx%d:fps=25",
		zoomGrows, zoomFrames-1, zoomFrames, zoomWidth, zoomHeight))
	return append(argv, strings.Fields(fmt.Sprintf("-frames:v %d %s %s", zoomFrames, zoomEncoding, output))...)
}

// drawExactly draws the dots where they belong, frame by frame, and has them
// encoded. It says nothing of what that took.
func (s *stage) drawExactly(ctx context.Context) (spent, error) {
	encode := command(ctx, "ffmpeg", strings.Fields(fmt.Sprintf("-nostdin -v error -y -f rawvideo -pix_fmt yuv420p -s %dx%d -r %d -i - %s zoom-exact.mp4",
		zoomWidth, zoomHeight, fps, zoomEncoding))...)
	encode.Dir = s.dir
	in, err := encode.StdinPipe()
	if err != nil {
		return spent{}, err
	}
	if err := encode.Start(); err != nil {
		return spent{}, err
	}
	grey := bytes.Repeat([]byte{128}, zoomWidth*zoomHeight/2)
	for n := range zoomFrames {
		_, err = in.Write(append(dotted(zoomFactor(n)), grey...))
		if err != nil {
			break
		}
	}
	return spent{}, errors.Join(err, in.Close(), encode.Wait())
}

// dotted is the brightness of the picture enlarged by a factor.
func dotted(factor float64) []byte {
	const dark, bright, sigma = 50, 163, 5 * zoomScale // as 40 and 190 are in limited range
	luma := bytes.Repeat([]byte{dark}, zoomWidth*zoomHeight)
	for _, d := range dotPlaces(factor) {
		const around = 2 * dotWindow
		for y := max(0, int(d.y)-around); y < min(zoomHeight, int(d.y)+around); y++ {
			for x := max(0, int(d.x)-around); x < min(zoomWidth, int(d.x)+around); x++ {
				far := math.Hypot(float64(x)-d.x, float64(y)-d.y) / (sigma * factor)
				luma[y*zoomWidth+x] = max(luma[y*zoomWidth+x], byte(dark+bright*math.Exp(-far*far/2)+0.5))
			}
		}
	}
	return luma
}

// zoomFactor is by how much frame n is enlarged: the first not at all, the last
// by all that it grows.
func zoomFactor(n int) float64 { return 1 + zoomGrows*float64(n)/(zoomFrames-1) }

// displaced is how far every dot is from its place, in pixels to the right and
// down, for every frame of a movie.
func (s *stage) displaced(ctx context.Context, movie string) (frames [][]float64, err error) {
	decode := command(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", movie, "-vf", "extractplanes=y", "-vsync", "passthrough", "-f", "rawvideo", "-")
	decode.Dir = s.dir
	out, err := decode.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := decode.Start(); err != nil {
		return nil, err
	}
	in, luma := bufio.NewReaderSize(out, 1<<20), make([]byte, zoomWidth*zoomHeight)
	for err = nil; err == nil; {
		if _, err = io.ReadFull(in, luma); err == nil {
			frames = append(frames, misplaced(luma, zoomFactor(len(frames))))
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, decode.Wait())
	}
	if len(frames) != zoomFrames {
		err = fmt.Errorf("%s has %d frames, not %d", movie, len(frames), zoomFrames)
	} else {
		err = nil
	}
	return frames, errors.Join(err, decode.Wait())
}

// misplaced is how far the dots of one picture are from where they belong when
// it is enlarged by a factor.
func misplaced(luma []byte, factor float64) []float64 {
	var list []float64
	for _, d := range dotPlaces(factor) {
		x, y := centroid(luma, d.x, d.y)
		list = append(list, x-d.x, y-d.y)
	}
	return list
}

type point struct{ x, y float64 }

// dotPlaces are where the dots belong.
func dotPlaces(factor float64) []point {
	var list []point
	for row := range dotRows {
		for column := range dotColumns {
			// From the middle of the canvas; that of pixel 0 is at 0.5.
			list = append(list, point{
				place((float64(column)-(dotColumns-1)/2.0)*dotSpacingX+0.5, factor, zoomWidth),
				place((float64(row)-(dotRows-1)/2.0)*dotSpacingY+0.5, factor, zoomHeight),
			})
		}
	}
	return list
}

// place is the coordinate in the movie of what is so far from the picture's
// middle, in its pixels.
func place(off, factor float64, size int) float64 {
	return float64(size)/2 + off*zoomScale*factor - 0.5
}

// centroid is the middle of the light around a point. What the corners of the
// window are like is dark.
func centroid(luma []byte, x, y float64) (cx, cy float64) {
	left, top := int(math.Round(x))-dotWindow, int(math.Round(y))-dotWindow
	at := func(i, j int) float64 { return float64(luma[(top+j)*zoomWidth+left+i]) }
	var corner []float64
	for j := range 6 {
		for i := range 6 {
			far := 2*dotWindow - j
			corner = append(corner, at(i, j), at(2*dotWindow-i, j), at(i, far), at(2*dotWindow-i, far))
		}
	}
	dark, sum := median(corner), 0.0
	for j := range 2*dotWindow + 1 {
		for i := range 2*dotWindow + 1 {
			light := at(i, j) - dark
			sum += light
			cx += light * float64(left+i)
			cy += light * float64(top+j)
		}
	}
	return cx / sum, cy / sum
}

// steps are the changes from each frame to the next.
func steps(frames [][]float64) [][]float64 {
	var list [][]float64
	for n := range len(frames) - 1 {
		step := slices.Clone(frames[n+1])
		for i := range step {
			step[i] -= frames[n][i]
		}
		list = append(list, step)
	}
	return list
}

// spread is how far values are from 0.
func spread(frames [][]float64) (s struct{ rms, most float64 }) {
	n := 0
	for _, frame := range frames {
		for _, v := range frame {
			s.rms += v * v
			s.most = max(s.most, math.Abs(v))
			n++
		}
	}
	s.rms = math.Sqrt(s.rms / float64(n))
	return s
}
