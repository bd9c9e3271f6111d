package render

import (
	"fmt"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// Light of HDR, in cd/m2: what white paper has (ITU-R BT.2408), and the brightest
// that is told apart from brighter.
const (
	hdrWhite = 203
	hdrPeak  = 1000
)

// toneMap brings a picture in PQ or HLG, with the primaries of BT.2020, into the
// colours of the output. Up to half of white light stays as it is; above that it is
// pressed together, so that what is brighter than white has room.
func toneMap(transfer string) []ffmpeg.Filter {
	return []ffmpeg.Filter{
		// Sides of odd length are not for zscale in 4:2:0.
		f("format", "pix_fmts", "yuv444p10"),
		f("zscale", "transferin", transfer, "primariesin", "bt2020", "matrixin", "bt2020nc", "transfer", "linear", "npl", hdrWhite),
		f("format", "pix_fmts", "gbrpf32"),
		f("zscale", "primaries", "bt709"),
		f("tonemap", "tonemap", "mobius", "param", 0.5, "desat", 0, "peak", fmt.Sprintf("%.3f", float64(hdrPeak)/hdrWhite)),
		f("zscale", "transfer", "bt709", "matrix", "bt709", "range", "tv"),
		f("format", "pix_fmts", "yuv444p"),
	}
}
