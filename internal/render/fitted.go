package render

import (
	"context"
	"fmt"
	"image"
	"os"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/resample"
	"github.com/reelhook/reelhook/internal/timeline"
)

// fitted is a still picture as its clip wants it, cropped, scaled and coloured, by
// the command that writes its samples.
type fitted struct {
	command ffmpeg.Command
	// name tells what the samples are.
	name  string
	size  image.Point
	alpha bool
	// pixels of the source: what it costs to decode.
	pixels int
	// fresh has it made although it is kept.
	fresh bool
}

// apart is a clip's still picture by itself.
func (p *picture) apart(c timeline.Clip, s source) fitted {
	alone := &picture{Timeline: p.Timeline, sources: p.sources, window: p.window}
	t := alone.strand(alone.input(s.input(), s.Name))
	alone.fit(t, c, s)
	size := p.scaled(c, s)
	f := fitted{size: image.Pt(size.W, size.H), alpha: t.alpha, fresh: c.Element.NoCache}
	alone.chain([]string{t.end()}, output, ffmpeg.F("format", "pix_fmts", f.format()))
	f.command = ffmpeg.Command{Inputs: alone.inputs, Graph: alone.graph, Output: []string{"-map", "[" + output + "]", "-frames:v", "1", "-f", "rawvideo"}}
	f.name = made(f.command, alone.names)
	if v := s.Media.Video; v != nil {
		f.pixels = v.Width * v.Height
	}
	return f
}

func (f fitted) format() string { return sampleFormat(f.alpha) }

func sampleFormat(alpha bool) string {
	if alpha {
		return "yuva420p"
	}
	return "yuv420p"
}

// samplesInput describes samples of a size as FFmpeg reads them.
func (p *picture) samplesInput(size image.Point, alpha bool) ffmpeg.Input {
	return ffmpeg.Input{Demuxer: "rawvideo", Raw: []string{
		"-pix_fmt", sampleFormat(alpha), "-video_size", fmt.Sprintf("%dx%d", size.X, size.Y), "-framerate", rate(p.FPS)}}
}

// tagged says of samples what every layer has been converted to, and changes none.
var tagged = []ffmpeg.Filter{
	f("setsar", "sar", "1"), f("setparams", "range", "tv", "color_primaries", "bt709", "color_trc", "bt709", "colorspace", "bt709"),
}

// What it costs to have a still fitted by a process of its own, and to decode and
// scale one, measured: about that of five million pixels of a JPEG.
const processPixels = 5_000_000

// worthwhile are the stills that so many windows show that it is cheaper to have
// them fitted once.
func worthwhile(parts []part) map[string]bool {
	uses := map[string]int{}
	list := map[string]bool{}
	for _, p := range parts {
		for _, f := range p.picture.stills {
			uses[f.name]++
			if (uses[f.name]-1)*f.pixels > processPixels {
				list[f.name] = true
			}
		}
	}
	return list
}

// darkroom makes fitted pictures, each once, and knows where they lie.
type darkroom struct {
	group singleflight.Group
	files sync.Map // name to path
}

// path is where a fitted picture lies that has been made.
func (d *darkroom) path(f fitted) string {
	path, _ := d.files.Load(f.name)
	s, _ := path.(string)
	return s
}

// develop has pictures made that a command needs.
func (j *job) develop(ctx context.Context, list map[int]fitted) error {
	for _, f := range list {
		_, err, _ := j.darkroom.group.Do(f.name, func() (any, error) { return nil, j.develop1(ctx, f) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *job) develop1(ctx context.Context, f fitted) error {
	if j.darkroom.path(f) != "" {
		return nil
	}
	key := j.key("fitted", f.name)
	if !j.movie.NoCache && !f.fresh {
		if path, ok := j.lease.Get(key); ok {
			j.darkroom.files.Store(f.name, path)
			return nil
		}
	}
	path, err := j.exec(ctx, f.command, "still.yuv", ffmpeg.DefaultLimits(), nil)
	if err == nil {
		j.darkroom.files.Store(f.name, j.lease.Put(key, path))
	}
	return err
}

// load reads a fitted picture that has been made.
func (d *darkroom) load(f fitted) (resample.Picture, error) {
	pix, err := os.ReadFile(d.path(f))
	p := resample.Picture{Width: f.size.X, Height: f.size.Y, Alpha: f.alpha, Pix: pix}
	if err == nil && len(pix) != p.Size() {
		err = fmt.Errorf("a picture of %v has %d bytes", f.size, len(pix))
	}
	return p, err
}
