package export

import (
	"sync"
	"sync/atomic"
)

// sending knows how far the uploads under way are.
type sending struct {
	mu sync.Mutex
	by map[string]*upload
}

type upload struct {
	sent  atomic.Int64
	total int64
}

// begin follows one; the function it returns is told how many bytes arrived.
func (s *sending) begin(delivery string, total int64) func(int64) {
	u := &upload{total: total}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]*upload{}
	}
	s.by[delivery] = u
	return u.sent.Store
}

func (s *sending) end(delivery string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, delivery)
}

// Sending tells how many bytes of an upload have arrived, of how many; ok is
// false when it is not under way here.
func (p *Pipeline) Sending(delivery string) (sent, total int64, ok bool) {
	p.sending.mu.Lock()
	defer p.sending.mu.Unlock()
	u := p.sending.by[delivery]
	if u == nil {
		return 0, 0, false
	}
	return u.sent.Load(), u.total, true
}
