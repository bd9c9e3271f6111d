// Package storetest is what every database must pass: the rules that the
// comments of project.Store, export.Store, export.Log, export.Cleaner,
// queue.Store, account.Store and signing.Store give, each as a test. It must not
// know how any one database keeps its rows.
package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/oklog/ulid/v2"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
	"github.com/reelhook/reelhook/internal/seal"
	"github.com/reelhook/reelhook/internal/signing"
)

// Store is a whole database.
type Store interface {
	project.Store
	export.Store
	export.Log
	export.Cleaner
	queue.Store
	account.Store
	signing.Store
	connection.Store
	seal.Store
	hostKeys

	// OnJobs sets who is handed new jobs, after their commit and before the
	// caller goes on.
	OnJobs(func([]queue.Job))
}

// Run tests a database. open makes an empty one that is closed by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, part := range []struct {
		name  string
		rules []rule
	}{
		{"Project", projectRules},
		{"End", endRules},
		{"Emit", emitRules},
		{"Open", openRules},
		{"Close", closeRules},
		{"Advance", advanceRules},
		{"Log", logRules},
		{"Redeliver", redeliverRules},
		{"Cancel", cancelRules},
		{"Endpoint", endpointRules},
		{"Tally", tallyRules},
		{"Recovery", recoveryRules},
		{"Clean", cleanRules},
		{"Job", jobRules},
		{"Account", accountRules},
		{"Signing", signingRules},
		{"Connection", connectionRules},
		{"Whole", wholeRules},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, r := range part.rules {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					r.test(setup(t, open(t)))
				})
			}
		})
	}
}

// rule is one thing a database must keep.
type rule struct {
	name string
	test func(*fixture)
}

// t0 has nanoseconds, and no zone that a database would choose by itself.
var t0 = time.Date(2026, 11, 2, 10, 0, 0, 123456789, time.FixedZone("", 3600))

func after(d time.Duration) time.Time { return t0.Add(d) }

// fixture is an empty database with what tests ask of it. Its methods end the
// test when the database fails.
type fixture struct {
	*testing.T
	Store
	ctx context.Context

	mu        sync.Mutex
	announced []queue.Job
}

func setup(t *testing.T, s Store) *fixture {
	f := &fixture{T: t, Store: s, ctx: t.Context()}
	s.OnJobs(func(jobs []queue.Job) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.announced = append(f.announced, jobs...)
	})
	return f
}

