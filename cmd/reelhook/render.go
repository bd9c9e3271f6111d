package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/movie"
)

// mediaFlags say where media may come from and where they are kept.
type mediaFlags struct {
	Cache         string         `help:"Folder of what movies are made of, so that only what changed is made again. By default in the user's own cache." type:"path"`
	CacheSize     size           `help:"How large it may grow; 0 keeps nothing." default:"5GB"`
	AllowNetworks []netip.Prefix `help:"Networks that media may be fetched from although not public, such as 127.0.0.0/8."`
	Encoder       string         `help:"What encodes pictures: libx264, h264_nvenc, h264_qsv, h264_vaapi, or auto; see serve." enum:"auto,libx264,h264_nvenc,h264_qsv,h264_vaapi" default:"libx264"`
}

// options are the settings of a rendering with these flags.
func (f mediaFlags) options(folder string) app.RenderOptions {
	return app.RenderOptions{
		Folder: folder, Cache: cmp.Or(f.Cache, app.UserCache()), CacheSize: int64(f.CacheSize), AllowNetworks: f.AllowNetworks, Encoder: f.Encoder, Log: newLog("text", slog.LevelWarn),
	}
}

type renderCmd struct {
	Movie   string   `arg:"" help:"The Movie JSON; - reads it from standard input." placeholder:"MOVIE.json"`
	Output  string   `short:"o" help:"The file to write: out.mp4, or with --frame frame.png (or a .jpg)." type:"path"`
	Explain bool     `help:"Print how the movie would be rendered, window by window with FFmpeg's commands, and render nothing." xor:"what"`
	Frame   *float64 `help:"Render only the picture that shows at this second." placeholder:"SECONDS" xor:"what"`
	mediaFlags
}

// Help is shown below the flags.
func (renderCmd) Help() string {
	return `Media may be URLs, or paths relative to the Movie JSON. Exports are not run: nothing is uploaded or sent.

Examples
    reelhook render movie.json -o movie.mp4
    reelhook render movie.json --frame 3.5 -o look.png
    reelhook render movie.json --explain`
}

// Run renders, or does what is asked for in its place.
func (c renderCmd) Run(ctx context.Context) error {
	m, folder, err := loadMovie(c.Movie)
	if err != nil {
		return err
	}
	o := c.options(folder)
	switch {
	case c.Explain:
		return explain(ctx, m, o)
	case c.Frame != nil:
		return c.frame(ctx, m, o)
	}
	return c.render(ctx, m, o)
}

func (c renderCmd) render(ctx context.Context, m *movie.Movie, o app.RenderOptions) error {
	output := cmp.Or(c.Output, "out.mp4")
	b := newBar(os.Stderr)
	o.OnProgress = b.progress
	result, warnings, err := app.Render(ctx, m, output, o)
	b.end(err == nil)
	warn(m.Warnings, warnings)
	if err != nil {
		return err
	}
	fmt.Printf("%s  %dx%d  %s s  %s\n", output, result.Width, result.Height, trim(result.Duration), humanize.IBytes(uint64(result.Size)))
	return nil
}

func (c renderCmd) frame(ctx context.Context, m *movie.Movie, o app.RenderOptions) error {
	output := cmp.Or(c.Output, "frame.png")
	frame, err := app.Frame(ctx, m, output, *c.Frame, o)
	if err != nil {
		return err
	}
	fmt.Printf("%s  %dx%d  frame %d, at %s s\n", output, m.Width, m.Height, frame, trim(float64(frame)*float64(m.FPS.Den)/float64(m.FPS.Num)))
	return nil
}

func warn(lists ...[]movie.Fault) {
	for _, w := range slices.Concat(lists...) {
		fmt.Fprintf(os.Stderr, "warning: %s: %s\n", w.Path, w.Message)
	}
}

// loadMovie reads a document that can be rendered, and says which folder its paths
// are relative to.
func loadMovie(name string) (m *movie.Movie, folder string, err error) {
	source, folder, err := readMovie(name)
	if err != nil {
		return nil, "", err
	}
	m, err = movie.Parse(source)
	var at *movie.SyntaxError
	switch {
	case errors.As(err, &at):
		return nil, "", fmt.Errorf("%s: line %d, column %d: %s", name, at.Line, at.Column, at.Reason)
	case err != nil:
		return nil, "", fmt.Errorf("%s: %w", name, err)
	case len(m.Faults) > 0:
		return nil, "", refuse(name, m.Faults)
	}
	return m, folder, nil
}

// readMovie reads a document and says which folder its paths are relative to.
func readMovie(name string) (source []byte, folder string, err error) {
	if name == "-" {
		source, err = io.ReadAll(os.Stdin)
		return source, ".", err
	}
	source, err = os.ReadFile(name)
	return source, filepath.Dir(name), err
}

// refuse lists everything that keeps a movie from being rendered.
func refuse(name string, faults []movie.Fault) error {
	for _, f := range faults {
		at := f.Path
		if at == "" {
			at = name
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", at, f.Message)
	}
	if len(faults) == 1 {
		return fmt.Errorf("%s cannot be rendered", name)
	}
	return fmt.Errorf("%s cannot be rendered: it has %d faults", name, len(faults))
}

// trim prints seconds without trailing zeros.
func trim(seconds float64) string { return humanize.FtoaWithDigits(seconds, 3) }
