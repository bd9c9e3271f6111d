package ffmpeg

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Input is one file FFmpeg reads. Unless Raw, it is treated as hostile.
type Input struct {
	// Path is absolute, or "pipe:0".
	Path string
	// Demuxer is the one demuxer the file is opened with.
	Demuxer string
	// Decoder is named only where FFmpeg's choice is not ours.
	Decoder string
	// Seek is where to start, in seconds.
	Seek float64
	// GenPTS works out when a packet is shown where its container only says when
	// it is decoded, as AVI and MPEG-PS do.
	GenPTS bool
	// Raw describes samples that we wrote ourselves, such as "-pix_fmt rgba
	// -video_size 10x10" for the rawvideo demuxer.
	Raw []string
	// Feed writes the samples of a Raw input that is no file, so that Path is empty.
	// It runs beside FFmpeg, and returns when a write fails: FFmpeg may stop reading
	// early, which is no failure, whatever Feed then returns.
	Feed func(w io.Writer) error
}

// decoders are what media may be encoded with (section 25 of the contract names
// the codecs; these are FFmpeg's names of their decoders). Subtitles are never
// used, but ffprobe opens a decoder for every stream it meets and gives the
// whole file up when one may not be opened.
const decoders = "h264,hevc,mpeg4,msmpeg4,wmv1,wmv2,wmv3,vc1,vp8,vp9,libvpx,libvpx-vp9,mpeg1video,mpeg2video,av1,libdav1d,libaom-av1,theora," +
	"prores,qtrle,dnxhd,ffv1,flv,mjpeg,png,gif,bmp,tiff,webp,rawvideo,dvvideo,h263," +
	"aac,flac,mp3,mp3float,mp2,mp2float,opus,libopus,vorbis,ac3,eac3,alac,wmav1,wmav2,wmapro," +
	"pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_u8,pcm_s8,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav," +
	"subrip,srt,ass,ssa,mov_text,webvtt,text,dvdsub,dvbsub,pgssub,cc_dec"

// guard is the options that stand before -i and close every door a file could
// open: other protocols, other formats, other codecs, too many pixels.
func (in Input) guard(lim Limits) []string {
	if in.Raw != nil {
		protocols := "file,pipe"
		if in.Feed != nil {
			protocols = "pipe"
		}
		return append([]string{"-protocol_whitelist", protocols, "-f", in.Demuxer}, in.Raw...)
	}
	args := []string{
		"-protocol_whitelist", "file", "-format_whitelist", in.Demuxer, "-codec_whitelist", decoders,
		"-max_pixels", strconv.FormatInt(lim.MaxPixels, 10), "-f", in.Demuxer,
	}
	if in.GenPTS {
		args = append(args, "-fflags", "+genpts")
	}
	if in.Decoder != "" {
		args = append(args, "-c:v", in.Decoder)
	}
	return args
}

// verbosity is errors only, each in full: the last line is what is shown, and
// "Last message repeated 2 times" would tell nobody anything.
const verbosity = "repeat+error"

// Command is one run of FFmpeg.
type Command struct {
	// Hardware is what it needs of the machine's graphics processor.
	Hardware Hardware
	Inputs   []Input
	Graph    Graph
	// Output is what stands before the output's name: maps, encoders, limits.
	Output []string
	// To is the path written, or "pipe:1".
	To     string
	Stdin  io.Reader
	Stdout io.Writer
}

// Args is the command line without the program's name; equal commands give equal
// lines.
func (c Command) Args(lim Limits) []string {
	args := []string{"-nostats", "-v", verbosity, "-y"}
	if c.Stdin == nil {
		args = append(args, "-nostdin")
	}
	if c.To != "pipe:1" {
		args = append(args, "-progress", "pipe:1", "-stats_period", "0.25")
	}
	args = append(args, c.Hardware.Options...)
	names := c.names()
	for i, in := range c.Inputs {
		args = append(args, in.guard(lim)...)
		if in.Raw == nil {
			args = append(args, "-threads", "1", "-sn", "-dn")
		}
		if in.Seek > 0 {
			args = append(args, "-ss", strconv.FormatFloat(in.Seek, 'f', 6, 64))
		}
		args = append(args, "-i", names[i])
	}
	if len(c.Graph) > 0 {
		args = append(args, "-filter_complex_threads", "1", "-filter_complex", c.Graph.String())
	}
	return append(append(args, c.Output...), c.To)
}

