package render

import (
	"fmt"
	"strconv"

	"github.com/reelhook/reelhook/internal/movie"
)

// preset is what a movie's quality means to x264. Other encoders take the crf for
// their own scale, which is the same quantizer's.
type preset struct {
	name string
	crf  int
}

// presets, measured on 1080p moving pictures: each step up costs about half
// again as much CPU. veryfast at 23 is the usual choice for video on the web.
var presets = map[movie.Quality]preset{
	movie.Low:    {"superfast", 28},
	movie.Medium: {"veryfast", 23},
	movie.High:   {"faster", 21},
}

// colourOptions say what every filtergraph produces: bt709, limited range. The
// place of chroma samples is named because a JPEG's differs, and a window that
// began with one could not be joined to the others.
var colourOptions = []string{
	"-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
	"-chroma_sample_location", "left",
}

// soundOptions encode the mix: AAC, 48 kHz, stereo, as every platform takes it.
var soundOptions = []string{"-c:a", "aac", "-b:a", "160k", "-ar", strconv.Itoa(sampleRate), "-ac", strconv.Itoa(channels)}

func rate(r movie.Rate) string { return fmt.Sprintf("%d/%d", r.Num, r.Den) }

// samples is where frame n begins in the sound.
func samples(n int, fps movie.Rate) int64 {
	num, den := int64(n)*int64(fps.Den)*sampleRate, int64(fps.Num)
	return (num + den/2) / den
}

// seconds is how long n frames last.
func seconds(n int, fps movie.Rate) float64 {
	return float64(n) * float64(fps.Den) / float64(fps.Num)
}
