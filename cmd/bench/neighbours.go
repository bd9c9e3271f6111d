package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/reelhook/reelhook/internal/export"
)

// neighbours measures what endpoints that accept and never answer do to the
// others: the same webhooks to the same healthy endpoints, without the hanging
// ones and beside them.
func (b *bench) neighbours(ctx context.Context) error {
	if b.Endpoints < 2 {
		return errors.New("one endpoint has no neighbours; set --endpoints")
	}
	t := table{title: fmt.Sprintf("neighbours: %d endpoints, %d webhooks a second in all for %v", b.Endpoints, b.NeighbourRate, b.NeighboursFor)}
	t.add("healthy endpoints", "hanging", "from", "to", "p50", "p99", "max", "CPU of strangers")
	for _, hanging := range slices.Compact([]int{1, max(1, b.Endpoints/5)}) {
		var found [2]delays
		for i := range found {
			var err error
			if found[i], err = b.disturbed(ctx, hanging, i == 1); err != nil {
				return err
			}
			times := found[i].sinceEnd
			t.add(fmt.Sprint(b.Endpoints-hanging), fmt.Sprint(i*hanging), "render's end committed", "received", ms(quantile(times, 0.5)),
				ms(quantile(times, 0.99)), ms(quantile(times, 1)), percent(found[i].used.strangers))
		}
		t.add("ratio", "", "", "", ratioAt(found[1].sinceEnd, found[0].sinceEnd, 0.5), ratioAt(found[1].sinceEnd, found[0].sinceEnd, 0.99))
	}
	t.print(b.out)
	return nil
}

// disturbed sends to all endpoints, or to the healthy ones alone, at the same
// times, and measures those to the healthy ones.
func (b *bench) disturbed(ctx context.Context, hanging int, all bool) (found delays, err error) {
	r, err := b.receiver(ctx, Receiving{Endpoints: b.Endpoints, Hanging: hanging})
	if err != nil {
		return found, err
	}
	d, err := b.deliverer(ctx, fmt.Sprintf("neighbours-%d-%t", hanging, all), r.urls)
	if err != nil {
		r.close()
		return found, err
	}
	defer func() {
		r.close() // or the attempts that hang would be waited for
		err = errors.Join(err, d.stop())
	}()
	run := pace{n: max(b.Endpoints, int(b.NeighboursFor.Seconds()*float64(b.NeighbourRate))), rate: b.NeighbourRate, fn: d.end,
		unseen: func(i int) bool { return i%b.Endpoints < hanging }}
	if !all {
		run.fn = func(ctx context.Context, i int) error {
			if run.unseen(i) {
				return nil
			}
			return d.end(ctx, i)
		}
	}
	if err := d.create(ctx, 0, run.n); err != nil {
		return found, err
	}
	if found, err = paced(ctx, r, run); err != nil {
		return found, err
	}
	return found, d.checkDisturbed(ctx, run, all)
}

// checkDisturbed waits for what is received to be written down, and holds that
// what hangs is neither delivered nor given up.
func (d *deliverer) checkDisturbed(ctx context.Context, run pace, all bool) error {
	hanging := 0
	for i := range run.n {
		if all && !run.seen(i) {
			hanging++
		}
	}
	if err := d.recorded(ctx, hanging); err != nil {
		return err
	}
	for i := range run.n {
		if run.seen(i) {
			if err := d.check(ctx, i); err != nil {
				return err
			}
			continue
		}
		id := projectID(i)
		found, err := d.db.Destinations(ctx, id)
		if err != nil {
			return err
		}
		if got := found[id]; len(got) != 1 || export.State(got[0].Status).Final() || all != (got[0].Delivery != "") {
			return fmt.Errorf("project %s, whose endpoint hangs, ended as %+v", id, got)
		}
	}
	return nil
}
