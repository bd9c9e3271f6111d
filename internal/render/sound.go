package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/timeline"
)

// sound mixes everything that is heard and encodes it once, for exactly as long
// as the movie lasts.
func (j *job) sound(ctx context.Context, to string) error {
	var voices []voice
	for i, s := range j.timeline.Sounds {
		v, done, err := j.voice(ctx, i, s)
		var run *ffmpeg.RunError
		if errors.As(err, &run) {
			return fault(s.Element, "src", fmt.Errorf("its sound cannot be decoded: %w", err))
		}
		if err != nil {
			return err
		}
		defer done()
		voices = append(voices, v)
	}
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(mix(w, voices, samples(j.timeline.Frames, j.timeline.FPS))) }()
	err := j.Tools.Run(ctx, j.dir, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: "pipe:0", Demuxer: "f32le", Raw: []string{"-ar", strconv.Itoa(sampleRate), "-ac", strconv.Itoa(channels)}}},
		Stdin:  r, Output: soundOptions, To: to,
	}, j.soundLimits(), nil)
	if err != nil {
		return fmt.Errorf("encode the sound: %w", err)
	}
	return nil
}

// soundLimits are without a watch for stalls: sound counts no frames.
func (j *job) soundLimits() ffmpeg.Limits {
	lim := j.Limits
	lim.Stall = 0
	return lim
}

// voice decodes what is heard of one sound. done closes its file.
func (j *job) voice(ctx context.Context, i int, s timeline.Sound) (v voice, done func(), err error) {
	t := j.timeline
	length := j.sources[s.Element].Media.Duration - s.Seek
	heard := min(length, seconds(s.Out-s.In, t.FPS))
	path := filepath.Join(j.dir, fmt.Sprintf("sound-%04d.f32", i))
	if err := j.decode(ctx, s, heard, path); err != nil {
		return v, nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return v, nil, err
	}
	v = voice{
		pcm: file, start: samples(s.In, t.FPS), end: samples(s.Out, t.FPS),
		period: max(1, int64(length*sampleRate+0.5)), plays: s.Loop, gain: s.Volume,
		fadeIn: samples(s.FadeIn, t.FPS), fadeOut: samples(s.FadeOut, t.FPS),
	}
	return v, func() { file.Close() }, nil
}

// decode writes a sound's samples from its seek on, as long as it is heard in
// one play.
func (j *job) decode(ctx context.Context, s timeline.Sound, length float64, to string) error {
	src := j.sources[s.Element]
	if err := j.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer j.slots.Release(1)
	// Gaps in a recording are silence, not a reason to drift.
	filters := fmt.Sprintf("aresample=%d:async=1:first_pts=0", sampleRate)
	if src.Media.Audio.Channels == 1 { // as loud from both sides; FFmpeg's own way takes 3 dB off
		filters += ",pan=stereo|c0=c0|c1=c0"
	}
	return j.Tools.Run(ctx, j.dir, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: src.Path, Demuxer: src.Format.Demuxer, Seek: s.Seek}},
		Output: []string{
			"-map", "0:a:0", "-vn", "-t", strconv.FormatFloat(length, 'f', 6, 64),
			"-af", filters, "-ac", strconv.Itoa(channels), "-f", "f32le",
		},
		To: to,
	}, j.soundLimits(), nil)
}
