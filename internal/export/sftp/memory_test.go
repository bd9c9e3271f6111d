package sftp

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// memory is a Trust.
type memory struct {
	mu   sync.Mutex
	keys map[string]string
	err  error
}

func (m *memory) HostKey(_ context.Context, address string) (string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, ok := m.keys[address]
	return key, ok, m.err
}

func (m *memory) Remember(_ context.Context, address, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil {
		m.keys = map[string]string{}
	}
	if _, ok := m.keys[address]; !ok {
		m.keys[address] = key
	}
	return m.err
}

// patient is a carrier for a machine that is busy with other tests.
func patient(o Options) *Carrier {
	c := New(o)
	c.connecting = time.Minute
	return c
}

// merged are members, with others over them; nil takes one away.
func merged(all ...map[string]any) map[string]any {
	one := map[string]any{}
	for _, m := range all {
		maps.Copy(one, m)
	}
	maps.DeleteFunc(one, func(_ string, value any) bool { return value == nil })
	return one
}

// settings are members as a carrier is given them.
func settings(t testing.TB, all ...map[string]any) export.Settings {
	t.Helper()
	s := export.Settings{}
	for name, value := range merged(all...) {
		raw, err := json.Marshal(value)
		must(t, err)
		s[name] = raw
	}
	return s
}

type with = map[string]any

// asFault is an error as a Fault, an empty one for none.
func asFault(t testing.TB, err error) export.Fault {
	t.Helper()
	if err == nil {
		return export.Fault{}
	}
	var f *export.Fault
	if !errors.As(err, &f) {
		t.Fatalf("%v is no Fault but %T", err, err)
	}
	return *f
}
