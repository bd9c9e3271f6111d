// Package render turns a movie into a file: it has the sources fetched and the
// texts drawn, builds the timeline, cuts it into windows, has FFmpeg render them beside the mixing of
// the sound, and joins the two. It holds the worker of the render job. It must
// not know HTTP, SQL or what becomes of the file.
package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/reelhook/reelhook/internal/cache"
	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/mp4"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/text"
	"github.com/reelhook/reelhook/internal/timeline"
)

// Fetcher gets sources onto the disk; *media.Fetcher is one.
type Fetcher interface {
	Fetch(ctx context.Context, o media.Order) (map[media.Want]media.Asset, map[media.Want]error)
}

// Drawer draws texts into files; *draw.Drawer is one.
type Drawer interface {
	Draw(ctx context.Context, dir string, texts []draw.Text) ([]draw.Drawn, error)
	Fonts() string
}

// Options are what a renderer is made of.
type Options struct {
	Tools   *ffmpeg.Tools
	Fetcher Fetcher
	Texts   Drawer
	// Cores is how many windows are rendered and sounds decoded at once, over
	// all movies; zero is the machine's cores.
	Cores int
	// Memory is how many bytes the windows that are rendered at once may take
	// together, as estimated; zero is no bound.
	Memory int64
	// Movies is how many movies are rendered at once; zero is no bound. Others
	// may have their sources fetched meanwhile.
	Movies int
	// Cache keeps what movies are made of, nil for nothing.
	Cache *cache.Cache
	// Version is that of this program: what another one made is not used.
	Version string
	// PlainStills has pictures that do not change encoded frame by frame, as those
	// that move: for players that stumble over what is written in their place.
	PlainStills bool
	// Encoder makes H.264 of the picture; see ChooseEncoder.
	Encoder Encoder
}

// Renderer renders movies. It may render several at once.
type Renderer struct {
	Options
	// slots is one for each core: every window takes one, and every sound while it
	// is decoded. stages is one for each movie that may be rendered at once. memory
	// is bytes.
	slots, stages, memory *semaphore.Weighted
}

// New makes a renderer.
func New(o Options) *Renderer {
	if o.Cores == 0 {
		o.Cores = runtime.NumCPU()
	}
	if o.Movies == 0 {
		o.Movies = math.MaxInt32
	}
	if o.Memory == 0 {
		o.Memory = math.MaxInt64
	}
	o.settle()
	return &Renderer{
		Options: o, slots: semaphore.NewWeighted(int64(o.Cores)), stages: semaphore.NewWeighted(int64(o.Movies)),
		memory: semaphore.NewWeighted(o.Memory),
	}
}

// Render renders m into a file in dir, a scratch folder that is the caller's to
// remove, and returns its path. onProgress is told of every step forward.
// The warnings are what only the media showed. A movie.Fault as error is the
// movie's own; a context that ended comes back as its cause.
func (r *Renderer) Render(ctx context.Context, m *movie.Movie, dir string, onProgress func(project.Progress)) (result project.Result, warnings []movie.Fault, err error) {
	warnings, err = r.with(ctx, m, dir, onProgress, func(ctx context.Context, j *job) (err error) {
		if result, err = j.make(ctx); err != nil {
			result, err = j.inSoftware(ctx, err)
		}
		return err
	})
	return result, warnings, err
}

// with prepares a movie up to its timeline, and does something with it.
func (r *Renderer) with(ctx context.Context, m *movie.Movie, dir string, onProgress func(project.Progress), do func(context.Context, *job) error) ([]movie.Fault, error) {
	if err := faults(m.Faults); err != nil {
		return nil, err
	}
	j, end, err := r.job(m, dir, onProgress)
	if err != nil {
		return nil, err
	}
	defer end()
	err = j.run(ctx, do)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return j.warnings, err
}

// job begins the work on a movie. end gives up what it has of the cache; what stays
// behind is swept at the next start.
func (r *Renderer) job(m *movie.Movie, dir string, onProgress func(project.Progress)) (j *job, end func(), err error) {
	lease, err := r.Cache.Lease()
	if err != nil {
		return nil, nil, err
	}
	return &job{Renderer: r, movie: m, dir: dir, lease: lease, progress: newProgress(onProgress)}, func() { _ = lease.Close() }, nil
}

