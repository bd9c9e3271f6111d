package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The movie that shows whether sound and picture drift apart: scenes of random
// length that click and change their colour when they begin.
const (
	driftName   = "drift"
	driftScenes = 100
	driftSize   = "320x180"
)

// driftSeconds are the lengths of its scenes, the same in every run.
func driftSeconds() []float64 {
	random := rand.New(rand.NewPCG(1, 2))
	list := make([]float64, driftScenes)
	for i := range list {
		list[i] = math.Round(1000*(0.9+1.4*random.Float64())) / 1000
	}
	return list
}

// driftColor is the colour of scene i.
func driftColor(i int) string { return [...]string{"red", "blue"}[i%2] }

func clicking() object {
	var scenes []object
	for i, seconds := range driftSeconds() {
		scenes = append(scenes, object{"duration": seconds, "background-color": driftColor(i), "elements": []object{{"type": "audio", "src": "click.wav"}}})
	}
	return object{"width": 320, "height": 180, "resolution": "custom", "quality": "medium", "fps": fps, "scenes": scenes}
}

// drift measures how far a click is from the change of colour that it belongs to.
func (s *stage) drift(ctx context.Context) error {
	t := table{title: fmt.Sprintf("render: sound behind picture, %d scenes", driftScenes)}
	t.add("who", "scene 1", "scene 50", "scene 100", "largest", "wall s")
	ways := []struct {
		who, output string
		make        func(context.Context) error
	}{
		{"FFmpeg by hand, scenes with their own AAC joined by -c copy", "drift-hand.mp4", s.joinScenes},
		{"reelhook render", rendered(driftName), func(ctx context.Context) error { _, err := s.cold(ctx, driftName); return err }},
	}
	for _, w := range ways {
		began := time.Now()
		if err := w.make(ctx); err != nil {
			return err
		}
		took := time.Since(began)
		behind, err := s.offsets(ctx, w.output)
		if err != nil {
			return fmt.Errorf("%s: %w", w.who, err)
		}
		t.add(w.who, offset(behind[0]), offset(behind[49]), offset(behind[99]), offset(largest(behind)), fmt.Sprintf("%.1f", took.Seconds()))
	}
	t.print(s.out)
	return nil
}

func offset(seconds float64) string { return fmt.Sprintf("%.1f ms", 1000*seconds) }

// largest is the value farthest from 0.
func largest(values []float64) (most float64) {
	for _, v := range values {
		if math.Abs(v) > math.Abs(most) {
			most = v
		}
	}
	return most
}

// joinScenes makes each scene as a movie of its own and joins them, as scripts do.
func (s *stage) joinScenes(ctx context.Context) error {
	var list strings.Builder
	for i, seconds := range driftSeconds() {
		scene := fmt.Sprintf("drift-scene%d.mp4", i)
		fmt.Fprintf(&list, "file %s\n", scene)
		line := fmt.Sprintf("-f lavfi -i color=c=%s:s=%s:r=%d:d=%g -i click.wav -filter_complex [1:a]apad,atrim=0:%[4]g[a] -map 0:v -map [a] -c:a aac %s %s",
			driftColor(i), driftSize, fps, seconds, encode, scene)
		if err := s.ffmpeg(ctx, strings.Fields(line)...); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "drift.txt"), []byte(list.String()), 0o600); err != nil {
		return err
	}
	return s.ffmpeg(ctx, strings.Fields("-f concat -i drift.txt -c copy -movflags +faststart drift-hand.mp4")...)
}

// offsets are by how many seconds each scene's click comes after its picture.
func (s *stage) offsets(ctx context.Context, movie string) ([]float64, error) {
	clicks, err := s.clicks(ctx, movie)
	if err != nil {
		return nil, err
	}
	flips, err := s.flips(ctx, movie)
	if err != nil {
		return nil, err
	}
	if len(clicks) != driftScenes || len(flips) != driftScenes {
		return nil, fmt.Errorf("%d clicks and %d colours were found, of %d", len(clicks), len(flips), driftScenes)
	}
	behind := make([]float64, driftScenes)
	for i := range behind {
		behind[i] = clicks[i] - flips[i]
	}
	return behind, nil
}

// clicks are the times at which the sound becomes loud after it was quiet. Its
// samples are counted, whatever their time stamps say.
func (s *stage) clicks(ctx context.Context, movie string) (times []float64, err error) {
	const rate, loud, quiet = 48000, 0.3, 0.5 // quiet in seconds
	decode := command(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", movie, "-map", "0:a", "-ac", "1", "-ar", fmt.Sprint(rate), "-f", "f32le", "-")
	decode.Dir = s.dir
	pcm, err := decode.Output()
	if err != nil {
		return nil, fmt.Errorf("decode the sound of %s: %w", movie, err)
	}
	for i := 0; i+4 <= len(pcm); i += 4 {
		level := math.Float32frombits(binary.LittleEndian.Uint32(pcm[i:]))
		at := float64(i/4) / rate
		if math.Abs(float64(level)) > loud && (len(times) == 0 || at-times[len(times)-1] > quiet) {
			times = append(times, at)
		}
	}
	return times, nil
}

// flips are the times at which the picture has another colour than before, by the
// stamps of its frames.
func (s *stage) flips(ctx context.Context, movie string) (times []float64, err error) {
	probe := command(ctx, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", movie)
	decode := command(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", movie, "-vf", "scale=1:1,format=rgb24", "-vsync", "passthrough", "-f", "rawvideo", "-")
	probe.Dir, decode.Dir = s.dir, s.dir
	stamps, err := probe.Output()
	colors, decodeErr := decode.Output()
	if err := errors.Join(err, decodeErr); err != nil {
		return nil, fmt.Errorf("decode the pictures of %s: %w", movie, err)
	}
	red := false
	for i, line := range strings.Fields(string(stamps)) {
		if 3*i+3 > len(colors) {
			return nil, fmt.Errorf("%s has more time stamps than pictures", movie)
		}
		was := red
		if red = colors[3*i] > colors[3*i+2]; red == was && i > 0 {
			continue
		}
		at := 0.0
		if _, err := fmt.Sscanf(line, "%g", &at); err != nil {
			return nil, fmt.Errorf("time stamp %q of %s: %w", line, movie, err)
		}
		times = append(times, at)
	}
	return times, nil
}
