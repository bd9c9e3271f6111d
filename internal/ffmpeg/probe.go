package ffmpeg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
	// Alpha tells whether it may be transparent.
	Alpha  bool
	PixFmt string
	// ColorSpace is FFmpeg's name of the YUV matrix, "" when not said.
	ColorSpace string
}

// AudioStream is the sound of a medium.
type AudioStream struct {
	Codec          string
	Rate, Channels int
	// Duration in seconds, as far as the container says; 0 when it does not.
	Duration float64
}

// Probe reads what a file holds, opened with one forced demuxer. The error is
// for people: it says what is wrong with the medium and names no path.
func (t *Tools) Probe(ctx context.Context, path string, f Format, lim Limits) (Media, error) {
	in := Input{Path: path, Demuxer: f.Demuxer}
	args := append([]string{"-v", "error", "-of", "json", "-show_format", "-show_streams"}, in.guard(lim)...)
	args = append(args, "-i", path)
	var out bytes.Buffer
	err := t.exec(ctx, process{program: t.FFprobe, args: args, stdout: &out, readOnly: []string{path}, limits: lim})
	if err != nil {
		return Media{}, fmt.Errorf("not a readable %s file: %w", f.Name, err)
	}
	var found probed
	if err := json.Unmarshal(out.Bytes(), &found); err != nil {
		return Media{}, fmt.Errorf("probe: %w", err)
	}
	return found.media(f)
}

// probed is the part of ffprobe's answer that is used.
type probed struct {
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
	Streams []probedStream `json:"streams"`
}

type probedStream struct {
	CodecType    string `json:"codec_type"`
	CodecName    string `json:"codec_name"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	SAR          string `json:"sample_aspect_ratio"`
	PixFmt       string `json:"pix_fmt"`
	ColorSpace   string `json:"color_space"`
	AvgFrameRate string `json:"avg_frame_rate"`
	Duration     string `json:"duration"`
	SampleRate   string `json:"sample_rate"`
	Channels     int    `json:"channels"`
	Disposition  struct {
		AttachedPic int `json:"attached_pic"`
	} `json:"disposition"`
	Tags struct {
		AlphaMode string `json:"alpha_mode"`
	} `json:"tags"`
	SideData []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
}

var errNoStreams = errors.New("it holds neither picture nor sound")

func (p probed) media(f Format) (Media, error) {
	var m Media
	if f.Kind != Image {
		m.Duration = number(p.Format.Duration)
	}
	for _, s := range p.Streams {
		switch {
		case s.CodecType == "video" && s.Disposition.AttachedPic == 0 && m.Video == nil && s.Width > 0:
			m.Video = s.video()
		case s.CodecType == "audio" && m.Audio == nil && s.Channels > 0:
			rate, _ := strconv.Atoi(s.SampleRate)
			m.Audio = &AudioStream{s.CodecName, rate, s.Channels, number(s.Duration)}
		}
	}
	if m.Video == nil && m.Audio == nil {
		return m, errNoStreams
	}
	return m, nil
}

func (s probedStream) video() *VideoStream {
	v := &VideoStream{Codec: s.CodecName, Width: s.Width, Height: s.Height, PixFmt: s.PixFmt, ColorSpace: s.ColorSpace}
	if num, den, ok := fraction(s.AvgFrameRate, "/"); ok {
		v.FPS = num / den
	}
	if num, den, ok := fraction(s.SAR, ":"); ok {
		v.Width = int(math.Round(float64(v.Width) * num / den))
	}
	for _, d := range s.SideData {
		if turn := math.Mod(math.Abs(d.Rotation), 180); turn > 45 && turn < 135 {
			v.Width, v.Height = v.Height, v.Width
		}
	}
	v.Alpha = hasAlpha(s.PixFmt) || s.Tags.AlphaMode == "1"
	return v
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

// number reads a decimal; anything else, NaN and infinity included, is 0.
func number(s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return 0
	}
	return x
}