// job is the rendering of one movie.
type job struct {
	*Renderer
	movie    *movie.Movie
	dir      string
	lease    *cache.Lease
	progress *progress
	darkroom darkroom
	styles   map[*movie.Element]text.Style
	sources  sources
	timeline *timeline.Timeline
	warnings []movie.Fault
}

func (j *job) run(ctx context.Context, do func(context.Context, *job) error) error {
	// Fetching waits on other people's servers: nobody's turn is spent on it.
	if err := j.fetch(ctx); err != nil {
		return err
	}
	j.progress.enter(project.Waiting)
	if err := j.stages.Acquire(ctx, 1); err != nil {
		return err
	}
	defer j.stages.Release(1)
	j.progress.enter(project.Rendering)
	if err := j.draw(ctx); err != nil {
		return err
	}
	t, err := timeline.Build(j.movie, j.sources.facts)
	if err != nil {
		return faults(timelineFaults(err))
	}
	j.timeline = t
	j.warnings = append(j.warnings, t.Warnings...)
	if err := faults(j.oversized()); err != nil {
		return err
	}
	return do(ctx, j)
}

// make is the movie of the timeline: kept from before, or rendered.
func (j *job) make(ctx context.Context) (project.Result, error) {
	parts, sound := j.parts(), j.soundtrack()
	key := j.whole(parts, sound.key)
	fresh := sound.fresh || slices.ContainsFunc(parts, func(p part) bool { return p.fresh })
	if !fresh {
		if result, ok := j.finished(key); ok {
			return result, nil
		}
	}
	result, err := j.render(ctx, parts, sound)
	if err == nil {
		j.keep(key, result)
	}
	return result, err
}

