package queue

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// noStore has no rows; its workers record their work themselves.
type noStore struct{}

func (noStore) Jobs(context.Context, Kind, Job, int) ([]Job, error)   { return nil, nil }
func (noStore) Finish(context.Context, int64) error                   { return nil }
func (noStore) Postpone(context.Context, int64, time.Time, int) error { return nil }

// BenchmarkAdd is what a job costs from Add to the end of its worker, without a
// store. Gated, every second job is a retry and its gate lets few run.
func BenchmarkAdd(b *testing.B) {
	for _, tc := range []struct {
		name   string
		groups int
		gated  bool
	}{{"1 group", 1, false}, {"50 groups", 50, false}, {"50 groups gated", 50, true}, {"100000 groups gated", 100_000, true}} {
		b.Run(tc.name, func(b *testing.B) {
			var left sync.WaitGroup
			left.Add(b.N)
			k := KindOptions{Workers: 64, PerGroup: 16, Worker: workFunc(func(context.Context, Job) error {
				left.Done()
				return ErrRecorded
			})}
			if tc.gated {
				k.Reserve = 16
				k.Gate = func(string, time.Time) Allowance { return Allowance{All: 4, Retries: 1} }
			}
			d := New(Options{Store: noStore{}, Kinds: map[Kind]KindOptions{"work": k}})
			jobs := benchJobs(b.N, tc.groups)
			for i := range jobs {
				jobs[i].Retry = tc.gated && i/tc.groups%2 == 1
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error)
			go func() { done <- d.Run(ctx) }()
			b.ReportAllocs()
			b.ResetTimer()
			for ; len(jobs) > 0; jobs = jobs[min(64, len(jobs)):] {
				d.Add(jobs[:min(64, len(jobs))]...)
			}
			left.Wait()
			b.StopTimer()
			cancel()
			<-done
		})
	}
}

func benchJobs(n, groups int) []Job {
	names := make([]string, groups)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	jobs, now := make([]Job, n), time.Now()
	for i := range jobs {
		jobs[i] = Job{ID: int64(i + 1), Kind: "work", Key: fmt.Sprint(i), Group: names[i%groups], RunAt: now}
	}
	return jobs
}

// BenchmarkHeld is the memory that a held job takes, and the time that Depth does
// when every group has due ones.
func BenchmarkHeld(b *testing.B) {
	for _, groups := range []int{50, 100_000} {
		b.Run(fmt.Sprint(groups, " groups"), func(b *testing.B) {
			const n = 1_000_000
			jobs := benchJobs(n, groups)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			d := New(Options{Store: noStore{}, Kinds: map[Kind]KindOptions{"work": {}}})
			d.Add(jobs...)
			runtime.GC()
			runtime.ReadMemStats(&after)
			for b.Loop() {
				d.Depth("work")
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/job")
			runtime.KeepAlive(jobs)
		})
	}
}

// BenchmarkDispatch runs jobs through a worker that does nothing, added as they
// come and read from a backlog far larger than memory.
func BenchmarkDispatch(b *testing.B) {
	for _, tc := range []struct {
		name    string
		groups  int
		backlog bool
	}{{"added", 50, false}, {"backlog of 1 group", 1, true}, {"backlog of 50 groups", 50, true}} {
		b.Run(tc.name, func(b *testing.B) {
			store := newFakeStore()
			var left sync.WaitGroup
			left.Add(b.N)
			d := New(Options{Store: store, Kinds: map[Kind]KindOptions{"work": {Workers: 64, PerGroup: 16, Worker: workFunc(func(context.Context, Job) error {
				left.Done()
				return nil
			})}}})
			jobs := make([]Job, b.N)
			for i := range jobs {
				jobs[i] = Job{Kind: "work", Key: fmt.Sprint(i), Group: fmt.Sprint(i % tc.groups), RunAt: time.Now()}
			}
			if tc.backlog {
				store.insert(jobs...)
			}
			store.added = d.Add
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error)
			b.ResetTimer()
			go func() { done <- d.Run(ctx) }()
			if !tc.backlog {
				for ; len(jobs) > 0; jobs = jobs[min(64, len(jobs)):] {
					store.insert(jobs[:min(64, len(jobs))]...)
				}
			}
			left.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			b.ReportMetric(float64(store.read)/float64(b.N), "rows/job")
			cancel()
			<-done
		})
	}
}
