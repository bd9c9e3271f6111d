package main

import (
	"context"
	"fmt"
	"strconv"
)

// contest is one movie, made by hand and by Reelhook.
type contest struct {
	name   string
	frames int
	byHand []manual
}

// manual is a way to make a movie with FFmpeg alone.
type manual struct {
	who     string
	command func(font, output string) []string
}

// best is how the command is called that others are compared with.
const best = "FFmpeg by hand"

// contests are all at 25 frames a second.
func contests() []contest {
	return []contest{
		{"reference", 750, []manual{{best, referenceByHand}}},
		{"slideshow", 690, []manual{{best, slideshowByHand}, {"FFmpeg, the usual way", slideshowUsual}}},
		{"overlays", 500, []manual{{best, overlaysByHand}}},
		{"collage", 500, []manual{{best, collageByHand}}},
		{"vertical", 500, []manual{{best, verticalByHand}}},
		{"still", 1500, []manual{{best, stillByHand}}},
	}
}

const fps = 25

// rival is one who makes a movie, and what that took.
type rival struct {
	who, output string
	frames      int
	// times is how often the output would have to be made to be the whole movie;
	// 0 stands for 1.
	times float64
	make  func(context.Context) (spent, error)

	walls, cpus, peaks, strangers []float64
	// made is the output of the last turn.
	made output
}

func (r *rival) add(used spent) {
	times := max(1, r.times)
	r.walls, r.cpus = append(r.walls, times*used.wall.Seconds()), append(r.cpus, times*used.cpu.Seconds())
	r.peaks, r.strangers = append(r.peaks, float64(used.peak)), append(r.strangers, used.strangers)
}

// contest compares whole renderings of one movie.
func (s *stage) contest(ctx context.Context, c contest) error {
	var rivals []*rival
	for i, m := range c.byHand {
		output := fmt.Sprintf("%s-hand%d.mp4", c.name, i)
		rivals = append(rivals, s.manual(m.who, output, c.frames, m.command))
	}
	return s.compete(ctx, c.name, s.Runs, append(rivals, s.reelhook("reelhook render", c.name, c.frames, s.cold)))
}

// manual is FFmpeg told by hand.
func (s *stage) manual(who, output string, frames int, argv func(font, output string) []string) *rival {
	return &rival{who: who, output: output, frames: frames, make: func(ctx context.Context) (spent, error) {
		return s.run(ctx, argv(s.Font, output))
	}}
}

// reelhook is Reelhook, rendering a document cold or warm.
func (s *stage) reelhook(who, document string, frames int, render func(context.Context, string) (spent, error)) *rival {
	return &rival{who: who, output: rendered(document), frames: frames, make: func(ctx context.Context) (spent, error) {
		return render(ctx, document)
	}}
}

// compete has all make their movies in turns, so that whatever else happens on
// the machine happens to each of them, and compares them with the first.
func (s *stage) compete(ctx context.Context, name string, runs int, rivals []*rival) error {
	for range runs {
		for _, r := range rivals {
			if err := s.turn(ctx, r); err != nil {
				return err
			}
		}
	}
	s.compare(name, runs, rivals)
	return nil
}

// turn has one of them make its movie.
func (s *stage) turn(ctx context.Context, r *rival) error {
	used, err := r.make(ctx)
	if err != nil {
		return err
	}
	r.add(used)
	r.made, err = s.probe(ctx, r.output)
	return err
}

// compare prints what rivals took, beside the first.
func (s *stage) compare(name string, runs int, rivals []*rival) {
	t := table{title: fmt.Sprintf("render: %s, median of %d", name, runs)}
	t.add("who", "wall s", "CPU s", "peak memory (PSS)", "frames", "seconds", "file", "wall ×", "CPU ×", "memory ×", "CPU of strangers")
	for _, r := range rivals {
		t.add(r.cells(rivals[0])...)
		if off := r.made.seconds - float64(r.frames)/fps; r.made.frames != r.frames || off < -slack || off > slack {
			defer fmt.Fprintf(s.out, "\nWARNING: %s did not make the movie: it has %d frames and %.3f s.\n", r.who, r.frames, float64(r.frames)/fps)
		}
	}
	t.print(s.out)
}

// slack in seconds is by how much the AAC frame that ends a sound may stand out.
const slack = 0.03

// cells are a rival's row of the table.
func (r *rival) cells(first *rival) []string {
	cells := []string{
		r.who, fmt.Sprintf("%.2f", median(r.walls)), fmt.Sprintf("%.2f", median(r.cpus)), mib(int64(median(r.peaks))),
		strconv.Itoa(r.made.frames), fmt.Sprintf("%.3f", r.made.seconds), fmt.Sprintf("%.1f MB", float64(r.made.size)/1e6), "", "", "",
	}
	if r != first {
		cells = append(cells[:7], ratio(median(r.walls), median(first.walls)), ratio(median(r.cpus), median(first.cpus)), ratio(median(r.peaks), median(first.peaks)))
	}
	return append(cells, percent(median(r.strangers)))
}
