package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/timeline"
)

// maxSoundScratch bounds the decoded sounds of one movie on the disk, in bytes:
// about six hours of them.
const maxSoundScratch = 8 << 30

// sound mixes everything that is heard and encodes it once, for exactly as long
// as the movie lasts.
func (j *job) sound(ctx context.Context, to string) error {
	voices, done, err := j.voices(ctx)
	defer done()
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(mix(w, voices, samples(j.timeline.Frames, j.timeline.FPS))) }()
	err = j.Tools.Run(ctx, j.dir, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: "pipe:0", Demuxer: "f32le", Raw: []string{"-ar", strconv.Itoa(sampleRate), "-ac", strconv.Itoa(channels)}}},
		Stdin:  r, Output: soundOptions, To: to,
	}, j.soundLimits(), nil)
	if err != nil {
		return fmt.Errorf("encode the sound: %w", err)
	}
	return nil
}

// take is what is decoded of a source: elements that hear the same share it.
type take struct {
	path         string
	seek, length float64
}

// take is what a sound hears of its source in one play.
func (j *job) take(s timeline.Sound) take {
	m := j.sources[s.Element]
	return take{m.Path, s.Seek, min(m.Media.Duration-s.Seek, seconds(s.Out-s.In, j.timeline.FPS))}
}

// voices decodes everything that is heard, as many sources at a time as there
// are cores. done closes their files.
func (j *job) voices(ctx context.Context) (voices []voice, done func(), err error) {
	takes := map[take]*os.File{}
	done = func() {
		for _, file := range takes {
			file.Close()
		}
	}
	group, work := errgroup.WithContext(ctx)
	var scratch float64
	for i, s := range j.timeline.Sounds {
		t := j.take(s)
		if takes[t] != nil {
			continue
		}
		if scratch += t.length * sampleRate * bytesPerPCM; scratch > maxSoundScratch {
			err = fault(s.Element, "src", errors.New("the movie's sounds are too long together; use shorter ones or fewer"))
			break
		}
		file, ferr := os.Create(filepath.Join(j.dir, fmt.Sprintf("sound-%04d.f32", i)))
		if ferr != nil {
			err = ferr
			break
		}
		takes[t] = file
		group.Go(func() error { return j.decode(work, s, t, file.Name()) })
	}
	if err = errors.Join(err, group.Wait()); err != nil {
		return nil, done, err
	}
	for _, s := range j.timeline.Sounds {
		voices = append(voices, j.voice(s, takes[j.take(s)]))
	}
	return voices, done, nil
}

// soundLimits are without a watch for stalls: sound counts no frames.
func (j *job) soundLimits() ffmpeg.Limits {
	lim := ffmpeg.DefaultLimits()
	lim.Stall = 0
	return lim
}

// voice places a sound on the movie.
func (j *job) voice(s timeline.Sound, pcm io.ReaderAt) voice {
	t := j.timeline
	period := (j.sources[s.Element].Media.Duration - s.Seek) * sampleRate
	return voice{
		pcm: pcm, start: samples(s.In, t.FPS), end: samples(s.Out, t.FPS),
		period: max(1, int64(period+0.5)), plays: s.Loop, gain: s.Volume,
		fadeIn: samples(s.FadeIn, t.FPS), fadeOut: samples(s.FadeOut, t.FPS),
	}
}

// decode writes the samples of a take.
func (j *job) decode(ctx context.Context, s timeline.Sound, t take, to string) error {
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
	err := j.Tools.Run(ctx, j.dir, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: src.Path, Demuxer: src.Format.Demuxer, Seek: t.seek}},
		Output: []string{
			"-map", "0:a:0", "-vn", "-t", strconv.FormatFloat(t.length, 'f', 6, 64),
			"-af", filters, "-ac", strconv.Itoa(channels), "-f", "f32le",
		},
		To: to,
	}, j.soundLimits(), nil)
	var run *ffmpeg.RunError
	if errors.As(err, &run) && ctx.Err() == nil && !isMachine(err) {
		return fault(s.Element, "src", fmt.Errorf("its sound cannot be decoded: %w", err))
	}
	return err
}
