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
	r, err := b.receiver(ctx, Receiving{Endpoints: 1})
	if err != nil {
		return err
	}
	defer r.close()
	d, err := b.deliverer(ctx, "latency", r.urls)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	run := pace{n: max(1, int(b.RateFor.Seconds()*float64(b.Rate))), rate: b.Rate, fn: d.end}
	if err := d.create(ctx, 0, run.n); err != nil {
		return err
	}
	ours, err := paced(ctx, r, run)
	if err != nil {
		return err
	}
	if err := d.recorded(ctx, 0); err != nil {
		return err
	}
	p, err := r.plain(ctx)
	if err != nil {
		return err
	}
	defer p.transport.CloseIdleConnections()
	run.fn = p.send
	plain, err := paced(ctx, r, run)
	if err != nil {
		return err
	}
	t := table{title: fmt.Sprintf("deliver: from render end to receipt, %d a second for %v", b.Rate, b.RateFor)}
	t.add("who", "from", "to", "p50", "p99", "max", "CPU of strangers")
	row := func(who, from string, times []time.Duration, used spent) {
		t.add(who, from, "received", ms(quantile(times, 0.5)), ms(quantile(times, 0.99)), ms(quantile(times, 1)), percent(used.strangers))
	}
	row("Reelhook, durable", "render's end committed", ours.sinceEnd, ours.used.spent)
	row("Reelhook, durable", "commit begun", ours.sinceBegin, ours.used.spent)
	row("plain client", "sent", plain.sinceBegin, plain.used.spent)
	t.add("ratio of the first to the last", "", "", ratioAt(ours.sinceEnd, plain.sinceBegin, 0.5), ratioAt(ours.sinceEnd, plain.sinceBegin, 0.99))
	t.print(b.out)
	return nil
}

// ratioAt is the ratio of two quantiles.
func ratioAt(a, b []time.Duration, q float64) string {
	return times(quantile(a, q), quantile(b, q))
}

// pace is what is called how often.
type pace struct {
	// fn is called for 0 to n-1, rate times a second.
	n, rate int
	fn      func(ctx context.Context, i int) error
	// unseen tells for which nothing is received, nil for none.
	unseen func(i int) bool
}

func (p pace) seen(i int) bool { return p.unseen == nil || !p.unseen(i) }

// delays are how long the webhooks of a paced run took, from the time that fn
// was called and from its return.
type delays struct {
	sinceBegin, sinceEnd []time.Duration
	used                 pairSpent
}

// paced makes a run, each call in its own goroutine so that a slow one holds up
// no other, and waits for the webhooks of all.
func paced(ctx context.Context, r *remote, p pace) (found delays, err error) {
	seen := 0
	for i := range p.n {
		if p.seen(i) {
			seen++
		}
	}
	if err := r.expect(ctx, seen); err != nil {
		return found, err
	}
	m, err := r.start(ctx)
	if err != nil {
		return found, err
	}
	begun, ended, err := p.run(ctx)
	if err != nil {
		return found, err
	}
	if err := r.wait(ctx); err != nil {
		return found, err
	}
	if found.used, err = r.stop(ctx, m); err != nil {
		return found, err
	}
	arrivals, err := r.arrivals(ctx)
	for i := range p.n {
		if !p.seen(i) {
			continue
		}
		at := arrivals[projectID(i)]
		found.sinceBegin = append(found.sinceBegin, at.Sub(begun[i]))
		// The worker is told before the renderer, and on an idle machine may win.
		found.sinceEnd = append(found.sinceEnd, max(0, at.Sub(ended[i])))
	}
	return found, err
}

// run makes the calls, and tells when each began and ended.
func (p pace) run(ctx context.Context) (begun, ended []time.Time, err error) {
	begun, ended = make([]time.Time, p.n), make([]time.Time, p.n)
	errs := make([]error, p.n)
	tick := time.NewTicker(time.Second / time.Duration(p.rate))
	defer tick.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	for i := range p.n {
		running.Go(func() {
			begun[i] = time.Now()
			errs[i] = p.fn(ctx, i)
			ended[i] = time.Now()
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	running.Wait()
	return begun, ended, errors.Join(errs...)
}
