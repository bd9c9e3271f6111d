package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/render"
)

// explain prints how a movie would be rendered.
func explain(ctx context.Context, m *movie.Movie, o app.RenderOptions) error {
	e, err := app.Explain(ctx, m, o)
	if err != nil {
		return err
	}
	warn(m.Warnings, e.Warnings)
	t := e.Timeline
	fps := float64(t.FPS.Num) / float64(t.FPS.Den)
	fmt.Printf("%dx%d, %s frames a second, %d frames, %s s\n\n", t.Width, t.Height, trim(fps), t.Frames, trim(float64(t.Frames)/fps))
	s := newScreen()
	windows := table{screen: s, columns: []column{{head: "WINDOW"}, {head: "FRAMES"}, {head: "SECONDS"}, {head: "KIND"}, {head: "IN THE CACHE"}}}
	var rows [][]cell
	for i, w := range e.Windows {
		rows = append(rows, []cell{
			plain(fmt.Sprint(i + 1)), plain(fmt.Sprintf("%d-%d", w.In, w.Out-1)), plain(trim(float64(w.In)/fps) + "-" + trim(float64(w.Out)/fps)),
			plain(w.Kind), plain(map[bool]string{true: "yes", false: ""}[w.Kept]),
		})
	}
	windows.print(rows)
	for i, w := range e.Windows {
		fmt.Printf("\n# window %d\n%s\n", i+1, commandLine(w))
	}
	return nil
}

// commandLine is a command as a shell takes it, its filtergraph one chain a line.
func commandLine(w render.ExplainedWindow) string {
	quoted := make([]string, len(w.Command))
	for i, arg := range w.Command {
		quoted[i] = arg
		if arg == "" || strings.ContainsAny(arg, " \t\n\"'`$&|;<>()*?[]{}!#~\\") {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
