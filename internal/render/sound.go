package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// maxSoundScratch bounds the decoded sounds of one movie on the disk, in bytes:
// about six hours of them.
const maxSoundScratch = 8 << 30

// sound mixes everything that is heard and encodes it once, for exactly as long
// as the movie lasts.
func (j *job) sound(ctx context.Context) (file string, err error) {
	voices, done, err := j.voices(ctx)
	defer done()
	if err != nil {
		return "", err
	}
	r, w := io.Pipe()
	var mixing sync.WaitGroup
	mixing.Go(func() { w.CloseWithError(mix(w, voices, samples(j.timeline.Frames, j.timeline.FPS))) })
	file, err = j.exec(ctx, ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: "pipe:0", Demuxer: "f32le", Raw: []string{"-ar", strconv.Itoa(sampleRate), "-ac", strconv.Itoa(channels)}}},
		Stdin:  r, Output: soundOptions,
	}, "sound.mp4", j.soundLimits(), nil)
	r.Close()
	mixing.Wait() // before the files it reads are closed
	if err != nil {
		return "", fmt.Errorf("encode the sound: %w", err)
	}
	return file, nil
}

// voices decodes everything that is heard, as many sources at a time as there
// are cores. done closes their files.
func (j *job) voices(ctx context.Context) (voices []voice, done func(), err error) {
	takes, heard := j.takes()
	files := &scratches{}
	done = files.close
	group, work := errgroup.WithContext(ctx)
	var size float64
	for _, t := range takes {
		if size += (t.to - t.seek) * sampleRate * bytesPerPCM; size > maxSoundScratch {
			err = fault(t.sound.Element, "src", errors.New("the movie's sounds are too long together; use shorter ones or fewer"))
			break
		}
		t.pcm = &scratch{all: files}
		group.Go(func() (err error) {
			t.pcm.path, err = j.decoded(work, t)
			return err
		})
	}
	if err = errors.Join(err, group.Wait()); err != nil {
		return nil, done, err
	}
	for i, s := range j.timeline.Sounds {
		v, err := j.voice(s, heard[i])
		if err != nil {
			return nil, done, err
		}
		voices = append(voices, v)
	}
	return voices, done, nil
}

// soundLimits are without a watch for stalls: sound counts no frames.
func (j *job) soundLimits() ffmpeg.Limits {
	lim := ffmpeg.DefaultLimits()
	lim.Stall = 0
	return lim
}

// cutFade is how long a sound that is cut off in the middle takes to vanish, and
// one that begins in the middle to be there, in samples: 5 ms. Without it there
// would be a click. It vanishes behind its end, so that where one element goes on
// with what another was cut off at, both together are what they were.
const cutFade = sampleRate / 200

// voice places a sound on the movie.
func (j *job) voice(s timeline.Sound, t *take) (voice, error) {
	rate := j.timeline.FPS
	length, err := j.length(s, t)
	if err != nil {
		return voice{}, err
	}
	v := voice{
		pcm: t.pcm, start: samples(s.In, rate), end: samples(s.Out, rate),
		from: nearest((s.Seek - t.seek) * sampleRate), period: max(1, nearest((length-s.Seek)*sampleRate)),
		plays: s.Loop, gain: s.Volume,
	}
	v.ramps = j.ramps(s)
	if s.FadeOut == 0 {
		j.cutOff(&v, s)
	}
	return v, nil
}

// ramps are a sound's fades and its part in transitions.
func (j *job) ramps(s timeline.Sound) (list []ramp) {
	add := func(in, out int, c curve) {
		if in < out {
			list = append(list, ramp{samples(in, j.timeline.FPS), samples(out, j.timeline.FPS), c})
		}
	}
	add(s.In, s.In+s.FadeIn, rise)
	add(s.Out-s.FadeOut, s.Out, fall)
	add(s.Enters.In, s.Enters.Out, enter)
	add(s.Leaves.In, s.Leaves.Out, leave)
	if s.FadeIn == 0 && s.Seek > 0 {
		start := samples(s.In, j.timeline.FPS)
		list = append(list, ramp{start, start + cutFade, rise})
	}
	return list
}

