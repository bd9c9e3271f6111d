package render

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/mp4"
)

// Encoder is FFmpeg's name of what encodes the picture; "" is X264.
type Encoder string

// The encoders. All but X264 need a graphics processor and its driver.
const (
	X264  Encoder = "libx264"
	NVENC Encoder = "h264_nvenc"
	QSV   Encoder = "h264_qsv"
	VAAPI Encoder = "h264_vaapi"
)

// Auto asks for the first graphics processor's encoder that works, and else for
// X264.
const Auto = "auto"

// Software tells that an encoder needs no graphics processor.
func (e Encoder) Software() bool { return e == X264 || e == "" }

// encoder is all in which one encoder differs from another.
type encoder struct {
	hardware ffmpeg.Hardware
	// upload brings pictures to where the encoder takes them from.
	upload []ffmpeg.Filter
	// pixFmt is what it takes, nil where upload has seen to that.
	pixFmt []string
	// sessions is how many may encode at once, 0 for any number.
	sessions int
	// options encode as well as a preset says, with a key frame at least every so
	// many frames. They must keep what windows are joined by: one decoder
	// configuration for all of them, and a key frame to begin with that nothing
	// before it is needed for.
	options func(p preset, keyint int) []string
}

// encoders are all of them. Those of graphics processors make no B frames: not
// all can, and a window is to end as it begins, with nothing left to reorder. Of
// the options, FFmpeg's manual has those of QSV ("global_quality" alone is ICQ) and
// VAAPI (an "idr_interval" of 0 has every I frame be an IDR), and its help
// those of NVENC ("cq" in VBR without a bit rate is constant quality).
var encoders = map[Encoder]encoder{
	// A still has a lower crf, which x264 would write into the decoder configuration
	// were it not for stitchable.
	X264: {
		pixFmt: []string{"-pix_fmt", "yuv420p"},
		options: func(p preset, keyint int) []string {
			return []string{
				"-preset", p.name, "-crf", strconv.Itoa(p.crf), "-threads", "1",
				"-x264-params", fmt.Sprintf("keyint=%d:min-keyint=1:scenecut=40:stitchable=1", keyint),
			}
		},
	},
	// Drivers for consumers' cards bound the sessions of all processes together.
	NVENC: {
		hardware: ffmpeg.Hardware{Devices: []string{"/dev/nvidia*"}, Reserves: true},
		pixFmt:   []string{"-pix_fmt", "yuv420p"},
		sessions: 5,
		options: func(p preset, keyint int) []string {
			return gop([]string{"-preset", "p4", "-tune", "hq", "-rc", "vbr", "-cq", strconv.Itoa(p.crf), "-b:v", "0"}, keyint)
		},
	},
	QSV: {
		hardware: ffmpeg.Hardware{Devices: []string{"/dev/dri"}},
		pixFmt:   []string{"-pix_fmt", "nv12"},
		options: func(p preset, keyint int) []string {
			return gop([]string{"-preset", "medium", "-global_quality", strconv.Itoa(p.crf), "-look_ahead", "0", "-idr_interval", "0"}, keyint)
		},
	},
	VAAPI: {
		hardware: ffmpeg.Hardware{Devices: []string{"/dev/dri"}, Options: []string{"-init_hw_device", "vaapi=gpu", "-filter_hw_device", "gpu"}},
		upload:   []ffmpeg.Filter{f("format", "pix_fmts", "nv12"), f("hwupload")},
		options: func(p preset, keyint int) []string {
			return gop([]string{"-rc_mode", "CQP", "-qp", strconv.Itoa(p.crf), "-idr_interval", "0"}, keyint)
		},
	},
}

// gop adds what is common to the encoders of graphics processors.
func gop(options []string, keyint int) []string {
	return append(options, "-profile:v", "high", "-g", strconv.Itoa(keyint), "-bf", "0")
}

// aim has a command encode the picture of a window that its graph ends in. The
// options must not depend on anything but the movie: windows are joined by copying, which
// needs one decoder configuration for all of them.
func (j *job) aim(c *ffmpeg.Command, w window) {
	e := encoders[j.Encoder]
	p, ok := presets[j.movie.Quality]
	if !ok {
		p = presets[movie.High]
	}
	if w.still {
		p.crf -= stillGain
	}
	pad := output
	if len(e.upload) > 0 {
		pad = "uploaded"
		c.Graph = append(slices.Clip(c.Graph), ffmpeg.Chain{In: []string{output}, Filters: e.upload, Out: []string{pad}})
	}
	keyint := max(1, mp4.KeyInterval*j.movie.FPS.Num/j.movie.FPS.Den)
	c.Hardware = e.hardware
	c.Output = []string{"-map", "[" + pad + "]", "-frames:v", strconv.Itoa(w.frames()), "-an", "-c:v", string(j.Encoder)}
	for _, part := range [][]string{e.options(p, keyint), {"-r", rate(j.movie.FPS)}, e.pixFmt, colourOptions} {
		c.Output = append(c.Output, part...)
	}
}
