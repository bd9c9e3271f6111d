package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// latency sends at a low rate and measures how late each webhook comes.
func (b *bench) latency(ctx context.Context) (err error) {
	r, err := newReceiver(1)
	if err != nil {
		return err
	}
	defer r.close()
	d, err := b.deliverer(ctx, "latency", r.urls)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	n := max(1, int(b.RateFor.Seconds()*float64(b.Rate)))
	if err := d.create(ctx, n); err != nil {
		return err
	}
	ours, err := b.paced(ctx, r, n, d.end)
	if err != nil {
		return err
	}
	if err := d.recorded(ctx); err != nil {
		return err
	}
	p, err := r.plain()
	if err != nil {
		return err
	}
	defer p.transport.CloseIdleConnections()
	plain, err := b.paced(ctx, r, n, p.send)
	if err != nil {
		return err
	}
	t := table{title: fmt.Sprintf("deliver: from render end to receipt, %d a second for %v", b.Rate, b.RateFor)}
	t.add("who", "from", "to", "p50", "p99", "max", "CPU of strangers")
	row := func(who, from string, times []time.Duration, used spent) {
		t.add(who, from, "received", ms(quantile(times, 0.5)), ms(quantile(times, 0.99)), ms(quantile(times, 1)), percent(used.strangers))
	}
	row("Reelhook, durable", "render's end committed", ours.sinceEnd, ours.used)
	row("Reelhook, durable", "commit begun", ours.sinceBegin, ours.used)
	row("plain client", "sent", plain.sinceBegin, plain.used)
	t.add("ratio of the first to the last", "", "", ratio(float64(quantile(ours.sinceEnd, 0.5)), float64(quantile(plain.sinceBegin, 0.5))),
		ratio(float64(quantile(ours.sinceEnd, 0.99)), float64(quantile(plain.sinceBegin, 0.99))))
	t.print(b.out)
	return nil
}

// delays are how long the webhooks of a paced run took, from the time that fn
// was called and from its return.
type delays struct {
	sinceBegin, sinceEnd []time.Duration
	used                 spent
}

// paced calls fn n times at the rate, each in its own goroutine so that a slow
// one holds up no other, and waits for the webhooks of all.
func (b *bench) paced(ctx context.Context, r *receiver, n int, fn func(context.Context, int) error) (delays, error) {
	begun, ended, errs := make([]time.Time, n), make([]time.Time, n), make([]error, n)
	r.expect(n)
	m := start()
	tick := time.NewTicker(time.Second / time.Duration(b.Rate))
	defer tick.Stop()
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			begun[i] = time.Now()
			errs[i] = fn(ctx, i)
			ended[i] = time.Now()
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
			running.Wait()
			return delays{}, ctx.Err()
		}
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return delays{}, err
	}
	if err := r.wait(ctx); err != nil {
		return delays{}, err
	}
	found := delays{used: m.stop(0)}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range n {
		at := r.at[projectID(i)]
		found.sinceBegin = append(found.sinceBegin, at.Sub(begun[i]))
		// The worker is told before the renderer, and on an idle machine may win.
		found.sinceEnd = append(found.sinceEnd, max(0, at.Sub(ended[i])))
	}
	return found, nil
}
