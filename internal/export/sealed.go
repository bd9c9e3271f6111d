package export

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Keys seal what is not to lie about in clear, and open it again. What is sealed
// under one purpose and id opens under no other.
type Keys interface {
	Seal(purpose, id string, plain []byte) []byte
	Open(purpose, id string, sealed []byte) ([]byte, error)
}

// The purposes; see internal/seal, whose names they are.
const (
	sealedProject  = "project"
	sealedDelivery = "delivery"
)

// sealing is a store that gets no secret to see: what is secret of a delivery is
// sealed on its way in and opened on its way out.
type sealing struct {
	Store
	keys Keys
}

// hidden is what is sealed of a delivery.
type hidden struct {
	Target  string            `json:"target"`
	Headers map[string]string `json:"headers,omitempty"`
}

// conceal seals what is secret of a delivery, if anything is.
func (s sealing) conceal(d Delivery) (Delivery, error) {
	shown := safehttp.Redact(d.Target)
	if len(d.Headers) == 0 && shown == d.Target {
		return d, nil
	}
	plain, err := json.Marshal(hidden{d.Target, d.Headers})
	if err != nil {
		return d, err
	}
	d.Sealed, d.Target, d.Headers = s.keys.Seal(sealedDelivery, d.ID, plain), shown, nil
	return d, nil
}

// known is a delivery for a store that has it already, and keeps what is secret of
// it as it is.
func known(d Delivery) Delivery {
	d.Target, d.Headers = safehttp.Redact(d.Target), nil
	return d
}

// reveal opens what was sealed.
func (s sealing) reveal(d Delivery) (Delivery, error) {
	if len(d.Sealed) == 0 {
		return d, nil
	}
	plain, err := s.keys.Open(sealedDelivery, d.ID, d.Sealed)
	if err != nil {
		return d, fmt.Errorf("open what is sealed of delivery %s: %w", d.ID, err)
	}
	var h hidden
	if err := json.Unmarshal(plain, &h); err != nil {
		return d, fmt.Errorf("read what was sealed of delivery %s: %w", d.ID, err)
	}
	d.Target, d.Headers, d.Sealed = h.Target, h.Headers, nil
	return d, nil
}

func (s sealing) concealAll(all []Delivery) ([]Delivery, error) {
	sealed := make([]Delivery, len(all))
	for i, d := range all {
		var err error
		if sealed[i], err = s.conceal(d); err != nil {
			return nil, err
		}
	}
	return sealed, nil
}

func (s sealing) End(ctx context.Context, o project.Outcome, step Step) (err error) {
	if step.Deliveries, err = s.concealAll(step.Deliveries); err != nil {
		return err
	}
	return s.Store.End(ctx, o, step)
}

func (s sealing) Emit(ctx context.Context, deliveries ...Delivery) error {
	deliveries, err := s.concealAll(deliveries)
	if err != nil {
		return err
	}
	return s.Store.Emit(ctx, deliveries...)
}

func (s sealing) OpenAttempt(ctx context.Context, id string, at time.Time) (Delivery, Attempt, error) {
	d, a, err := s.Store.OpenAttempt(ctx, id, at)
	if err != nil {
		return d, a, err
	}
	d, err = s.reveal(d)
	return d, a, err
}

func (s sealing) CloseAttempt(ctx context.Context, d Delivery, a Attempt, step Step) (err error) {
	if step.Deliveries, err = s.concealAll(step.Deliveries); err != nil {
		return err
	}
	return s.Store.CloseAttempt(ctx, known(d), a, step)
}

func (s sealing) Advance(ctx context.Context, d Delivery, step Step) (err error) {
	if step.Deliveries, err = s.concealAll(step.Deliveries); err != nil {
		return err
	}
	return s.Store.Advance(ctx, known(d), step)
}

func (s sealing) Delivery(ctx context.Context, id string) (Delivery, error) {
	d, err := s.Store.Delivery(ctx, id)
	if err != nil {
		return d, err
	}
	return s.reveal(d)
}

func (s sealing) SetEndpoint(ctx context.Context, change EndpointChange, tell ...Delivery) (bool, error) {
	tell, err := s.concealAll(tell)
	if err != nil {
		return false, err
	}
	return s.Store.SetEndpoint(ctx, change, tell...)
}
