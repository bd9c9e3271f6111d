package text

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/shaping"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/vector"
)

// canvas is a block while it is being drawn.
type canvas struct {
	st Style
	// bounds is the whole picture, box the block's box, content the part inside
	// its padding.
	bounds, box, content image.Rectangle
	// glyphs collects outlines, emoji the colour bitmaps that go over them.
	glyphs  *vector.Rasterizer
	emoji   []bitmap
	decoded map[colourGlyph]image.Image
	tofu    bool
}

// colourGlyph names a colour glyph.
type colourGlyph struct {
	face *font.Face
	id   font.GID
}

// bitmap is a colour glyph and where it goes.
type bitmap struct {
	img image.Image
	at  image.Rectangle
}

// paint draws laid out lines.
func paint(lines []line, st Style) (*Block, error) {
	c, err := newCanvas(lines, st)
	if err != nil {
		return nil, err
	}
	y := float64(c.content.Min.Y)
	for _, ln := range lines {
		c.line(ln, y)
		y += ln.height
	}
	b := &Block{Image: c.compose(), Box: c.box}
	if c.tofu {
		b.Warnings = append(b.Warnings, "Some characters are in none of the installed fonts; install fonts-noto-core and fonts-noto-cjk")
	}
	return b, nil
}

// newCanvas measures the block and makes its bitmap, with room for what spills.
func newCanvas(lines []line, st Style) (*canvas, error) {
	var w, h float64
	for _, ln := range lines {
		w, h = max(w, ln.width), h+ln.height
	}
	pad := st.Padding
	boxW := w + pad.Left + pad.Right
	if st.Width > 0 {
		boxW = st.Width
	}
	spill := spill(st)
	size := image.Pt(max(1, up(boxW)), max(1, up(h+pad.Top+pad.Bottom)))
	full := image.Rect(0, 0, size.X+2*spill, size.Y+2*spill)
	if full.Dx() > 1<<15 || full.Dy() > 1<<15 || full.Dx()*full.Dy() > maxPixels {
		return nil, fmt.Errorf("the text needs a picture of %d×%d pixels; make it smaller", full.Dx(), full.Dy())
	}
	box := image.Rectangle{Max: size}.Add(image.Pt(spill, spill))
	return &canvas{
		st: st, bounds: full, box: box, decoded: map[colourGlyph]image.Image{}, glyphs: vector.NewRasterizer(full.Dx(), full.Dy()),
		content: image.Rect(box.Min.X+up(pad.Left), box.Min.Y+up(pad.Top), box.Max.X-up(pad.Right), box.Max.Y-up(pad.Bottom)),
	}, nil
}

// spill is how far shadows, strokes and slanted glyphs may reach out of the box.
func spill(st Style) int {
	out := st.Size/4 + st.Stroke.Width
	for _, s := range st.Shadows {
		out = max(out, math.Max(math.Abs(s.DX), math.Abs(s.DY))+1.5*s.Blur+st.Stroke.Width)
	}
	return up(min(out, 4*st.Size+100))
}

func up(x float64) int { return int(math.Ceil(x - 1e-6)) }

// line adds one line's glyphs, its top at y.
func (c *canvas) line(ln line, y float64) {
	x := float64(c.content.Min.X)
	free := float64(c.content.Dx()) - ln.width
	switch c.st.Align {
	case Center:
		x += free / 2
	case End:
		x += free
	}
	baseline := y + (ln.height-ln.ascent-ln.descent)/2 + ln.ascent
	start := x
	for _, run := range ln.runs {
		scale := c.st.Size / float64(run.Face.Upem())
		for _, g := range run.Glyphs {
			if g.GlyphID == 0 {
				c.tofu = true
			}
			c.glyph(run, g, x+float(g.XOffset), baseline-float(g.YOffset), scale)
			x += float(g.Advance)
		}
	}
	if c.st.Underline {
		c.rule(start, x, baseline+c.st.Size*0.1)
	}
	if c.st.StrikeThrough {
		c.rule(start, x, baseline-c.st.Size*0.28)
	}
}

// rule adds a horizontal line with its middle at y.
func (c *canvas) rule(x0, x1, y float64) {
	half := max(1, c.st.Size/16) / 2
	corner := func(x, y float64) (float32, float32) { return float32(x), float32(y) }
	c.glyphs.MoveTo(corner(x0, y+half))
	c.glyphs.LineTo(corner(x1, y+half))
	c.glyphs.LineTo(corner(x1, y-half))
	c.glyphs.LineTo(corner(x0, y-half))
	c.glyphs.ClosePath()
}

