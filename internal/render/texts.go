package render

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/cache"
	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/text"
)

// caption is a text element on its way to its bitmap.
type caption struct {
	element *movie.Element
	draw.Text
	// key names the bitmap by what it is drawn from.
	key cache.Key
}

// draw makes the bitmaps of all texts and reports all that could not be drawn
// together. Those with fonts of strangers are drawn apart: such a font may have
// its own text drawn wrong, but none that others will find in the cache.
func (j *job) draw(ctx context.Context) error {
	var plain, strange []caption
	for _, e := range j.elements() {
		if e.Type != movie.Text {
			continue
		}
		c := j.caption(e)
		switch {
		case !j.movie.NoCache && !e.NoCache && j.drawnBefore(c):
		case c.Style.FontFile == "":
			plain = append(plain, c)
		default:
			strange = append(strange, c)
		}
	}
	var failed []movie.Fault
	for name, list := range map[string][]caption{"texts": plain, "strange": strange} {
		more, err := j.drawAll(ctx, name, list)
		if err != nil {
			return err
		}
		failed = append(failed, more...)
	}
	return faults(failed)
}

func (j *job) caption(e *movie.Element) caption {
	style, font := j.styles[e], j.sources[e]
	key, err := json.Marshal(style) // plain values
	if err != nil {
		panic(err)
	}
	style.FontFile = font.Path
	return caption{e, draw.Text{Text: e.Text.Text, Style: style}, cache.KeyOf("text", j.Version, j.Texts.Fonts(), font.Name, e.Text.Text, string(key))}
}

// drawAll draws texts into a folder of their own: who draws may be in the hands of
// a hostile font and must not reach the sources.
func (j *job) drawAll(ctx context.Context, name string, list []caption) (failed []movie.Fault, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	folder := filepath.Join(j.dir, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	texts := make([]draw.Text, len(list))
	for i, c := range list {
		texts[i] = c.Text
	}
	pictures, err := j.Texts.Draw(ctx, folder, texts)
	if err != nil {
		return nil, err
	}
	for i, d := range pictures {
		if d.Err != nil {
			failed = append(failed, fault(list[i].element, "text", d.Err))
			continue
		}
		if err := j.keepDrawn(list[i], d); err != nil {
			return nil, err
		}
	}
	return failed, nil
}

// bitmap is what is kept of a drawn text beside its pixels, which SHA256 names.
type bitmap struct {
	Size     image.Point
	Box      image.Rectangle
	Warnings []string
	SHA256   string
}

func (b bitmap) pixels() cache.Key { return cache.KeyOf("bitmap", b.SHA256) }

// drawnBefore finds the bitmap of a text in the cache.
func (j *job) drawnBefore(c caption) bool {
	data, ok := j.lease.GetBytes(c.key)
	var b bitmap
	if !ok || json.Unmarshal(data, &b) != nil {
		return false
	}
	path, ok := j.lease.Get(b.pixels())
	if ok {
		j.show(c, path, b)
	}
	return ok
}

// keepDrawn takes a bitmap that was drawn.
func (j *job) keepDrawn(c caption, d draw.Drawn) error {
	sum, err := digest(d.Path)
	if err != nil {
		return fmt.Errorf("draw texts: %w", err)
	}
	b := bitmap{d.Size, d.Block.Box, d.Block.Warnings, sum}
	path := j.lease.Put(b.pixels(), d.Path)
	if data, err := json.Marshal(b); err == nil {
		j.lease.PutBytes(c.key, data)
	}
	j.show(c, path, b)
	return nil
}

// show makes a bitmap the source of its element. It is named by its pixels, so
// that a text drawn anew and alike costs no window.
func (j *job) show(c caption, path string, b bitmap) {
	for _, w := range b.Warnings {
		j.warn(c.element.Path, w)
	}
	block := &text.Block{Box: b.Box, Warnings: b.Warnings}
	j.sources[c.element] = source{Path: path, Name: b.SHA256, Drawn: &drawn{b.Size, block, c.Style}}
}
