package sqlite

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pressly/goose/v3"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
	"github.com/reelhook/reelhook/internal/signing"
)

// version1 and version2 are the databases that testdata/v1.sql and v2.sql describe,
// opened by this release.
func version1(t *testing.T) *DB { return ofVersion(t, 1) }

func version2(t *testing.T) *DB { return ofVersion(t, 2) }

func ofVersion(t *testing.T, version int64) *DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(touch(path))
	pool, err := sql.Open("sqlite", dsn(path, writePragmas, "rw"))
	must(err)
	dir, err := fs.Sub(migrations, "migrations")
	must(err)
	p, err := goose.NewProvider(goose.DialectSQLite3, pool, dir, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	must(err)
	_, err = p.UpTo(t.Context(), version)
	must(err)
	rows, err := os.ReadFile(fmt.Sprintf("testdata/v%d.sql", version))
	must(err)
	_, err = pool.ExecContext(t.Context(), string(rows))
	must(err)
	must(pool.Close())
	return mustOpen(t, path)
}

func at(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// migrated are the deliveries of testdata/v1.sql, newest first as the log has
// them. An attempt that is open shows.
func migrated() []export.Delivery {
	var all []export.Delivery
	for _, d := range []export.Delivery{
		{ID: "dlv_01RUNNING", MessageID: "msg_d", Position: 3, State: export.Running, Attempts: 2, Failures: 1, LastStatus: 503,
			Message: "answered 503", NextAt: at(5000), Schedule: []time.Duration{time.Second}, Body: []byte("\x00\xff\x04")},
		{ID: "dlv_01RETRYING", MessageID: "msg_c", Position: 2, State: export.Retrying, Attempts: 1, Failures: 1, LastStatus: 503,
			Message: "answered 503", NextAt: at(9000), Schedule: []time.Duration{time.Second / 4, 8200 * time.Millisecond, 24 * time.Hour}, Body: []byte("\x00\xff\x03")},
		{ID: "dlv_01PENDING", MessageID: "msg_f", Position: 5, Remaining: 1, State: export.Pending, NextAt: at(3000),
			Schedule: []time.Duration{time.Second}},
		{ID: "dlv_01FIRST", MessageID: "msg_e", Position: 4, Remaining: 1, State: export.Running, Attempts: 1, NextAt: at(3000),
			Schedule: []time.Duration{time.Second}, Body: []byte("\x00\xff\x05")},
		{ID: "dlv_01FAILED", MessageID: "msg_b", Position: 1, State: export.Failed, Attempts: 1, Failures: 1, LastStatus: 404,
			Message: "gave up", Body: []byte("\x00\xff\x02")},
		{ID: "dlv_01DELIVERED", MessageID: "msg_a", State: export.Delivered, Attempts: 2, Failures: 1, LastStatus: 204,
			Schedule: []time.Duration{time.Second, time.Minute}, Body: []byte("\x00\xff\x01")},
	} {
		d.Project, d.Main, d.Type, d.Event, d.Target, d.Group = "m1", true, "webhook", "movie.done", "https://a.example/?k=1", "https://a.example:443"
		d.ContentType, d.Timeout, d.CreatedAt = "application/json", 15*time.Second, at(3000)
		all = append(all, d)
	}
	return all
}

// same fails the test unless got is want.
func same(t *testing.T, what string, got any, err error, want any, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, append(options, cmpopts.EquateEmpty())...); err != nil || diff != "" {
		t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
	}
}

