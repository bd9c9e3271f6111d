package media

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// counting is a picture whose gray says which frame it is, 25 a second, beside
// sound.
const counting = "-f lavfi -i color=s=64x64:r=25:d=5,format=yuv420p,geq=lum=16+N:cb=128:cr=128 -f lavfi -i sine=r=44100:d=5 -g 50 "

// frames are the numbers of the first pictures from a time on, found as a render
// finds them: decoded from a little before.
func frames(t *testing.T, a Asset, seek float64) []int {
	t.Helper()
	const lead, count, size = 5, 4, 64 * 64 * 3 / 2
	from := lead
	if seek == 0 {
		from = 0
	}
	var out strings.Builder
	err := tools.Run(t.Context(), t.TempDir(), ffmpeg.Command{
		Inputs: []ffmpeg.Input{{Path: a.Path, Demuxer: a.Format.Demuxer, Seek: seek - float64(from)/25}},
		Graph: ffmpeg.Graph{{In: []string{"0:v"}, Filters: []ffmpeg.Filter{
			ffmpeg.F("fps", "fps", 25, "start_time", 0), ffmpeg.F("trim", "start_frame", from, "end_frame", from+count), ffmpeg.F("setpts", "expr", "PTS-STARTPTS"),
		}, Out: []string{"v"}}},
		Output: []string{"-map", "[v]", "-f", "rawvideo", "-pix_fmt", "yuv420p"}, To: "pipe:1", Stdout: &out,
	}, ffmpeg.DefaultLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []int
	for raw := out.String(); len(raw) >= size; raw = raw[size:] {
		list = append(list, int(raw[2000])-16)
	}
	return list
}

// TestRemux seeks in containers that FFmpeg cannot seek in, or begins late in.
func TestRemux(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"h264.ts":  "-c:v libx264 -preset ultrafast -bf 2 -c:a aac",
		"mpeg2.ts": "-c:v mpeg2video -bf 2 -q:v 1 -c:a mp2",
		"ps.mpg":   "-c:v mpeg2video -bf 2 -q:v 1 -c:a mp2 -f vob",
		"ps1.mpg":  "-c:v mpeg1video -bf 2 -q:v 1 -c:a mp2 -f mpeg",
		"h264.flv": "-c:v libx264 -preset ultrafast -bf 2 -c:a aac",
		"flv1.flv": "-c:v flv1 -q:v 1 -c:a mp3",
		"a.wmv":    "-c:v wmv2 -q:v 1 -c:a wmav2",
		"bf.avi":   "-c:v mpeg4 -bf 2 -q:v 1 -c:a pcm_s16le",
		"ms.avi":   "-c:v msmpeg4 -q:v 1 -c:a pcm_s16le", // needs no help
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sample(name, counting+args)
			folder, job := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, name), []byte(read(name)), 0o600); err != nil {
				t.Fatal(err)
			}
			w := Want{name, Video}
			f := fetcher(func(o *Options) { o.Folder = folder })
			assets, faults := f.Fetch(t.Context(), Order{Dir: job, Wants: []Want{w}})
			a := assets[w]
			if a.Path == "" || a.Size != int64(len(read(name))) || a.Media.Audio == nil {
				t.Fatalf("got %+v %v", a, faults)
			}
			if copied := name != "ms.avi"; (a.Format.Demuxer == "matroska") != copied || (filepath.Dir(a.Path) == job) != copied {
				t.Errorf("opened with %s from %s", a.Format.Demuxer, a.Path)
			}
			if d := a.Media.Video.Duration; d < 4.95 || d > 5.05 {
				t.Errorf("the picture lasts %v", d)
			}
			for seek, want := range map[float64][]int{0: {0, 1, 2, 3}, 1: {25, 26, 27, 28}, 3: {75, 76, 77, 78}, 3.52: {88, 89, 90, 91}} {
				if got := frames(t, a, seek); !slices.Equal(got, want) {
					t.Errorf("at %v: frames %v", seek, got)
				}
			}
			if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
				t.Errorf("the source in the folder is gone: %v", err)
			}
		})
	}
}

