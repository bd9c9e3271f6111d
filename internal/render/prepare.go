package render

import (
	"context"
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/text"
)

// fetch gets every source and reports all that could not be had together.
func (j *job) fetch(ctx context.Context) error {
	folder := filepath.Join(j.dir, "media")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	elements := j.elements()
	assets, failed := j.Fetcher.Fetch(ctx, folder, j.wants(elements), j.progress.fetched)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var missing []movie.Fault
	j.sources = sources{}
	for _, e := range elements {
		w, key := want(e), "src"
		if e.Type == movie.Text {
			w, key = j.font(e), "settings.font-family"
		}
		if w.URL == "" {
			continue
		}
		if err := failed[w]; err != nil {
			var f movie.Fault
			if err := unfetched(e, key, err); !errors.As(err, &f) {
				return err
			}
			missing = append(missing, f)
			continue
		}
		a := assets[w]
		if e.Type == movie.Text {
			j.sources[e] = source{Path: a.Path}
		} else {
			j.sources[e] = source{Path: a.Path, Format: a.Format, Media: a.Media, Still: e.Type == movie.Image && a.Still()}
		}
	}
	return faults(missing)
}

// draw makes the bitmaps of all texts and reports all that could not be drawn
// together.
func (j *job) draw(ctx context.Context) error {
	var elements []*movie.Element
	var texts []draw.Text
	for _, e := range j.elements() {
		if e.Type == movie.Text {
			style := j.styles[e]
			style.FontFile = j.sources[e].Path
			elements, texts = append(elements, e), append(texts, draw.Text{Text: e.Text.Text, Style: style})
		}
	}
	// A folder of their own: who draws may be in the hands of a hostile font and
	// must not reach the sources.
	folder := filepath.Join(j.dir, "texts")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	pictures, err := j.Texts.Draw(ctx, folder, texts)
	if err != nil {
		return err
	}
	var failed []movie.Fault
	for i, d := range pictures {
		e := elements[i]
		if d.Err != nil {
			failed = append(failed, fault(e, "text", d.Err))
			continue
		}
		for _, w := range d.Block.Warnings {
			j.warn(e.Path, w)
		}
		j.sources[e] = source{Path: d.Path, Drawn: &drawn{d.Size, d.Block, texts[i].Style}}
	}
	return faults(failed)
}

// elements lists all elements, scenes first.
func (j *job) elements() []*movie.Element {
	var all []*movie.Element
	for s := range j.movie.Scenes {
		for e := range j.movie.Scenes[s].Elements {
			all = append(all, &j.movie.Scenes[s].Elements[e])
		}
	}
	for e := range j.movie.Elements {
		all = append(all, &j.movie.Elements[e])
	}
	return all
}

// wants lists what has to be fetched.
func (j *job) wants(elements []*movie.Element) []media.Want {
	j.styles = map[*movie.Element]text.Style{}
	var wants []media.Want
	for _, e := range elements {
		if e.Type != movie.Text {
			wants = append(wants, want(e))
			continue
		}
		j.styles[e] = j.style(e)
		if w := j.font(e); w.URL != "" {
			wants = append(wants, w)
		}
	}
	return wants
}

func want(e *movie.Element) media.Want {
	return media.Want{URL: e.Src, Use: map[movie.Type]media.Use{
		movie.Image: media.Image, movie.Video: media.Video, movie.Audio: media.Audio,
	}[e.Type]}
}

// font is the font that a text's style names by its address, if it does.
func (j *job) font(e *movie.Element) media.Want {
	return media.Want{URL: j.styles[e].FontURL, Use: media.Font}
}

// canvas is the room of a text: what its element says, or the whole picture.
func (j *job) canvas(e *movie.Element) image.Point {
	size := image.Pt(j.movie.Width, j.movie.Height)
	if e.Visual.Width > 0 {
		size.X = e.Visual.Width
	}
	if e.Visual.Height > 0 {
		size.Y = e.Visual.Height
	}
	return size
}

func (j *job) style(e *movie.Element) text.Style {
	style, problems := text.ParseStyle(e.Text.Settings, j.canvas(e), parseColor)
	for _, p := range problems {
		j.warn(e.Path+".settings."+p.Key, p.Message)
	}
	return style
}

func parseColor(s string) (color.NRGBA, bool) {
	c, ok := movie.ParseColor(s)
	return color.NRGBA(c), ok
}

func (j *job) warn(path, message string) {
	j.warnings = append(j.warnings, movie.Fault{Path: path, Message: message})
}
