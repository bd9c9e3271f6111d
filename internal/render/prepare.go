package render

import (
	"context"
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/text"
)

// fetch gets every source and reports all that could not be had together.
func (j *job) fetch(ctx context.Context) error {
	missing, err := j.gather(ctx)
	if err != nil {
		return err
	}
	return faults(missing)
}

// gather gets every source; missing are those that could not be had.
func (j *job) gather(ctx context.Context) (missing []movie.Fault, err error) {
	folder := filepath.Join(j.dir, "media")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	elements := j.elements()
	wants := j.wants(elements)
	assets, failed := j.Fetcher.Fetch(ctx, media.Order{
		Dir: folder, Lease: j.lease, Fresh: j.fresh(elements), Wants: wants, OnProgress: j.progress.fetched,
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	g := got{assets, failed, nil}
	j.sources = sources{}
	for _, e := range elements {
		if err := j.source(e, &g); err != nil {
			return nil, err
		}
	}
	return g.missing, nil
}

// got is what came of fetching, and what is missing for a movie.
type got struct {
	assets  map[media.Want]media.Asset
	failed  map[media.Want]error
	missing []movie.Fault
}

// asset is the first of the wants that could be had; ok is false when none could,
// which is noted as a fault of the element's key. The error is this machine's.
func (g *got) asset(e *movie.Element, key string, wants ...media.Want) (a media.Asset, ok bool, err error) {
	for _, w := range wants {
		if g.failed[w] == nil {
			return g.assets[w], true, nil
		}
	}
	err = unfetched(e, key, g.failed[wants[0]])
	var f movie.Fault
	if errors.As(err, &f) {
		g.missing = append(g.missing, f)
		return a, false, nil
	}
	return a, false, err
}

// source makes an element's source of what was fetched for it.
func (j *job) source(e *movie.Element, g *got) error {
	w, key := want(e), "src"
	if e.Type == movie.Text {
		w, key = j.font(e), "settings.font-family"
	}
	if w.URL == "" {
		return nil
	}
	a, ok, err := g.asset(e, key, w)
	mask, maskErr := g.mask(e)
	switch err := errors.Join(err, maskErr); {
	case err != nil || !ok:
		return err
	case e.Type == movie.Text:
		j.sources[e] = source{Path: a.Path, Name: a.SHA256}
	default:
		j.sources[e] = source{Path: a.Path, Name: a.SHA256, Format: a.Format, Media: a.Media, Still: e.Type == movie.Image && a.Still(), Mask: mask}
	}
	return nil
}

// mask is the source of an element's mask, nil when it has none.
func (g *got) mask(e *movie.Element) (*source, error) {
	wants := maskWants(e)
	if wants == nil {
		return nil, nil
	}
	a, ok, err := g.asset(e, "mask", wants...)
	if err != nil || !ok {
		return nil, err
	}
	return &source{Path: a.Path, Name: a.SHA256, Format: a.Format, Media: a.Media, Still: a.Still()}, nil
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
			if e.Src != "" { // without one it is a fault of the document
				wants = append(wants, want(e))
			}
			wants = append(wants, maskWants(e)...)
			continue
		}
		j.styles[e] = j.style(e)
		if w := j.font(e); w.URL != "" {
			wants = append(wants, w)
		}
	}
	return wants
}

// fresh are the sources that must be fetched although they are kept.
func (j *job) fresh(elements []*movie.Element) map[string]bool {
	urls := map[string]bool{}
	for _, e := range elements {
		if !j.movie.NoCache && !e.NoCache {
			continue
		}
		urls[e.Src] = true
		if e.Type == movie.Text {
			urls[j.styles[e].FontURL] = true
		} else if e.Visual != nil {
			urls[e.Visual.Mask] = true
		}
	}
	return urls
}

func want(e *movie.Element) media.Want {
	return media.Want{URL: e.Src, Use: map[movie.Type]media.Use{
		movie.Image: media.Image, movie.Video: media.Video, movie.Audio: media.Audio,
	}[e.Type]}
}

// maskWants is the element's mask in the two ways it may come: as a picture or
// as a video.
func maskWants(e *movie.Element) []media.Want {
	if e.Visual == nil || e.Visual.Mask == "" {
		return nil
	}
	return []media.Want{{URL: e.Visual.Mask, Use: media.Image}, {URL: e.Visual.Mask, Use: media.Video}}
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
