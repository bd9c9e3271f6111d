package app

import (
	"context"
	"os"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/render"
)

// planner looks at movies with the renderer's own eyes. It is the API's Planner.
type planner struct {
	renderer *render.Renderer
	// folder holds a scratch folder for each movie.
	folder string
}

// Plan tells what would become of a movie.
func (p planner) Plan(ctx context.Context, m *movie.Movie, media bool) (api.Planned, error) {
	if !media {
		return planned(p.renderer.PlanWithoutMedia(m), true), nil
	}
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return api.Planned{}, err
	}
	dir, err := os.MkdirTemp(p.folder, "plan-")
	if err != nil {
		return api.Planned{}, err
	}
	defer os.RemoveAll(dir)
	plan, err := p.renderer.Plan(ctx, m, dir)
	return planned(plan, false), err
}

func planned(p render.Plan, unseen bool) api.Planned {
	return api.Planned{Faults: p.Faults, Warnings: p.Warnings, Timeline: p.Timeline, Unseen: unseen}
}

// Validate looks at a movie without rendering it, as POST /v2/movies/validate does.
// media tells whether its media are fetched. Nothing is drawn; OnProgress is not
// used.
func Validate(ctx context.Context, d *movie.Document, media bool, o RenderOptions) (api.Validation, error) {
	p := planner{render.New(render.Options{}), os.TempDir()}
	if media {
		var err error
		if p.renderer, err = o.renderer(ctx, nil); err != nil {
			return api.Validation{}, err
		}
	}
	found, err := p.Plan(ctx, d.Movie, media)
	if err != nil {
		return api.Validation{}, err
	}
	return api.NewValidation(d, found, time.Now()), nil
}
