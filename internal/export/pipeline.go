package export

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// MaxDestinations is how many destinations one movie may have; those behind
// them are settled as failed. A movie is not to become a flood.
const MaxDestinations = 100

// webhookType is the one type that is also told of a failed rendering (section
// 23 of the contract).
const webhookType = "webhook"

// Refusal is why a destination can never work, and what to do, in words for the
// client: it becomes the destination's message.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Leaf reaches destinations of one type.
type Leaf interface {
	// Prepare makes the delivery for a destination: Event, Target, Group,
	// ContentType, Body, Timeout and Schedule; the pipeline fills in the rest. An
	// error, best a Refusal, means that it can never work; its text is shown to
	// the client and must hold no secret. fileURL is "" when there is no file.
	Prepare(p project.Project, o project.Outcome, dest movie.Destination, fileURL string) (Delivery, error)
	// Attempt makes one try within the delivery's Timeout and returns the attempt
	// with its Result, Succeeded or Refused, and what it learned. Error must hold
	// no secret.
	Attempt(ctx context.Context, d Delivery, a Attempt) Attempt
}

// Projects is where the pipeline reads the movie again for its next destination.
type Projects interface {
	// Get returns one project or project.ErrNotFound.
	Get(ctx context.Context, id string) (project.Project, error)
}

// Options are what a pipeline is made of. Store, Projects, Leaves, FileURL and
// Log are needed.
type Options struct {
	Store    Store
	Projects Projects
	// Leaves by the destination's type, such as "webhook".
	Leaves map[string]Leaf
	// FileURL makes the public address of a finished file from its blob key.
	FileURL func(key string) string
	Log     *slog.Logger
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Jitter returns a number in [0, 1), random when nil.
	Jitter func() float64
}

// Pipeline takes ended movies through their destinations. It is the
// queue.Worker of Deliver jobs. It may be used by many goroutines.
type Pipeline struct {
	Options
}

// New makes a pipeline.
func New(o Options) *Pipeline {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = mathrand.Float64
	}
	return &Pipeline{o}
}

// Destinations lists a movie's destinations in pipeline order, as they stand
// when it is accepted: pending.
func Destinations(exports []movie.Export) []project.Destination {
	var all []project.Destination
	for _, s := range flatten(exports) {
		all = append(all, s.state("pending", ""))
	}
	return all
}

// Ended is called once a rendering ended, well or not. It writes the project's
// end together with the first step of its exports; when it returns nil, every
// destination will be served even if the process dies now. Again for the same
// project changes nothing. An error is the store's.
func (p *Pipeline) Ended(ctx context.Context, pr project.Project, exports []movie.Export, o project.Outcome) error {
	return p.Store.End(ctx, o, p.step(pr, o, flatten(exports)))
}

// stop is one destination on the way of a movie.
type stop struct {
	movie.Destination
	export, position int
	// index counts over all exports.
	index int
}

// flatten puts the destinations of all exports in the order they are served.
func flatten(exports []movie.Export) []stop {
	var all []stop
	for e, export := range exports {
		for d, dest := range export.Destinations {
			dest.Type = strings.TrimSpace(dest.Type)
			all = append(all, stop{dest, e, d, len(all)})
		}
	}
	return all
}

func (s stop) state(status, message string) project.Destination {
	return project.Destination{Export: s.export, Position: s.position, Type: s.Type, Status: status, Message: message}
}

// step settles destinations that need no delivery until one does.
func (p *Pipeline) step(pr project.Project, o project.Outcome, way []stop) Step {
	var step Step
	for i, s := range way {
		if o.Status == project.Failed && s.Type != webhookType && s.Type != "" {
			step.Settled = append(step.Settled, s.state("skipped", "The movie was not rendered"))
			continue
		}
		d, err := p.prepare(pr, o, s)
		if err != nil {
			step.Settled = append(step.Settled, s.state("failed", err.Error()))
			continue
		}
		d.Remaining = len(way) - i - 1
		step.Delivery = &d
		break
	}
	return step
}

// prepare makes the delivery of a destination; its errors are for the client.
func (p *Pipeline) prepare(pr project.Project, o project.Outcome, s stop) (Delivery, error) {
	if s.index >= MaxDestinations {
		return Delivery{}, Refusal(fmt.Sprintf("A movie may have at most %d destinations", MaxDestinations))
	}
	leaf, ok := p.Leaves[s.Type]
	if !ok {
		return Delivery{}, unserved(s)
	}
	var url string
	if o.Status == project.Done && o.Result.File != "" {
		url = p.FileURL(o.Result.File)
	}
	d, err := leaf.Prepare(pr, o, s.Destination, url)
	if err != nil {
		return Delivery{}, err
	}
	now := p.Now()
	d.ID, d.MessageID = newID("dlv_", now), newID("msg_", now)
	d.Project, d.Export, d.Position, d.Type = o.ID, s.export, s.position, s.Type
	d.State, d.CreatedAt, d.NextAt = Pending, now, now
	return d, nil
}

// unserved tells why nobody can serve a destination, and what to do.
func unserved(s stop) error {
	if s.Type != "" {
		return Refusal(fmt.Sprintf("Destinations of type '%s' are not supported in this version; "+
			"use a webhook and fetch the movie from its url", cut(s.Type)))
	}
	if id := Text(s.Fields["id"]); id != "" {
		return Refusal(fmt.Sprintf("Unknown connection '%s'", cut(id)))
	}
	return Refusal(`The destination has no type; set "type" to "webhook"`)
}

// Text reads a destination's field that is a string or a number, without white
// space around it; anything else is "".
func Text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(s)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// cut shortens what a client wrote before it is shown back.
func cut(s string) string {
	const most = 64
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func newID(prefix string, at time.Time) string {
	return prefix + ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
}
