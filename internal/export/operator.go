package export

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// The events the operator of the server is told: in the log, as a metric and, if
// there is one, at the operator's own webhook.
const (
	DeliveryExhausted = "delivery.exhausted"
	DeliveryRecovered = "delivery.recovered"
	EndpointDisabled  = "endpoint.disabled"
	EndpointPaused    = "endpoint.paused"
	EndpointEnabled   = "endpoint.enabled"
	SecretRotated     = "secret.rotated"
)

// OperatorEvents lists them.
func OperatorEvents() []string {
	return []string{DeliveryExhausted, DeliveryRecovered, EndpointDisabled, EndpointPaused, EndpointEnabled, SecretRotated}
}

// recoveredAfter is from how many failures on a success is news.
const recoveredAfter = 4

// OperatorEvent is something the operator should know. It holds no secret.
type OperatorEvent struct {
	Type string    `json:"type"`
	At   time.Time `json:"timestamp"`
	// Endpoint and Address name an endpoint, Delivery and Project a delivery.
	Endpoint string `json:"endpoint,omitempty"`
	Address  string `json:"address,omitempty"`
	Delivery string `json:"delivery,omitempty"`
	Project  string `json:"project,omitempty"`
	// Attempts made, of a delivery.
	Attempts int    `json:"attempts,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// news is what the operator is to be told of an attempt, if anything. What is
// told to the operator is itself no news, or a failing operator webhook would
// tell of itself for ever.
func news(d Delivery, a Attempt, change *EndpointChange) (all []OperatorEvent) {
	if d.Project == "" {
		return nil
	}
	e := OperatorEvent{At: a.EndedAt, Endpoint: d.Endpoint, Address: address(d.Target),
		Delivery: d.ID, Project: d.Project, Attempts: a.Number, Reason: d.Message}
	switch {
	case d.State == Failed && !d.Droppable:
		e.Type = DeliveryExhausted
		all = append(all, e)
	case d.State == Delivered && d.Failures >= recoveredAfter:
		e.Type, e.Reason = DeliveryRecovered, fmt.Sprintf("It failed %d times before", d.Failures)
		all = append(all, e)
	}
	if change != nil {
		all = append(all, change.news())
	}
	return all
}

func (c EndpointChange) news() OperatorEvent {
	return OperatorEvent{Type: "endpoint." + string(c.State), At: c.At, Endpoint: c.ID, Address: c.URL, Reason: c.Reason}
}

// telling makes the deliveries to the operator's webhook.
func (p *Pipeline) telling(events ...OperatorEvent) (all []Delivery) {
	if p.Tell == nil {
		return nil
	}
	for _, e := range events {
		d, err := p.Tell(e)
		if err != nil {
			p.Log.Error("the operator's webhook cannot be used", "error", err)
			return nil
		}
		d.Event = e.Type
		all = append(all, d.begin(p.Now()))
	}
	return all
}

// told logs and counts what the operator is told, once it has happened.
func (p *Pipeline) told(ctx context.Context, events ...OperatorEvent) {
	for _, e := range events {
		level := slog.LevelWarn
		if e.Type == DeliveryRecovered || e.Type == EndpointEnabled || e.Type == SecretRotated {
			level = slog.LevelInfo
		}
		p.Count(e.Type)
		p.Log.LogAttrs(ctx, level, e.Type, slog.String("endpoint", e.Endpoint), slog.String("delivery", e.Delivery),
			slog.String("project", e.Project), slog.String("reason", e.Reason))
	}
}

// Announce tells the operator of something that happened outside the pipeline.
func (p *Pipeline) Announce(ctx context.Context, e OperatorEvent) error {
	if all := p.telling(e); len(all) > 0 {
		if err := p.Store.Emit(ctx, all...); err != nil {
			return err
		}
	}
	p.told(ctx, e)
	return nil
}
