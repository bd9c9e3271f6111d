package app

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reelhook/reelhook/internal/seal"
)

// boxes are a store of what is sealed.
type boxes []seal.Box

func (b *boxes) Boxes(_ context.Context, prefix []byte, after seal.Box, _ int) (found []seal.Box, _ error) {
	for _, box := range *b {
		if !slices.Equal(box.Sealed[:len(prefix)], prefix) && box.ID > after.ID {
			found = append(found, box)
		}
	}
	return found, nil
}

func (b *boxes) Replace(_ context.Context, old, next []seal.Box) error {
	for i := range old {
		at := slices.IndexFunc(*b, func(box seal.Box) bool { return box.ID == old[i].ID })
		(*b)[at] = next[i]
	}
	return nil
}

// TestRotate rotates the master key while something is on its way to the database
// that was sealed before: it must open with what is left in the end, which is the
// newest key alone.
func TestRotate(t *testing.T) {
	data := t.TempDir()
	keys, err := loadMasterKeys(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		store := boxes{}
		m := &masters{Keys: keys, store: &store, forget: time.Now()}
		rotate := func(want int) {
			t.Helper()
			if n, err := m.rotate(t.Context()); n != want || err != nil {
				t.Errorf("sealed %d anew, %v", n, err)
			}
		}
		wait := func(d time.Duration) {
			<-time.After(d)
			m.end(t.Context(), slog.New(slog.DiscardHandler))
		}
		sealed := func(id string) seal.Box {
			return seal.Box{Purpose: seal.Connection, ID: id, Sealed: keys.Seal(seal.Connection, id, []byte(id))}
		}
		store = append(store, sealed("a"))
		late := sealed("b")
		rotate(1)
		wait(settling / 2)
		store = append(store, late)
		late = sealed("c")
		rotate(2)
		wait(settling - time.Second)
		store = append(store, late)
		wait(time.Second)
		left, err := loadMasterKeys(nil, data)
		if err != nil || left.Stale() || keys.Stale() {
			t.Fatalf("%v, %v", left, err)
		}
		for _, box := range store {
			if plain, err := left.Open(box.Purpose, box.ID, box.Sealed); err != nil || string(plain) != box.ID {
				t.Errorf("%s: %q, %v", box.ID, plain, err)
			}
		}
	})
}
