package export

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// MaxDestinations is how many destinations one movie may have; those behind
// them are settled as failed. A movie is not to become a flood.
const MaxDestinations = 100

// Webhook is the one type of destination that is also told of a failed rendering
// (section 23 of the contract).
const Webhook = "webhook"

// Refusal is why a destination can never work, and what to do, in words for the
// client: it becomes the destination's message.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Leaf reaches destinations of one type.
type Leaf interface {
	// Prepare makes the delivery that tells a destination something: Target, Group,
	// Endpoint, ContentType, Headers, Body, Timeout and Schedule, Ordered and
	// Deadline; the pipeline fills in the rest. An error, best a Refusal, means that
	// it can never work; its text is shown to the client and must hold no secret.
	Prepare(n Notice, dest Destination) (Delivery, error)
	// Attempt makes one try within the delivery's Timeout and returns the attempt
	// with its Result, Succeeded, Refused or Unknown, and what it learned. Error
	// must hold no secret.
	Attempt(ctx context.Context, d Delivery, a Attempt) Attempt
}

// Projects is where the pipeline reads the movie again for its next destination.
type Projects interface {
	// Get returns one project or project.ErrNotFound.
	Get(ctx context.Context, id string) (project.Project, error)
	// Destinations returns the destinations of projects, in pipeline order.
	Destinations(ctx context.Context, ids ...string) (map[string][]project.Destination, error)
}

// Options are what a pipeline is made of. Store, Projects, Leaves, FileURL and
// Log are needed; Files by Carriers.
type Options struct {
	Store    Store
	Projects Projects
	// Leaves by the destination's type, such as "webhook", and Carriers, which
	// become leaves.
	Leaves   map[string]Leaf
	Carriers map[string]Carrier
	// Files are what is uploaded.
	Files Files
	// Connections are those that destinations may name; nil is none.
	Connections Connections
	// Keys seal what is secret of deliveries and open what is of projects; nil
	// stores it as it is.
	Keys Keys
	// Budget is how long the uploads and emails of one movie may take together;
	// 0 means DefaultBudget.
	Budget time.Duration
	// FileURL makes the public address of a finished file from its blob key.
	FileURL func(key string) string
	Log     *slog.Logger
	// PerGroup is how many attempts of one group may be made at once.
	PerGroup int
	// DisableAfter is how long an endpoint may do nothing but fail before it is
	// disabled; 0 means DefaultDisableAfter.
	DisableAfter time.Duration
	// Tell makes the delivery of an operator event; nil when the operator wants
	// none but in the log.
	Tell func(e OperatorEvent) (Delivery, error)
	// Reopen has the queue ask Gate again about a group; nil when nobody does.
	Reopen func(group string)
	// Observe is told of every attempt that was closed, and Count of every operator
	// event, for metrics; nil is nobody.
	Observe func(Delivery, Attempt)
	Count   func(event string)
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Jitter returns a number in [0, 1), random when nil.
	Jitter func() float64
}

// Pipeline takes ended movies through their destinations. It is the
// queue.Worker of Deliver jobs. It may be used by many goroutines.
type Pipeline struct {
	Options
	breaker *breaker
	health  *health
	sending sending
}

// New makes a pipeline.
func New(o Options) *Pipeline {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = mathrand.Float64
	}
	if o.PerGroup == 0 {
		o.PerGroup = 1
	}
	if o.DisableAfter == 0 {
		o.DisableAfter = DefaultDisableAfter
	}
	if o.Reopen == nil {
		o.Reopen = func(string) {}
	}
	if o.Observe == nil {
		o.Observe = func(Delivery, Attempt) {}
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	if o.Keys != nil {
		o.Store = sealing{o.Store, o.Keys}
	}
	p := &Pipeline{Options: o, breaker: newBreaker(o.PerGroup), health: newHealth(o.DisableAfter)}
	p.Leaves = maps.Clone(o.Leaves)
	for name, c := range o.Carriers {
		p.Leaves[name] = bearer{p, c}
	}
	return p
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
	w, err := p.way(ctx, pr, o, exports)
	if err != nil {
		return err
	}
	return p.Store.End(ctx, o, w.step(w.stops, Destinations(exports)))
}

