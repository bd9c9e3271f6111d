package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// listings is how often each page of the log is asked for, and pageSize how long
// it is: the API's own default.
const (
	listings = 200
	pageSize = 50
)

// growth measures delivering into a full log beside delivering into an empty
// one, in turns, and how long it takes to show pages of both.
func (b *bench) growth(ctx context.Context) error {
	r, err := b.receiver(ctx, Receiving{Endpoints: b.Endpoints})
	if err != nil {
		return err
	}
	defer r.close()
	began := time.Now()
	if err := b.fill(ctx, r, "old", b.Old); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n%d old deliveries were put into the log in %.0f s.\n", b.Old, time.Since(began).Seconds())
	logs := []log{{name: "empty at first"}, {name: fmt.Sprintf("%d old", b.Old), first: b.Endpoints}}
	for turn := range b.Turns {
		for i, file := range []string{fmt.Sprintf("empty-%d", turn), "old"} {
			if err := b.grow(ctx, r, file, &logs[i], turn); err != nil {
				return fmt.Errorf("%s: %w", logs[i].name, err)
			}
		}
	}
	b.printGrowth(logs)
	b.printPages(logs)
	return nil
}

// log is a delivery log, and what was measured with it.
type log struct {
	name string
	// first numbers the first project that is not in it yet.
	first                                 int
	walls, cpus, strangers, peaks, stored []float64
	pages                                 []page
}

// page is a page of the log, how many deliveries are on it, and how long it took
// each time.
type page struct {
	name  string
	ask   export.Page
	found int
	times []time.Duration
}

// grow delivers into a log, and at the last turn asks for its pages.
func (b *bench) grow(ctx context.Context, r *remote, file string, l *log, turn int) (err error) {
	d, err := b.deliverer(ctx, file, r.urls)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	used, stored, err := b.deliverAll(ctx, d, r, l.first)
	if err != nil {
		return err
	}
	if file == "old" {
		l.first += b.Deliveries
	}
	l.walls, l.cpus = append(l.walls, used.wall.Seconds()), append(l.cpus, used.cpu.Seconds())
	l.peaks, l.strangers = append(l.peaks, float64(used.peak)), append(l.strangers, used.strangers)
	l.stored = append(l.stored, stored)
	if turn < b.Turns-1 {
		return nil
	}
	l.pages, err = d.list(ctx)
	return err
}

// list asks for pages as GET /deliveries does.
func (d *deliverer) list(ctx context.Context) ([]page, error) {
	newest, _, err := d.db.Deliveries(ctx, export.Page{Limit: 1})
	if err != nil || len(newest) == 0 {
		return nil, fmt.Errorf("an empty log: %w", err)
	}
	one := newest[0]
	middle := one.CreatedAt.Add(-oldAge / 2)
	pages := []page{
		{name: "all, newest first", ask: export.Page{}},
		{name: "all, two weeks back", ask: export.Page{Filter: export.Filter{To: middle}}},
		{name: "state failed", ask: export.Page{Filter: export.Filter{States: []export.State{export.Failed}}}},
		{name: "one project", ask: export.Page{Filter: export.Filter{Project: one.Project}}},
		{name: "one endpoint", ask: export.Page{Filter: export.Filter{Endpoint: one.Endpoint}}},
		{name: "one endpoint, two weeks back", ask: export.Page{Filter: export.Filter{Endpoint: one.Endpoint, To: middle}}},
		{name: "one endpoint, state failed", ask: export.Page{Filter: export.Filter{Endpoint: one.Endpoint, States: []export.State{export.Failed}}}},
		{name: "one endpoint, state delivered", ask: export.Page{Filter: export.Filter{Endpoint: one.Endpoint, States: []export.State{export.Delivered}}}},
	}
	for i := range pages {
		p := &pages[i]
		p.ask.Limit = pageSize
		for range listings {
			began := time.Now()
			found, _, err := d.db.Deliveries(ctx, p.ask)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			p.found, p.times = len(found), append(p.times, time.Since(began))
		}
	}
	return pages, nil
}

func (b *bench) printGrowth(logs []log) {
	t := table{title: fmt.Sprintf("growth: %d webhooks to %d endpoints, median of %d; the disk does %.0f fdatasync/s",
		b.Deliveries, b.Endpoints, b.Turns, b.syncs)}
	t.add("log", "deliveries/s", "CPU ms each: sender", "peak RSS of sender", "bytes stored each", "CPU of strangers")
	n := float64(b.Deliveries)
	for _, l := range logs {
		t.add(l.name, fmt.Sprintf("%.0f", n/median(l.walls)), fmt.Sprintf("%.3f", median(l.cpus)*1e3/n), mib(int64(median(l.peaks))),
			fmt.Sprintf("%.0f", median(l.stored)/n), percent(median(l.strangers)))
	}
	empty, old := logs[0], logs[1]
	t.add("ratio", ratio(median(empty.walls), median(old.walls)), ratio(median(old.cpus), median(empty.cpus)),
		ratio(median(old.peaks), median(empty.peaks)), ratio(median(old.stored), median(empty.stored)))
	t.print(b.out)
}

func (b *bench) printPages(logs []log) {
	t := table{title: fmt.Sprintf("growth: pages of %d from the log, %d times each", pageSize, listings)}
	t.add("page", logs[0].name+": found", "p50", "p99", logs[1].name+": found", "p50", "p99", "ratio of p50")
	for i, p := range logs[0].pages {
		old := logs[1].pages[i]
		more := "-" // where there was nothing to show
		if p.found == old.found {
			more = ratioAt(old.times, p.times, 0.5)
		}
		t.add(p.name, fmt.Sprint(p.found), ms(quantile(p.times, 0.5)), ms(quantile(p.times, 0.99)),
			fmt.Sprint(old.found), ms(quantile(old.times, 0.5)), ms(quantile(old.times, 0.99)), more)
	}
	t.print(b.out)
}
