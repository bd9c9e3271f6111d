package render

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// record makes sounds in the studio's folder, each once: sources are lavfi
// graphs, files are what they are encoded to.
func record(t *testing.T, files map[string]string) {
	t.Helper()
	studio()
	var work sync.WaitGroup
	for name, args := range files {
		path := filepath.Join(studioFolder, name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		work.Go(func() {
			out, err := exec.Command("ffmpeg", append(append([]string{"-nostdin", "-v", "error", "-y"}, strings.Fields(args)...), path)...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v %s", name, err, out)
			}
		})
	}
	work.Wait()
}

// scored is a movie that is ready to be mixed.
func scored(t *testing.T, source string) *job {
	t.Helper()
	m, err := movie.Parse([]byte(source))
	if err != nil || len(m.Faults) > 0 {
		t.Fatal(err, m.Faults)
	}
	j := &job{Renderer: studio(), movie: m, dir: t.TempDir(), progress: newProgress(nil)}
	if err := j.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j.timeline, err = timeline.Build(m, j.sources.facts); err != nil {
		t.Fatal(err)
	}
	return j
}

// heard is the left and the right side of a movie's mix, before it is encoded.
func heard(t *testing.T, source string) (left, right []float32) {
	t.Helper()
	return mixed(t, scored(t, source))
}

func mixed(t *testing.T, j *job) (left, right []float32) {
	t.Helper()
	voices, done, err := j.voices(t.Context())
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := mix(&out, voices, samples(j.timeline.Frames, j.timeline.FPS)); err != nil {
		t.Fatal(err)
	}
	return sides(out.Bytes())
}

// sides takes interleaved samples apart.
func sides(raw []byte) (left, right []float32) {
	for ; len(raw) >= bytesPerPCM; raw = raw[bytesPerPCM:] {
		left = append(left, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		right = append(right, math.Float32frombits(binary.LittleEndian.Uint32(raw[4:])))
	}
	return left, right
}

// clicks is when sounds begin in silence, in seconds.
func clicks(samples []float32) (list []float64) {
	next := 0
	for i, x := range samples {
		if i >= next && math.Abs(float64(x)) > 0.4 {
			list = append(list, float64(i)/sampleRate)
			next = i + sampleRate/10
		}
	}
	return list
}

// rms is the level of samples.
func rms(samples []float32) float64 {
	var sum float64
	for _, x := range samples {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(samples)))
}

// click is two seconds of silence with a click of 2 ms half a second in.
func click(rate int) string {
	const one = "if(between(t,0.5,0.502),0.9,0)"
	return fmt.Sprintf("-f lavfi -i aevalsrc='%s|%s':s=%d:d=2 ", one, one, rate)
}

// TestClicksAreOnTime holds that codecs' delays, clocks of containers and seeks
// leave every sound where it is, within a millisecond.
func TestClicksAreOnTime(t *testing.T) {
	const picture = "-f lavfi -i testsrc2=s=64x64:r=25:d=2 "
	files := map[string]struct {
		args string
		at   float64
	}{
		"click.wav":   {click(44100) + "-c:a pcm_s24le", 0.5},
		"click8.wav":  {click(8000) + "-ac 1", 0.5},
		"click96.wav": {click(96000) + "-c:a pcm_f32le", 0.5},
		"click.mp3":   {click(44100) + "-c:a libmp3lame -b:a 128k", 0.5},
		"click.m4a":   {click(44100) + "-c:a aac", 0.5},
		"click.opus":  {click(48000) + "-c:a libopus", 0.5},
		"click.webm":  {click(48000) + "-c:a libopus", 0.5},
		"click.ogg":   {click(44100) + "-c:a libvorbis", 0.5},
		"click.mp4":   {picture + click(48000) + "-c:a aac", 0.5},
		// Matroska counts milliseconds: 7 of them for a delay of 6.5.
		"click-opus.mkv": {picture + click(48000) + "-c:v libx264 -c:a libopus", 0.5005},
		// The sound begins three tenths after the picture, and the other way round.
		"late-sound.mp4":   {picture + "-itsoffset 0.3 " + click(44100) + "-c:a aac", 0.8},
		"late-picture.mp4": {"-itsoffset 0.3 " + picture + click(44100) + "-c:a aac", 0.5},
		"late-sound.mkv":   {picture + "-itsoffset 0.3 " + click(48000) + "-c:v libx264 -c:a pcm_s16le", 0.8},
		// Half of the pictures are left out, in no rhythm.
		"vfr.mp4": {picture + click(48000) + "-vf select='gt(random(1),0.5)' -vsync vfr -c:a aac", 0.5},
		// Its clock begins at 1.4 s. MP2 cannot say that its encoder took 481 samples.
		"click.ts": {picture + click(48000) + "-c:a mp2", 0.5 + 481.0/48000},
	}
	args := map[string]string{}
	for name, f := range files {
		args[name] = f.args
	}
	record(t, args)
	for name, f := range files {
		t.Run(name, func(t *testing.T) {
			j := scored(t, fmt.Sprintf(`{"scenes":[{"duration":10,"elements":[{"type":"audio","src":%q},
				{"type":"audio","src":%[1]q,"start":3,"seek":0.3},{"type":"audio","src":%[1]q,"start":6,"seek":-1.85}]}]}`, name))
			left, right := mixed(t, j)
			length := j.sources[&j.movie.Scenes[0].Elements[0]].Media.Duration
			want := []float64{f.at, 3 + f.at - 0.3, 6 + f.at - (length - 1.85)}
			for _, side := range [][]float32{left, right} {
				got := clicks(side)
				if len(got) != len(want) {
					t.Fatalf("clicks at %.4f, want %.4f", got, want)
				}
				for i := range got {
					if math.Abs(got[i]-want[i]) > 0.001 {
						t.Errorf("a click at %.4f s, want %.4f s", got[i], want[i])
					}
				}
			}
		})
	}
}

// TestLevels holds how loud every kind of source comes out on both sides.
func TestLevels(t *testing.T) {
	const none = "0"
	// tones has one tone of amplitude 0.4 on some channels of a layout.
	tones := func(rate int, layout string, channels ...string) string {
		for i, c := range channels {
			if c == "x" {
				channels[i] = "0.4*sin(2*PI*500*t)"
			}
		}
		return fmt.Sprintf("-f lavfi -i aevalsrc='%s':c=%s:s=%d:d=1 ", strings.Join(channels, "|"), layout, rate)
	}
	half := 0.4 * math.Sqrt2 / 2
	type file struct {
		args        string
		left, right float64 // amplitudes
	}
	files := map[string]file{
		"level-mono8.wav":    {tones(8000, "mono", "x"), 0.4, 0.4},
		"level-mono44.mp3":   {tones(44100, "mono", "x"), 0.4, 0.4},
		"level-left.wav":     {tones(96000, "stereo", "x", none) + "-c:a pcm_s24le", 0.4, 0},
		"level-both.wav":     {tones(44100, "stereo", "x", "x") + "-c:a pcm_f32le", 0.4, 0.4},
		"level-u8.wav":       {tones(22050, "stereo", "x", "x") + "-c:a pcm_u8", 0.4, 0.4},
		"level-centre.wav":   {tones(48000, "5.1", none, none, "x", none, none, none), half, half},
		"level-lfe.wav":      {tones(48000, "5.1", none, none, none, "x", none, none), 0, 0},
		"level-surround.wav": {tones(48000, "5.1", none, none, none, none, none, "x"), 0, half},
		"level-all.wav":      {tones(48000, "5.1", "x", "x", "x", "x", "x", "x"), 0.4 + 2*half, 0.4 + 2*half},
		"level-all.m4a":      {tones(48000, "5.1", "x", "x", "x", "x", "x", "x") + "-c:a aac -b:a 384k", 0.4 + 2*half, 0.4 + 2*half},
		"level-all.ac3":      {tones(48000, "5.1", "x", none, none, none, "x", none) + "-f matroska", 0.4 + half, 0},
		"level-side.wav":     {tones(48000, "7.1", none, none, none, none, none, none, "x", none), half, 0},
		"level-back.wav":     {tones(48000, "7.1", none, none, none, none, none, "x", none, none), 0, half},
		"level-quad.wav":     {tones(48000, "quad", "x", none, none, "x"), 0.4, half},
	}
	args := map[string]string{}
	for name, f := range files {
		args[name] = f.args
	}
	record(t, args)
	files["level-tracks.wav"] = file{"", 0.4, 0}
	if err := os.WriteFile(filepath.Join(studioFolder, "level-tracks.wav"), tracks(wave(sampleRate, 500, 0.4)), 0o600); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(files))
	var elements []string
	for i, name := range names { // one behind the other
		elements = append(elements, fmt.Sprintf(`{"type":"audio","src":%q,"start":%d}`, name, i))
	}
	left, right := heard(t, `{"scenes":[{"elements":[`+strings.Join(elements, ",")+`]}]}`)
	for i, name := range names {
		middle := func(s []float32) float64 { return rms(s[sampleRate*i+sampleRate/4:][:sampleRate/2]) * math.Sqrt2 }
		if l, r, f := middle(left), middle(right), files[name]; math.Abs(l-f.left) > 0.03 || math.Abs(r-f.right) > 0.03 {
			t.Errorf("%s: levels %.3f and %.3f, want %.3f and %.3f", name, l, r, f.left, f.right)
		}
	}
}

