package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var t0 = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// group is changes that will share one commit: they gather while the writer is
// kept busy with another.
type group struct {
	*testing.T
	db      *DB
	release chan struct{}
	errs    []chan error
}

func newGroup(t *testing.T, db *DB) *group {
	g := &group{T: t, db: db, release: make(chan struct{})}
	busy := make(chan struct{})
	go func() {
		_ = db.writer.do(context.Background(), func(*transaction) error {
			close(busy)
			<-g.release
			return nil
		})
	}()
	<-busy
	return g
}

// add puts a change into the group, behind those that were added before.
func (g *group) add(ctx context.Context, fn func(*transaction) error) {
	err := make(chan error, 1)
	g.errs = append(g.errs, err)
	go func() { err <- g.db.writer.do(ctx, fn) }()
	for len(g.db.writer.requests) < len(g.errs) {
		runtime.Gosched()
	}
}

// commit lets the writer go on and returns what each caller was told.
func (g *group) commit() []error {
	close(g.release)
	var errs []error
	for _, err := range g.errs {
		errs = append(errs, <-err)
	}
	return errs
}

// job is a change that leaves a job, and then may fail.
func job(key string, fail error) func(*transaction) error {
	return func(tx *transaction) error {
		if err := tx.addJob("test", key, "", t0, false); err != nil {
			return err
		}
		return fail
	}
}

