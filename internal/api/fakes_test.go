package api_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/project"
)

// store is a project.Store in memory that keeps the contract of its methods.
type store struct {
	mu       sync.Mutex
	projects []project.Project // in the order they were created
	dests    map[string][]project.Destination
	keys     map[string]used
	// err is returned by every method when set.
	err error
}

type used struct {
	hash    [32]byte
	project string
}

func newStore() *store {
	return &store{dests: map[string][]project.Destination{}, keys: map[string]used{}}
}

func (s *store) Create(_ context.Context, p project.Project, dests []project.Destination, idem *project.Idempotency) (project.Project, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return project.Project{}, false, s.err
	}
	if idem != nil {
		name := p.Account + "\x00" + idem.Key
		if first, ok := s.keys[name]; ok {
			if first.hash != idem.BodyHash {
				return project.Project{}, false, project.ErrConflict
			}
			return s.projects[s.index(first.project)], false, nil
		}
		s.keys[name] = used{idem.BodyHash, p.ID}
	}
	s.projects = append(s.projects, p)
	s.dests[p.ID] = dests
	return p, true, nil
}

func (s *store) index(id string) int {
	return slices.IndexFunc(s.projects, func(p project.Project) bool { return p.ID == id })
}

// change applies f to one project and returns it.
func (s *store) change(id string, f func(p *project.Project)) (project.Project, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return project.Project{}, s.err
	}
	i := s.index(id)
	if i < 0 {
		return project.Project{}, project.ErrNotFound
	}
	f(&s.projects[i])
	return s.projects[i], nil
}

func (s *store) Get(_ context.Context, id string) (project.Project, error) {
	return s.change(id, func(*project.Project) {})
}

func (s *store) List(_ context.Context, page project.Page) (all []project.Project, next string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, "", s.err
	}
	at := len(s.projects)
	if page.After != "" {
		if at, err = strconv.Atoi(page.After); err != nil || at < 0 || at > len(s.projects) {
			return nil, "", project.ErrNotFound
		}
	}
	for at--; at >= 0; at-- {
		p := s.projects[at]
		if p.Account != page.Account || p.CreatedAt.Before(page.From) || !p.CreatedAt.Before(page.To) {
			continue
		}
		if len(all) == page.Limit {
			return bounded(all, page.Sources), strconv.Itoa(at + 1), nil
		}
		all = append(all, p)
	}
	return bounded(all, page.Sources), "", nil
}

// bounded leaves the documents out when they have more than some bytes.
func bounded(all []project.Project, sources int) []project.Project {
	for _, p := range all {
		sources -= len(p.Source)
	}
	for i := range all {
		if sources < 0 {
			all[i].Source = nil
		}
	}
	return all
}

func (s *store) Start(_ context.Context, id string, at time.Time) (project.Project, error) {
	return s.change(id, func(p *project.Project) {
		if !p.Status.Ended() {
			p.Status, p.StartedAt, p.Starts = project.Running, at, p.Starts+1
		}
	})
}

func (s *store) PutBack(_ context.Context, id string) error {
	_, err := s.change(id, func(p *project.Project) { p.Status, p.Starts = project.Pending, p.Starts-1 })
	return err
}

func (s *store) Delete(_ context.Context, id string, at time.Time) (project.Project, error) {
	return s.change(id, func(p *project.Project) {
		if p.DeletedAt.IsZero() {
			p.DeletedAt, p.Result.File, p.Result.Thumbnail = at, "", ""
		}
	})
}

func (s *store) Destinations(_ context.Context, ids ...string) (map[string][]project.Destination, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]project.Destination{}
	for _, id := range ids {
		all[id] = slices.Clone(s.dests[id])
	}
	return all, s.err
}

// files is a blob.Store in memory.
type files struct {
	mu   sync.Mutex
	kept map[string]stored
	err  error
}

type stored struct {
	body string
	at   time.Time
}

type open struct {
	*bytes.Reader
	stored
}

func (o open) Size() int64        { return int64(len(o.body)) }
func (o open) ModTime() time.Time { return o.at }
func (o open) Close() error       { return nil }

func (f *files) put(key, body string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[key] = stored{body, at}
}

func (f *files) Put(_ context.Context, key, path string) error { panic("not used: " + key + path) }

func (f *files) Open(_ context.Context, key string) (blob.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	got, ok := f.kept[key]
	switch {
	case f.err != nil:
		return nil, f.err
	case !ok:
		return nil, blob.ErrNotFound
	}
	return open{bytes.NewReader([]byte(got.body)), got}, nil
}

func (f *files) Delete(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		delete(f.kept, key)
	}
	return f.err
}

var (
	_ project.Store = (*store)(nil)
	_ blob.Store    = (*files)(nil)
	_ io.ReadSeeker = open{}
)

// clock is a time that moves when it is told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// keyTable is an account.Store in memory.
type keyTable struct {
	mu   sync.Mutex
	kept []account.Key
	// err is returned by every method when set.
	err error
}

func (s *keyTable) Keys(context.Context) ([]account.Key, error) { return s.kept, s.err }

func (s *keyTable) AddKey(_ context.Context, k account.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.kept = append(s.kept, k)
	}
	return s.err
}

func (s *keyTable) RevokeKey(context.Context, string, string) error { return s.err }

// keyring is the real keys, of which one is fixed.
func keyring(t testing.TB, fixed string, store *keyTable, now func() time.Time) *account.Keys {
	keys, _, err := account.Load(t.Context(), account.Options{Store: store, Fixed: fixed, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// lines keeps what was logged.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