// tracks is a WAV file of twelve channels that does not say where they come from,
// as recorders write them; the first has what is given.
func tracks(first []float32) []byte {
	const channels, width = 12, 12 * 2
	var data []byte
	for _, x := range first {
		frame := make([]byte, width)
		binary.LittleEndian.PutUint16(frame, uint16(int16(x*math.MaxInt16)))
		binary.LittleEndian.PutUint16(frame[2*channels-2:], math.MaxInt16) // another one is loud
		data = append(data, frame...)
	}
	le := binary.LittleEndian
	head := le.AppendUint32([]byte("RIFF"), uint32(36+len(data)))
	head = le.AppendUint32(append(head, "WAVEfmt "...), 16)
	head = le.AppendUint16(le.AppendUint16(head, 1), channels)
	head = le.AppendUint32(le.AppendUint32(head, sampleRate), sampleRate*width)
	head = le.AppendUint16(le.AppendUint16(head, width), 16)
	head = le.AppendUint32(append(head, "data"...), uint32(len(data)))
	return append(head, data...)
}

// TestSeeksAreExact holds that a sound heard from its middle is what it is when
// heard from its start, though codecs need what came before.
func TestSeeksAreExact(t *testing.T) {
	const noise = "-f lavfi -i anoisesrc=r=44100:d=9:seed=7:a=0.4:c=pink -ac 2 "
	for name, args := range map[string]string{
		"noise.mp3": "-c:a libmp3lame -q:a 4", "noise.opus": "-c:a libopus", "noise.ogg": "-c:a libvorbis",
		"noise.m4a": "-c:a aac -aac_pns 0", // what it puts in place of noise is other each time
	} {
		t.Run(name, func(t *testing.T) {
			record(t, map[string]string{name: noise + args})
			whole, _ := heard(t, fmt.Sprintf(`{"scenes":[{"duration":6,"elements":[{"type":"audio","src":%q}]}]}`, name))
			later, _ := heard(t, fmt.Sprintf(`{"scenes":[{"duration":1,"elements":[{"type":"audio","src":%q,"seek":4.02}]}]}`, name))
			whole = whole[4.02*sampleRate:]
			var worst float64
			for i := cutFade; i < sampleRate-cutFade; i++ {
				worst = max(worst, math.Abs(float64(later[i]-whole[i])))
			}
			if worst > 1e-3 {
				t.Errorf("it differs by up to %.4f", worst)
			}
		})
	}
}