// takeAnnounced returns the jobs announced since it was last called.
func (f *fixture) takeAnnounced() []queue.Job {
	f.mu.Lock()
	defer f.mu.Unlock()
	jobs := f.announced
	f.announced = nil
	return jobs
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// is holds that an error is of a kind.
func (f *fixture) is(what string, want, got error) {
	f.Helper()
	if !errors.Is(got, want) {
		f.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// second and third are the errors among what a method returns.
func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

// equal compares; nil and empty are the same, for no client can tell them apart.
func (f *fixture) equal(what string, got, want any) {
	f.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// newProject is a project full of bytes that are easily lost.
func newProject(id string, createdAt time.Time) project.Project {
	return project.Project{
		ID: id, Status: project.Pending, MovieID: "m\x00\u2028é", FileKey: id + "/key.mp4",
		Source:     []byte("{ \"scenes\" : [], \"x\": \"\x00\xff\" }\n"),
		ClientData: []byte("{\"b\" : 1.0, \"a\":1e2,\"a\":\"\\u00e9\"}"),
		Warnings:   []movie.Fault{{Path: "scenes[0]", Message: "<&> 'é'"}},
		CreatedAt:  createdAt,
	}
}

func webhooks(n int) []project.Destination {
	var ds []project.Destination
	for i := range n {
		ds = append(ds, project.Destination{Export: i / 2, Position: i % 2, Type: "webhook", Status: "pending"})
	}
	return ds
}

// create makes a project with n webhooks.
func (f *fixture) create(id string, createdAt time.Time, n int) project.Project {
	f.Helper()
	p, created, err := f.Create(f.ctx, newProject(id, createdAt), webhooks(n), nil)
	f.must(err)
	if !created {
		f.Fatalf("project %s was not created", id)
	}
	return p
}

func (f *fixture) get(id string) project.Project {
	f.Helper()
	p, err := f.Get(f.ctx, id)
	f.must(err)
	return p
}

func (f *fixture) destinations(id string) []project.Destination {
	f.Helper()
	byProject, err := f.Destinations(f.ctx, id)
	f.must(err)
	return byProject[id]
}

// jobs returns the unfinished jobs of a kind.
func (f *fixture) jobs(kind queue.Kind) []queue.Job {
	f.Helper()
	jobs, err := f.Jobs(f.ctx, kind, queue.Job{}, 10_000)
	f.must(err)
	return jobs
}

// keys are those of the unfinished jobs of a kind, sorted.
func (f *fixture) keys(kind queue.Kind) string {
	f.Helper()
	var keys []string
	for _, j := range f.jobs(kind) {
		keys = append(keys, j.Key)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func (f *fixture) attempts(delivery string) []export.Attempt {
	f.Helper()
	all, err := f.Attempts(f.ctx, delivery)
	f.must(err)
	return all
}

// newDelivery is a full delivery to the nth webhook of a project.
func newDelivery(id, projectID string, n int, at time.Time) export.Delivery {
	return export.Delivery{
		ID: id, MessageID: "msg_" + strings.TrimPrefix(id, "dlv_"), Project: projectID, Export: n / 2, Position: n % 2, Main: true,
		Type: "webhook", Event: "movie.completed", Target: "https://u:p@example.com/x?token=1", Group: "https://example.com:443",
		Endpoint: "ep_example", ContentType: "application/json", Headers: map[string]string{"X-Own": "a: \"é\"", "x-raw": ""},
		Body: []byte("{\"a\":\x00\"\xff\"}"), Timeout: 15*time.Second + 1,
		Schedule: []time.Duration{1500 * time.Millisecond, time.Minute, 27 * time.Hour}, Droppable: true, Remaining: 3,
		State: export.Pending, CreatedAt: at, NextAt: at,
	}
}

// deliveryID is the id of the nth delivery made at a time.
func deliveryID(at time.Time, n int) string {
	var id ulid.ULID
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	if err := id.SetTime(ulid.Timestamp(at)); err != nil {
		panic(err)
	}
	return "dlv_" + id.String()
}

func done(id string) project.Outcome {
	return project.Outcome{ID: id, Status: project.Done, EndedAt: after(time.Hour),
		Result:   project.Result{File: id + "/key.mp4", Duration: 10.1, Size: 1 << 40, Width: 1920, Height: 1080},
		Warnings: []movie.Fault{{Message: "one"}, {Path: "scenes[0].elements[1]", Message: "two"}}}
}

// deliver makes a project that has ended, with a delivery to its first webhook.
func (f *fixture) deliver(projectID, deliveryID string) export.Delivery {
	f.Helper()
	f.create(projectID, t0, 3)
	d := newDelivery(deliveryID, projectID, 0, after(time.Hour))
	f.must(f.End(f.ctx, done(projectID), export.Step{Deliveries: []export.Delivery{d}}))
	f.takeAnnounced()
	return d
}

func (f *fixture) delivery(id string) export.Delivery {
	f.Helper()
	d, err := f.Delivery(f.ctx, id)
	f.must(err)
	return d
}

// attempt opens the next attempt of a delivery and says how it ended.
func (f *fixture) attempt(id string, at time.Time, result export.Result) (export.Delivery, export.Attempt) {
	f.Helper()
	d, a, err := f.OpenAttempt(f.ctx, id, at)
	f.must(err)
	a.EndedAt, a.Result = at.Add(time.Second), result
	return d, a
}
