package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/seal"
)

const (
	// settling is how long something that was sealed may be on its way to the
	// database. Only after that is a key forgotten, or it would be lost.
	settling = time.Minute
	// finishEvery is how often it is looked whether keys can be forgotten, and
	// finishAgain the wait after that has failed.
	finishEvery, finishAgain = 10 * time.Second, time.Hour
)

// masters are the master keys and what they seal.
type masters struct {
	*seal.Keys
	store seal.Store
	// given tells that the keys are set by flag: then there is no file to change.
	given bool

	mu sync.Mutex
	// forget is when the keys before the current one can be forgotten, zero for never.
	forget time.Time
}

// masterKeys are those that were given, or that of the data folder, which is made
// at the first start.
func (a *App) masterKeys() (*masters, error) {
	keys, err := loadMasterKeys(a.MasterKeys, a.Data)
	// A crash, or a start with another key before the old one, may have left a
	// rotation half done.
	return &masters{Keys: keys, store: a.db, given: len(a.MasterKeys) > 0, forget: time.Now()}, err
}

func loadMasterKeys(given []string, data string) (*seal.Keys, error) {
	if len(given) == 0 {
		return seal.Load(masterKeyPath(data))
	}
	keys, err := seal.Parse(given)
	if err != nil {
		return nil, fmt.Errorf("--master-key: %w", err)
	}
	return keys, nil
}

// masterKeyPath is where a data folder keeps its master keys.
func masterKeyPath(data string) string { return filepath.Join(data, "master.key") }

// rotate takes a new master key where there is a file for it, and seals everything
// with the current one. Those before it are forgotten a little later, see finish.
func (m *masters) rotate(ctx context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.given {
		if err := m.Rotate(); err != nil {
			return 0, err
		}
	}
	m.forget = time.Now().Add(settling)
	return m.Reseal(ctx, m.store)
}

// finish ends rotations until ctx does.
func (m *masters) finish(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(finishEvery)
	defer tick.Stop()
	for {
		m.end(ctx, log)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// end seals with the current key what others have sealed, and forgets those that
// are in a file, if it is time to.
func (m *masters) end(ctx context.Context, log *slog.Logger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forget.IsZero() || time.Now().Before(m.forget) {
		return
	}
	m.forget = time.Time{}
	if !m.Stale() {
		return
	}
	n, err := m.Reseal(ctx, m.store)
	if err == nil && !m.given {
		err = m.Retire()
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		m.forget = time.Now().Add(finishAgain)
		log.ErrorContext(ctx, "not everything is sealed with the current master key", "error", err)
	case n > 0:
		log.InfoContext(ctx, "sealed with the current master key", "secrets", n)
	}
}
