package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// emit makes n deliveries with bodies of some bytes, a second apart from t0 on.
func emit(t *testing.T, db *DB, n, size int) (ids []string) {
	t.Helper()
	var all []export.Delivery
	for i := range n {
		made := t0.Add(time.Duration(i) * time.Second)
		d := export.Delivery{ID: idAt(made), MessageID: "msg_x", Endpoint: "ep_a", Body: make([]byte, size),
			State: export.Pending, CreatedAt: made, NextAt: made}
		all = append(all, d)
		ids = append(ids, d.ID)
	}
	if err := db.Emit(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	return ids
}

// end brings a delivery to a state.
func end(t *testing.T, db *DB, id string, state export.State) {
	t.Helper()
	if err := db.Advance(t.Context(), export.Delivery{ID: id, State: state}, export.Step{}); err != nil {
		t.Fatal(err)
	}
}

func TestReopenKnowsWhatIsShutAndGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	ids := emit(t, db, 4, 10)
	for _, id := range ids[:3] {
		end(t, db, id, export.Cancelled)
	}
	begun := export.Recovery{ID: "rec_1", Filter: export.Filter{States: []export.State{export.Cancelled}}, CreatedAt: t0.Add(time.Hour)}
	if _, err := db.BeginRecovery(t.Context(), begun); err != nil {
		t.Fatal(err)
	}
	if _, err := db.GoOn(t.Context(), "rec_1", 2, t0); err != nil {
		t.Fatal(err)
	}
	if err := db.Tally(t.Context(), []export.Tally{{Endpoint: export.Endpoint{ID: "ep_a"}, Hour: t0}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SetEndpoint(t.Context(), export.EndpointChange{ID: "ep_a", State: export.Paused, At: t0}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = mustOpen(t, path)
	if d, a, err := db.OpenAttempt(t.Context(), ids[3], t0); err != nil || d.State != export.Held || a.Number != 0 {
		t.Errorf("to a paused endpoint: %s, attempt %d, %v", d.State, a.Number, err)
	}
	if _, err := db.Redeliver(t.Context(), ids[2], t0); !errors.Is(err, export.ErrNotEnabled) {
		t.Errorf("got %v", err)
	}
	if _, err := db.SetEndpoint(t.Context(), export.EndpointChange{ID: "ep_a", State: export.Enabled, At: t0}); err != nil {
		t.Fatal(err)
	}
	r, err := db.GoOn(t.Context(), "rec_1", 2, t0)
	if err != nil || r.Total != 3 || r.Done != 3 || r.EndedAt.IsZero() {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestShrinkGivesSpaceBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	for _, id := range emit(t, db, 50, 200_000) {
		end(t, db, id, export.Cancelled)
	}
	size := func() int64 {
		t.Helper()
		if _, err := db.writer.stmts.exec(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	full := size()
	if n, err := db.Clean(t.Context(), t0.Add(time.Hour), 100); err != nil || n != 50 {
		t.Fatalf("removed %d, %v", n, err)
	}
	if now := size(); now < full {
		t.Errorf("from %d to %d bytes without Shrink", full, now)
	}
	if err := db.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	if gone := full - size(); gone < 4_000_000 || gone > 4_500_000 {
		t.Errorf("Shrink gave back %d bytes at once", gone)
	}
	for range 2 {
		if err := db.Shrink(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if left := size(); left > 500_000 {
		t.Errorf("%d bytes are left of %d", left, full)
	}
}

// However many calls there are, what has not ended is passed by once an hour.
func TestCleanWalksOnce(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	ids := emit(t, db, 40, 0)
	for i, id := range ids {
		state := export.Held
		if i >= 20 {
			state = export.Cancelled
		}
		end(t, db, id, state)
	}
	before := t0.Add(time.Hour)
	clean := func(want int) {
		t.Helper()
		if n, err := db.Clean(t.Context(), before, 5); err != nil || n != want {
			t.Errorf("removed %d, %v; want %d", n, err, want)
		}
	}
	clean(5)
	if got := db.round.begin(before); got != ids[24] {
		t.Errorf("it has come to %s, want %s", got, ids[24])
	}
	end(t, db, ids[0], export.Cancelled)
	for range 3 {
		clean(5)
	}
	clean(0)
	before = before.Add(roundLength - 1)
	clean(0)
	before = before.Add(1)
	clean(1)
	if _, err := db.Delivery(t.Context(), ids[0]); !errors.Is(err, export.ErrNoDelivery) {
		t.Errorf("got %v", err)
	}
}
