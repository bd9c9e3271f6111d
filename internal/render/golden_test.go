package render

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/timeline"
)

// texts draws with the machine's fonts, which are looked for once.
var texts = sync.OnceValue(func() *draw.Drawer {
	d, err := draw.New(context.Background(), filepath.Join(os.TempDir(), "reelhook-test-fonts"))
	if err != nil {
		panic(err)
	}
	return d
})

// told is a fetcher that reads what a medium is like from its address, as
// v.mp4?d=8&w=640&h=360&sound=1 (seconds, pixels).
type told struct{}

func (told) Fetch(_ context.Context, o media.Order) (map[media.Want]media.Asset, map[media.Want]error) {
	assets := map[media.Want]media.Asset{}
	for _, w := range o.Wants {
		u, _ := url.Parse(w.URL)
		n := func(key string) int { x, _ := strconv.Atoi(u.Query().Get(key)); return x }
		a := media.Asset{Path: "/media/" + u.Path, Format: ffmpeg.Format{Kind: ffmpeg.Kind(w.Use), Demuxer: "mov"}}
		if w.Use == media.Image {
			a.Format.Demuxer = "png_pipe"
		}
		a.Media.Duration, _ = strconv.ParseFloat(u.Query().Get("d"), 64)
		if n("w") > 0 {
			a.Media.Video = &ffmpeg.VideoStream{Width: n("w"), Height: n("h"), Alpha: n("alpha") > 0, Codec: "h264", Transfer: u.Query().Get("transfer")}
		}
		if n("sound") > 0 {
			a.Media.Audio = &ffmpeg.AudioStream{Rate: 44100, Channels: 2}
		}
		assets[w] = a
	}
	return assets, nil
}

// TestCommands reads testdata/commands.txt: cases of "# name", a Movie JSON,
// "->" and the command line of each window. What is beside the files is made up;
// the same movies are rendered for real in TestRender.
func TestCommands(t *testing.T) {
	golden.Run(t, "testdata/commands.txt", commands)
}

// commands shows the windows of a movie and the graph of each.
func commands(t *testing.T, source string) string {
	j := planned(t, source)
	var b strings.Builder
	for _, w := range j.cut() {
		p := j.picture(w, nil, false)
		c := j.command(p)
		fmt.Fprintf(&b, "%v\n", w)
		for i, in := range c.Inputs {
			fmt.Fprintf(&b, "  %d: %s", i, strings.ReplaceAll(in.Path, j.dir, ""))
			if in.Seek > 0 {
				fmt.Fprintf(&b, " from %.3f", in.Seek)
			}
			if in.Feed != nil {
				fmt.Fprintf(&b, "fed %s", in.Raw)
			}
			b.WriteString("\n")
		}
		for i := range c.Inputs {
			f, ok := p.fitted[i]
			if !ok {
				continue
			}
			fmt.Fprintf(&b, "  fitted from %s: %s\n", f.command.Inputs[0].Path, f.command.Graph)
		}
		fmt.Fprintf(&b, "  %s\n  %s\n", strings.ReplaceAll(c.Graph.String(), "\n", "\n  "), strings.Join(c.Output, " "))
	}
	return b.String()
}

// String shows a window in tests.
func (w window) String() string {
	s := fmt.Sprintf("%d-%d", w.In, w.Out)
	if w.still {
		s += " still"
	}
	return s
}

// planned is a job that is ready to be cut into windows.
func planned(t *testing.T, source string) *job {
	t.Helper()
	m, err := movie.Parse([]byte(source))
	if err != nil || len(m.Faults) > 0 {
		t.Fatalf("%v %v", err, m.Faults)
	}
	j := &job{Renderer: New(Options{Fetcher: told{}, Texts: texts(), Cores: 2}), movie: m, dir: t.TempDir(), progress: newProgress(nil)}
	if err := errors.Join(j.fetch(t.Context()), j.draw(t.Context())); err != nil {
		t.Fatal(err)
	}
	if j.timeline, err = timeline.Build(m, j.sources.facts); err != nil {
		t.Fatal(err)
	}
	return j
}
