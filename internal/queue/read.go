package queue

import (
	"context"
	"time"
)

// page is how many rows are read at once.
const page = 500

// read takes in every unfinished job once, then sweeps: as often as sweepEvery
// says it reads the due ones, until ctx ends.
func (p *pool) read(ctx context.Context) {
	p.readAll(ctx, func(Job) bool { return true })
	sweep := time.NewTicker(p.sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			p.readAll(ctx, func(job Job) bool { return !job.RunAt.After(time.Now()) })
		}
	}
}

// readAll reads pages to the end of the store's order, or of those jobs that are
// wanted.
func (p *pool) readAll(ctx context.Context, wanted func(Job) bool) {
	var after Job
	for failures := 0; ctx.Err() == nil; {
		rows, err := p.readPage(ctx, after)
		if err != nil {
			failures++
			p.log.ErrorContext(ctx, "jobs not read", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(pause(failures)):
			}
			continue
		}
		failures = 0
		if len(rows) < page || !wanted(rows[len(rows)-1]) {
			return
		}
		after = rows[len(rows)-1]
	}
}

// readPage reads one page and takes it in, but for jobs that were done since:
// the page is as old as the moment its reading began.
func (p *pool) readPage(ctx context.Context, after Job) ([]Job, error) {
	p.mu.Lock()
	p.gone = map[string]int64{}
	p.mu.Unlock()
	rows, err := p.store.Jobs(ctx, p.kind, after, page)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, job := range rows {
		if job.ID > p.gone[job.Key] {
			p.offer(job, now)
		}
	}
	p.gone = nil
	p.step()
	return rows, err
}
