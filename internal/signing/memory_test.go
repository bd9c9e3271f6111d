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
	// others are the keys of the accounts beside the default one.
	others map[string][]signing.Key
	// read and write fail the calls when they are set; writing is called before
	// something is written, writes counts the calls.
	read, write error
	writing     func()
	writes      int
}

// of are the keys of an account.
func (m *memory) of(account string) []signing.Key {
	if account == "" {
		return m.keys
	}
	return m.others[account]
}

func (m *memory) SigningKeys(ctx context.Context, account string) ([]signing.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.of(account)), errors.Join(ctx.Err(), m.read)
}

func (m *memory) change(ctx context.Context, account string, fn func(keys []signing.Key) []signing.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.writing != nil {
		m.writing()
	}
	if err := errors.Join(ctx.Err(), m.write); err != nil {
		return err
	}
	switch next := fn(m.of(account)); {
	case account == "":
		m.keys = next
	case m.others == nil:
		m.others = map[string][]signing.Key{account: next}
	default:
		m.others[account] = next
	}
	return nil
}

func (m *memory) AddSigningKeys(ctx context.Context, account string, next []signing.Key, overlapEnds time.Time) error {
	return m.change(ctx, account, func(keys []signing.Key) []signing.Key {
		for _, n := range next {
			var left []signing.Key
			for _, k := range keys {
				if k.Kind == n.Kind && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(overlapEnds)) {
					k.ExpiresAt = overlapEnds
				}
				if k.Kind != n.Kind || k.ExpiresAt.After(n.CreatedAt) {
					left = append(left, k)
				}
			}
			keys = append([]signing.Key{n}, left...)
		}
		return keys
	})
}

func (m *memory) EndOverlap(ctx context.Context, account string, at time.Time) (ended int, err error) {
	err = m.change(ctx, account, func(keys []signing.Key) []signing.Key {
		return slices.DeleteFunc(keys, func(k signing.Key) bool {
			if k.ExpiresAt.After(at) {
				ended++
			}
			return !k.ExpiresAt.IsZero()
		})
	})
	return ended, err
}

func (m *memory) EnsureSigningKeys(ctx context.Context, account string, candidates []signing.Key) (all []signing.Key, err error) {
	err = m.change(ctx, account, func(keys []signing.Key) []signing.Key {
		for _, c := range candidates {
			if !slices.ContainsFunc(keys, func(k signing.Key) bool { return k.Kind == c.Kind && k.ExpiresAt.IsZero() }) {
				keys = append([]signing.Key{c}, keys...)
			}
		}
		all = slices.Clone(keys)
		return keys
	})
	return all, err
}
