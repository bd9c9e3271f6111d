package ffmpeg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Media is what a probe found out about a file.
type Media struct {
	// Duration in seconds, 0 for a still picture.
	Duration float64
	// Video and Audio are the streams that are used, nil if there is none.
	Video *VideoStream
	Audio *AudioStream
}

// VideoStream is the picture of a medium.
type VideoStream struct {
	Codec string
	// Width and Height in square pixels, as shown: rotated upright.
	Width, Height int
	// FPS is the average rate, 0 when unknown.
	FPS float64
	// Duration is the second in which the last picture is over, 0 when unknown:
	// the sound may go on. It counts from the file's begin, also where the
	// picture begins later than the sound.
	Duration float64
	// Alpha tells whether it may be transparent.
	Alpha  bool
	PixFmt string
	// ColorSpace is FFmpeg's name of the YUV matrix, "" when not said.
	ColorSpace string
	// Transfer is FFmpeg's name of the transfer characteristics, "" when not said.
	Transfer string
}

// HDR tells that the picture is coded as PQ (SMPTE ST 2084) or HLG (ARIB STD-B67).
func (v VideoStream) HDR() bool { return v.Transfer == "smpte2084" || v.Transfer == "arib-std-b67" }

// AudioStream is the sound of a medium.
type AudioStream struct {
	Codec          string
	Rate, Channels int
	// Layout is FFmpeg's name of where the channels come from, "" when not said.
	Layout string
	// Duration in seconds, as far as the container says; 0 when it does not.
	Duration float64
	// Early is how long before the file's zero the sound begins, in seconds: so
	// WebM counts an encoder's run-up, which is not to be heard.
	Early float64
}

// Probe reads what a file holds, opened with one forced demuxer. The error is
// for people: it says what is wrong with the medium and names no path.
func (t *Tools) Probe(ctx context.Context, path string, f Format, lim Limits) (Media, error) {
	in := Input{Path: path, Demuxer: f.Demuxer}
	args := []string{"-v", verbosity, "-of", "json", "-show_entries", entries}
	if f.picture() {
		// A photograph says on its frame how it was held, and only decoding tells
		// whether a picture can be shown at all.
		args[len(args)-1] += frameEntries
		args = append(args, "-read_intervals", "%+#1")
	}
	args = append(append(args, in.guard(lim)...), "-i", path)
	var out answer
	err := t.exec(ctx, process{program: t.FFprobe, args: args, stdout: &out, readOnly: []string{path}, limits: lim})
	switch err = plain(err, path); {
	case out.full:
		return Media{}, errAnswer
	case errors.Is(err, errCodec):
		return Media{}, err
	case err != nil:
		return Media{}, fmt.Errorf("not a readable %s file: %w", f.Name, err)
	}
	var found probed
	if err := json.Unmarshal(out.text.Bytes(), &found); err != nil {
		return Media{}, fmt.Errorf("probe: %w", err)
	}
	return found.media(f)
}

// probed is the part of ffprobe's answer that is used.
type probed struct {
	Format struct {
		Start    string `json:"start_time"`
		Duration string `json:"duration"`
	} `json:"format"`
	Streams []probedStream `json:"streams"`
	// Frames is the first one of a picture.
	Frames []struct {
		SideData []sideData `json:"side_data_list"`
	} `json:"frames"`
}

type sideData struct {
	Rotation float64 `json:"rotation"`
}