// names are what FFmpeg calls the inputs: those that are fed are pipes, from the
// first descriptor that is free on.
func (c Command) names() []string {
	var names []string
	fed := 0
	for _, in := range c.Inputs {
		if in.Feed == nil {
			names = append(names, in.Path)
			continue
		}
		names = append(names, "pipe:"+strconv.Itoa(3+fed))
		fed++
	}
	return names
}

// Run runs FFmpeg in dir, the one folder it may write to, and reports the number
// of frames written so far. It returns after all feeds; one that fails ends the
// run. The error is a *RunError.
func (t *Tools) Run(ctx context.Context, dir string, c Command, lim Limits, onFrame func(int)) error {
	err := plain(t.run(ctx, dir, c, lim, onFrame), "")
	for _, name := range c.names() {
		err = plain(err, name)
	}
	return err
}

func (t *Tools) run(ctx context.Context, dir string, c Command, lim Limits, onFrame func(int)) error {
	args, err := shortenGraph(c.Args(lim), dir)
	if err != nil {
		return err
	}
	p := process{program: t.FFmpeg, args: args, stdin: c.Stdin, stdout: c.Stdout, dir: dir, limits: lim}
	for _, in := range c.Inputs {
		if in.Feed != nil {
			p.feeds = append(p.feeds, in.Feed)
		} else if in.Path != "pipe:0" {
			p.readOnly = append(p.readOnly, in.Path)
		}
	}
	c.Hardware.open(&p)
	if c.To == "pipe:1" {
		return t.exec(ctx, p)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatch(lim.Stall, func() { cancel(ErrStalled) })
	defer watch.stop()
	r, w := io.Pipe()
	p.stdout = w
	done := make(chan struct{})
	go func() {
		defer close(done)
		readProgress(r, func(frame int) {
			watch.frame(frame)
			if onFrame != nil {
				onFrame(frame)
			}
		})
	}()
	err = t.exec(ctx, p)
	w.Close() //nolint:errcheck // a pipe in memory always closes
	<-done
	return err
}

// shortenGraph moves a filtergraph that is too long for a command line into a
// file.
func shortenGraph(args []string, dir string) ([]string, error) {
	const longest = 100 << 10 // Linux takes 128 KiB in one argument
	for i, a := range args {
		if args[max(0, i-1)] != "-filter_complex" || len(a) < longest {
			continue
		}
		f, err := os.CreateTemp(dir, "graph-*.txt")
		if err != nil {
			return nil, fmt.Errorf("write filtergraph: %w", err)
		}
		defer f.Close()
		if _, err := f.WriteString(a); err != nil {
			return nil, fmt.Errorf("write filtergraph: %w", err)
		}
		args[i-1], args[i] = "-filter_complex_script", filepath.Clean(f.Name())
	}
	return args, nil
}

// readProgress reads the blocks of key=value lines that -progress writes.
func readProgress(r io.Reader, onFrame func(int)) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "frame="); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
				onFrame(n)
			}
		}
	}
	_, _ = io.Copy(io.Discard, r) // never let the program block on a full pipe
}

// watch calls stalled when no new frame came for a while.
type watch struct {
	after time.Duration
	timer *time.Timer
	last  atomic.Int64
}

func newWatch(after time.Duration, stalled func()) *watch {
	w := &watch{after: after}
	w.last.Store(-1)
	if after > 0 {
		w.timer = time.AfterFunc(after, stalled)
	}
	return w
}

func (w *watch) frame(n int) {
	if w.timer != nil && int64(n) != w.last.Swap(int64(n)) {
		w.timer.Reset(w.after)
	}
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
