package export

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// way is a movie's course through its destinations.
type way struct {
	*Pipeline
	project project.Project
	outcome project.Outcome
	stops   []stop
	// reported tells that some destination wants to hear how the others fared.
	reported bool
}

// stop is one destination on the way of a movie.
type stop struct {
	Destination
	// refused is why it cannot be served, nil when it can.
	refused          error
	export, position int
	// index counts over all exports.
	index int
}

// wayOf is the way of a movie that has ended.
func (p *Pipeline) wayOf(ctx context.Context, pr project.Project) (way, error) {
	exports, err := p.exportsOf(pr)
	if err != nil {
		return way{}, err
	}
	return p.walk(ctx, pr, ended(pr), exports)
}

// way is that of a movie whose document has just been read: exports are what it
// says, with or without its secrets.
func (p *Pipeline) way(ctx context.Context, pr project.Project, o project.Outcome, exports []movie.Export) (w way, err error) {
	if len(pr.Sealed) > 0 {
		if exports, err = p.exportsOf(pr); err != nil {
			return w, err
		}
	}
	return p.walk(ctx, pr, o, exports)
}

// walk gives a movie's destinations their connections and fills macros in. The
// error is a store's.
func (p *Pipeline) walk(ctx context.Context, pr project.Project, o project.Outcome, exports []movie.Export) (way, error) {
	w := way{Pipeline: p, project: pr, outcome: o, stops: flatten(exports)}
	for i := range w.stops {
		s := &w.stops[i]
		if err := p.resolve(ctx, pr.Account, s); err != nil {
			return w, err
		}
		s.Settings = w.fill(*s)
		w.reported = w.reported || s.wants(ExportCompleted)
	}
	return w, nil
}

// Document is a project's document with what was taken out of it; see movie.Hide.
func (p *Pipeline) Document(pr project.Project) ([]byte, error) {
	if len(pr.Sealed) == 0 || p.Keys == nil {
		return pr.Source, nil
	}
	secrets, err := p.Keys.Open(sealedProject, pr.ID, pr.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open what is sealed of project %s: %w", pr.ID, err)
	}
	document, err := movie.Reveal(pr.Source, secrets)
	if err != nil {
		return nil, fmt.Errorf("put the secrets back into project %s: %w", pr.ID, err)
	}
	return document, nil
}

// exportsOf are a project's exports with their secrets.
func (p *Pipeline) exportsOf(pr project.Project) ([]movie.Export, error) {
	document, err := p.Document(pr)
	if err != nil {
		return nil, err
	}
	m, err := movie.Parse(document)
	if err != nil { // it parsed when it was accepted
		return nil, err
	}
	return m.Exports, nil
}

// resolve puts the connection that a stop names under it.
func (p *Pipeline) resolve(ctx context.Context, account string, s *stop) error {
	if p.Connections == nil || s.Text("id") == "" {
		return nil
	}
	dest, err := p.Connections.Resolve(ctx, account, movie.Destination{Type: s.Type, Fields: s.Settings})
	if refusal, ok := errors.AsType[Refusal](err); ok {
		s.refused = refusal
		return nil
	}
	if err != nil {
		return err
	}
	s.Destination = dest
	return nil
}

// fill fills a stop's macros in, and the name of the file where none is set.
func (w way) fill(s stop) Settings {
	if s.Type == Webhook {
		if !s.mentions() {
			return s.Settings
		}
		return macrosOf(w.project, extension(s.Destination), w.fileURL()).fill(s.Settings)
	}
	settings := make(Settings, len(s.Settings)+1)
	for name, value := range s.Settings {
		settings[name] = value
	}
	if !settings.Has("file") {
		settings["file"] = []byte(`"__filename__"`)
	}
	return macrosOf(w.project, extension(s.Destination), w.fileURL()).fill(settings)
}

// mentions tells whether a stop may hold a macro: most webhooks hold none.
func (s stop) mentions() bool {
	for _, raw := range s.Settings {
		if strings.Contains(string(raw), "__") {
			return true
		}
	}
	return false
}

// flatten puts the destinations of all exports in the order they are served.
func flatten(exports []movie.Export) []stop {
	var all []stop
	for e, export := range exports {
		for d, dest := range export.Destinations {
			all = append(all, stop{
				Destination: Destination{Type: strings.TrimSpace(dest.Type), Settings: dest.Fields},
				export:      e, position: d, index: len(all)})
		}
	}
	return all
}

// behind are the stops behind a delivery's own.
func (w way) behind(d Delivery) []stop {
	for i, s := range w.stops {
		if s.export == d.Export && s.position == d.Position {
			return w.stops[i+1:]
		}
	}
	return nil
}

func (s stop) state(status, message string) project.Destination {
	return project.Destination{Export: s.export, Position: s.position, Type: s.Type, Status: status, Message: message}
}
