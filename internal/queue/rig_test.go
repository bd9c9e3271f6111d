package queue

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// workFunc is a Worker.
type workFunc func(ctx context.Context, job Job) error

func (f workFunc) Work(ctx context.Context, job Job) error { return f(ctx, job) }

// run is one call of a worker.
type run struct {
	Key    string
	At     time.Duration // since the start
	Faults int
}

// rig is a dispatcher over a fake store, running in the bubble of a test.
type rig struct {
	*Dispatcher
	store *fakeStore
	begin time.Time
	stop  func()
	log   *lockedBuffer

	mu   sync.Mutex
	runs []run
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// rigUp starts a dispatcher of one kind, "work". Set is for what differs from
// the standard.
func rigUp(t *testing.T, store *fakeStore, k KindOptions, work workFunc, set ...func(*Options)) *rig {
	t.Helper()
	r := &rig{store: store, begin: time.Now(), log: &lockedBuffer{}}
	k.Worker = workFunc(func(ctx context.Context, job Job) error {
		r.mu.Lock()
		r.runs = append(r.runs, run{job.Key, time.Since(r.begin), job.Faults})
		r.mu.Unlock()
		if time.Now().Before(job.RunAt) {
			t.Errorf("%s ran %v early", job.Key, time.Until(job.RunAt))
		}
		return work(ctx, job)
	})
	o := Options{Store: store, Kinds: map[Kind]KindOptions{"work": k}, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	for _, f := range set {
		f(&o)
	}
	r.Dispatcher = New(o)
	store.added = r.Add
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (r *rig) ran() []run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]run(nil), r.runs...)
}

func (r *rig) keys() (keys []string) {
	for _, run := range r.ran() {
		keys = append(keys, run.Key)
	}
	return keys
}

// times tells when jobs ran, since the start.
func (r *rig) times() (times []time.Duration) {
	for _, run := range r.ran() {
		times = append(times, run.At)
	}
	return times
}

func nothing(context.Context, Job) error { return nil }

// takes is work that takes a while.
func takes(d time.Duration) workFunc {
	return func(context.Context, Job) error {
		<-time.After(d)
		return nil
	}
}

func check(t *testing.T, what string, got, want any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// checkDone tells that every one of n jobs ran once and left the store.
func (r *rig) checkDone(t *testing.T, n int) {
	t.Helper()
	times := map[string]int{}
	for _, key := range r.keys() {
		times[key]++
		if times[key] == 2 {
			t.Errorf("%s ran twice", key)
		}
	}
	check(t, "jobs that ran", len(times), n)
	check(t, "jobs left", len(r.store.unfinished()), 0)
}
