package export_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// simTimeout bounds every attempt of a simulation.
const simTimeout = 15 * time.Second

// character is how an endpoint of a simulation behaves.
type character struct {
	Sort string
	// N is the number of failures before a success, or the hours of a phase.
	N    int
	Asks time.Duration
}

// sorts of endpoints; those that work come up more often.
var sorts = []string{"well", "well", "well", "slow", "late", "errs", "busy", "brakes", "gone", "hangs", "resets", "shut", "flaps", "proxied", "unnamed"}

// fate is what comes of one attempt: it takes a while, and the receiver takes it
// or does not.
type fate struct {
	takes  time.Duration
	taken  bool
	status int
	result export.Result
	class  string
	after  time.Duration
}

func answer(status int, takes, after time.Duration) fate {
	if status > 299 {
		return fate{takes, false, status, export.Refused, "http", after}
	}
	return fate{takes, true, status, export.Succeeded, "", 0}
}

func silence(result export.Result, class string, takes time.Duration, taken bool) fate {
	return fate{takes: takes, taken: taken, result: result, class: class}
}

// meet decides the fate of an attempt that starts now.
func (c character) meet(r *rand.Rand, number int, now time.Time) fate {
	quick := time.Duration(r.IntN(200)) * time.Millisecond
	rarely := r.IntN(10) < 3
	switch c.Sort {
	case "slow":
		if takes := time.Duration(r.IntN(20_000)) * time.Millisecond; takes < simTimeout {
			return answer(200, takes, 0)
		}
		return silence(export.Unknown, "timeout", simTimeout, true)
	case "late":
		if number <= c.N {
			return answer(500, quick, 0)
		}
	case "errs":
		return answer(500, quick, 0)
	case "busy", "brakes":
		if !rarely {
			return answer(map[string]int{"busy": 429, "brakes": 503}[c.Sort], quick, c.Asks)
		}
	case "gone":
		return answer(410, quick, 0)
	case "hangs":
		return silence(export.Unknown, "timeout", simTimeout, false)
	case "resets":
		if !rarely {
			return silence(export.Unknown, "reset", quick, r.IntN(2) == 0)
		}
	case "shut":
		return silence(export.Refused, "refused", 0, false)
	case "unnamed":
		return silence(export.Refused, "dns", quick, false)
	case "flaps":
		if int(now.Sub(time.Unix(0, 0))/time.Hour)/c.N%2 == 0 {
			return silence(export.Refused, "refused", 0, false)
		}
	case "proxied":
		if !rarely {
			return silence(export.Refused, "proxy", quick, false)
		}
	}
	return answer(200, quick, 0)
}

// receivers are the endpoints of a simulation, and its leaf.
type receivers struct {
	*simulation
	process *process
}

func (s *simulation) target(i int) string { return fmt.Sprintf("https://h%d.test/%d", i/2, i) }

func (s *simulation) group(i int) string { return fmt.Sprintf("https://h%d.test:443", i/2) }

func (l receivers) Prepare(n export.Notice, dest export.Destination) (export.Delivery, error) {
	i := 0
	if _, err := fmt.Sscan(dest.Text("endpoint"), &i); err != nil {
		return export.Delivery{}, export.Refusal("It has no number")
	}
	d := export.Delivery{Target: l.target(i), Group: l.group(i), Endpoint: export.EndpointID(l.target(i)),
		Schedule: export.DefaultSchedule(), Timeout: simTimeout, Body: fmt.Appendf(nil, "%s %d %s", n.Project.ID, n.Percent, n.Event)}
	if dest.Text("retries") == "0" {
		d.Schedule = nil
	}
	return d, nil
}

// Attempt meets an endpoint. When the process ends before the request has
// arrived, it does not.
func (l receivers) Attempt(_ context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	l.begin(l.process, d, a)
	f := l.Characters[l.index(d.Target)].meet(l.rand(d, a), a.Number, time.Now())
	<-time.After(f.takes / 2)
	if f.taken && !l.process.crashed() {
		l.arrived(d.ID)
	}
	<-time.After(f.takes - f.takes/2)
	a.Status, a.Result, a.Class, a.RetryAfter, a.Gone = f.status, f.result, f.class, f.after, f.status == 410
	if a.Result != export.Succeeded {
		a.Error = "it " + l.Characters[l.index(d.Target)].Sort
	}
	l.end(l.process, d.ID)
	return a
}

// Readdress, with the two below, is what a Tester does.
func (l receivers) Readdress(d export.Delivery, target string) (export.Delivery, error) {
	d.Target, d.Group, d.Endpoint = target, l.group(l.index(target)), export.EndpointID(target)
	return d, nil
}

func (l receivers) Sample(event string, dest export.Destination, _ bool) (export.Delivery, error) {
	target := dest.Text("endpoint")
	return export.Delivery{Target: target, Group: l.group(l.index(target)), Timeout: simTimeout, Body: []byte(event)}, nil
}

func (receivers) DryRun(_ context.Context, _ export.Delivery, a export.Attempt) export.Attempt {
	return a
}

func (s *simulation) index(target string) (i int) {
	var host int
	_, _ = fmt.Sscanf(target, "https://h%d.test/%d", &host, &i)
	return i
}

// rand is the same for the same attempt, in whatever order they are made.
func (s *simulation) rand(d export.Delivery, a export.Attempt) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, d.Project, d.Export, d.Position, d.Event, a.Number, s.Seed)
	return rand.New(rand.NewPCG(h.Sum64(), s.Seed))
}
