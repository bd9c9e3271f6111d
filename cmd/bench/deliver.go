package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
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
	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/internal/sqlite"
)

const (
	// plainClients is how many goroutines the plain client posts with.
	plainClients = 64
	// enders is how many renderings end at once in the throughput runs.
	enders = 64
	// logAge is the server's default of --log-retention.
	logAge = 30 * 24 * time.Hour
)

// deliverer is the part of a server behind the renderer.
type deliverer struct {
	db *sqlite.DB
	// path is the database's file.
	path     string
	pipeline *export.Pipeline
	// movies are what is delivered for, one for each endpoint.
	movies []*movie.Movie
	bodies [][]byte
	stop   func() error
}

// deliverer opens the database of that name and starts what stands behind a
// renderer upon it.
func (b *bench) deliverer(ctx context.Context, name string, endpoints []string) (*deliverer, error) {
	db, err := b.database(ctx, name+".db")
	if err != nil {
		return nil, err
	}
	d := &deliverer{db: db, path: filepath.Join(b.dir, name+".db")}
	if err := b.wire(ctx, d); err != nil {
		return nil, errors.Join(err, db.Close())
	}
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

// wire builds and starts it as internal/app does with the default settings; only
// the metrics are missing.
func (b *bench) wire(ctx context.Context, d *deliverer) error {
	rings, err := signing.Load(ctx, signing.Options{Store: d.db})
	if err != nil {
		return err
	}
	leaf := exportwebhook.New(exportwebhook.Options{
		Policy: safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true},
		Keys:   rings.Signers, Version: "bench", PerHost: app.DeliverPerEndpoint,
	})
	d.pipeline = export.New(export.Options{
		Store: d.db, Projects: d.db, Leaves: map[string]export.Leaf{"webhook": leaf}, FileURL: fileURL, Log: b.log,
		PerGroup: app.DeliverPerEndpoint,
	})
	if err := d.pipeline.Load(ctx); err != nil {
		return err
	}
	jobs := queue.New(queue.Options{Store: d.db, Log: b.log, Kinds: map[queue.Kind]queue.KindOptions{
		export.Deliver: {Worker: d.pipeline, Workers: app.DeliverWorkers, PerGroup: app.DeliverPerEndpoint,
			Reserve: app.DeliverReserve, Gate: d.pipeline.Gate},
	}})
	d.db.OnJobs(func(j []queue.Job) { jobs.Add(j...) })
	running, stopJobs := context.WithCancel(ctx)
	beside, stopBeside := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { d.pipeline.Keep(beside) })
	background.Go(func() { export.Retention{Cleaner: d.db, Age: logAge, Log: b.log, Now: time.Now}.Run(beside) })
	ran := make(chan error, 1)
	go func() { ran <- jobs.Run(running) }()
	d.stop = func() error {
		stopJobs()
		err := <-ran
		stopBeside()
		background.Wait()
		return errors.Join(err, d.db.Close())
	}
	return nil
}

// project is the nth, as it was accepted. It is made again whenever it is
// needed, so that the benchmark's own memory is not taken for the server's.
func (d *deliverer) project(n int) (project.Project, *movie.Movie) {
	i := n % len(d.movies)
	m := d.movies[i]
	id := projectID(n)
	return project.Project{ID: id, Status: project.Pending, MovieID: m.ID, Source: d.bodies[i], ClientData: m.ClientData,
		FileKey: id + "/2026-01-01-12345.mp4", CreatedAt: time.Now()}, m
}

// projectID is different for every n and rises as a server's do: by the second,
// of which each here has acceptedEach.
func projectID(n int) string {
	return fmt.Sprintf("A%05d%010x", n/acceptedEach, uint64(n+1)*0x9e3779b97f4a7c15>>24)
}

const acceptedEach = 5000

// create has n projects accepted, from the one numbered first.
func (d *deliverer) create(ctx context.Context, first, n int) error {
	return parallel(n, enders, func(i int) error {
		p, m := d.project(first + i)
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

// recorded waits until no more deliveries than that are left to be made or
// written down.
func (d *deliverer) recorded(ctx context.Context, most int) error {
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		left, err := d.db.Jobs(ctx, export.Deliver, queue.Job{}, most+1)
		if err != nil || len(left) <= most {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// check holds that a project's webhook is delivered, at the first attempt: a
// benchmark of failures would be fast too.
func (d *deliverer) check(ctx context.Context, n int) error {
	p := projectID(n)
	all, err := d.db.Destinations(ctx, p)
	if err != nil {
		return err
	}
	if got := all[p]; len(got) != 1 || got[0].Status != string(export.Delivered) || got[0].Attempts != 1 {
		return fmt.Errorf("project %s ended as %+v", p, got)
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
