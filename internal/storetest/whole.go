package storetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

var wholeRules = []rule{
	{"ManyAtOnce", manyAtOnce},
	{"Model", modelRule},
}

// manyAtOnce takes many movies through their lives at the same time: nothing is
// lost, nothing is left to do, and every job was announced once.
func manyAtOnce(f *fixture) {
	const clients, movies = 8, 12
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for m := range movies {
				if err := f.life(fmt.Sprintf("p%d.%d", c, m)); err != nil {
					f.Error(err)
				}
			}
		})
	}
	wg.Wait()
	f.equal("render jobs", f.keys(project.Render), "")
	f.equal("deliver jobs", f.keys(export.Deliver), "")
	seen := map[int64]bool{}
	for _, j := range f.takeAnnounced() {
		seen[j.ID] = true
	}
	f.equal("announced jobs", len(seen), clients*movies*3)
	for c := range clients {
		for m := range movies {
			id := fmt.Sprintf("p%d.%d", c, m)
			f.equal("status of "+id, f.get(id).Status, project.Done)
			f.equal("destination of "+id, f.destinations(id)[0].Status, "delivered")
			f.equal("attempts of "+id, len(f.attempts("d"+id)), 2)
		}
	}
}

// life is a movie's, with one retry.
func (f *fixture) life(id string) error {
	if _, _, err := f.Create(f.ctx, newProject(id, t0), webhooks(1), nil); err != nil {
		return err
	}
	if _, err := f.Start(f.ctx, id, t0); err != nil {
		return err
	}
	if err := f.End(f.ctx, done(id), deliveries(newDelivery("d"+id, id, 0, t0))); err != nil {
		return err
	}
	for _, state := range []export.State{export.Retrying, export.Delivered} {
		d, a, err := f.OpenAttempt(f.ctx, "d"+id, t0)
		if err != nil {
			return err
		}
		a.Result, d.State, d.NextAt = export.Refused, state, after(time.Minute)
		if state == export.Delivered {
			a.Result, d.NextAt = export.Succeeded, time.Time{}
		}
		if err := f.CloseAttempt(f.ctx, d, a, export.Step{}); err != nil {
			return err
		}
	}
	return nil
}
