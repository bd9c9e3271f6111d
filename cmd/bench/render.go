package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed movies/*.json
var documents embed.FS

// contest is one movie, made by Reelhook and by hand.
type contest struct {
	name   string
	frames int
	// length of the movie.
	length time.Duration
	hand   func(font, output string) []string
}

var contests = []contest{
	{"reference", 750, 30 * time.Second, referenceByHand},
	{"slideshow", 690, 27600 * time.Millisecond, slideshowByHand},
}

// render measures whole renderings, beside FFmpeg told by hand.
func (b *bench) render(ctx context.Context) error {
	if _, err := b.build(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(b.Font); err != nil {
		return fmt.Errorf("%w; install fonts-inter or set --font", err)
	}
	if err := b.media(ctx); err != nil {
		return err
	}
	g, err := newGroup()
	if err != nil {
		fmt.Fprintf(b.out, "\nWARNING: no control group to count CPU in (%v): what FFmpeg uses inside the sandbox may be missing below.\n", err)
	}
	defer g.close()
	// Not measured: the first rendering of a machine makes the list of its fonts.
	if _, err := b.run(ctx, g, b.reelhook("warmup")); err != nil {
		return err
	}
	for _, c := range contests {
		if err := b.contest(ctx, g, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// reelhook is the command that renders one of the documents.
func (b *bench) reelhook(name string) []string {
	return []string{filepath.Join(b.dir, "reelhook"), "render", name + ".json", "-o", name + "-reelhook.mp4"}
}

// contest has both make the movie in turns, so that whatever else happens on
// the machine happens to both.
func (b *bench) contest(ctx context.Context, g *group, c contest) error {
	outputs := []string{c.name + "-hand.mp4", c.name + "-reelhook.mp4"}
	commands := [][]string{c.hand(b.Font, outputs[0]), b.reelhook(c.name)}
	var walls, cpus, peaks, strangers [2][]float64
	for range b.Runs {
		for i, argv := range commands {
			used, err := b.run(ctx, g, argv)
			if err != nil {
				return err
			}
			walls[i], cpus[i] = append(walls[i], used.wall.Seconds()), append(cpus[i], used.cpu.Seconds())
			peaks[i], strangers[i] = append(peaks[i], float64(used.peak)), append(strangers[i], used.strangers)
		}
	}
	t := table{title: fmt.Sprintf("render: %s, median of %d", c.name, b.Runs)}
	t.add("who", "wall s", "CPU s", "peak memory (PSS)", "frames", "seconds", "file", "CPU of strangers")
	for i, who := range []string{"FFmpeg by hand", "reelhook render"} {
		o, err := b.probe(ctx, outputs[i])
		if err != nil {
			return err
		}
		t.add(who, fmt.Sprintf("%.2f", median(walls[i])), fmt.Sprintf("%.2f", median(cpus[i])), mib(int64(median(peaks[i]))),
			strconv.Itoa(o.frames), fmt.Sprintf("%.3f", o.seconds), fmt.Sprintf("%.1f MB", float64(o.size)/1e6), percent(median(strangers[i])))
		// The AAC frame that ends a sound may stand out by its 21 ms.
		if off := o.seconds - c.length.Seconds(); o.frames != c.frames || off < -0.03 || off > 0.03 {
			defer fmt.Fprintf(b.out, "\nWARNING: %s did not make the movie: it has %d frames and %v.\n", who, c.frames, c.length)
		}
	}
	t.add("ratio", ratio(median(walls[1]), median(walls[0])), ratio(median(cpus[1]), median(cpus[0])), ratio(median(peaks[1]), median(peaks[0])))
	t.print(b.out)
	return nil
}

// output is what ffprobe says of a movie; its frames are counted, not believed.
type output struct {
	frames  int
	seconds float64
	size    int64
}

func (b *bench) probe(ctx context.Context, name string) (o output, err error) {
	probe := command(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets",
		"-show_entries", "stream=nb_read_packets:format=duration,size", "-of", "default=noprint_wrappers=1", name)
	probe.Dir = b.dir
	out, err := probe.Output()
	if err != nil {
		return o, fmt.Errorf("ffprobe %s: %w", name, err)
	}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "nb_read_packets":
			o.frames, err = strconv.Atoi(value)
		case "duration":
			o.seconds, err = strconv.ParseFloat(value, 64)
		case "size":
			o.size, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return o, fmt.Errorf("ffprobe %s: %w", name, err)
		}
	}
	return o, nil
}

// media makes what the movies are made of.
func (b *bench) media(ctx context.Context) error {
	files, err := documents.ReadDir("movies")
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := documents.ReadFile("movies/" + f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.dir, f.Name()), data, 0o600); err != nil {
			return err
		}
	}
	for _, line := range sources() {
		ffmpeg := command(ctx, "ffmpeg", strings.Fields("-nostdin -v error -y "+line)...)
		ffmpeg.Dir = b.dir
		if out, err := ffmpeg.CombinedOutput(); err != nil {
			return fmt.Errorf("ffmpeg %s: %w\n%s", line, err, out)
		}
	}
	return nil
}
