package render

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/timeline"
)

// TestProgress walks through a movie of two scenes: one that stands still, a
// transition, one that moves in two windows, and what is left when scenes are
// over. The costs are 60, 220, 1050, 1050 and 150: 2530 together.
func TestProgress(t *testing.T) {
	part := func(in, out, from, to int) window {
		return window{Span: timeline.Span{In: in, Out: out}, from: from, to: to}
	}
	still, blend, one, two, rest := part(0, 100, noScene, 0), part(100, 110, 0, 1), part(110, 210, noScene, 1), part(210, 310, noScene, 1), part(310, 320, noScene, noScene)
	still.still = true
	var now project.Progress
	p := newProgress(func(p project.Progress) { now = p })
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"a source is there", func() { p.fetched(1, 4) }, "2% fetching 1/4, 0/0 []"},
		{"all are", func() { p.fetched(4, 4) }, "10% fetching 4/4, 0/0 []"},
		{"others are rendered", func() { p.enter(project.Waiting) }, "10% waiting 4/4, 0/0 []"},
		{"its turn", func() { p.enter(project.Rendering) }, "10% rendering 4/4, 0/0 []"},
		{"it is cut", func() { p.plan([]window{still, blend, one, two, rest}, 2) }, "10% rendering 4/4, 0/320 [0 0]"},
		{"one picture is all of a still", func() { p.add(still, 1) }, "12% rendering 4/4, 100/320 [100 0]"},
		{"half of a moving window", func() { p.add(one, 50) }, "29% rendering 4/4, 150/320 [100 23]"},
		{"the same takes longer with two pictures", func() { p.add(blend, 10) }, "37% rendering 4/4, 160/320 [100 28]"},
		{"rendered anew from its begin", func() { p.add(one, -50) }, "37% rendering 4/4, 160/320 [100 28]"},
		{"more than was asked for", func() { p.add(one, 90) }, "54% rendering 4/4, 210/320 [100 52]"},
		{"one is there already", func() { p.skip(two) }, "89% rendering 4/4, 310/320 [100 100]"},
		{"no scene", func() { p.add(rest, 10) }, "95% rendering 4/4, 320/320 [100 100]"},
		{"again", func() { p.skip(rest) }, "95% rendering 4/4, 320/320 [100 100]"},
		{"a window of another movie", func() { p.add(part(5, 6, noScene, 0), 1) }, "95% rendering 4/4, 320/320 [100 100]"},
		{"joining", func() { p.enter(project.Joining) }, "95% joining 4/4, 320/320 [100 100]"},
	} {
		step.do()
		got := fmt.Sprintf("%d%% %s %d/%d, %d/%d %v", now.Percent, now.Stage, now.Fetched, now.Sources, now.Frames, now.TotalFrames, now.Scenes)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", step.name, diff)
		}
	}
}

// TestProgressOfARendering holds that a real one passes through all stages and
// ends with every frame of every scene.
func TestProgressOfARendering(t *testing.T) {
	var stages []string
	var last project.Progress
	j := planned(t, `{"width":64,"height":64,"scenes":[{"duration":2},{"duration":2,"transition":{"duration":0.4}},
		{"duration":2,"transition":{"duration":0.4},"background-color":"#ff0000"}]}`)
	j.Renderer, j.progress = studio(), newProgress(func(now project.Progress) {
		if n := len(stages); n == 0 || stages[n-1] != string(now.Stage) {
			stages = append(stages, string(now.Stage))
		}
		last = now
	})
	err := j.run(t.Context(), func(ctx context.Context, j *job) error {
		_, err := j.make(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(stages, " "); got != "waiting rendering joining" {
		t.Errorf("stages %s", got)
	}
	if diff := cmp.Diff(project.Progress{Percent: 95, Stage: project.Joining, Frames: 130, TotalFrames: 130, Scenes: []int{100, 100, 100}}, last); diff != "" {
		t.Errorf("at the end: -want +got\n%s", diff)
	}
}
