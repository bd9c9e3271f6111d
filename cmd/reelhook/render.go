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

	"github.com/dustin/go-humanize"

	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/movie"
)

type renderCmd struct {
	Movie         string         `arg:"" help:"The Movie JSON; - reads it from standard input." placeholder:"MOVIE.json"`
	Output        string         `short:"o" help:"The MP4 to write." default:"out.mp4" type:"path"`
	Cache         string         `help:"Folder of what movies are made of, so that only what changed is made again. By default in the user's own cache." type:"path"`
	CacheSize     size           `help:"How large it may grow; 0 keeps nothing." default:"5GB"`
	AllowNetworks []netip.Prefix `help:"Networks that media may be fetched from although not public, such as 127.0.0.0/8."`
}

// Help is shown below the flags.
func (renderCmd) Help() string {
	return `Media may be URLs, or paths relative to the Movie JSON. Exports are not run: nothing is uploaded or sent.

Example:  reelhook render movie.json -o movie.mp4`
}

// Run renders.
func (c renderCmd) Run(ctx context.Context) error {
	source, folder, err := readMovie(c.Movie)
	if err != nil {
		return err
	}
	m, err := movie.Parse(source)
	if err != nil {
		var at *movie.SyntaxError
		if errors.As(err, &at) {
			return fmt.Errorf("%s: line %d, column %d: %s", c.Movie, at.Line, at.Column, at.Reason)
		}
		return fmt.Errorf("%s: %w", c.Movie, err)
	}
	if len(m.Faults) > 0 {
		return refuse(c.Movie, m.Faults)
	}
	b := newBar(os.Stderr)
	result, warnings, err := app.Render(ctx, m, app.RenderOptions{
		Output: c.Output, Folder: folder, Cache: cmp.Or(c.Cache, app.UserCache()), CacheSize: int64(c.CacheSize), AllowNetworks: c.AllowNetworks, OnProgress: b.set, Log: newLog("text", slog.LevelWarn),
	})
	b.end(err == nil)
	for _, w := range append(m.Warnings, warnings...) {
		fmt.Fprintf(os.Stderr, "warning: %s: %s\n", w.Path, w.Message)
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s  %dx%d  %s s  %s\n", c.Output, result.Width, result.Height, trim(result.Duration), humanize.IBytes(uint64(result.Size)))
	return nil
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