func TestMigrationKeepsDeliveries(t *testing.T) {
	db := version1(t)
	for _, want := range migrated() {
		got, err := db.Delivery(t.Context(), want.ID)
		same(t, want.ID, got, err, want)
	}
	found, _, err := db.Deliveries(t.Context(), export.Page{Limit: 10})
	same(t, "log", found, err, migrated(), cmpopts.IgnoreFields(export.Delivery{}, "Body"))
	destinations, err := db.Destinations(t.Context(), "m1")
	var want []project.Destination
	for _, d := range migrated() {
		want = append(want, d.Destination())
	}
	want = append(want, project.Destination{Position: 6, Type: "ftp", Status: "failed", Message: "not supported"})
	same(t, "destinations", destinations["m1"], err, want,
		cmpopts.SortSlices(func(a, b project.Destination) bool { return a.Position < b.Position }))
	log, err := db.Attempts(t.Context(), "dlv_01FAILED")
	same(t, "attempts", log, err, []export.Attempt{{Delivery: "dlv_01FAILED", Number: 1, StartedAt: at(3000), EndedAt: at(3500),
		Result: export.Refused, Status: 404, Class: "http", Error: "answered 404", Cut: true, RetryAfter: 90 * time.Second, Gone: true, Answer: []byte("no")}})
}

func TestMigrationKeepsJobs(t *testing.T) {
	db := version1(t)
	jobs, err := db.Jobs(t.Context(), export.Deliver, queue.Job{}, 10)
	group := migrated()[0].Group
	same(t, "deliver jobs", jobs, err, []queue.Job{
		{ID: 13, Kind: export.Deliver, Key: "dlv_01FIRST", Group: group, RunAt: at(3000)},
		{ID: 14, Kind: export.Deliver, Key: "dlv_01PENDING", Group: group, RunAt: at(3000), Faults: 3},
		{ID: 12, Kind: export.Deliver, Key: "dlv_01RUNNING", Group: group, RunAt: at(5000), Retry: true},
		{ID: 11, Kind: export.Deliver, Key: "dlv_01RETRYING", Group: group, RunAt: at(9000), Retry: true},
	})
	jobs, err = db.Jobs(t.Context(), project.Render, queue.Job{}, 10)
	same(t, "render jobs", jobs, err, []queue.Job{{ID: 7, Kind: project.Render, Key: "m2", RunAt: at(4000), Faults: 2}})
	keys, err := db.SigningKeys(t.Context(), "")
	same(t, "signing keys", keys, err, []signing.Key{{ID: "key_webhook", Kind: signing.V1, Text: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CreatedAt: at(1000)}})
	apiKeys, err := db.Keys(t.Context())
	same(t, "API keys", apiKeys, err, []account.Key{{ID: "key_0000000000000000", Role: account.Admin, CreatedAt: at(1000)}})
}

// What was under way goes on: the open attempt may have arrived, the next has the
// same message and bytes.
func TestMigratedAttemptsGoOn(t *testing.T) {
	db := version1(t)
	all := migrated()
	for _, want := range []export.Delivery{all[0], all[1], all[2], all[3]} {
		closed := want.Attempts
		want.State = export.Running
		want.Attempts++
		d, a, err := db.OpenAttempt(t.Context(), want.ID, at(10_000))
		same(t, want.ID, d, err, want)
		same(t, "attempt", a, nil, export.Attempt{Delivery: want.ID, Number: closed + 1, StartedAt: at(10_000), Result: export.Open})
		log, err := db.Attempts(t.Context(), want.ID)
		same(t, "attempts of "+want.ID, len(log), err, closed+1)
		if want.ID == "dlv_01RUNNING" || want.ID == "dlv_01FIRST" {
			was := log[closed-1]
			if was.Result != export.Unknown || was.EndedAt != at(10_000) || was.Error == "" {
				t.Errorf("what was open is %+v", was)
			}
		}
		a.Result, a.EndedAt, d.State, d.Remaining, d.NextAt = export.Succeeded, at(11_000), export.Delivered, 0, time.Time{}
		if err := db.CloseAttempt(t.Context(), d, a, export.Step{}); err != nil {
			t.Error(err)
		}
	}
	jobs, err := db.Jobs(t.Context(), export.Deliver, queue.Job{}, 10)
	same(t, "jobs", jobs, err, []queue.Job(nil))
	removed, err := db.Clean(t.Context(), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 10)
	same(t, "removed", removed, err, 6)
}
