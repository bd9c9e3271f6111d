package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/movie"
)

type validateCmd struct {
	Movie   string `arg:"" help:"The Movie JSON; - reads it from standard input." placeholder:"MOVIE.json"`
	NoMedia bool   `help:"Fetch nothing: the document alone is looked at, and how long and large media are is not known."`
	JSON    bool   `name:"json" help:"Print what POST /v2/movies/validate answers, and nothing else."`
	mediaFlags
}

// Help is shown below the flags.
func (validateCmd) Help() string {
	return `Media are fetched and looked at, nothing is drawn, and exports are not run. All that is wrong is told at once, each with its place, as editors and CI read it:

    movie.json:5:24: Scene #1, element #1: Failed to download 'https://example.org/a.png' (404)
    movie.json:9:7: warning: 'colour' is no key of text elements and is ignored; did you mean 'color'?

What is wrong goes to standard error and makes the exit status 1; warnings do not. A movie that can be rendered is followed by its timeline.

Examples
    reelhook validate movie.json
    reelhook validate movie.json --no-media
    reelhook validate movie.json --json | jq .movie      # variables filled in, scenes repeated`
}

// Run looks at the movie.
func (c validateCmd) Run(ctx context.Context, s *screen) error {
	source, folder, err := readMovie(c.Movie)
	if err != nil {
		return err
	}
	name := c.Movie
	if name == "-" {
		name = "<stdin>"
	}
	d, err := movie.ParseDocument(source)
	if at, ok := errors.AsType[*movie.SyntaxError](err); ok {
		fmt.Fprintf(s.errs, "%s:%d:%d: %s\n", name, max(1, at.Line), max(1, at.Column), printable(at.Reason))
		return exitCode(1)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	v, err := app.Validate(ctx, d, !c.NoMedia, c.options(folder))
	switch {
	case err != nil:
		return err
	case c.JSON:
		err = s.json(v)
	default:
		s.validation(name, v)
	}
	if err == nil && !v.Valid {
		err = exitCode(1)
	}
	return err
}

// validation prints what was found, and when what is on.
func (s *screen) validation(name string, v api.Validation) {
	for _, f := range v.Faults {
		fmt.Fprintf(s.errs, "%s:%d:%d: %s\n", name, f.Line, f.Column, printable(f.Message))
	}
	for _, f := range v.Warnings {
		fmt.Fprintf(s.errs, "%s:%d:%d: warning: %s\n", name, f.Line, f.Column, printable(f.Message))
	}
	switch t := v.Timeline; {
	case !v.Valid:
		fmt.Fprintf(s.errs, "%s cannot be rendered\n", name)
	case t == nil:
		fmt.Fprintf(s.out, "%s has no faults that show without its media\n", name)
	default:
		fmt.Fprintf(s.out, "%s  %dx%d  %s frames a second  %d frames  %s s\n\n", name, t.Width, t.Height, trim(t.FPS), t.Frames, trim(t.Duration))
		s.timeline(t)
	}
}

// timeline prints when what is on: scenes with what is seen in them, then what is
// seen and heard all along.
func (s *screen) timeline(t *api.Timeline) {
	lines := table{screen: s, columns: []column{{head: "START"}, {head: "END"}, {head: "TYPE"}, {head: "WHAT", cut: true}, {head: "ID", cut: true}, {head: "BOX"}}}
	var rows [][]cell
	add := func(span api.TimelineSpan, kind, what, id, box string) {
		rows = append(rows, []cell{plain(trim(span.Start)), plain(trim(span.End)), plain(kind), plain(what), plain(id), plain(box)})
	}
	elements := func(list []api.TimelineElement) {
		for _, e := range list {
			add(e.TimelineSpan, e.Type, e.Path, e.ID, boxText(e.Box))
		}
	}
	elements(t.Below)
	for _, scene := range t.Scenes {
		kind := "scene"
		if scene.Transition != nil {
			kind += " (" + scene.Transition.Style + " " + trim(scene.Transition.Duration) + ")"
		}
		add(scene.TimelineSpan, kind, scene.Path, scene.ID, "")
		elements(scene.Clips)
	}
	elements(t.Above)
	elements(slices.DeleteFunc(slices.Clone(t.Sounds), func(e api.TimelineElement) bool { return e.Type != string(movie.Audio) }))
	lines.print(rows)
}

// boxText is a rectangle as X has written them for ages: size, then place.
func boxText(b *api.Box) string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf("%dx%d%+d%+d", b.Width, b.Height, b.X, b.Y)
}

type schemaCmd struct{}

// Help is shown below the flags.
func (schemaCmd) Help() string {
	return `Editors that know it complete keys and explain them. A server has it at /v2/movie.schema.json.

Example:  reelhook schema > movie.schema.json`
}

// Run prints it.
func (schemaCmd) Run(s *screen) error {
	_, err := s.out.Write(movie.Schema())
	return err
}
