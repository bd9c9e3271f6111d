package main

import (
	"context"
	"fmt"
	"strings"
)

// The slideshow, and what is measured of it beyond one whole rendering.
const (
	slides     = 6
	slideShown = 125 // frames, with the fade at its start
	fade       = 12  // frames from one slide to the next
	// changedName is the slideshow with another picture on its third slide.
	changedName = "slideshow-changed"

	// The long one shows a new slide every five seconds.
	longName   = "long"
	longSlides = 120
	longShown  = 5*fps + fade
	// minuteName is a tenth of it.
	minuteName   = "minute"
	minuteSlides = 12
	// partSlides are those that are made by hand of the long one.
	partSlides = 24
)

// slideshowFrames is the length of a slideshow.
func slideshowFrames(n, shown int) int { return n*shown - (n-1)*fade }

// slideshow shows n slides with captions, each for so many frames, and fades
// between them. instead is the picture of the third, "" for its own.
func slideshow(n, shown int, instead string) object {
	var scenes []object
	for i := range n {
		src := picture(i)
		if i == 2 && instead != "" {
			src = instead
		}
		scene := object{"duration": float64(shown) / fps, "elements": []object{
			{"type": "image", "src": src, "resize": "cover"}, captioned(slideText(i, n)),
		}}
		if i > 0 {
			scene["transition"] = object{"style": "fade", "duration": float64(fade) / fps}
		}
		scenes = append(scenes, scene)
	}
	return fullHD(scenes)
}

func slideText(i, n int) string { return fmt.Sprintf("Slide %d of %d", i+1, n) }

// slideshowByHand is the best single graph for the slideshow: each still decoded,
// scaled and captioned once and repeated by the loop filter.
func slideshowByHand(font, output string) []string {
	return slidesByHand(slides, slideShown, font, output)
}

// partByHand makes a part of the long slideshow like that.
func partByHand(font, output string) []string {
	return slidesByHand(partSlides, longShown, font, output)
}

func slidesByHand(n, shown int, font, output string) []string {
	return crossFaded(n, shown, nil, func(i int) string {
		return fmt.Sprintf("scale=1920:1080:flags=bicubic,format=yuv420p,%s,loop=-1:1:0,fps=25,trim=end_frame=%d", caption(font, slideText(i, n), ""), shown)
	}, output)
}

// slideshowUsual is what most scripts do: each still is an input that is decoded,
// scaled and captioned again for every frame.
func slideshowUsual(font, output string) []string {
	looped := strings.Fields(fmt.Sprintf("-framerate %d -loop 1 -t %g", fps, float64(slideShown)/fps))
	return crossFaded(slides, slideShown, looped, func(i int) string {
		return "scale=1920:1080:flags=bicubic,format=yuv420p," + caption(font, slideText(i, slides), "")
	}, output)
}

// crossFaded is a command that prepares n slides by a chain of filters each and
// has them fade into each other.
func crossFaded(n, shown int, input []string, chain func(i int) string, output string) []string {
	argv := strings.Fields("ffmpeg -nostdin -v error -y")
	var graph []string
	for i := range n {
		argv = append(append(argv, input...), "-i", picture(i))
		graph = append(graph, fmt.Sprintf("[%d:v]%s,settb=1/%d,setsar=1[s%d]", i, chain(i), fps, i))
	}
	last := "s0"
	for i := 1; i < n; i++ {
		next := fmt.Sprintf("x%d", i)
		graph = append(graph, fmt.Sprintf("[%s][s%d]xfade=fade:duration=%g:offset=%g[%s]", last, i, float64(fade)/fps, float64(i*(shown-fade))/fps, next))
		last = next
	}
	argv = append(argv, "-filter_complex", strings.Join(graph, ";"))
	return append(argv, strings.Fields(fmt.Sprintf("-map [%s] -frames:v %d %s %s", last, slideshowFrames(n, shown), encode, output))...)
}

// again renders the slideshow, then with one slide changed, then unchanged, as a
// server does that keeps what it rendered.
func (s *stage) again(ctx context.Context) error {
	frames := slideshowFrames(slides, slideShown)
	return s.compete(ctx, "the slideshow again", s.Runs, []*rival{
		s.manual(best+", each time", "again-hand.mp4", frames, slideshowByHand),
		s.reelhook("reelhook render, empty cache", "slideshow", frames, s.cold),
		s.reelhook("reelhook render, one slide changed", changedName, frames, s.warm),
		s.reelhook("reelhook render, unchanged", "slideshow", frames, s.warm),
	})
}

// long makes a slideshow of ten minutes, once, and looks how its memory compares
// with that of one minute.
func (s *stage) long(ctx context.Context) error {
	whole, part := slideshowFrames(longSlides, longShown), slideshowFrames(partSlides, longShown)
	times := float64(whole) / float64(part)
	hand := s.manual(fmt.Sprintf("%s, × %.2f", best, times), "long-hand.mp4", part, partByHand)
	hand.times = times
	all := s.reelhook("reelhook render, ten minutes", longName, whole, s.cold)
	if err := s.compete(ctx, fmt.Sprintf("a slideshow of ten minutes, by hand %.0f s of it", float64(part)/fps), 1, []*rival{hand, all}); err != nil {
		return err
	}
	tenth := s.reelhook("reelhook render, one minute", minuteName, slideshowFrames(minuteSlides, longShown), s.cold)
	if err := s.turn(ctx, tenth); err != nil {
		return err
	}
	s.compare("memory of one minute and of ten", 1, []*rival{tenth, all})
	return nil
}
