package render

import (
	"fmt"
	"math"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// key makes a colour transparent. Hues are told apart by their chroma alone, so
// that the shadows on a green wall go with it: a tolerance of 50 reaches from
// the colour to grey. Black, grey and white have none, and are told apart by
// their distance in RGB, of which 100 is that from black to white.
func (s *strand) key(k movie.ChromaKey, size timeline.Rect) {
	if k == (movie.ChromaKey{}) {
		return
	}
	var before *strand // the key overwrites the transparency it finds
	if s.alpha {
		before = s.fork()
		before.add(f("alphaextract"))
	}
	y, u, v := yuv(k.Color)
	part := k.Tolerance / 100
	if reach := math.Hypot(float64(u)-128, float64(v)-128) / math.Hypot(255, 255); reach >= 0.03 {
		s.rimmed(size, f("chromakey", append([]any{"color", fmt.Sprintf("0x%02x%02x%02x", y, u, v), "yuv", 1}, likeness(2*part*reach)...)...))
	} else {
		color := fmt.Sprintf("0x%02x%02x%02x", k.Color.R, k.Color.G, k.Color.B)
		s.add(f("scale", "in_color_matrix", "bt709", "in_range", "tv"), f("format", "pix_fmts", "rgba"),
			f("colorkey", append([]any{"color", color}, likeness(part)...)...),
			f("scale", "out_color_matrix", "bt709", "out_range", "tv"), f("format", "pix_fmts", "yuva420p"))
	}
	s.alpha = true
	if before != nil {
		s.hide(before)
	}
}

// rimmed adds a filter that looks at the pixels around each and takes those beyond
// the edge for some other colour: they are given that of the edge.
func (s *strand) rimmed(size timeline.Rect, filter ffmpeg.Filter) {
	right, bottom := rim+size.W%2, rim+size.H%2 // pad wants even sides
	s.add(f("pad", "w", rim+size.W+right, "h", rim+size.H+bottom, "x", rim, "y", rim),
		f("fillborders", "left", rim, "right", right, "top", rim, "bottom", bottom, "mode", "smear"),
		filter, f("crop", "w", size.W, "h", size.H, "x", rim, "y", rim, "exact", 1))
}

// likeness is how near to the key a colour is to vanish; beyond that it comes
// back little by little, so that edges are soft.
func likeness(distance float64) []any {
	distance = min(max(distance, 0.01), 1)
	return []any{"similarity", fmt.Sprintf("%.4f", distance), "blend", fmt.Sprintf("%.4f", 0.3*distance)}
}

// correction is FFmpeg's eq as a table: eq itself takes no transparency, and
// counts from 0 instead of the black of limited range, which gamma would lift.
func correction(c movie.Correction) []ffmpeg.Filter {
	if c == (movie.Correction{}) {
		return nil
	}
	luma := fmt.Sprintf("16.5+219*pow(clip(%.6f*((val-16)/219-0.5)+%.6f,0,1),%.6f)", c.Contrast, 0.5+c.Brightness, 1/c.Gamma)
	chroma := fmt.Sprintf("clip(128.5+%.6f*(val-128),16,240)", c.Saturation)
	return []ffmpeg.Filter{f("lutyuv", "y", luma, "u", chroma, "v", chroma)}
}

// yuv is a colour in bt709 limited range (ITU-R BT.709, 8 bit).
func yuv(c movie.Color) (y, u, v int) {
	r, g, b := float64(c.R)/255, float64(c.G)/255, float64(c.B)/255
	luma := 0.2126*r + 0.7152*g + 0.0722*b
	y = int(math.Round(16 + 219*luma))
	u = int(math.Round(128 + 224*(b-luma)/1.8556))
	v = int(math.Round(128 + 224*(r-luma)/1.5748))
	return y, u, v
}
