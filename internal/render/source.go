package render

import (
	"fmt"
	"image"
	"strings"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/text"
	"github.com/reelhook/reelhook/internal/timeline"
)

// f makes a filter.
var f = ffmpeg.F

// source is where a clip's pictures come from: a medium, or a text drawn to a
// bitmap.
type source struct {
	// Path is the file, Name what tells its content from any other, Format how it is
	// opened, Media what it holds.
	Path   string
	Name   string
	Format ffmpeg.Format
	Media  ffmpeg.Media
	// Still tells that the picture never changes.
	Still bool
	// Drawn is set for text.
	Drawn *drawn
	// Mask hides parts of the picture, nil for none.
	Mask *source
}

// drawn is a block of text in a file of raw RGBA.
type drawn struct {
	Size  image.Point
	Block *text.Block
	Style text.Style
}

func (s source) still() bool { return s.Still || s.Drawn != nil }

func (s source) alpha() bool {
	return s.Drawn != nil || s.Media.Video != nil && s.Media.Video.Alpha
}

// facts is what the timeline wants to know.
func (s source) facts() timeline.Facts {
	facts := timeline.Facts{Duration: s.Media.Duration, HasAudio: s.Media.Audio != nil, Still: s.still()}
	if s.still() {
		facts.Duration = 0
	}
	if v := s.Media.Video; v != nil {
		facts.Width, facts.Height = v.Width, v.Height
	}
	return facts
}

// pictureEnd is when the last picture is over, in seconds; the sound may go on.
func (s source) pictureEnd() float64 {
	if v := s.Media.Video; v != nil && v.Duration > 0 {
		return v.Duration
	}
	return s.Media.Duration
}

// rgb tells that the pictures are coded as RGB.
func (s source) rgb() bool {
	v := s.Media.Video
	if v == nil {
		return false
	}
	for _, prefix := range []string{"rgb", "bgr", "gbr", "argb", "abgr", "pal8", "ya8", "ya16"} {
		if strings.HasPrefix(v.PixFmt, prefix) {
			return true
		}
	}
	return false
}

// matrix is the YUV matrix to assume where the medium says none: that of its
// time, HD being bt709. "" leaves it to FFmpeg.
func (s source) matrix() string {
	v := s.Media.Video
	if v == nil || v.ColorSpace != "" && v.ColorSpace != "unknown" {
		return ""
	}
	if v.Width >= 1280 || v.Height >= 720 {
		return "bt709"
	}
	return "bt601"
}

func (s source) hdr() bool { return s.Media.Video != nil && s.Media.Video.HDR() }

// size is how large the clip paints.
func (s source) size(c timeline.Clip) timeline.Rect {
	if s.Drawn != nil {
		return timeline.Rect{W: s.Drawn.Size.X, H: s.Drawn.Size.Y}
	}
	return c.Box
}

// corner is where the top left corner of the clip's picture goes, before it is
// turned.
func (p *picture) corner(c timeline.Clip) image.Point {
	if d := p.sources[c.Element].Drawn; d != nil {
		return d.Block.Place(image.Rect(c.Box.X, c.Box.Y, c.Box.X+c.Box.W, c.Box.Y+c.Box.H), d.Style)
	}
	return image.Pt(c.Box.X, c.Box.Y)
}

// origin is where the top left corner of the clip's pane goes: about the middle
// of its picture.
func (p *picture) origin(c timeline.Clip) image.Point {
	s := p.sources[c.Element].size(c)
	return p.corner(c).Sub(p.pane(c).Sub(image.Pt(s.W, s.H)).Div(2))
}

func (s source) input() ffmpeg.Input { return s.inputAt(0) }

// inputAt opens the source at a time in seconds.
func (s source) inputAt(seek float64) ffmpeg.Input {
	if s.Drawn != nil {
		return ffmpeg.Input{Path: s.Path, Demuxer: "rawvideo", Raw: []string{
			"-pix_fmt", "rgba", "-video_size", fmt.Sprintf("%dx%d", s.Drawn.Size.X, s.Drawn.Size.Y)}}
	}
	in := ffmpeg.Input{Path: s.Path, Demuxer: s.Format.Demuxer, Seek: seek}
	if v := s.Media.Video; v != nil && v.Alpha {
		in.Decoder = alphaDecoders[v.Codec]
	}
	return in
}

// alphaDecoders read transparency that FFmpeg's own decoders of VP8 and VP9
// leave out.
var alphaDecoders = map[string]string{"vp8": "libvpx", "vp9": "libvpx-vp9"}

// sources is the source of every element that has one.
type sources map[*movie.Element]source

// facts answers the timeline.
func (s sources) facts(e *movie.Element) timeline.Facts { return s[e].facts() }
