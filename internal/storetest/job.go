package storetest

import (
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var jobRules = []rule{
	{"JobsInOrderByPages", jobsInOrder},
	{"FinishAndPostpone", finishAndPostpone},
	{"IDsNeverComeTwice", idsNeverComeTwice},
	{"AnnouncedAfterCommit", announcedAfterCommit},
}

func jobsInOrder(f *fixture) {
	for i, at := range []time.Duration{5, 1, 3, 1, 5, 1, 4} {
		f.create(fmt.Sprintf("p%d", i), after(at), 0)
	}
	f.deliver("other", "d1") // another kind, and an early one
	for _, limit := range []int{1, 2, 3, 7, 8} {
		got := ""
		var last queue.Job
		for {
			page, err := f.Jobs(f.ctx, project.Render, last, limit)
			f.must(err)
			if len(page) > limit {
				f.Fatalf("%d jobs on a page of %d", len(page), limit)
			}
			if len(page) == 0 {
				break
			}
			for _, j := range page {
				got += j.Key + " "
			}
			last = page[len(page)-1]
		}
		f.equal(fmt.Sprint("pages of ", limit), got, "p1 p3 p5 p2 p6 p0 p4 ")
	}
}

func finishAndPostpone(f *fixture) {
	f.create("a", t0, 0)
	f.create("b", after(1), 0)
	a, b := f.jobs(project.Render)[0], f.jobs(project.Render)[1]
	f.must(f.Postpone(f.ctx, a.ID, after(time.Hour), 7))
	a.RunAt, a.Faults = after(time.Hour), 7
	f.equal("postponed", f.jobs(project.Render), []queue.Job{b, a})
	for range 2 {
		f.must(f.Finish(f.ctx, b.ID))
	}
	f.equal("finished", f.jobs(project.Render), []queue.Job{a})
	f.must(f.Postpone(f.ctx, b.ID, t0, 1))
	f.equal("a finished job does not come back", f.jobs(project.Render), []queue.Job{a})

	d := event(t0, 1)
	f.stand(d, export.Retrying)
	retry := f.jobs(export.Deliver)[0]
	f.must(f.Postpone(f.ctx, retry.ID, after(9*time.Hour), 1))
	retry.RunAt, retry.Faults = after(9*time.Hour), 1
	f.equal("a retry stays one", f.jobs(export.Deliver), []queue.Job{retry})
	f.equal("and is one", retry.Retry, true)
}

func idsNeverComeTwice(f *fixture) {
	f.create("a", t0, 0)
	old := f.jobs(project.Render)[0]
	f.must(f.Finish(f.ctx, old.ID))
	f.create("b", t0, 0)
	if now := f.jobs(project.Render)[0]; now.ID <= old.ID {
		f.Errorf("id %d after %d", now.ID, old.ID)
	}
}

func announcedAfterCommit(f *fixture) {
	var seen []queue.Job
	f.OnJobs(func(jobs []queue.Job) {
		found, err := f.Jobs(f.ctx, project.Render, queue.Job{}, 10)
		if err != nil {
			f.Error(err)
		}
		f.equal("jobs in the database when announced", found, jobs)
		seen = append(seen, jobs...)
	})
	f.create("a", t0, 0)
	f.equal("announced when the caller goes on", len(seen), 1)
}
