package sqlite

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/internal/storetest"
)

// Every step of the suite's model is a commit and four reads, so it takes fewer
// runs than rapid would; -rapid.checks=1000 is for a long evening.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return mustOpen(t, filepath.Join(t.TempDir(), "db")) })
}

func mustOpen(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func mustCreate(t testing.TB, db *DB, id string) {
	t.Helper()
	p := project.Project{ID: id, Source: []byte(strings.Repeat("{}", 1000)), CreatedAt: t0}
	ds := []project.Destination{{Type: "webhook"}}
	if _, created, err := db.Create(t.Context(), p, ds, nil); err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
}

// snapshot reads every row of every table.
func snapshot(t *testing.T, db *DB) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, table := range []string{"project", "destination", "delivery", "attempt", "job", "idempotency", "api_key", "signing_key", "endpoint", "traffic", "recovery"} {
		pool, err := db.reads.prepare(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		found, err := pool.QueryContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		columns, _ := found.Columns()
		for found.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := found.Scan(values...); err != nil {
				t.Fatal(err)
			}
			line := ""
			for _, v := range values {
				line += fmt.Sprintf("%v|", *v.(*any))
			}
			rows[table] = append(rows[table], line)
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func TestReopenFindsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?%23#b.db")
	db := mustOpen(t, path)
	mustCreate(t, db, "a")
	if _, err := db.EnsureSigningKeys(t.Context(), "", oneKey("whsec")); err != nil {
		t.Fatal(err)
	}
	want := snapshot(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes were left in the log", info.Size())
	}
	if diff := cmp.Diff(want, snapshot(t, mustOpen(t, path))); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

// A copy of the files of a running server is what a kill leaves behind.
func TestKilledServerLosesNothing(t *testing.T) {
	path, copied := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	for i := range 20 {
		mustCreate(t, db, fmt.Sprint("p", i))
	}
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+end, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(snapshot(t, db), snapshot(t, mustOpen(t, copied))); diff != "" {
		t.Errorf("after a kill (-want +got):\n%s", diff)
	}
}

func TestOneServerToAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	if _, err := Open(t.Context(), path, Options{}); err == nil ||
		!strings.Contains(err.Error(), "the data folder "+filepath.Dir(path)+" is in use by another reelhook") {
		t.Errorf("a second server was told %v", err)
	}
	mustCreate(t, db, "a")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, mustOpen(t, path), "b")
}

func TestOpenFailsCleanly(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), filepath.Join(dir, "none", "db"), Options{}); err == nil {
		t.Error("a missing folder was opened")
	}
	path := filepath.Join(dir, "db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time shows that the lock was given back
		if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "not a database") {
			t.Errorf("got %v", err)
		}
	}
}

func TestNewerSchemaIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	if err := db.writer.do(t.Context(), func(tx *transaction) error {
		_, err := tx.exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "use a newer reelhook") {
		t.Errorf("got %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	missing := func() {
		t.Helper()
		if _, err := OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), "no database yet") {
			t.Errorf("got %v", err)
		}
	}
	missing()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing()
	db := mustOpen(t, path)
	if _, err := db.EnsureSigningKeys(t.Context(), "", oneKey("whsec_a")); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"while the server runs", "when it has stopped"} {
		ro, err := OpenReadOnly(t.Context(), path)
		if err != nil {
			t.Fatal(when, err)
		}
		if got, err := ro.SigningKeys(t.Context(), ""); err != nil || len(got) != 1 || got[0].Text != "whsec_a" {
			t.Errorf("%s: got %v, %v", when, got, err)
		}
		if err := ro.AddSigningKeys(t.Context(), "", oneKey("whsec_b"), t0); err == nil || strings.Contains(err.Error(), "whsec_") {
			t.Errorf("%s: a change was answered with %v", when, err)
		}
		if err := ro.Close(); err != nil {
			t.Error(when, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	mustOpen(t, path)
}

func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	mustCreate(t, db, "a")
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "auto_vacuum": "2", "foreign_keys": "1", "busy_timeout": "10000",
		"wal_autocheckpoint": "4000", "cache_size": "-8192", "query_only": "0",
	} {
		got, err := change(t.Context(), db.writer, func(tx *transaction) (string, error) {
			return one(always, tx.stmts, scanValue[string], "PRAGMA "+pragma)
		})
		if err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
		}
	}
	if _, err := db.reads.exec(t.Context(), "DELETE FROM job"); err == nil {
		t.Error("a reader could write")
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	files, _ := filepath.Glob(path + "*")
	if len(files) != 4 {
		t.Errorf("files: %q", files)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

// BenchmarkCreate measures accepted movies: each is durable before it counts.
func BenchmarkCreate(b *testing.B) {
	db := mustOpen(b, filepath.Join(b.TempDir(), "db"))
	var n atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mustCreate(b, db, fmt.Sprintf("%016d", n.Add(1)))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
}

// oneKey is a list of one signing key.
func oneKey(text string) []signing.Key {
	return []signing.Key{{ID: "key_" + text, Kind: signing.V1, Text: text, CreatedAt: t0}}
}
