package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/reelhook/reelhook/internal/api"
)

type deliveriesRedeliverCmd struct {
	remote
	ID   id     `arg:"" help:"ID of the delivery."`
	To   string `help:"Another address; it gets a delivery of its own with the same body and webhook-id." placeholder:"URL"`
	Wait bool   `help:"Wait for the attempt; the exit status is 1 unless it was delivered."`
}

// Help is shown below the flags.
func (deliveriesRedeliverCmd) Help() string {
	return `Works in every state, also after it was delivered; the whole schedule of attempts is before it again.

Example:

  reelhook deliveries redeliver dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0 --wait`
}

// Run redelivers.
func (c deliveriesRedeliverCmd) Run(ctx context.Context, s *screen) error {
	d, err := c.client().Redeliver(ctx, string(c.ID), c.To)
	if err == nil && c.Wait {
		d, err = c.settle(ctx, d)
	}
	if err != nil {
		return c.explain(err)
	}
	if c.JSON {
		err = s.json(api.DeliveryChange{Success: true, Delivery: d})
	} else {
		if !c.Wait {
			d.Message = "" // it is of the attempt before
		}
		s.outcome(d)
	}
	if err == nil && c.Wait && d.Status != "delivered" {
		return exitCode(1)
	}
	return err
}

// settle waits until a delivery that is due has had an attempt, or there is to be
// none.
func (c deliveriesRedeliverCmd) settle(ctx context.Context, before api.Delivery) (d api.Delivery, err error) {
	rest := []string{"delivered", "failed", "cancelled", "held"}
	return d, poll(ctx, func() (bool, error) {
		detail, err := c.client().Delivery(ctx, before.ID)
		d = detail.Delivery
		return slices.Contains(rest, d.Status) || d.Attempts > before.Attempts && d.Status != "running", err
	})
}

type deliveriesRecoverCmd struct {
	remote
	chosen
	Since moment `required:"" help:"What was made since: a time, a date (UTC) or how long ago, such as 2h." placeholder:"2h"`
	Until moment `help:"Only what was made before, in the same forms; a date counts whole." placeholder:"1h"`
	Wait  bool   `help:"Wait until all are on their way again, and show how far it is."`
}

// Help is shown below the flags.
func (deliveriesRecoverCmd) Help() string {
	return `For after an outage of a receiver. Without --status it takes what failed or is held, and sends it in the order it was made. What cannot be sent, because its endpoint is not enabled, is passed over.

Examples:

  reelhook deliveries recover --since 2h --wait
  reelhook deliveries recover --since 2026-01-31T12:00:00Z --until 2026-01-31T14:00:00Z`
}

// Run recovers.
func (c deliveriesRecoverCmd) Run(ctx context.Context, s *screen) error {
	begun, err := c.client().Recover(ctx, api.RecoverOrder{Since: c.Since.at(s.now()), Until: c.Until.at(s.now()),
		Status: c.Status, Endpoint: c.Endpoint, Project: c.Project, Event: c.Event})
	if err != nil {
		return c.explain(err)
	}
	if !c.JSON {
		s.fact("Deliveries", fmt.Sprint(begun.Count))
		s.fact("Recovery", begun.Recovery)
	}
	if !c.Wait {
		if c.JSON {
			return s.json(begun)
		}
		return nil
	}
	ended, err := c.watch(ctx, s, begun.Recovery)
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(api.RecoveryReply{Success: true, Recovery: ended})
	}
	s.fact("Sent again", fmt.Sprintf("%d of %d", ended.Done, ended.Total))
	return nil
}

// watch shows how far a recovery is, a line for each tenth of it, until it ended.
func (c deliveriesRecoverCmd) watch(ctx context.Context, s *screen, id string) (r api.Recovery, err error) {
	tenth := 0
	return r, poll(ctx, func() (bool, error) {
		var err error
		r, err = c.client().Recovery(ctx, id)
		if now := r.Done * 10 / max(1, r.Total); err == nil && now > tenth && r.Status != "done" {
			tenth = now
			fmt.Fprintf(s.errs, "%d of %d\n", r.Done, r.Total)
		}
		return r.Status == "done", err
	})
}