// TestLoopsHaveNoGap plays whole waves of a tone again and again.
func TestLoopsHaveNoGap(t *testing.T) {
	const tone = "-f lavfi -i sine=200:r=44100:d=1,volume=4 "
	record(t, map[string]string{"loop.wav": tone + "-c:a pcm_s16le", "loop.mp3": tone + "-b:a 256k", "loop.m4a": tone + "-c:a aac -b:a 256k",
		"loop.opus": tone + "-b:a 256k -c:a libopus",
		// FFmpeg is late by a block where all of an Ogg Vorbis file is one page.
		"loop.ogg": strings.Replace(tone, "d=1", "d=2", 1) + "-c:a libvorbis -q:a 8"})
	for _, tc := range []struct {
		name, element string
		seconds       float64
	}{
		{"loop.wav", `"loop":3`, 3}, {"loop.mp3", `"loop":3`, 3}, {"loop.m4a", `"loop":3`, 3}, {"loop.opus", `"loop":3`, 3}, {"loop.ogg", `"loop":2`, 4},
		{"loop.wav", `"loop":-1,"duration":-2`, 5}, {"loop.mp3", `"loop":-1,"duration":-2`, 5}, {"loop.wav", `"loop":3,"seek":0.5`, 1.5},
		{"loop.wav", `"loop":-1,"duration":2.52`, 2.52},
	} {
		t.Run(tc.name+" "+tc.element, func(t *testing.T) {
			left, _ := heard(t, fmt.Sprintf(`{"scenes":[{"duration":5,"elements":[{"type":"audio","src":%q,%s}]}]}`, tc.name, tc.element))
			const wave = sampleRate / 200
			for i := 4 * wave; i+4*wave < int(tc.seconds*sampleRate); i += wave / 2 {
				if got := strength(left[i:i+wave], 200); math.Abs(got-0.5) > 0.07 {
					t.Fatalf("at %.4f s the tone has %.3f", float64(i)/sampleRate, got)
				}
			}
			if rest := left[min(len(left), int((tc.seconds+0.02)*sampleRate)):]; len(rest) > 0 && rms(rest) > 0.001 {
				t.Errorf("it sounds after %v s", tc.seconds)
			}
		})
	}
}

