package render

import (
	"context"
	"fmt"
	"os"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/project"
)

// thumbnailSide in pixels is the longest a thumbnail has.
const thumbnailSide = 640

// thumbnail makes a JPEG of a picture a third into the finished movie, where
// titles stand and fades are over, and returns its path.
func (j *job) thumbnail(ctx context.Context, movie project.Result) (string, error) {
	const colours = "in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:out_range=pc" // those of a JPEG
	fit := fmt.Sprintf("scale=%d:%[1]d:force_original_aspect_ratio=decrease:%s", thumbnailSide, colours)
	if max(movie.Width, movie.Height) <= thumbnailSide {
		fit = "scale=" + colours
	}
	file, err := j.exec(ctx, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: movie.File, Demuxer: "mov", Seek: movie.Duration / 3}},
		Output: []string{"-map", "0:v", "-vf", fit, "-frames:v", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "4", "-f", "image2", "-update", "1"},
	}, "thumbnail.jpg", ffmpeg.DefaultLimits(), nil)
	if err != nil {
		return "", err
	}
	return j.thumbnailFile(), os.Rename(file, j.thumbnailFile())
}