type probedStream struct {
	CodecType    string `json:"codec_type"`
	CodecName    string `json:"codec_name"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	SAR          string `json:"sample_aspect_ratio"`
	PixFmt       string `json:"pix_fmt"`
	ColorSpace   string `json:"color_space"`
	Transfer     string `json:"color_transfer"`
	AvgFrameRate string `json:"avg_frame_rate"`
	Start        string `json:"start_time"`
	Duration     string `json:"duration"`
	SampleRate   string `json:"sample_rate"`
	Channels     int    `json:"channels"`
	Layout       string `json:"channel_layout"`
	Disposition  struct {
		AttachedPic int `json:"attached_pic"`
	} `json:"disposition"`
	Tags struct {
		AlphaMode string `json:"alpha_mode"`
		// Duration is Matroska's, as 00:00:02.000000000.
		Duration string `json:"DURATION"`
	} `json:"tags"`
	SideData []sideData `json:"side_data_list"`
}

var (
	errNoStreams = errors.New("it holds neither picture nor sound")
	errNoPicture = errors.New("its picture cannot be decoded")
)

func (p probed) media(f Format) (Media, error) {
	var m Media
	if f.Kind != Image {
		m.Duration = number(p.Format.Duration)
	}
	for _, s := range p.Streams {
		switch {
		case s.CodecType == "video" && s.Disposition.AttachedPic == 0 && m.Video == nil && s.Width > 0:
			m.Video = s.video(f)
		case s.CodecType == "audio" && m.Audio == nil && s.Channels > 0:
			rate, _ := strconv.Atoi(s.SampleRate)
			m.Audio = &AudioStream{s.CodecName, rate, s.Channels, strings.TrimPrefix(s.Layout, "unknown"), number(s.Duration), p.early(s)}
		}
	}
	if m.Video == nil && m.Audio == nil {
		return m, errNoStreams
	}
	if f.picture() {
		if len(p.Frames) == 0 {
			return m, errNoPicture
		}
		if m.Video != nil {
			m.Video.turn(p.Frames[0].SideData)
		}
	}
	return m, nil
}

// longestRunUp is the longest run-up of an encoder, in seconds. What begins earlier
// has another reason.
const longestRunUp = 0.5

// early is how long before zero a sound begins that begins before all else.
func (p probed) early(s probedStream) float64 {
	before, negative := strings.CutPrefix(s.Start, "-")
	if !negative || s.Start != p.Format.Start || number(before) > longestRunUp {
		return 0
	}
	return number(before)
}

func (s probedStream) video(f Format) *VideoStream {
	v := &VideoStream{Codec: s.CodecName, Width: s.Width, Height: s.Height, PixFmt: s.PixFmt, ColorSpace: s.ColorSpace, Transfer: s.Transfer}
	if v.Duration = number(s.Duration); v.Duration == 0 {
		v.Duration = clock(s.Tags.Duration)
	}
	if num, den, ok := fraction(s.AvgFrameRate, "/"); ok {
		v.FPS = num / den
	}
	// What a picture says of its pixels is for printers; browsers ignore it too.
	if num, den, ok := fraction(s.SAR, ":"); ok && !f.picture() {
		v.Width = int(math.Round(float64(v.Width) * num / den))
	}
	if !f.picture() {
		v.turn(s.SideData)
	}
	v.Alpha = hasAlpha(s.PixFmt) || s.Tags.AlphaMode == "1"
	return v
}

// turn swaps the sides of what lies on one of them.
func (v *VideoStream) turn(data []sideData) {
	for _, d := range data {
		if turn := math.Mod(math.Abs(d.Rotation), 180); turn > 45 && turn < 135 {
			v.Width, v.Height = v.Height, v.Width
		}
	}
}

// hasAlpha goes by the names of FFmpeg's pixel formats.
func hasAlpha(format string) bool {
	for _, prefix := range []string{"yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8"} {
		if strings.HasPrefix(format, prefix) {
			return true
		}
	}
	return false
}

func fraction(s, sep string) (num, den float64, ok bool) {
	a, b, found := strings.Cut(s, sep)
	num, den = number(a), number(b)
	return num, den, found && num > 0 && den > 0
}

// clock reads hours, minutes and seconds; anything else is 0.
func clock(s string) float64 {
	part := strings.Split(s, ":")
	if len(part) != 3 {
		return 0
	}
	return number(part[0])*3600 + number(part[1])*60 + number(part[2])
}

// number reads a decimal; anything else, NaN and infinity included, is 0.
func number(s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return 0
	}
	return x
}

// errCodec is the cause of a codec that is not on our list.
var errCodec = errors.New("unsupported codec")

var (
	notListed = regexp.MustCompile(`Codec \(([^)]+)\) not on whitelist`)
	speaker   = regexp.MustCompile(`\[[^\]]* @ 0x[0-9a-f]+\] *`)
)

// plain takes out of FFmpeg's message what means nothing to whoever sent the
// medium: the name we gave the file, addresses in memory, our list of codecs.
func plain(err error, path string) error {
	var run *RunError
	if !errors.As(err, &run) {
		return err
	}
	if m := notListed.FindStringSubmatch(run.Message); m != nil {
		return &RunError{Message: "the codec " + m[1] + " is not supported", Err: errors.Join(errCodec, run.Err)}
	}
	message := speaker.ReplaceAllString(run.Message, "")
	return &RunError{Message: strings.TrimPrefix(message, filepath.Base(path)+": "), Err: run.Err}
}