// TestCuts holds that a sound cut off in its middle does not click, one that is
// over by itself is whole, and one cut into elements is still one.
func TestCuts(t *testing.T) {
	record(t, map[string]string{
		// Of one level, so that every jump shows; not a whole number of frames long.
		"flat.wav":  "-f lavfi -i aevalsrc=0.5|0.5:s=48000:d=1.013 -c:a pcm_f32le",
		"music.wav": "-f lavfi -i anoisesrc=r=48000:d=6:seed=3:a=0.3:c=pink -ac 2 -c:a pcm_f32le",
	})
	jump := func(s []float32) (most float64) {
		for i := 1; i < len(s); i++ {
			most = max(most, math.Abs(float64(s[i]-s[i-1])))
		}
		return most
	}
	t.Run("off", func(t *testing.T) {
		left, _ := heard(t, `{"scenes":[{"duration":2,"elements":[{"type":"audio","src":"flat.wav","start":0.2,"seek":0.1,"duration":0.4}]}]}`)
		if most := jump(left); most > 0.005 {
			t.Errorf("a jump of %.3f", most)
		}
		for at, want := range map[float64]float64{0.199: 0, 0.2025: 0.25, 0.21: 0.5, 0.6: 0.5, 0.6025: 0.25, 0.606: 0} {
			if got := float64(left[int(at*sampleRate)]); math.Abs(got-want) > 0.01 {
				t.Errorf("%.3f at %v s, want %.3f", got, at, want)
			}
		}
	})
	t.Run("off by the movie's end", func(t *testing.T) {
		left, _ := heard(t, `{"scenes":[{"duration":1,"elements":[{"type":"audio","src":"flat.wav","loop":9}]}]}`)
		if most, last := jump(left), left[len(left)-1]; most > 0.005 || last > 0.005 {
			t.Errorf("a jump of %.3f, and %.3f at the end", most, last)
		}
	})
	t.Run("over by itself", func(t *testing.T) {
		left, _ := heard(t, `{"scenes":[{"elements":[{"type":"audio","src":"flat.wav"}]},{"duration":1}]}`)
		if end := int(1.013 * sampleRate); left[0] != 0.5 || left[end-1] != 0.5 || left[end] != 0 {
			t.Errorf("around its end %.3f and %.3f", left[end-1], left[end])
		}
	})
	t.Run("into elements", func(t *testing.T) {
		whole, _ := heard(t, `{"scenes":[{"duration":6,"elements":[{"type":"audio","src":"music.wav"}]}]}`)
		parts, _ := heard(t, `{"scenes":[{"duration":6,"elements":[{"type":"audio","src":"music.wav","duration":1.2},
			{"type":"audio","src":"music.wav","start":1.2,"seek":1.2,"duration":2},{"type":"audio","src":"music.wav","start":3.2,"seek":3.2}]}]}`)
		for i := range whole {
			if d := math.Abs(float64(whole[i] - parts[i])); d > 1e-6 {
				t.Fatalf("sample %d: %g in elements, %g whole", i, parts[i], whole[i])
			}
		}
	})
}

// TestTransitionsCrossSounds measures two tones over a transition.
func TestTransitionsCrossSounds(t *testing.T) {
	record(t, map[string]string{"low.wav": "-f lavfi -i sine=500:r=48000:d=9,volume=4", "high.wav": "-f lavfi -i sine=800:r=48000:d=9,volume=4",
		"music-low.wav": "-f lavfi -i sine=1200:r=48000:d=9"})
	left, _ := heard(t, `{"scenes":[{"duration":4,"elements":[{"type":"audio","src":"low.wav"},{"type":"audio","src":"high.wav","duration":1}]},
		{"duration":4,"elements":[{"type":"audio","src":"high.wav"}],"transition":{"style":"wipeleft","duration":2}}],
		"elements":[{"type":"audio","src":"music-low.wav","duration":-2}]}`)
	for _, tc := range []struct{ at, low, high float64 }{
		{1.9, 0.5, 0}, {2.5, 0.462, 0.191}, {3, 0.354, 0.354}, {3.5, 0.191, 0.462}, {4.1, 0, 0.5}, {5.5, 0, 0.5},
	} {
		const around = sampleRate / 50
		middle := int(tc.at * sampleRate)
		window := left[middle-around/2 : middle+around/2]
		low, high, music := strength(window, 500), strength(window, 800), strength(window, 1200)
		if math.Abs(low-tc.low) > 0.02 || math.Abs(high-tc.high) > 0.02 || math.Abs(music-0.125) > 0.02 {
			t.Errorf("at %v s: %.3f, %.3f and the music %.3f, want %.3f, %.3f and 0.125", tc.at, low, high, music, tc.low, tc.high)
		}
	}
}

