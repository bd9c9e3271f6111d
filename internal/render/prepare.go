package render

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/text"
)

// prepare fetches every source and draws every text.
func (j *job) prepare(ctx context.Context) error {
	elements := j.elements()
	styles, wants := j.wants(elements)
	folder := filepath.Join(j.dir, "media")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	assets, faults := j.Fetcher.Fetch(ctx, folder, wants, j.progress.fetched)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j.sources = sources{}
	for i, e := range elements {
		var err error
		if e.Type == movie.Text {
			err = j.text(i, e, styles[e], assets, faults)
		} else {
			err = j.medium(e, assets, faults)
		}
		if err != nil {
			return err
		}
	}
	return nil
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

// wants lists what has to be fetched, and reads the styles of texts on the way:
// a style may name a font.
func (j *job) wants(elements []*movie.Element) (map[*movie.Element]text.Style, []media.Want) {
	styles := map[*movie.Element]text.Style{}
	var wants []media.Want
	for _, e := range elements {
		if e.Type != movie.Text {
			wants = append(wants, want(e))
			continue
		}
		style := j.style(e)
		styles[e] = style
		if style.FontURL != "" {
			wants = append(wants, media.Want{URL: style.FontURL, Use: media.Font})
		}
	}
	return styles, wants
}

func want(e *movie.Element) media.Want {
	return media.Want{URL: e.Src, Use: map[movie.Type]media.Use{
		movie.Image: media.Image, movie.Video: media.Video, movie.Audio: media.Audio,
	}[e.Type]}
}

// medium takes the asset of an element over as its source.
func (j *job) medium(e *movie.Element, assets map[media.Want]media.Asset, faults map[media.Want]error) error {
	if err := faults[want(e)]; err != nil {
		return unfetched(e, "src", err)
	}
	a := assets[want(e)]
	j.sources[e] = source{Path: a.Path, Format: a.Format, Media: a.Media, Still: e.Type == movie.Image && a.Still()}
	return nil
}

// fault names the element in front of what is wrong with it, as section 25 of
// the contract words it.
func fault(e *movie.Element, key string, err error) error {
	return movie.Fault{Path: e.Path + "." + key, Message: e.Name + ": " + err.Error()}
}

// unfetched is a fault of the movie when its source is to blame, and otherwise,
// as with a full disk, stays the fault of this machine.
func unfetched(e *movie.Element, key string, err error) error {
	var source *media.Error
	if errors.As(err, &source) {
		return fault(e, key, err)
	}
	return fmt.Errorf("fetch %s: %w", e.Path, err)
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

// text draws a text element's bitmap.
func (j *job) text(i int, e *movie.Element, style text.Style, assets map[media.Want]media.Asset, faults map[media.Want]error) error {
	if style.FontURL != "" {
		font := media.Want{URL: style.FontURL, Use: media.Font}
		if err := faults[font]; err != nil {
			return unfetched(e, "settings.font-family", err)
		}
		style.FontFile = assets[font].Path
	}
	block, err := j.Fonts.Draw(e.Text.Text, style)
	if err != nil {
		return fault(e, "text", err)
	}
	for _, w := range block.Warnings {
		j.warn(e.Path, w)
	}
	path := filepath.Join(j.dir, fmt.Sprintf("text-%04d.rgba", i))
	if err := os.WriteFile(path, block.Image.Pix, 0o600); err != nil {
		return err
	}
	size := block.Image.Rect.Size()
	block.Image = nil // on disk now
	j.sources[e] = source{Path: path, Drawn: &drawn{size, block, style}}
	return nil
}
