package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/reelhook/reelhook/internal/app"
)

// slowReceiver is how long the slow receiver takes for an answer.
const slowReceiver = 5 * time.Millisecond

// throughput ends many renderings at once and counts what arrives.
func (b *bench) throughput(ctx context.Context) error {
	var t table
	t.add("who", "endpoints", "answers in", "deliveries/s", "CPU ms each: sender", "receiver", "together",
		"peak RSS of sender", "bytes stored each", "CPU of strangers")
	var size int
	for _, endpoints := range slices.Compact([]int{1, b.Endpoints}) {
		for _, delay := range []time.Duration{0, slowReceiver} {
			sample, err := b.beside(ctx, &t, Receiving{Endpoints: endpoints, Delay: delay})
			if err != nil {
				return err
			}
			size = len(sample.Body)
		}
	}
	t.title = fmt.Sprintf("deliver: %d webhooks of %d bytes, %d workers, %d an endpoint; the disk does %.0f fdatasync/s",
		b.Deliveries, size, app.DeliverWorkers, app.DeliverPerEndpoint, b.syncs)
	t.print(b.out)
	return nil
}

// beside measures Reelhook and the plain client with the same receiver.
func (b *bench) beside(ctx context.Context, t *table, o Receiving) (s Sample, err error) {
	r, err := b.receiver(ctx, o)
	if err != nil {
		return s, err
	}
	defer r.close()
	d, err := b.deliverer(ctx, fmt.Sprintf("deliver-%d-%v", o.Endpoints, o.Delay), r.urls)
	if err != nil {
		return s, err
	}
	ours, stored, err := b.deliverAll(ctx, d, r, 0)
	if err := errors.Join(err, d.stop()); err != nil {
		return s, err
	}
	plain, err := b.postAll(ctx, r)
	if err != nil {
		return s, err
	}
	row := func(who, stored string, used pairSpent) {
		t.add(who, fmt.Sprint(o.Endpoints), o.Delay.String(), perSecond(b.Deliveries, used.wall), b.each(used.cpu), b.each(used.receiver),
			b.each(used.cpu+used.receiver), mib(used.peak), stored, percent(used.strangers))
	}
	row("Reelhook, durable", fmt.Sprintf("%.0f", stored/float64(b.Deliveries)), ours)
	row("plain client", "0", plain)
	t.add("ratio", fmt.Sprint(o.Endpoints), o.Delay.String(), times(plain.wall, ours.wall), times(ours.cpu, plain.cpu),
		times(ours.receiver, plain.receiver), times(ours.cpu+ours.receiver, plain.cpu+plain.receiver))
	return r.sample(ctx)
}

func times(a, b time.Duration) string { return ratio(a.Seconds(), b.Seconds()) }

// each is a part of the CPU time for each webhook, in milliseconds.
func (b *bench) each(cpu time.Duration) string {
	return fmt.Sprintf("%.3f", cpu.Seconds()*1e3/float64(b.Deliveries))
}

// deliverAll measures Reelhook from the first rendering's end until every
// webhook is received and its attempt written down. Projects are numbered from
// first. stored is by how many bytes the database grew.
func (b *bench) deliverAll(ctx context.Context, d *deliverer, r *remote, first int) (used pairSpent, stored float64, err error) {
	if err := d.create(ctx, first, b.Deliveries); err != nil {
		return used, 0, err
	}
	before, err := size(ctx, d.path)
	if err != nil {
		return used, 0, err
	}
	if err := r.expect(ctx, b.Deliveries); err != nil {
		return used, 0, err
	}
	m, err := r.start(ctx)
	if err != nil {
		return used, 0, err
	}
	if err := parallel(b.Deliveries, enders, func(i int) error { return d.end(ctx, first+i) }); err != nil {
		return used, 0, err
	}
	if err := errors.Join(r.wait(ctx), d.recorded(ctx, 0)); err != nil {
		return used, 0, err
	}
	if used, err = r.stop(ctx, m); err != nil {
		return used, 0, err
	}
	after, err := size(ctx, d.path)
	for i := 0; err == nil && i < b.Deliveries; i++ {
		err = d.check(ctx, first+i)
	}
	return used, after - before - float64(len(answer)*b.Deliveries), err
}

// size is how many bytes of a database hold something: the pages of its tables
// and indexes. Jobs are left out. They come and go, and those of the renderings
// that end would make room for what is measured.
func size(ctx context.Context, path string) (bytes float64, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		return 0, err
	}
	defer db.Close() //nolint:errcheck // nothing is written
	err = db.QueryRowContext(ctx, "SELECT sum(pgsize) FROM dbstat WHERE name NOT IN "+
		"(SELECT name FROM sqlite_schema WHERE tbl_name = 'job')").Scan(&bytes)
	return bytes, err
}
