package export

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// The events a webhook may ask for in "events". MovieCompleted is sent when
// nothing is asked for, and then of a failed rendering too (section 24 of the
// contract); whoever asks for MovieFailed gets that in its place.
const (
	MovieStarted    = "movie.started"
	MovieProgress   = "movie.progress"
	MovieCompleted  = "movie.completed"
	MovieFailed     = "movie.failed"
	ExportCompleted = "export.completed"
)

// Events lists them in the order they come in.
func Events() []string {
	return []string{MovieStarted, MovieProgress, MovieCompleted, MovieFailed, ExportCompleted}
}

// Notice is what a destination is told.
type Notice struct {
	Event   string
	Project project.Project
	// Outcome is zero before the rendering ended. FileURL and ThumbnailURL are ""
	// when there is no file.
	Outcome               project.Outcome
	FileURL, ThumbnailURL string
	// Percent is how much is rendered, of MovieProgress.
	Percent int
	// Destinations are how all of them stand, from the end of the rendering on.
	Destinations []project.Destination
	At           time.Time
}

// wants tells whether a stop asks for an event. Names that are none are passed
// over: a webhook must not be lost to a slip of the pen.
func (s stop) wants(event string) bool {
	asked := s.events()
	if len(asked) == 0 {
		return event == MovieCompleted
	}
	return asked[event]
}

// events are the known ones that a stop asks for, a list or a text with commas.
func (s stop) events() map[string]bool {
	if s.Type != Webhook {
		return nil
	}
	var names []string
	if json.Unmarshal(s.Settings["events"], &names) != nil {
		names = strings.Split(s.Text("events"), ",")
	}
	asked := map[string]bool{}
	for _, known := range Events() {
		for _, name := range names {
			if strings.EqualFold(strings.TrimSpace(name), known) {
				asked[known] = true
			}
		}
	}
	return asked
}

// event is what a stop is told of a movie's end, "" for nothing.
func (s stop) event(status project.Status) string {
	switch {
	case status == project.Failed && (s.wants(MovieFailed) || s.Type != Webhook):
		return MovieFailed
	case s.wants(MovieCompleted):
		return MovieCompleted
	}
	return ""
}

// Started tells those who want to know that a rendering began. Again for the same
// project tells nobody twice.
func (p *Pipeline) Started(ctx context.Context, pr project.Project, exports []movie.Export) error {
	return p.emit(ctx, pr, exports, Notice{Event: MovieStarted})
}

// Progress tells those who want to know how much is rendered.
func (p *Pipeline) Progress(ctx context.Context, pr project.Project, exports []movie.Export, percent int) error {
	return p.emit(ctx, pr, exports, Notice{Event: MovieProgress, Percent: percent})
}

func (p *Pipeline) emit(ctx context.Context, pr project.Project, exports []movie.Export, n Notice) error {
	w, err := p.way(ctx, pr, project.Outcome{}, exports)
	if err != nil {
		return err
	}
	var all []Delivery
	for _, s := range w.stops {
		if !s.wants(n.Event) {
			continue
		}
		d, err := w.prepare(s, n)
		if err != nil {
			continue // said when its turn comes
		}
		if n.Event == MovieProgress {
			d.Droppable, d.Schedule = true, nil
		}
		d.ID = eventID(pr, s, n)
		d.MessageID = "msg_" + d.ID[len("dlv_"):]
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil
	}
	return p.Store.Emit(ctx, all...)
}

// eventID is the same whenever the same event is told: a rendering that begins
// again after a crash is no news.
func eventID(pr project.Project, s stop, n Notice) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{pr.ID, n.Event, strconv.Itoa(n.Percent), strconv.Itoa(s.index)}, "\n")))
	id := ulid.ULID(sum[:16])
	_ = id.SetTime(ulid.Timestamp(pr.CreatedAt)) // fails after the year 10889
	return "dlv_" + id.String()
}
