package render

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// pictureFile is how a single picture is written: its samples, and its encoder.
type pictureFile struct {
	samples []ffmpeg.Filter
	encoder []string
}

// single writes the first picture of a pad.
func (p pictureFile) single(pad string) []string {
	return append([]string{"-map", "[" + pad + "]", "-frames:v", "1", "-f", "image2", "-update", "1"}, p.encoder...)
}

// A JPEG is bt601 in full range (JFIF 1.02), whatever it was made from.
var jpeg = pictureFile{
	[]ffmpeg.Filter{f("scale", "in_color_matrix", "bt709", "in_range", "tv", "out_color_matrix", "bt601", "out_range", "pc"), f("format", "pix_fmts", "yuvj420p")},
	[]string{"-c:v", "mjpeg", "-q:v", "2"},
}

// pictureFiles are by the end of their name.
var pictureFiles = map[string]pictureFile{
	".png": {[]ffmpeg.Filter{f("scale", "in_color_matrix", "bt709", "in_range", "tv"), f("format", "pix_fmts", "rgb24")}, []string{"-c:v", "png"}},
	".jpg": jpeg, ".jpeg": jpeg,
}

// Frame renders the one frame of m that shows at a time, in seconds; a time behind
// the end shows the last one. It returns the path of a PNG or JPEG in dir, as kind
// (".png", ".jpg") says, and the number of the frame. Errors are those of Render.
func (r *Renderer) Frame(ctx context.Context, m *movie.Movie, dir string, at float64, kind string) (path string, frame int, err error) {
	as, ok := pictureFiles[strings.ToLower(kind)]
	if !ok {
		return "", 0, fmt.Errorf("a frame is written as .png or .jpg, not as %q", kind)
	}
	_, err = r.with(ctx, m, dir, nil, func(ctx context.Context, j *job) (err error) {
		frame = min(max(0, int(math.Floor(at*float64(j.timeline.FPS.Num)/float64(j.timeline.FPS.Den)+1e-6))), j.timeline.Frames-1)
		path, err = j.frame(ctx, frame, kind, as)
		return err
	})
	return path, frame, err
}

// frame renders a single picture. Of a blend all is prepared, for its filters
// count from its beginning and to its end.
func (j *job) frame(ctx context.Context, n int, kind string, as pictureFile) (string, error) {
	all := spans(j.timeline)
	w := all[slices.IndexFunc(all, func(w window) bool { return w.In <= n && n < w.Out })]
	if w.from == noScene {
		w.Span = timeline.Span{In: n, Out: n + 1}
	}
	p := j.picture(w, nil, false)
	const shown = "shown"
	p.chain([]string{output}, shown, append([]ffmpeg.Filter{f("trim", "start_frame", n-w.In)}, as.samples...)...)
	return j.encode(ctx, p, ffmpeg.Command{Inputs: p.inputs, Graph: p.graph, Output: as.single(shown)}, "frame"+kind, nil)
}