// render makes the windows beside the sound and joins them.
func (j *job) render(ctx context.Context, parts []part, sound soundtrack) (project.Result, error) {
	j.progress.plan(windowsOf(parts), len(j.timeline.Scenes))
	group, work := errgroup.WithContext(ctx)
	var soundFile string
	group.Go(func() (err error) {
		soundFile, err = j.soundFile(work, sound)
		return err
	})
	files := make([]string, len(parts))
	for i, p := range parts {
		group.Go(func() (err error) {
			files[i], err = j.part(work, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return project.Result{}, err
	}
	j.progress.enter(project.Joining)
	if err := mp4.Join(j.file(), joined(parts, files), soundFile, mp4.Rate(j.timeline.FPS)); err != nil {
		return project.Result{}, fmt.Errorf("join the windows: %w", err)
	}
	return j.finish(ctx)
}

// finish checks the movie and makes what goes with it.
func (j *job) finish(ctx context.Context) (project.Result, error) {
	result, err := j.check(ctx, j.file())
	if err != nil {
		return result, err
	}
	if result.SHA256, err = digest(j.file()); err != nil {
		return result, fmt.Errorf("check the finished movie: %w", err)
	}
	// A movie without a thumbnail is a movie all the same.
	if result.Thumbnail, err = j.thumbnail(ctx, result); err != nil {
		j.warnings = append(j.warnings, movie.Fault{Message: "No thumbnail could be made of the movie"})
		result.Thumbnail = ""
	}
	return result, nil
}

// digest is the SHA-256 of a file, in hex.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// part is the file of a window: kept from before, or rendered.
func (j *job) part(ctx context.Context, p part) (file string, err error) {
	if !p.fresh {
		if file, ok := j.lease.Get(p.key); ok {
			j.progress.skip(p.window)
			return file, nil
		}
	}
	if file, err = j.window(ctx, p); err != nil {
		return "", fmt.Errorf("render frames %d to %d: %w", p.In, p.Out, err)
	}
	return j.lease.Put(p.key, file), nil
}

// window renders one window, and once more when its FFmpeg hung, or ended before
// its time because a video's pictures did: that is what a window's being small
// is good for.
func (j *job) window(ctx context.Context, p part) (file string, err error) {
	if err := j.slots.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer j.slots.Release(1)
	need := j.admitted(p.picture)
	if err := j.memory.Acquire(ctx, need); err != nil {
		return "", err
	}
	defer j.memory.Release(need)
	last, want := 0, p.encoded().frames()
	onFrame := func(frame int) {
		frame = min(frame, want)
		j.progress.add(p.window, frame-last)
		last = max(last, frame)
	}
	file, err = j.paint(ctx, p.picture, onFrame)
	if errors.Is(err, ffmpeg.ErrStalled) || err == nil && last < want {
		file, err = j.paint(ctx, j.picture(p.window, p.picture.ready, true), onFrame)
	}
	if err == nil && last < want {
		err = errShort
	}
	if err != nil {
		return "", j.blame(ctx, p.window, err)
	}
	return file, nil
}

// paint has a window's picture encoded.
func (j *job) paint(ctx context.Context, p *picture, onFrame func(int)) (file string, err error) {
	return j.encode(ctx, p, j.command(p), "window.mp4", onFrame)
}

// encode has a command write a picture, once what it takes is fitted.
func (j *job) encode(ctx context.Context, p *picture, c ffmpeg.Command, name string, onFrame func(int)) (file string, err error) {
	if err := j.develop(ctx, p.fitted); err != nil {
		return "", err
	}
	c.Inputs = slices.Clone(c.Inputs)
	for i, f := range p.fitted {
		if c.Inputs[i].Feed == nil {
			c.Inputs[i].Path = j.darkroom.path(f)
		}
	}
	return j.exec(ctx, c, name, ffmpeg.DefaultLimits(), onFrame)
}

// picture is what a window shows, the stills that are ready taken as they are;
// grounded draws a background even where a clip should hide all of it.
func (j *job) picture(w window, ready map[string]bool, grounded bool) *picture {
	p := &picture{Timeline: j.timeline, sources: j.sources, window: w.encoded(), grounded: grounded, ready: ready, fitted: map[int]fitted{}, darkroom: &j.darkroom}
	p.draw()
	return p
}

// command is the FFmpeg run that encodes a picture, but for where it is written
// and for what is yet to be fitted.
func (j *job) command(p *picture) ffmpeg.Command {
	c := ffmpeg.Command{Inputs: p.inputs, Graph: p.graph}
	j.aim(&c, p.window)
	return c
}

// exec runs FFmpeg in a folder of its own, where it writes a file of a name: it
// may be in the hands of a hostile medium and must not reach what others made.
func (j *job) exec(ctx context.Context, c ffmpeg.Command, name string, lim ffmpeg.Limits, onFrame func(int)) (file string, err error) {
	dir, err := os.MkdirTemp(j.dir, "run-")
	if err != nil {
		return "", err
	}
	c.To = filepath.Join(dir, name)
	return c.To, j.Tools.Run(ctx, dir, c, lim, onFrame)
}

// check probes the finished file: only one of the right size, length and
// streams is ever called done.
func (j *job) check(ctx context.Context, path string) (project.Result, error) {
	found, err := j.Tools.Probe(ctx, path, ffmpeg.Format{Kind: ffmpeg.Video, Demuxer: "mov", Name: "MP4"}, ffmpeg.DefaultLimits())
	if err != nil {
		return project.Result{}, fmt.Errorf("check the finished movie: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return project.Result{}, fmt.Errorf("check the finished movie: %w", err)
	}
	want := seconds(j.timeline.Frames, j.timeline.FPS)
	tolerance := seconds(1, j.timeline.FPS) + 0.1
	switch {
	case found.Video == nil || found.Audio == nil:
		err = errors.New("it lacks picture or sound")
	case found.Video.Width != j.movie.Width || found.Video.Height != j.movie.Height:
		err = fmt.Errorf("it is %dx%d, not %dx%d", found.Video.Width, found.Video.Height, j.movie.Width, j.movie.Height)
	case math.Abs(found.Duration-want) > tolerance:
		err = fmt.Errorf("it lasts %.3f s, not %.3f s", found.Duration, want)
	}
	if err != nil {
		return project.Result{}, fmt.Errorf("check the finished movie: %w", err)
	}
	return project.Result{File: path, Duration: found.Duration, Size: info.Size(), Width: found.Video.Width, Height: found.Video.Height}, nil
}
