package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/render"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// RenderOptions are the settings of a rendering without a server.
type RenderOptions struct {
	// Output is the MP4 to write; it appears only when it is whole.
	Output string
	// Folder is what media paths are relative to.
	Folder        string
	AllowNetworks []netip.Prefix
	OnProgress    func(percent int)
	Log           *slog.Logger
}

// Render renders one movie with the server's own renderer.
func Render(ctx context.Context, m *movie.Movie, o RenderOptions) (project.Result, []movie.Fault, error) {
	tools, err := ffmpeg.Find(ctx)
	if err != nil {
		return project.Result{}, nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	texts, err := draw.New(ctx, filepath.Join(cache, "reelhook"))
	if err != nil {
		return project.Result{}, nil, err
	}
	folder, err := filepath.Abs(o.Folder)
	if err != nil {
		return project.Result{}, nil, err
	}
	fetcher := media.New(media.Options{
		Policy: safehttp.Policy{AllowNetworks: o.AllowNetworks}, Tools: tools, Folder: folder, Log: o.Log,
	})
	scratch, err := os.MkdirTemp("", "reelhook-render-")
	if err != nil {
		return project.Result{}, nil, err
	}
	defer os.RemoveAll(scratch)
	r := render.New(render.Options{Tools: tools, Fetcher: fetcher, Texts: texts})
	result, warnings, err := r.Render(ctx, m, scratch, o.OnProgress)
	if err == nil {
		err = moveTo(o.Output, result.File)
		result.File = o.Output
	}
	return result, warnings, err
}

// moveTo puts a file in its place, across file systems too.
func moveTo(to, from string) (err error) {
	if os.Rename(from, to) == nil {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.CreateTemp(filepath.Dir(to), ".reelhook-*.mp4")
	if err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	defer os.Remove(dst.Name())
	defer dst.Close()
	if _, err := io.Copy(dst, src); err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	if err := dst.Chmod(0o644); err != nil {
		return err
	}
	return os.Rename(dst.Name(), to)
}
