package render

import (
	"context"
	"os"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/project"
)

// thumbnailSide in pixels is the longest a thumbnail has.
const thumbnailSide = 640

// thumbnail makes a JPEG of a picture a third into the finished movie, where
// titles stand and fades are over, and returns its path.
func (j *job) thumbnail(ctx context.Context, movie project.Result) (string, error) {
	size := []any{}
	if max(movie.Width, movie.Height) > thumbnailSide {
		size = []any{"w", thumbnailSide, "h", thumbnailSide, "force_original_aspect_ratio", "decrease"}
	}
	const shown = "shown"
	file, err := j.exec(ctx, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: movie.File, Demuxer: "mov", Seek: movie.Duration / 3}},
		Graph:  ffmpeg.Graph{{In: []string{"0:v"}, Filters: append([]ffmpeg.Filter{f("scale", size...)}, jpeg.samples...), Out: []string{shown}}},
		Output: jpeg.single(shown),
	}, "thumbnail.jpg", ffmpeg.DefaultLimits(), nil)
	if err != nil {
		return "", err
	}
	return j.thumbnailFile(), os.Rename(file, j.thumbnailFile())
}
