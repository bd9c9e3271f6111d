package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/export"
	exportwebhook "github.com/reelhook/reelhook/internal/export/webhook"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/sqlite"
	"github.com/reelhook/reelhook/webhook"
)

const (
	// plainClients is how many goroutines the plain client posts with.
	plainClients = 64
	// enders is how many renderings end at once in the throughput runs.
	enders = 64
)

// deliverer is the part of a server behind the renderer.
type deliverer struct {
	db       *sqlite.DB
	pipeline *export.Pipeline
	// movies are what is delivered for, one for each endpoint.
	movies []*movie.Movie
	bodies [][]byte
	stop   func() error
}

// deliverer wires it as internal/app does and starts it.
func (b *bench) deliverer(ctx context.Context, name string, endpoints []string) (*deliverer, error) {
	secret, err := webhook.ParseSecret(webhook.NewSecret())
	if err != nil {
		return nil, err
	}
	db, err := b.database(ctx, name+".db")
	if err != nil {
		return nil, err
	}
	leaf := exportwebhook.New(exportwebhook.Options{
		Policy:  safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true},
		Secrets: func() []webhook.Secret { return []webhook.Secret{secret} },
		Version: "bench",
	})
	pipeline := export.New(export.Options{
		Store: db, Projects: db, Leaves: map[string]export.Leaf{"webhook": leaf}, FileURL: fileURL, Log: b.log,
	})
	jobs := queue.New(queue.Options{Store: db, Log: b.log, Kinds: map[queue.Kind]queue.KindOptions{
		export.Deliver: {Worker: pipeline, Workers: app.DeliverWorkers, PerGroup: app.DeliverPerEndpoint},
	}})
	db.OnJobs(func(j []queue.Job) { jobs.Add(j...) })
	running, cancel := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- jobs.Run(running) }()
	d := &deliverer{db: db, pipeline: pipeline, stop: func() error {
		cancel()
		return errors.Join(<-ran, db.Close())
	}}
	for _, url := range endpoints {
		body := submission(url)
		m, err := movie.Parse(body)
		if err != nil {
			return nil, errors.Join(err, d.stop())
		}
		d.movies, d.bodies = append(d.movies, m), append(d.bodies, body)
	}
	return d, nil
}

// project is the nth, as it was accepted. It is made again whenever it is
// needed, so that the benchmark's own memory is not taken for the server's.
func (d *deliverer) project(n int) (project.Project, *movie.Movie) {
	i := n % len(d.movies)
	m := d.movies[i]
	id := projectID(n)
	return project.Project{ID: id, Status: project.Pending, MovieID: m.ID, Source: d.bodies[i], ClientData: m.ClientData,
		FileKey: id + "/2026-01-01-12345.mp4", CreatedAt: time.Unix(1767225600, 0).UTC()}, m
}

func projectID(n int) string { return fmt.Sprintf("bench%011d", n) }

// create has n projects accepted.
func (d *deliverer) create(ctx context.Context, n int) error {
	return parallel(n, enders, func(i int) error {
		p, m := d.project(i)
		_, _, err := d.db.Create(ctx, p, export.Destinations(m.Exports), nil)
		return err
	})
}

// end ends the rendering of the nth project.
func (d *deliverer) end(ctx context.Context, n int) error {
	p, m := d.project(n)
	return d.pipeline.Ended(ctx, p, m.Exports, project.Outcome{ID: p.ID, Status: project.Done, EndedAt: time.Now(),
		Result: project.Result{File: p.FileKey, Duration: 5, Size: 1234567, Width: 1280, Height: 720}})
}

// recorded waits until no delivery is left to be made or written down.
func (d *deliverer) recorded(ctx context.Context) error {
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		left, err := d.db.Jobs(ctx, export.Deliver, queue.Job{}, 1)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// check holds that all of n are delivered, at the first attempt: a benchmark of
// failures would be fast too.
func (d *deliverer) check(ctx context.Context, n int) error {
	for i := range n {
		p := projectID(i)
		all, err := d.db.Destinations(ctx, p)
		if err != nil {
			return err
		}
		if got := all[p]; len(got) != 1 || got[0].Status != string(export.Delivered) || got[0].Attempts != 1 {
			return fmt.Errorf("project %s ended as %+v", p, got)
		}
	}
	return nil
}

// deliver measures webhooks from the renderer's last word to the receiver.
func (b *bench) deliver(ctx context.Context) error {
	if err := b.throughput(ctx); err != nil {
		return err
	}
	return b.latency(ctx)
}

// throughput ends many renderings at once and counts what arrives.
func (b *bench) throughput(ctx context.Context) error {
	var t table
	t.add("who", "endpoints", "deliveries/s", "CPU ms each", "peak RSS", "CPU of strangers")
	for _, endpoints := range slices.Compact([]int{1, b.Endpoints}) {
		r, err := newReceiver(endpoints)
		if err != nil {
			return err
		}
		ours, err := b.deliverAll(ctx, r)
		if err == nil {
			var plain spent
			plain, err = b.postAll(ctx, r)
			n := float64(b.Deliveries)
			for i, used := range []spent{ours, plain} {
				t.add([]string{"Reelhook, durable", "plain client"}[i], fmt.Sprint(endpoints), perSecond(b.Deliveries, used.wall),
					ratio(used.cpu.Seconds()*1e3, n), mib(used.peak), percent(used.strangers))
			}
			t.add("ratio", fmt.Sprint(endpoints), ratio(plain.wall.Seconds(), ours.wall.Seconds()), ratio(ours.cpu.Seconds(), plain.cpu.Seconds()))
		}
		r.close()
		if err != nil {
			return err
		}
		t.title = fmt.Sprintf("deliver: %d webhooks of %d bytes, %d workers, %d an endpoint", b.Deliveries, len(r.body), app.DeliverWorkers, app.DeliverPerEndpoint)
	}
	t.print(b.out)
	return nil
}

// deliverAll measures Reelhook from the first rendering's end until every
// webhook is received and its attempt written down.
func (b *bench) deliverAll(ctx context.Context, r *receiver) (used spent, err error) {
	d, err := b.deliverer(ctx, fmt.Sprintf("deliver%d", len(r.urls)), r.urls)
	if err != nil {
		return used, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.create(ctx, b.Deliveries); err != nil {
		return used, err
	}
	r.expect(b.Deliveries)
	m := start()
	if err := parallel(b.Deliveries, enders, func(i int) error { return d.end(ctx, i) }); err != nil {
		return used, err
	}
	if err := r.wait(ctx); err != nil {
		return used, err
	}
	if err := d.recorded(ctx); err != nil {
		return used, err
	}
	used = m.stop(0)
	return used, d.check(ctx, b.Deliveries)
}

// parallel calls fn for 0 to n-1 from a number of goroutines, until one fails.
func parallel(n, goroutines int, fn func(i int) error) error {
	var next atomic.Int64
	errs := make([]error, goroutines)
	var running sync.WaitGroup
	for g := range goroutines {
		running.Go(func() {
			for errs[g] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[g] = fn(i)
			}
			next.Store(int64(n)) // the others need not go on
		})
	}
	running.Wait()
	return cmp.Or(errs...) // what failed mostly failed for all
}