func (c *canvas) glyph(run shaping.Output, g shaping.Glyph, x, y, scale float64) {
	switch data := run.Face.GlyphData(g.GlyphID).(type) {
	case font.GlyphOutline:
		c.outline(data, x, y, scale)
	case font.GlyphSVG:
		c.outline(data.Outline, x, y, scale)
	case font.GlyphBitmap:
		if img := c.decode(colourGlyph{run.Face, g.GlyphID}, data.Data); img != nil {
			x0, y0 := x+float(g.XBearing), y-float(g.YBearing)
			c.emoji = append(c.emoji, bitmap{img, image.Rect(
				int(math.Round(x0)), int(math.Round(y0)),
				int(math.Round(x0+float(g.Width))), int(math.Round(y0-float(g.Height))))})
		}
	}
}

// decode reads a colour glyph's picture, nil if it cannot be read, once however
// often the text has it.
func (c *canvas) decode(id colourGlyph, data []byte) image.Image {
	img, known := c.decoded[id]
	if !known {
		var err error
		if img, err = png.Decode(bytes.NewReader(data)); err != nil {
			img = nil
		}
		c.decoded[id] = img
	}
	return img
}

// outline adds a glyph's path; the font's y axis points up.
func (c *canvas) outline(o font.GlyphOutline, x, y, scale float64) {
	at := func(p opentype.SegmentPoint) (float32, float32) {
		return float32(x + float64(p.X)*scale), float32(y - float64(p.Y)*scale)
	}
	open := false
	for _, s := range o.Segments {
		x0, y0 := at(s.Args[0])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if open {
				c.glyphs.ClosePath()
			}
			c.glyphs.MoveTo(x0, y0)
			open = true
		case opentype.SegmentOpLineTo:
			c.glyphs.LineTo(x0, y0)
		case opentype.SegmentOpQuadTo:
			x1, y1 := at(s.Args[1])
			c.glyphs.QuadTo(x0, y0, x1, y1)
		case opentype.SegmentOpCubeTo:
			x1, y1 := at(s.Args[1])
			x2, y2 := at(s.Args[2])
			c.glyphs.CubeTo(x0, y0, x1, y1, x2, y2)
		}
	}
	if open {
		c.glyphs.ClosePath()
	}
}

// compose lays box, shadows, glyphs, stroke and emoji over each other. As in a
// browser the stroke covers half its width of the glyphs.
func (c *canvas) compose() *image.NRGBA {
	over := image.NewRGBA(c.bounds) // premultiplied while things overlap
	if c.st.Background.A > 0 {
		radius := c.st.Radius + c.st.RadiusShare*float64(min(c.box.Dx(), c.box.Dy()))
		fillBox(over, c.box, radius, c.st.Background)
	}
	mask := image.NewAlpha(c.bounds)
	c.glyphs.Draw(mask, c.bounds, image.Opaque, image.Point{})
	body := mask
	if c.st.Stroke.Width > 0 && c.st.Stroke.Color.A > 0 {
		body = grow(mask, c.st.Stroke.Width/2)
	}
	c.shadows(over, body)
	tint(over, mask, image.Point{}, c.st.Color)
	if body != mask {
		tint(over, band(mask, body, c.st.Stroke.Width), image.Point{}, c.st.Stroke.Color)
	}
	for _, b := range c.emoji {
		xdraw.CatmullRom.Scale(over, b.at, b.img, b.img.Bounds(), draw.Over, nil)
	}
	fade(over, c.st.Opacity)
	img := straight(over)
	bleed(img)
	return img
}

// shadows draws the shadows of glyphs and emoji.
func (c *canvas) shadows(over *image.RGBA, body *image.Alpha) {
	if len(c.st.Shadows) == 0 {
		return
	}
	if len(c.emoji) > 0 {
		all := image.NewAlpha(c.bounds)
		copy(all.Pix, body.Pix)
		for _, b := range c.emoji {
			xdraw.BiLinear.Scale(all, b.at, b.img, b.img.Bounds(), draw.Over, nil)
		}
		body = all
	}
	for i := len(c.st.Shadows) - 1; i >= 0; i-- { // the first one lies on top
		s := c.st.Shadows[i]
		at := image.Pt(int(math.Round(s.DX)), int(math.Round(s.DY)))
		tint(over, blur(body, s.Blur), at, s.Color)
	}
}

// tint lays a colour through a mask, moved by at.
func tint(dst draw.Image, mask *image.Alpha, at image.Point, c color.NRGBA) {
	draw.DrawMask(dst, dst.Bounds().Add(at), image.NewUniform(c), image.Point{}, mask, dst.Bounds().Min, draw.Over)
}

// fade makes a premultiplied picture more transparent.
func fade(img *image.RGBA, opacity float64) {
	if opacity >= 1 {
		return
	}
	for i, v := range img.Pix {
		img.Pix[i] = uint8(float64(v)*opacity + 0.5)
	}
}
