package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/reelhook/reelhook/internal/project"
)

// bar shows the progress of a rendering: a moving bar on a terminal, with what
// is being done, and a line every ten percent elsewhere.
type bar struct {
	out  io.Writer
	all  *mpb.Progress
	bar  *mpb.Bar
	last int
	// doing is the text before the bar, which draws itself now and then.
	doing atomic.Value
}

func newBar(out *os.File) *bar {
	b := &bar{out: out, last: -10}
	b.doing.Store("Rendering")
	if isatty.IsTerminal(out.Fd()) {
		b.all = mpb.New(mpb.WithOutput(out), mpb.WithWidth(50))
		text := func(decor.Statistics) string { return b.doing.Load().(string) }
		b.bar = b.all.AddBar(100, mpb.PrependDecorators(decor.Any(text, decor.WC{W: doingWidth, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.Elapsed(decor.ET_STYLE_GO)))
	}
	return b
}

// doingWidth keeps the bar in its place whatever stands before it.
const doingWidth = len("Fetching 10/10 ")

// progress shows how far a rendering is.
func (b *bar) progress(now project.Progress) {
	b.doing.Store(doing(now))
	b.set(now.Percent)
}

// doing is a stage in words.
func doing(now project.Progress) string {
	switch now.Stage {
	case project.Fetching:
		if now.Sources > 0 {
			return fmt.Sprintf("Fetching %d/%d", now.Fetched, now.Sources)
		}
		return "Fetching"
	case project.Joining:
		return "Joining"
	}
	return "Rendering"
}

// set shows a percent.
func (b *bar) set(percent int) {
	if b.bar != nil {
		b.bar.SetCurrent(int64(percent))
	} else if percent/10 > b.last/10 || percent == 100 && b.last != 100 {
		fmt.Fprintf(b.out, "Rendering %3d %%\n", percent)
		b.last = percent
	}
}

// end completes the bar, or leaves it where it stopped.
func (b *bar) end(done bool) {
	if done {
		b.doing.Store("Rendered")
		b.set(100)
	}
	if b.bar != nil {
		if !done {
			b.bar.Abort(false)
		}
		b.all.Wait()
	}
}