// serve makes a stop's delivery, or settles it without one. states are the
// destinations before it as they stand.
func (w way) serve(s stop, states []project.Destination) (Delivery, *project.Destination) {
	settle := func(status, message string) (Delivery, *project.Destination) {
		d := s.state(status, message)
		return Delivery{}, &d
	}
	if why := w.skips(s, states); why != "" {
		return settle("skipped", why)
	}
	event := s.event(w.outcome.Status)
	// Prepared in any case: here, and nowhere else, is it said what is wrong with it.
	d, err := w.prepare(s, Notice{Event: cmp.Or(event, ExportCompleted), Destinations: states})
	switch {
	case err != nil:
		return settle("failed", err.Error())
	case event == "":
		return settle("skipped", "It asks for no event of this end")
	}
	if s.Type == Webhook {
		d.Exported = w.exported(w.stops[:s.index], states)
	}
	return d, nil
}

// step settles the stops that are left until one needs a delivery. states are
// the destinations as they stand before it.
func (w way) step(left []stop, states []project.Destination) Step {
	var step Step
	for i, s := range left {
		d, settled := w.serve(s, states)
		if settled != nil {
			step.Settled = append(step.Settled, *settled)
			states = overlay(states, *settled)
			continue
		}
		d.Main, d.Remaining = true, len(left)-i-1
		if w.reported {
			d.Remaining++ // the end of the pipeline waits too
		}
		step.Deliveries = append(step.Deliveries, d)
		return step
	}
	step.Deliveries = w.end(states)
	return step
}

// end tells those who want to know that the pipeline is through.
func (w way) end(states []project.Destination) (all []Delivery) {
	for _, s := range w.stops {
		if !s.wants(ExportCompleted) {
			continue
		}
		d, err := w.prepare(s, Notice{Event: ExportCompleted, Destinations: states})
		if err == nil { // otherwise its own step has said why
			d.Exported = w.exported(w.stops, states)
			all = append(all, d)
		}
	}
	return all
}

// overlay is a list of destinations with some of them as they stand now.
func overlay(states []project.Destination, now ...project.Destination) []project.Destination {
	states = slices.Clone(states)
	for _, d := range now {
		for i := range states {
			if states[i].Export == d.Export && states[i].Position == d.Position {
				states[i] = d
			}
		}
	}
	return states
}

// prepare makes a delivery to a stop; its errors are for the client.
func (w way) prepare(s stop, n Notice) (Delivery, error) {
	if s.index >= MaxDestinations {
		return Delivery{}, Refusal(fmt.Sprintf("A movie may have at most %d destinations", MaxDestinations))
	}
	if s.refused != nil {
		return Delivery{}, s.refused
	}
	leaf, ok := w.Leaves[s.Type]
	if !ok {
		return Delivery{}, w.unserved(s)
	}
	n.Project, n.Outcome, n.FileURL, n.ThumbnailURL, n.At = w.project, w.outcome, w.fileURL(), w.thumbnailURL(), w.Now()
	d, err := leaf.Prepare(n, s.Destination)
	if err != nil {
		return Delivery{}, err
	}
	d.Account, d.Project, d.Export, d.Position = w.project.Account, w.project.ID, s.export, s.position
	d.Type, d.Event, d.Connection = s.Type, n.Event, s.Connection
	if d.Account != "" && d.Endpoint != "" {
		d.Endpoint = EndpointOf(d.Account, d.Target)
	}
	return d.begin(n.At), nil
}

// fileURL leads to the finished file, "" when there is none.
func (w way) fileURL() string {
	if w.outcome.Status != project.Done || w.outcome.Result.File == "" {
		return ""
	}
	return w.FileURL(w.outcome.Result.File)
}

func (w way) thumbnailURL() string {
	if w.outcome.Status != project.Done || w.outcome.Result.Thumbnail == "" {
		return ""
	}
	return w.FileURL(w.outcome.Result.Thumbnail)
}

// begin gives a new delivery its ids and makes it due.
func (d Delivery) begin(now time.Time) Delivery {
	d.ID = newID("dlv_", now)
	d.MessageID = "msg_" + d.ID[len("dlv_"):]
	d.State, d.CreatedAt, d.NextAt = Pending, now, now
	return d
}

// unserved tells why nobody can serve a destination, and what to do.
func (p *Pipeline) unserved(s stop) error {
	known := strings.Join(slices.Sorted(maps.Keys(p.Leaves)), ", ")
	if s.Type != "" {
		return Refusal(fmt.Sprintf("There are no destinations of type '%s'; there are %s", cut(s.Type), known))
	}
	if id := s.Text("id"); id != "" {
		return Refusal(fmt.Sprintf("Unknown connection '%s'", cut(id)))
	}
	return Refusal(`The destination has no type; set "type" to one of ` + known)
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
