package render

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

var syncHour = flag.Bool("sync.hour", false, "have TestSyncOfLongMovies render an hour in place of five minutes; it takes a minute")

// flashes is a movie of scenes that last so long, black and white in turns, each
// with a click at its start.
func flashes(t *testing.T, lengths []float64) string {
	t.Helper()
	record(t, map[string]string{"flash.wav": "-f lavfi -i aevalsrc=0.9|0.9:s=48000:d=0.002 -af apad=pad_dur=0.1"})
	var scenes []string
	for i, length := range lengths {
		scenes = append(scenes, fmt.Sprintf(`{"duration":%.3f,"background-color":%q,"elements":[{"type":"audio","src":"flash.wav"}]}`,
			length, []string{"#000000", "#ffffff"}[i%2]))
	}
	return `{"width":64,"height":64,"fps":29.97,"quality":"low","scenes":[` + strings.Join(scenes, ",") + `]}`
}

// decoded calls each with one value after the other of what FFmpeg makes of a
// movie, size bytes each; what is left over at the end is no value.
func decoded(t *testing.T, size int, each func(i int, value []byte), args ...string) {
	t.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "error"}, append(args, "-")...)...)
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	r, value := bufio.NewReaderSize(out, 1<<20), make([]byte, size)
	for i := 0; ; i++ {
		if _, err = io.ReadFull(r, value); err != nil {
			break
		}
		each(i, value)
	}
	if err := errors.Join(cmd.Wait()); err != nil {
		t.Fatal(err)
	}
}

// flips is when a movie's picture turns from black to white or back, and its first
// is there, in seconds.
func flips(t *testing.T, j *job) (list []float64) {
	white := -1
	decoded(t, 1, func(i int, value []byte) {
		if now := int(value[0] / 128); now != white {
			white = now
			list = append(list, seconds(i, j.timeline.FPS))
		}
	}, "-i", file(j), "-map", "0:v", "-fps_mode", "passthrough", "-vf", "crop=2:2,scale=1:1,format=gray", "-f", "rawvideo")
	return list
}

// sounded is when clicks are heard in a movie as it is played, in seconds.
func sounded(t *testing.T, j *job) (list []float64) {
	next := 0
	const block = sampleRate / 10
	decoded(t, 4*block, func(i int, value []byte) {
		for k := range block {
			at := i*block + k
			if x := math.Float32frombits(binary.LittleEndian.Uint32(value[4*k:])); (x > 0.4 || x < -0.4) && at >= next {
				list = append(list, float64(at)/sampleRate)
				next = at + sampleRate/10
			}
		}
	}, "-i", file(j), "-map", "0:a", "-af", "pan=mono|c0=c0", "-f", "f32le")
	return list
}

// synced holds that each scene's click comes with its picture, and tells by how
// much they are apart at most.
func synced(t *testing.T, lengths []float64, tolerance float64) {
	t.Helper()
	j := film(t, studio(), flashes(t, lengths))
	seen, heard := flips(t, j), sounded(t, j)
	if len(seen) != len(lengths) || len(heard) != len(lengths) {
		t.Fatalf("saw %d flips and heard %d clicks of %d scenes", len(seen), len(heard), len(lengths))
	}
	var begin, worst float64
	for i, length := range lengths {
		apart := heard[i] - seen[i]
		worst = max(worst, math.Abs(apart))
		if math.Abs(apart) > tolerance {
			t.Errorf("scene %d: the click comes %.2f ms after the picture", i+1, 1000*apart)
		}
		if frame := seconds(1, j.timeline.FPS); math.Abs(seen[i]-begin) > frame/2+1e-6 {
			t.Errorf("scene %d begins at %.4f s, want %.4f s", i+1, seen[i], begin)
		}
		begin += length
	}
	t.Logf("%d scenes in %.1f s: picture and sound are at most %.3f ms apart, at the first, middle and last scene %.3f, %.3f, %.3f", len(lengths), begin,
		1000*worst, 1000*(heard[0]-seen[0]), 1000*(heard[len(heard)/2]-seen[len(seen)/2]), 1000*(heard[len(heard)-1]-seen[len(seen)-1]))
}

// TestSyncOverManyScenes is where files joined from scenes that each have their
// own sound are seconds apart.
func TestSyncOverManyScenes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	lengths := make([]float64, 100)
	for i := range lengths {
		lengths[i] = 0.9 + 1.4*random.Float64()
		lengths[i] = math.Round(lengths[i]*1000) / 1000
	}
	synced(t, lengths, 0.001)
}

// TestSyncOfLongMovies holds that nothing drifts.
func TestSyncOfLongMovies(t *testing.T) {
	lengths := []float64{100, 100, 90, 9.3, 0.7}
	if *syncHour {
		lengths = []float64{1000, 1000, 1000, 590, 9.3, 0.7}
	}
	synced(t, lengths, 0.001)
}