// TestRemuxLeavesOneFile fetches over the network, where the original is of no
// more use.
func TestRemuxLeavesOneFile(t *testing.T) {
	t.Parallel()
	sample("one.ts", counting+"-c:v libx264 -preset ultrafast -c:a aac")
	dir, w := t.TempDir(), Want{serveSamples(t) + "/one.ts", Video}
	assets, faults := fetcher().Fetch(t.Context(), Order{Dir: dir, Wants: []Want{w}})
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || filepath.Join(dir, left[0].Name()) != assets[w].Path {
		t.Errorf("%v lie there, %+v %v", left, assets, faults)
	}
	if info, err := os.Stat(assets[w].Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// TestLengths measures what files say wrong, or not at all.
func TestLengths(t *testing.T) {
	t.Parallel()
	short := "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=6 -pix_fmt yuv420p "
	for name, args := range map[string]string{"short.mp4": short, "short.mkv": short, "short.webm": short + "-c:v libvpx -b:v 200k -c:a libopus", "short.ts": short} {
		sample(name, args)
	}
	// Bytes per second change in the middle, which spoils every estimate.
	uneven := "-f lavfi -i aevalsrc=if(gt(t\\,8)\\,random(0)\\,0):s=44100:d=10 "
	sample("vbr.aac", uneven+"-b:a 128k")
	sample("vbr.mp3", uneven+"-q:a 4 -write_xing 0 -id3v2_version 0")
	sample("whole.mp4", "-f lavfi -i testsrc2=s=320x240:r=25:d=8 -pix_fmt yuv420p -movflags +faststart")
	whole := read("whole.mp4")
	write("cut.mp4", whole[:len(whole)/2])
	base := serveSamples(t)
	for _, tc := range []struct {
		name                     string
		use                      Use
		least, most, picture, by float64
	}{
		{"short.mp4", Video, 5.9, 6.1, 2, 0.05},
		{"short.mkv", Video, 5.9, 6.1, 2, 0.05},
		{"short.webm", Video, 5.9, 6.1, 2, 0.05},
		{"short.ts", Video, 5.9, 6.1, 2, 0.05},
		{"vbr.aac", Audio, 9.9, 10.1, 0, 0},
		{"vbr.mp3", Audio, 9.9, 10.1, 0, 0},
		{"whole.mp4", Video, 7.95, 8.05, 8, 0.05},
		{"cut.mp4", Video, 2, 6, 4, 2},
	} {
		a, err := get(t, fetcher(), base+"/"+tc.name, tc.use)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if d := a.Media.Duration; d < tc.least || d > tc.most {
			t.Errorf("%s: lasts %v", tc.name, d)
		}
		if tc.use == Video && (a.Media.Video.Duration < tc.picture-tc.by || a.Media.Video.Duration > tc.picture+tc.by) {
			t.Errorf("%s: the picture lasts %v", tc.name, a.Media.Video.Duration)
		}
	}
}

// TestCutShort compares the measured length of a file that was cut off with
// the frames that can be decoded.
func TestCutShort(t *testing.T) {
	t.Parallel()
	sample("long.mp4", "-f lavfi -i testsrc2=s=320x240:r=25:d=8 -pix_fmt yuv420p -bf 0 -movflags +faststart")
	long := read("long.mp4")
	write("end.mp4", long[:len(long)*6/10])
	a, err := get(t, fetcher(), serveSamples(t)+"/end.mp4", Video)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "quiet", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", filepath.Join(samples, "end.mp4")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var decoded float64
	for _, c := range strings.TrimSpace(string(out)) {
		decoded = decoded*10 + float64(c-'0')
	}
	if d := a.Media.Video.Duration - decoded/25; d < -0.05 || d > 0.05 || a.Media.Duration != a.Media.Video.Duration {
		t.Errorf("%v frames, the picture lasts %v, all %v", decoded, a.Media.Video.Duration, a.Media.Duration)
	}
}

// TestMessages name the URL and the fault, and nothing of this machine.
func TestMessages(t *testing.T) {
	t.Parallel()
	sample("exotic.avi", "-f lavfi -i testsrc2=s=64x48:d=1 -c:v huffyuv")
	write("broken.ts", strings.Repeat("G"+strings.Repeat("x", 187), 50))
	write("half.png", read("a.png")[:200])
	base := serveSamples(t)
	for name, want := range map[string]string{
		"broken.mp4": "' cannot be used: not a readable MP4 file: Invalid data found when processing input",
		"exotic.avi": "' cannot be used: the codec huffyuv is not supported",
		"broken.ts":  "' cannot be used: not a readable MPEG-TS file: ",
		"half.png":   "' cannot be used: the PNG is damaged",
	} {
		_, err := get(t, fetcher(), base+"/"+name, Video)
		refused(t, err, "'"+base+"/"+name+want)
		if err != nil && (strings.Contains(err.Error(), "source-") || strings.Contains(err.Error(), "0x")) {
			t.Errorf("%s: %v", name, err)
		}
		t.Log(err)
	}
}

// TestFullDisk is this machine's fault, also when FFmpeg is the one to say so.
func TestFullDisk(t *testing.T) {
	exit := exec.Command("false").Run()
	for message, machine := range map[string]bool{"av_interleaved_write_frame(): No space left on device": true, "Invalid data found": false} {
		if got := machineFault(&ffmpeg.RunError{Message: message, Err: exit}); got != machine {
			t.Errorf("%q: %v", message, got)
		}
	}
}