// TestTakesAreShared holds what is decoded for elements that hear the same source.
func TestTakesAreShared(t *testing.T) {
	record(t, map[string]string{"music.wav": "-f lavfi -i anoisesrc=r=48000:d=6:seed=3:a=0.3:c=pink -ac 2 -c:a pcm_f32le"})
	element := func(src string, seek, duration float64) string {
		return fmt.Sprintf(`{"type":"audio","src":%q,"seek":%g,"duration":%g}`, src, seek, duration)
	}
	for _, tc := range []struct {
		name, elements string
		want           string
	}{
		{"twice", element("tone.wav", 0, 2) + "," + element("tone.wav", 0, 2), "tone.wav 0.0-2.0"},
		{"overlapping, and in no order", element("tone.wav", 5, 3) + "," + element("tone.wav", 0, 2) + "," + element("tone.wav", 1.7, 4), "tone.wav 0.0-8.0"},
		{"far apart", element("tone.wav", 8.6, 1) + "," + element("tone.wav", 0, 1), "tone.wav 0.0-1.0, tone.wav 8.0-9.6"},
		{"of two sources", element("music.wav", 2, 1) + "," + element("tone.wav", 0, 1), "music.wav 1.0-3.0, tone.wav 0.0-1.0"},
		{"to the end and no further", element("tone.wav", -1, 5), "tone.wav 8.0-10.0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			takes, heard := scored(t, `{"scenes":[{"duration":10,"elements":[`+tc.elements+`]}]}`).takes()
			var got []string
			for _, k := range takes {
				got = append(got, fmt.Sprintf("%s %.1f-%.1f", filepath.Base(k.path), k.seek, math.Floor(k.to*10)/10))
			}
			if s := strings.Join(got, ", "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
			for i, k := range heard {
				if k == nil {
					t.Errorf("sound %d has no take", i)
				}
			}
		})
	}
}

// TestManySounds cuts one source into 500 elements: it is decoded once, and what
// is heard is the source.
func TestManySounds(t *testing.T) {
	record(t, map[string]string{"long.wav": "-f lavfi -i anoisesrc=r=48000:d=17:seed=3:a=0.3:c=pink -ac 2 -c:a pcm_f32le"})
	var list []string
	for i := range 500 { // a frame each
		list = append(list, fmt.Sprintf(`{"type":"audio","src":"long.wav","start":%.6f,"seek":%[1]f,"duration":%f}`, float64(i)/30, 1.0/30))
	}
	movie := func(elements string) string {
		return `{"fps":30,"scenes":[{"duration":16}],"elements":[` + elements + `]}`
	}
	parts, _ := heard(t, movie(strings.Join(list, ",")))
	whole, _ := heard(t, movie(`{"type":"audio","src":"long.wav"}`))
	whole = whole[:16*sampleRate]
	for i := range whole {
		if d := math.Abs(float64(whole[i] - parts[i])); d > 1e-6 {
			t.Fatalf("sample %d: %g in elements, %g whole", i, parts[i], whole[i])
		}
	}
}

// TestFewFilesAreOpen reads many decoded sounds in turns.
func TestFewFilesAreOpen(t *testing.T) {
	all := &scratches{}
	var list []*scratch
	for i := range 3 * maxScratches {
		s := &scratch{path: filepath.Join(t.TempDir(), "x"), all: all}
		if err := os.WriteFile(s.path, []byte{byte(i)}, 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	b := make([]byte, 1)
	for range 3 {
		for i, s := range list {
			if _, err := s.ReadAt(b, 0); err != nil || b[0] != byte(i) {
				t.Fatalf("file %d: %v %v", i, b, err)
			}
			if len(all.open) > maxScratches {
				t.Fatalf("%d files are open", len(all.open))
			}
		}
	}
	all.close()
	for i, s := range list {
		if s.file != nil {
			t.Errorf("file %d is still open", i)
		}
	}
	if _, err := (&scratch{path: "nowhere", all: all}).ReadAt(b, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