// cutOff has a sound without a fade vanish behind its end; one that is over by
// itself within a frame from there is heard out.
func (j *job) cutOff(v *voice, s timeline.Sound) {
	last := s.Leaves.Out
	if last == 0 {
		last = j.timeline.Frames
	}
	limit := samples(last, j.timeline.FPS)
	if v.natural() < samples(s.Out+1, j.timeline.FPS) {
		v.end = min(v.natural(), limit)
		return
	}
	v.end = min(v.end+cutFade, limit)
	v.ramps = append(v.ramps, ramp{v.end - cutFade, v.end, fall})
}

// maxPadding is the most that an encoder adds to a sound, in seconds.
const maxPadding = 0.3

// length is how long a sound's source lasts, in seconds. A file of nothing but
// sound may count its encoder's padding, which is not heard: a loop would have a
// gap there.
func (j *job) length(s timeline.Sound, t *take) (float64, error) {
	m := j.sources[s.Element].Media
	if m.Video != nil || t.to < m.Duration {
		return m.Duration, nil
	}
	n, err := t.pcm.samples()
	if err != nil {
		return 0, fmt.Errorf("decode a sound: %w", err)
	}
	real := t.seek + float64(n)/sampleRate
	if real <= s.Seek || real < m.Duration-maxPadding {
		return m.Duration, nil
	}
	return min(real, m.Duration), nil
}

// nearest is the sample nearest to a time in samples.
func nearest(at float64) int64 { return int64(math.Round(at)) }

// decoded is the file of a take's samples: kept from before, or decoded.
func (j *job) decoded(ctx context.Context, t *take) (file string, err error) {
	src := j.sources[t.sound.Element]
	c := ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: src.Path, Demuxer: src.Format.Demuxer, Seek: t.seek + src.Media.Audio.Early}},
		Output: []string{
			"-map", "0:a:0", "-vn", "-t", strconv.FormatFloat(t.to-t.seek, 'f', 6, 64),
			"-af", toStereo(src.Media.Audio), "-ac", strconv.Itoa(channels), "-f", "f32le",
		},
	}
	key := j.key("sound", made(c, []string{src.Name}))
	if !j.movie.NoCache && !t.fresh {
		if file, ok := j.lease.Get(key); ok {
			return file, nil
		}
	}
	if file, err = j.decode(ctx, t, c); err != nil {
		return "", err
	}
	return j.lease.Put(key, file), nil
}

func (j *job) decode(ctx context.Context, t *take, c ffmpeg.Command) (file string, err error) {
	if err := j.slots.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer j.slots.Release(1)
	file, err = j.exec(ctx, c, "sound.f32", j.soundLimits(), nil)
	var run *ffmpeg.RunError
	if errors.As(err, &run) && ctx.Err() == nil && !isMachine(err) {
		return "", fault(t.sound.Element, "src", fmt.Errorf("its sound cannot be decoded: %w", err))
	}
	// A video may have an empty track of sound, as some recorders make them.
	if info, serr := os.Stat(file); err == nil && serr == nil && info.Size() == 0 && t.seek == 0 && t.sound.Element.Type == movie.Audio {
		return "", fault(t.sound.Element, "src", errors.New("there is no sound in it"))
	}
	return file, err
}

// maxSpeakers is the most channels that have a usual order.
const maxSpeakers = 8

// toStereo is the filters that bring sound to the mix's rate and sides. Surround
// comes down as in ITU-R BS.775, the centre and what is behind at -3 dB to the
// front, without LFE; no level is lowered for what might add up.
func toStereo(a *ffmpeg.AudioStream) string {
	// Gaps in a recording are silence, not a reason to drift.
	filters := fmt.Sprintf("aresample=%d:async=1:first_pts=0", sampleRate)
	switch {
	case a.Channels == 1: // as loud from both sides; FFmpeg's own way takes 3 dB off
		return filters + ",pan=stereo|c0=c0|c1=c0"
	case a.Channels > maxSpeakers && a.Layout == "": // tracks of a recorder, of which the first are the mix
		return "pan=stereo|c0=c0|c1=c1," + filters
	}
	return filters
}
