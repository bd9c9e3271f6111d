package export

import (
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

// DefaultBudget is how long the uploads and emails of one movie may take
// together when nobody says otherwise.
const DefaultBudget = 15 * time.Minute

// transferSchedule holds the delays after failed tries of an upload or email; the
// last is repeated while the budget lasts.
func transferSchedule() []time.Duration {
	return []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute}
}

// grace is how long a single try may take that begins when the budget is nearly
// or altogether used up, be it by destinations before it or by a restart: every
// destination has one.
func (p *Pipeline) grace() time.Duration { return p.Budget / 3 }

// deadline is when an upload or email of a movie that ended then is given up.
func (p *Pipeline) deadline(ended, now time.Time) time.Time {
	deadline := ended.Add(p.Budget)
	if least := now.Add(p.grace()); deadline.Before(least) {
		return least
	}
	return deadline
}

// skips says why a stop is passed over, "" when it is not. states are the
// destinations as they stand.
func (w way) skips(s stop, states []project.Destination) string {
	if s.Type == Webhook || s.Type == "" {
		return "" // told in any case; what has no type is told what it lacks
	}
	failed := w.outcome.Status == project.Failed
	switch on := strings.ToLower(s.Text("on")); {
	case failed && (s.Type != emailType || on != "error" && on != "always"):
		return "The movie was not rendered"
	case !failed && s.Type == emailType && on == "error":
		return "It is for movies that are not rendered"
	}
	for _, before := range w.stops[:s.index] {
		if strings.EqualFold(before.Text("on-failure"), "stop") && lost(before.in(states)) {
			return "A destination before it failed, and says to stop there"
		}
	}
	return ""
}

// in finds a stop's state.
func (s stop) in(states []project.Destination) project.Destination {
	for _, d := range states {
		if d.Export == s.export && d.Position == s.position {
			return d
		}
	}
	return project.Destination{}
}

// lost tells that nothing will arrive at a destination any more.
func lost(d project.Destination) bool {
	return d.Status == string(Failed) || d.Status == string(Cancelled)
}

// exported sums up how the stops before a stop fared: Complete when all arrived
// that were to.
func (w way) exported(before []stop, states []project.Destination) string {
	for _, s := range before {
		d := s.in(states)
		if d.Status == Arrived(s.Type) || d.Status == "skipped" && s.Type == Webhook {
			continue
		}
		if d.Status == "skipped" && w.outcome.Status == project.Done && strings.EqualFold(s.Text("on"), "error") {
			continue
		}
		return Partial
	}
	return Complete
}
