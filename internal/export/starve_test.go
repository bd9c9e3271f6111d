package export_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
)

// TestNobodyStarves holds that endpoints that hang for ever keep nobody else's
// first attempt waiting for long.
//
// While it is new, a group gets slowStart (4) attempts at once, and it is cut off
// after trip (5) timeouts in a row, when 3 others may be under way: it takes 8
// timeouts of a worker at most. So G hanging groups keep W workers busy for
// 8·G·timeout/W, and one timeout more for the last to end. From then on they only
// have probes, which are retries and leave the reserved workers alone: whoever is
// well is served to the tick.
func TestNobodyStarves(t *testing.T) {
	runs(t, *simulationRuns/6)
	rapid.Check(t, func(r *rapid.T) {
		hanging := rapid.IntRange(1, 40).Draw(r, "hanging")
		p := simPlan{Workers: rapid.IntRange(2, 40).Draw(r, "workers"), PerGroup: rapid.IntRange(1, 32).Draw(r, "per group"),
			Sweep: 10_000 * time.Hour, Latency: time.Millisecond}
		p.Reserve = rapid.IntRange(1, p.Workers/2).Draw(r, "reserve")
		for range hanging {
			p.Characters = append(p.Characters, character{Sort: "hangs"}, character{Sort: "hangs"})
		}
		well := len(p.Characters)
		p.Characters = append(p.Characters, character{Sort: "well"}, character{Sort: "errs"})
		learning := simTimeout + 8*time.Duration(hanging)*simTimeout/time.Duration(p.Workers) + time.Second
		s := newSimulation(p)
		synctest.Test(t, func(*testing.T) {
			began := time.Now().Add(simRendering) // of the first deliveries
			served := 0
			s.late = func(d export.Delivery, due time.Time, by time.Duration) {
				if s.index(d.Target) < well || d.Attempts > 1 {
					return
				}
				served++
				if by > learning || due.Sub(began) > learning && by > tolerance {
					s.problem("%s, due after %v, is %v late", d.Target, due.Sub(began), by)
				}
			}
			s.run(func() []act { return s.crowd(learning) })
			if served != 60 {
				s.Errorf("%d were served", served)
			}
		})
		s.report(r)
	})
}

// crowd is many movies for all who hang, at once, and some for all others, then
// and later.
func (s *simulation) crowd(learning time.Duration) (all []act) {
	movie := func(at time.Duration, endpoints ...int) {
		var list []string
		for _, i := range endpoints {
			list = append(list, fmt.Sprintf(`{"type":"webhook","endpoint":"%d"}`, i))
		}
		source := `{"exports":[{"destinations":[` + strings.Join(list, ",") + `]}]}`
		all = append(all, s.movie(fmt.Sprint("p", len(all)), at, source)...)
	}
	hanging := len(s.Characters) - 2
	for range 10 {
		for i := range hanging {
			movie(0, i)
		}
	}
	for i := range 10 {
		movie(time.Duration(i)*learning/10, hanging, hanging+1)
		movie(learning+time.Duration(i)*time.Hour, i%hanging, hanging, (i+1)%hanging, hanging+1, hanging, hanging+1)
	}
	return all
}
