package sqlite

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/reelhook/reelhook/internal/project"
)

// fill makes every write to a file fail, as a full disk does, until the function
// it returns is called. It holds for the whole process, so tests that use it are
// not parallel.
func fill(t *testing.T) (empty func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	full := was
	full.Cur = 1
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	empty = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(empty)
	return empty
}

func TestPingTellsOfAFullDisk(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	for range 2 {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	empty := fill(t)
	ping := db.Ping(t.Context())
	_, _, create := db.Create(t.Context(), project.Project{ID: "a", CreatedAt: t0}, nil, nil)
	empty()
	if ping == nil || create == nil {
		t.Errorf("on a full disk Ping said %v, Create %v", ping, create)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("with room again: %v", err)
	}
	mustCreate(t, db, "a")
}

func TestPingTellsOfAReadOnlyDatabase(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	set := func(on string) {
		// Not as a change: it could not begin to undo this one.
		if _, err := db.writer.stmts.exec(t.Context(), "PRAGMA query_only("+on+")"); err != nil {
			t.Fatal(err)
		}
	}
	set("on")
	if err := db.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("got %v", err)
	}
	set("off")
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// A list of large movies costs what it shows of them, not what they have.
func TestListReadsNoDocuments(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	const movies, size = 20, 2 << 20
	for i := range movies {
		p := project.Project{ID: fmt.Sprintf("p%02d", i), Source: make([]byte, size), CreatedAt: t0}
		if _, _, err := db.Create(t.Context(), p, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, sources := range []int{0, 12 << 10, movies*size - 1} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found, _, err := db.List(t.Context(), project.Page{Limit: 100, Sources: sources})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; err != nil || len(found) != movies || used > size/2 {
			t.Errorf("at most %d bytes of documents: %d projects took %d bytes, %v", sources, len(found), used, err)
		}
	}
	found, _, err := db.List(t.Context(), project.Page{Limit: 100, Sources: movies * size})
	if err != nil || len(found) != movies || len(found[0].Source) != size {
		t.Errorf("%d projects, %v", len(found), err)
	}
}
