package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// stage is where renderers are measured.
type stage struct {
	*bench
	group *group
}

// show is something to be measured of rendering; "render." and its name select
// it alone.
type show struct {
	name string
	// documents are the movies it needs.
	documents []string
	measure   func(*stage, context.Context) error
}

// shows are in the order of their tables.
func shows() []show {
	var list []show
	for _, c := range contests() {
		list = append(list, show{c.name, []string{c.name}, func(s *stage, ctx context.Context) error { return s.contest(ctx, c) }})
	}
	return append(list,
		show{"long", []string{longName, minuteName}, (*stage).long},
		show{"again", []string{"slideshow", changedName}, (*stage).again},
		show{"drift", []string{driftName}, (*stage).drift},
		show{"zoom", []string{zoomName}, (*stage).zoom})
}

// selected are those that were asked for, by their names or with all others.
func (b *bench) selected() []show {
	list := shows()
	if len(b.Parts) == 0 || slices.Contains(b.Parts, "render") {
		return list
	}
	return slices.DeleteFunc(list, func(s show) bool { return !slices.Contains(b.Parts, "render."+s.name) })
}

// render measures whole renderings, beside FFmpeg told by hand.
func (b *bench) render(ctx context.Context) error {
	if _, err := b.build(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(b.Font); err != nil {
		return fmt.Errorf("%w; install fonts-inter or set --font", err)
	}
	selected := b.selected()
	if err := b.prepare(ctx, selected); err != nil {
		return err
	}
	g, err := newGroup()
	if err != nil {
		fmt.Fprintf(b.out, "\nWARNING: no control group to count CPU in (%v): what FFmpeg uses inside the sandbox may be missing below.\n", err)
	}
	defer g.close()
	s := &stage{bench: b, group: g}
	// Not measured: the first rendering of a machine makes the list of its fonts.
	if _, err := s.cold(ctx, warmupName); err != nil {
		return err
	}
	for _, show := range selected {
		if err := show.measure(s, ctx); err != nil {
			return fmt.Errorf("%s: %w", show.name, err)
		}
	}
	return nil
}

// run measures a command that makes a movie.
func (s *stage) run(ctx context.Context, argv []string) (spent, error) {
	return s.bench.run(ctx, s.group, argv)
}

// cold renders a document with nothing kept of it. Only the list of the
// machine's fonts is.
func (s *stage) cold(ctx context.Context, name string) (spent, error) {
	if err := os.RemoveAll(filepath.Join(s.cache(), "renders")); err != nil {
		return spent{}, err
	}
	return s.warm(ctx, name)
}

// warm renders a document with what earlier renderings left in the cache.
func (s *stage) warm(ctx context.Context, name string) (spent, error) {
	return s.run(ctx, []string{filepath.Join(s.dir, "reelhook"), "render", name + ".json", "-o", rendered(name), "--cache", s.cache()})
}

func (s *stage) cache() string { return filepath.Join(s.dir, "cache") }

// rendered is the file that Reelhook makes of a document.
func rendered(name string) string { return name + "-reelhook.mp4" }

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

// prepare writes the documents of what is measured, and makes the media they name.
func (b *bench) prepare(ctx context.Context, shows []show) error {
	all := documents()
	names := []string{warmupName}
	for _, s := range shows {
		names = append(names, s.documents...)
	}
	var written bytes.Buffer
	for _, name := range names {
		written.Write(all[name])
		if err := os.WriteFile(filepath.Join(b.dir, name+".json"), all[name], 0o600); err != nil {
			return err
		}
	}
	for _, m := range media() {
		if !bytes.Contains(written.Bytes(), []byte(`"`+m.name)) {
			continue
		}
		if err := b.ffmpeg(ctx, strings.Fields(m.command)...); err != nil {
			return err
		}
	}
	return nil
}

// ffmpeg runs FFmpeg without measuring it.
func (b *bench) ffmpeg(ctx context.Context, args ...string) error {
	ffmpeg := command(ctx, "ffmpeg", append(strings.Fields("-nostdin -v error -y"), args...)...)
	ffmpeg.Dir = b.dir
	if out, err := ffmpeg.CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
