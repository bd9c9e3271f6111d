package seal

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// batch is how many boxes are sealed anew in one transaction.
const batch = 200

// maxPasses is how often all of it is gone through. Two are enough unless another
// process holds other keys.
const maxPasses = 5

// Box is something sealed, wherever it is kept.
type Box struct {
	// Purpose is one of the constants. ID is what Seal was given with it.
	Purpose, ID string
	Sealed      []byte
}

// Store is where boxes are kept.
type Store interface {
	// Boxes returns boxes that do not begin with prefix, by purpose and then id, up
	// to limit of those behind one, the zero Box for the first. There may be fewer,
	// when they are large, but none only when none is left. What is empty is not
	// sealed, and no box.
	Boxes(ctx context.Context, prefix []byte, after Box, limit int) ([]Box, error)
	// Replace puts next in the place of old, which are as many and in the same
	// order, in one transaction. A box that is not as in old any more is left
	// alone.
	Replace(ctx context.Context, old, next []Box) error
}

// Lost is the error of Reseal when there is what cannot be opened.
type Lost struct {
	// Count is how many boxes, First the purposes and ids of some of them.
	Count int
	First []string
	// Reason is why the first did not open: ErrNoKey or ErrDamaged.
	Reason error
}

// maxNamed is how many lost boxes are named.
const maxNamed = 5

func (l *Lost) Error() string {
	more := ""
	if l.Count > len(l.First) {
		more = ", …"
	}
	return fmt.Sprintf("%d secrets cannot be opened (%s%s): %v", l.Count, strings.Join(l.First, ", "), more, l.Reason)
}

// Unwrap is the reason.
func (l *Lost) Unwrap() error { return l.Reason }

func (l *Lost) add(b Box, why error) {
	if l.Count++; l.Count == 1 {
		l.Reason = why
	}
	if len(l.First) < maxNamed {
		l.First = append(l.First, b.Purpose+" "+b.ID)
	}
}

// Reseal seals with the current key what is sealed with another, and returns how
// many boxes that were. When the error is nil nothing needs the other keys any
// more, as long as nobody holds a box that is not stored yet. It is *Lost when all
// but some could be sealed anew; the keys must then be kept.
func (k *Keys) Reseal(ctx context.Context, store Store) (n int, err error) {
	// Once more when something was found: what was sealed before the key changed may
	// have been stored behind our back.
	for range maxPasses {
		found, err := k.resealOnce(ctx, store)
		n += found
		if err != nil || found == 0 {
			return n, err
		}
	}
	return n, errors.New("somebody goes on sealing with an older master key: stop all other servers on this database, then repeat this")
}

// resealOnce goes through all boxes.
func (k *Keys) resealOnce(ctx context.Context, store Store) (n int, err error) {
	var lost Lost
	for at := (Box{}); ; {
		boxes, err := store.Boxes(ctx, k.Prefix(), at, batch)
		if err != nil {
			return n, fmt.Errorf("find what is sealed with an older master key: %w", err)
		}
		if len(boxes) == 0 {
			break
		}
		at = boxes[len(boxes)-1]
		var old, next []Box
		for _, b := range boxes {
			plain, err := k.Open(b.Purpose, b.ID, b.Sealed)
			if err != nil {
				lost.add(b, err)
				continue
			}
			old, next = append(old, b), append(next, Box{b.Purpose, b.ID, k.Seal(b.Purpose, b.ID, plain)})
		}
		if err := store.Replace(ctx, old, next); err != nil {
			return n, fmt.Errorf("store what was sealed anew: %w", err)
		}
		n += len(next)
	}
	if lost.Count > 0 {
		return n, &lost
	}
	return n, nil
}
