package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// simBudget is that of each pipeline of a simulation.
const simBudget = 10 * time.Minute

// carriers are the servers of a simulation that files and mails go to: their
// characters are those of the endpoints, but what is slow is far slower.
type carriers struct {
	*simulation
	process *process
}

// mark is what a delivery's parcels are known by.
func mark(delivery string) string {
	sum := sha256.Sum256([]byte(delivery))
	return hex.EncodeToString(sum[:6])
}

func (c carriers) host(s export.Settings) (i int, err error) {
	if _, err := fmt.Sscan(s.Text("host"), &i); err != nil || i >= len(c.Characters) {
		return 0, export.Refusal("It has no number")
	}
	return i, nil
}

func (c carriers) Plan(s export.Settings) (export.Plan, error) {
	i, err := c.host(s)
	at := fmt.Sprintf("sftp://h%d.test:22", i/2)
	return export.Plan{Target: fmt.Sprintf("%s/%s", at, s.Text("file")), Group: at}, err
}

func (carriers) Probe(context.Context, export.Settings, func(string)) error { return nil }

// Carry meets a server. What is cut off, by whomever, has not arrived.
func (c carriers) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	number := c.sets(p)
	defer c.end(c.process, p.Part)
	i, err := c.host(p.Settings)
	if err != nil {
		return export.Receipt{}, err
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, p.Name, p.Text("n"), number, c.Seed)
	f := c.Characters[i].meet(rand.New(rand.NewPCG(h.Sum64(), c.Seed)), number, time.Now())
	if f.takes *= 30; c.Characters[i].Sort == "hangs" {
		f.takes = time.Hour
	}
	deadline, bounded := ctx.Deadline()
	if left := time.Until(deadline); !bounded || left > simBudget || left < simBudget/3 {
		c.Errorf("%s may take %v, bounded %v", p.Name, left, bounded)
	}
	select {
	case <-ctx.Done():
		return export.Receipt{}, &export.Fault{Class: "timeout", Message: "cut off"}
	case <-time.After(f.takes):
	}
	if f.taken && !c.process.crashed() {
		c.arrived(p.Part)
	}
	if f.result == export.Succeeded {
		return export.Receipt{ID: p.Part}, nil
	}
	return export.Receipt{}, &export.Fault{Class: f.class, Message: "it " + c.Characters[i].Sort, Status: f.status,
		Permanent: f.status == 410, Unknown: f.result == export.Unknown, RetryAfter: f.after}
}

// sets out with a parcel, and tells how often that was done.
func (c carriers) sets(p export.Parcel) int {
	c.process.mu.Lock()
	twice := c.process.sending[p.Part]
	c.process.sending[p.Part] = true
	c.process.mu.Unlock()
	what := fmt.Sprintf("%s %s %d", p.Name, p.Settings, p.Size)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count.attempts++
	c.count.carried++
	c.tries[p.Part]++
	if c.seen[p.Part] == "" {
		c.seen[p.Part] = what
	}
	if twice || c.seen[p.Part] != what {
		c.problem("%s is carried as %s, twice %v, first as %s", p.Part, what, twice, c.seen[p.Part])
	}
	return c.tries[p.Part]
}

// closesTransfer looks at what is to be recorded of a try.
func (s *simulation) closesTransfer(d export.Delivery, a export.Attempt) {
	longest := s.ask(d, a) * 12 / 10
	switch {
	case d.State == export.Failed && !a.Gone && a.EndedAt.Add(longest).Before(d.Deadline):
		s.problem("%s is given up at %v, it had until %v", d.ID, a.EndedAt, d.Deadline)
	case d.NextAt.After(d.Deadline):
		s.problem("%s is to be tried at %v, it had until %v", d.ID, d.NextAt, d.Deadline)
	case a.EndedAt.Sub(a.StartedAt)-tolerance > max(simBudget/3, d.Deadline.Sub(a.StartedAt)):
		s.problem("%s took from %v to %v, it had until %v", d.ID, a.StartedAt, a.EndedAt, d.Deadline)
	}
}

// ask is the pause that is due after an attempt that failed.
func (s *simulation) ask(d export.Delivery, a export.Attempt) time.Duration {
	if d.Failures == 0 {
		return 0
	}
	return max(d.Schedule[min(d.Failures, len(d.Schedule))-1], min(a.RetryAfter, export.LongestWait))
}

// checkServed holds that a movie's webhooks were told in any case, and what may be
// passed over.
func (s *simulation) checkServed(id string) {
	for _, d := range s.m.shown(id) {
		if d.Status == "pending" || d.Type == "webhook" && d.Status == "skipped" && d.Message != "It asks for no event of this end" {
			s.Errorf("%s: %+v", id, d)
		}
		if d.Status == "skipped" && d.Type != "webhook" && d.Type != "email" && s.m.projects[id].Status == "done" &&
			d.Message != "A destination before it failed, and says to stop there" {
			s.Errorf("%s: %+v", id, d)
		}
	}
}
