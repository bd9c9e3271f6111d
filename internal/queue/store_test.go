package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// fakeStore is a Store in memory that works, with the faults and the delays a
// test wants.
type fakeStore struct {
	// added is told of rows after they are committed, as Dispatcher.Add is.
	added func(...Job)
	// fail, when set, is asked before each call.
	fail func(op string) error
	// slow, when set, is called with a page read and not yet returned.
	slow func()

	// writer is held by one change at a time, until its jobs are handed on.
	writer sync.Mutex
	mu     sync.Mutex
	lastID int64
	rows   map[int64]Job
	byKey  map[string]int64
	// sorted has every row in order, and some that are gone.
	sorted []Job
	reads  int // calls of Jobs
	read   int // rows returned by Jobs
}

var errStore = errors.New("disk full")

func newFakeStore() *fakeStore {
	return &fakeStore{rows: map[int64]Job{}, byKey: map[string]int64{}, added: func(...Job) {}}
}

func (s *fakeStore) Jobs(_ context.Context, kind Kind, after Job, limit int) ([]Job, error) {
	if err := s.failing("jobs"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.reads++
	i, found := slices.BinarySearchFunc(s.sorted, after, order)
	if found {
		i++
	}
	var jobs []Job
	for ; i < len(s.sorted) && len(jobs) < limit; i++ {
		if j := s.sorted[i]; s.rows[j.ID] == j && j.Kind == kind {
			jobs = append(jobs, j)
		}
	}
	s.read += len(jobs)
	s.mu.Unlock()
	if s.slow != nil {
		s.slow()
	}
	return jobs, nil
}

func (s *fakeStore) Finish(_ context.Context, id int64) error {
	if err := s.failing("finish"); err != nil {
		return err
	}
	defer s.write()()
	s.remove(id)
	return nil
}

func (s *fakeStore) Postpone(_ context.Context, id int64, runAt time.Time, faults int) error {
	if err := s.failing("postpone"); err != nil {
		return err
	}
	defer s.write()()
	j, ok := s.rows[id]
	if !ok {
		return nil
	}
	j.RunAt, j.Faults = stored(runAt), faults
	s.rows[id] = j
	s.place(j)
	return nil
}

// insert commits jobs and hands them on, as a transaction of the store does. It
// returns them with their IDs; one whose key has a row is left out.
func (s *fakeStore) insert(jobs ...Job) []Job {
	s.writer.Lock()
	defer s.writer.Unlock()
	s.mu.Lock()
	inserted := s.insertLocked(jobs)
	s.mu.Unlock()
	s.added(inserted...)
	return inserted
}

// replace removes a row and inserts a retry for the same key, as the closing of
// an attempt does.
func (s *fakeStore) replace(old Job, runAt time.Time) {
	s.writer.Lock()
	defer s.writer.Unlock()
	s.mu.Lock()
	s.remove(old.ID)
	inserted := s.insertLocked([]Job{{Kind: old.Kind, Key: old.Key, Group: old.Group, RunAt: runAt, Retry: true}})
	s.mu.Unlock()
	s.added(inserted...)
}

func (s *fakeStore) insertLocked(jobs []Job) (inserted []Job) {
	for _, j := range jobs {
		if _, there := s.byKey[string(j.Kind)+"/"+j.Key]; there {
			continue
		}
		s.lastID++
		j.ID = s.lastID
		row := j
		row.RunAt = stored(j.RunAt)
		s.rows[j.ID] = row
		s.byKey[string(j.Kind)+"/"+j.Key] = j.ID
		s.place(row)
		inserted = append(inserted, j)
	}
	return inserted
}

// order is that of Store.Jobs.
func order(a, b Job) int { return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.ID, b.ID)) }

// stored is a time as a database keeps it.
func stored(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

func (s *fakeStore) place(j Job) {
	if len(s.sorted) > 2*len(s.rows)+1000 {
		s.sorted = slices.DeleteFunc(s.sorted, func(j Job) bool { return s.rows[j.ID] != j })
	}
	i, found := slices.BinarySearchFunc(s.sorted, j, order)
	if found {
		s.sorted[i] = j
		return
	}
	s.sorted = slices.Insert(s.sorted, i, j)
}

func (s *fakeStore) remove(id int64) {
	j := s.rows[id]
	delete(s.rows, id)
	if s.byKey[string(j.Kind)+"/"+j.Key] == id {
		delete(s.byKey, string(j.Kind)+"/"+j.Key)
	}
}

// write begins a change and returns what ends it.
func (s *fakeStore) write() func() {
	s.writer.Lock()
	s.mu.Lock()
	return func() { s.mu.Unlock(); s.writer.Unlock() }
}

func (s *fakeStore) failing(op string) error {
	if s.fail == nil {
		return nil
	}
	return s.fail(op)
}

// unfinished lists the rows there are.
func (s *fakeStore) unfinished() (rows []Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.rows {
		rows = append(rows, j)
	}
	slices.SortFunc(rows, order)
	return rows
}

func (s *fakeStore) pages() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// row returns the row with an ID.
func (s *fakeStore) row(id int64) (Job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.rows[id]
	return j, ok
}

// some makes n jobs of a group, due at a time.
func some(n int, group string, runAt time.Time) []Job {
	jobs := make([]Job, n)
	for i := range jobs {
		jobs[i] = Job{Kind: "work", Key: fmt.Sprintf("%s-%d", group, i), Group: group, RunAt: runAt}
	}
	return jobs
}
