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
	// Folder is what media paths are relative to.
	Folder string
	// Cache is the folder where what movies are made of is kept, for as many bytes
	// as CacheSize; zero is nothing.
	Cache         string
	CacheSize     int64
	AllowNetworks []netip.Prefix
	// Encoder is as in Options.
	Encoder string
	// OnProgress is told of every step forward; nil is nobody.
	OnProgress func(project.Progress)
	Log        *slog.Logger
}

// Render renders one movie with the server's own renderer. output is the MP4 to
// write; it appears only when it is whole.
func Render(ctx context.Context, m *movie.Movie, output string, o RenderOptions) (result project.Result, warnings []movie.Fault, err error) {
	err = o.with(ctx, func(r *render.Renderer, scratch string) (err error) {
		if result, warnings, err = r.Render(ctx, m, scratch, o.OnProgress); err != nil {
			return err
		}
		err = copyTo(output, result.File)
		result.File = output
		return err
	})
	return result, warnings, err
}

// Frame renders the one frame of a movie that shows at a time, in seconds, into a
// PNG or JPEG, as output ends, and returns its number.
func Frame(ctx context.Context, m *movie.Movie, output string, at float64, o RenderOptions) (frame int, err error) {
	err = o.with(ctx, func(r *render.Renderer, scratch string) error {
		file, n, err := r.Frame(ctx, m, scratch, at, filepath.Ext(output))
		if err != nil {
			return err
		}
		frame = n
		return copyTo(output, file)
	})
	return frame, err
}

// Explain tells how a movie would be rendered.
func Explain(ctx context.Context, m *movie.Movie, o RenderOptions) (e render.Explanation, err error) {
	err = o.with(ctx, func(r *render.Renderer, scratch string) (err error) {
		e, err = r.Explain(ctx, m, scratch)
		return err
	})
	return e, err
}

// with does something with a renderer and a scratch folder.
func (o RenderOptions) with(ctx context.Context, do func(r *render.Renderer, scratch string) error) error {
	texts, err := draw.New(ctx, o.Cache)
	if err != nil {
		return err
	}
	r, err := o.renderer(ctx, texts)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "reelhook-render-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	return do(r, scratch)
}

// renderer is one for a single movie.
func (o RenderOptions) renderer(ctx context.Context, texts render.Drawer) (*render.Renderer, error) {
	tools, err := ffmpeg.Find(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := openCache(o.Cache, o.CacheSize)
	if err != nil {
		return nil, err
	}
	version, err := program()
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(o.Folder)
	if err != nil {
		return nil, err
	}
	fetcher := media.New(media.Options{
		Policy: safehttp.Policy{AllowNetworks: o.AllowNetworks}, Tools: tools, Folder: folder, Version: version, Log: o.Log,
	})
	options := render.Options{Tools: tools, Fetcher: fetcher, Texts: texts, Memory: renderMemory(), Cache: kept, Version: version}
	options.Encoder = render.ChooseEncoder(ctx, options, o.Encoder, o.Log)
	return render.New(options), nil
}

// UserCache is the user's own folder for what can be made again.
func UserCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "reelhook")
}

// copyTo puts a copy of a file in its place, whole or not at all. It must be a
// copy: the cache may share the file, and whose movie it is may write to it.
func copyTo(to, from string) (err error) {
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
