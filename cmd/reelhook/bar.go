package main

import (
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows the progress of a rendering: a moving bar on a terminal, a line
// every ten percent elsewhere.
type bar struct {
	out  io.Writer
	all  *mpb.Progress
	bar  *mpb.Bar
	last int
}

func newBar(out *os.File) *bar {
	b := &bar{out: out, last: -10}
	if isatty.IsTerminal(out.Fd()) {
		b.all = mpb.New(mpb.WithOutput(out), mpb.WithWidth(50))
		b.bar = b.all.AddBar(100, mpb.PrependDecorators(decor.Name("Rendering ")),
			mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.Elapsed(decor.ET_STYLE_GO)))
	}
	return b
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
		b.set(100)
	}
	if b.bar != nil {
		if !done {
			b.bar.Abort(false)
		}
		b.all.Wait()
	}
}
