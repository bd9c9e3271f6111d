package ffmpeg

import (
	"bytes"
	"errors"
)

// entries is all that is asked of ffprobe. What else a file says of itself may
// be as long as its author likes: a PNG of 1 MB can hold a text of 1 GB.
const entries = "format=start_time,duration" +
	":stream=codec_type,codec_name,width,height,sample_aspect_ratio,pix_fmt,color_space,color_transfer,avg_frame_rate,start_time,duration,sample_rate,channels,channel_layout" +
	":stream_disposition=attached_pic:stream_tags=alpha_mode,DURATION:stream_side_data=rotation"

// frameEntries is what is asked of the first frame of a picture.
const frameEntries = ":frame=pix_fmt:frame_side_data=rotation"

// answer keeps what ffprobe says, up to more than it says of any honest file. It
// is no bytes.Buffer itself: that would be read into past Write.
type answer struct {
	text bytes.Buffer
	// full tells that it said too much.
	full bool
}

const longestAnswer = 1 << 20

var errAnswer = errors.New("it says more of itself than a medium does")

// Write implements io.Writer.
func (a *answer) Write(p []byte) (int, error) {
	if a.full = a.full || a.text.Len()+len(p) > longestAnswer; a.full {
		return 0, errAnswer
	}
	return a.text.Write(p)
}