// keys are those of the jobs that job left.
func keys(t *testing.T, db *DB) string {
	t.Helper()
	jobs, err := db.Jobs(t.Context(), "test", queue.Job{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return keysOf(jobs)
}

func keysOf(jobs []queue.Job) string {
	var all []string
	for _, j := range jobs {
		all = append(all, j.Key)
	}
	return strings.Join(all, " ")
}

func TestFailingChangeUndoesOnlyItself(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	var announced []string
	db.OnJobs(func(jobs []queue.Job) { announced = append(announced, keysOf(jobs)) })
	failure := errors.New("failure")
	g := newGroup(t, db)
	g.add(t.Context(), job("a", nil))
	g.add(t.Context(), job("b", failure))
	g.add(t.Context(), func(tx *transaction) error {
		_ = job("c", nil)(tx)
		panic("at the disco")
	})
	g.add(t.Context(), func(tx *transaction) error {
		_, err := tx.exec("INSERT INTO nowhere VALUES (1)")
		return err
	})
	g.add(t.Context(), job("d", nil))
	errs := g.commit()
	if errs[0] != nil || !errors.Is(errs[1], failure) || errs[2] == nil || errs[3] == nil || errs[4] != nil {
		t.Errorf("callers were told %v", errs)
	}
	if got := keys(t, db); got != "a d" {
		t.Errorf("got jobs %q", got)
	}
	if diff := cmp.Diff([]string{"a d"}, announced); diff != "" {
		t.Errorf("announced, one text a commit (-want +got):\n%s", diff)
	}
}

func TestSameWorkIsOneJob(t *testing.T) {
	announced := ""
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	db.OnJobs(func(jobs []queue.Job) { announced += keysOf(jobs) + " " })
	for _, key := range []string{"a", "b", "a"} {
		if err := db.writer.do(t.Context(), job(key, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if got := keys(t, db); got != "a b" || announced != "a b " {
		t.Errorf("got jobs %q, announced %q", got, announced)
	}
}

func TestCallerThatGivesUpDisturbsNobody(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	g := newGroup(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	g.add(t.Context(), job("a", nil))
	g.add(ctx, func(tx *transaction) error {
		if ctx.Err() == nil {
			t.Error("the caller is still there")
		}
		return job("b", nil)(tx)
	})
	g.add(t.Context(), job("c", nil))
	cancel()
	if err := <-g.errs[1]; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v before the commit", err)
	}
	g.errs = append(g.errs[:1], g.errs[2:]...)
	if errs := g.commit(); errs[0] != nil || errs[1] != nil {
		t.Errorf("the others were told %v", errs)
	}
	if got := keys(t, db); got != "a b c" {
		t.Errorf("got jobs %q", got)
	}
	if err := db.writer.do(ctx, job("d", nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v with a context that has ended", err)
	}
}

func TestFailingCommitIsEverybodysError(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	db.OnJobs(func(jobs []queue.Job) { t.Errorf("announced %q", keysOf(jobs)) })
	g := newGroup(t, db)
	g.add(t.Context(), job("a", nil))
	g.add(t.Context(), func(tx *transaction) error { // a foreign key that is looked at only by COMMIT
		if _, err := tx.exec("PRAGMA defer_foreign_keys = on"); err != nil {
			return err
		}
		_, err := tx.exec("INSERT INTO destination VALUES ('nobody', 0, 0, '', '', 0, 0, '', '', '')")
		return err
	})
	g.add(t.Context(), job("c", errors.New("own failure")))
	for i, err := range g.commit() {
		if err == nil || !strings.Contains(err.Error(), "FOREIGN KEY") {
			t.Errorf("caller %d was told %v", i, err)
		}
	}
	db.OnJobs(nil)
	if err := db.writer.do(t.Context(), job("d", nil)); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, db); got != "d" {
		t.Errorf("got jobs %q", got)
	}
}

// limitPages leaves the database no more than n pages, as a full disk would.
func limitPages(t *testing.T, db *DB, n int) {
	t.Helper()
	if err := db.writer.do(t.Context(), func(tx *transaction) error {
		_, err := tx.exec(fmt.Sprintf("PRAGMA max_page_count = %d", n))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestFullDisk(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	big := strings.Repeat("x", 1<<20)
	limitPages(t, db, 1) // below what there is: not one page more
	if _, err := db.EnsureSigningKeys(t.Context(), "", oneKey(big)); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %.100v", err)
	}
	p := project.Project{ID: "a", Source: []byte(big), CreatedAt: t0}
	if _, _, err := db.Create(t.Context(), p, nil, nil); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %.100v", err)
	}
	if err := db.writer.do(t.Context(), job("small", nil)); err != nil {
		t.Errorf("what fits is still taken: %v", err)
	}
	limitPages(t, db, 100_000)
	if _, created, err := db.Create(t.Context(), p, nil, nil); err != nil || !created {
		t.Errorf("when there is room again: %v", err)
	}
}

// After some errors SQLite rolls the whole transaction back by itself. What
// follows in the group must not be written outside of it, nor be told that all
// is well.
func TestLostTransactionIsEverybodysError(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	db.OnJobs(func(jobs []queue.Job) { t.Errorf("announced %q", keysOf(jobs)) })
	limitPages(t, db, 1)
	for _, swallow := range []bool{false, true} {
		g := newGroup(t, db)
		g.add(t.Context(), job("a", nil))
		g.add(t.Context(), func(tx *transaction) error {
			// Without an index this insert has no journal of its own to go back by.
			_, err := tx.exec("INSERT INTO signing_key (id, kind, text, created_at) VALUES ('x', 'v1', ?, 0)", strings.Repeat("x", 1<<20))
			if swallow {
				return nil
			}
			return err
		})
		g.add(t.Context(), job("c", nil))
		for i, err := range g.commit() {
			if err == nil || !swallow && !strings.Contains(err.Error(), "full") {
				t.Errorf("caller %d was told %v", i, err)
			}
		}
		if got := keys(t, db); got != "" {
			t.Errorf("got jobs %q", got)
		}
	}
	db.OnJobs(nil)
	if err := db.writer.do(t.Context(), job("d", nil)); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, db); got != "d" {
		t.Errorf("got jobs %q", got)
	}
}

func TestCloseMakesWhatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	g := newGroup(t, db)
	g.add(t.Context(), job("a", nil))
	stopped := make(chan error)
	go func() { stopped <- db.Close() }()
	if errs := g.commit(); errs[0] != nil {
		t.Errorf("who came before was told %v", errs[0])
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := db.writer.do(t.Context(), job("b", nil)); !errors.Is(err, errClosed) {
		t.Errorf("who came after was told %v", err)
	}
	if got := keys(t, mustOpen(t, path)); got != "a" {
		t.Errorf("got jobs %q", got)
	}
}
