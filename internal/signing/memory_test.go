package signing_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/signing"
)

// memory is a store in memory, the newest key first.
type memory struct {
	mu   sync.Mutex
	keys []signing.Key
	// read and write fail the calls when they are set; writing is called before
	// something is written, writes counts the calls.
	read, write error
	writing     func()
	writes      int
}

func (m *memory) SigningKeys(ctx context.Context) ([]signing.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.keys), errors.Join(ctx.Err(), m.read)
}

func (m *memory) change(ctx context.Context, fn func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.writing != nil {
		m.writing()
	}
	if err := errors.Join(ctx.Err(), m.write); err != nil {
		return err
	}
	fn()
	return nil
}

func (m *memory) AddSigningKeys(ctx context.Context, next []signing.Key, overlapEnds time.Time) error {
	return m.change(ctx, func() {
		for _, n := range next {
			var left []signing.Key
			for _, k := range m.keys {
				if k.Kind == n.Kind && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(overlapEnds)) {
					k.ExpiresAt = overlapEnds
				}
				if k.Kind != n.Kind || k.ExpiresAt.After(n.CreatedAt) {
					left = append(left, k)
				}
			}
			m.keys = append([]signing.Key{n}, left...)
		}
	})
}

func (m *memory) EndOverlap(ctx context.Context, at time.Time) (ended int, err error) {
	err = m.change(ctx, func() {
		m.keys = slices.DeleteFunc(m.keys, func(k signing.Key) bool {
			if k.ExpiresAt.After(at) {
				ended++
			}
			return !k.ExpiresAt.IsZero()
		})
	})
	return ended, err
}

func (m *memory) EnsureSigningKeys(ctx context.Context, candidates []signing.Key) (all []signing.Key, err error) {
	err = m.change(ctx, func() {
		for _, c := range candidates {
			if !slices.ContainsFunc(m.keys, func(k signing.Key) bool { return k.Kind == c.Kind && k.ExpiresAt.IsZero() }) {
				m.keys = append([]signing.Key{c}, m.keys...)
			}
		}
		all = slices.Clone(m.keys)
	})
	return all, err
}
