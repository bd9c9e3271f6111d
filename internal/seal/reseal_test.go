package seal_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/seal"
)

// memory is a store in memory. changing is called before a Replace.
type memory struct {
	boxes    []seal.Box
	changing func()
	fail     error
	replaces int
}

func order(a, b seal.Box) int {
	return cmp.Or(strings.Compare(a.Purpose, b.Purpose), strings.Compare(a.ID, b.ID))
}

func (m *memory) Boxes(_ context.Context, prefix []byte, after seal.Box, limit int) (found []seal.Box, _ error) {
	slices.SortFunc(m.boxes, order)
	for _, b := range m.boxes {
		if order(b, after) > 0 && !bytes.HasPrefix(b.Sealed, prefix) && len(found) < min(limit, 70) {
			found = append(found, b)
		}
	}
	return found, nil
}

func (m *memory) Replace(_ context.Context, old, next []seal.Box) error {
	m.replaces++
	if m.changing != nil {
		m.changing()
	}
	for i := range m.boxes {
		for j := range old {
			if order(m.boxes[i], old[j]) == 0 && bytes.Equal(m.boxes[i].Sealed, old[j].Sealed) {
				m.boxes[i] = next[j]
			}
		}
	}
	return m.fail
}

func (m *memory) add(k *seal.Keys, purpose, id string) {
	m.boxes = append(m.boxes, seal.Box{Purpose: purpose, ID: id, Sealed: k.Seal(purpose, id, []byte(id))})
}

func (m *memory) opens(t *testing.T, k *seal.Keys) {
	t.Helper()
	for _, b := range m.boxes {
		open(t, k, b.Purpose, b.ID, b.Sealed, b.ID)
	}
}

func TestReseal(t *testing.T) {
	k := load(t, t.TempDir()+"/keys")
	m := &memory{}
	for i := range 500 {
		m.add(k, []string{seal.Project, seal.Delivery, seal.Connection}[i%3], fmt.Sprint(i))
	}
	if n, err := k.Reseal(t.Context(), m); n != 0 || err != nil || m.replaces != 0 {
		t.Fatalf("nothing to do: got %d, %v", n, err)
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	m.add(k, seal.Signing, "new")
	if n, err := k.Reseal(t.Context(), m); n != 500 || err != nil {
		t.Fatalf("got %d, %v, want 500", n, err)
	}
	if err := k.Retire(); err != nil {
		t.Fatal(err)
	}
	m.opens(t, k)
}

// What is stored while the others are sealed anew, behind those that were looked
// at already, is not left behind.
func TestResealLooksAgain(t *testing.T) {
	old, current := seal.New(), seal.New()
	before, k := parse(t, old), parse(t, current, old)
	m := &memory{}
	m.add(before, seal.Project, "p")
	m.changing = func() {
		m.changing = nil
		m.add(before, seal.Connection, "late")
		m.boxes[0] = seal.Box{Purpose: seal.Project, ID: "p", Sealed: before.Seal(seal.Project, "p", []byte("p"))}
	}
	if n, err := k.Reseal(t.Context(), m); n != 3 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	m.opens(t, parse(t, current))

	m.changing = func() { m.add(before, seal.Connection, fmt.Sprint(900-len(m.boxes))) }
	m.changing()
	if _, err := k.Reseal(t.Context(), m); err == nil || !strings.Contains(err.Error(), "stop all other servers") {
		t.Errorf("a server with another key: got %v", err)
	}
}

func TestResealPassesOverWhatIsLost(t *testing.T) {
	old, current := seal.New(), seal.New()
	before, k, stranger := parse(t, old), parse(t, current, old), parse(t, seal.New())
	m := &memory{}
	for i := range 300 {
		m.add(stranger, seal.Delivery, fmt.Sprintf("a%03d", i))
	}
	for i := range 3 {
		m.add(before, seal.Delivery, fmt.Sprintf("b%d", i))
	}
	n, err := k.Reseal(t.Context(), m)
	lost, ok := errors.AsType[*seal.Lost](err)
	if !ok || n != 3 || lost.Count != 300 || !errors.Is(err, seal.ErrNoKey) {
		t.Fatalf("got %d, %v", n, err)
	}
	const want = "300 secrets cannot be opened (delivery a000, delivery a001, delivery a002, delivery a003, delivery a004, …): " +
		"it is sealed with a master key that is not there"
	if err.Error() != want {
		t.Errorf("it says %v", err)
	}
	for _, b := range m.boxes[300:] {
		open(t, parse(t, current), b.Purpose, b.ID, b.Sealed, b.ID)
	}
}

func TestResealStopsWithTheStore(t *testing.T) {
	old, full := seal.New(), errors.New("disk full")
	m := &memory{fail: full}
	m.add(parse(t, old), seal.Project, "p")
	if n, err := parse(t, seal.New(), old).Reseal(t.Context(), m); n != 0 || !errors.Is(err, full) {
		t.Errorf("got %d, %v", n, err)
	}
}
