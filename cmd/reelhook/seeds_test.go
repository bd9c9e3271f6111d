package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var crashSeeds = flag.Uint64("crash.seeds", 6, "how many seeds TestCrashSeeds tries; make soak SEEDS=1000 tries 1000")

const (
	// trials is how many seeds are tried at once.
	trials = 3
	// longestTrial bounds one; what is not settled by then is lost.
	longestTrial = 90 * time.Second
	// loggedBytes is how much of a failed trial's log is shown.
	loggedBytes = 20_000
)

// TestCrashSeeds tries seeds. In each the real server is killed, at random
// instants or at the worst ones, one to three times while movies come in and
// webhooks go out, and finds garbage in its log, or a full disk, on the way. What
// was accepted, what the API says and what the receivers saw must agree in the
// end, to the last attempt.
func TestCrashSeeds(t *testing.T) {
	from := max(1, *crashSeed)
	seeds := make(chan uint64)
	var mu sync.Mutex
	var all []verdict
	var workers sync.WaitGroup
	for range trials {
		workers.Go(func() {
			for seed := range seeds {
				v, log := try(t, seed)
				mu.Lock()
				all = append(all, v)
				if len(v.wrong) > 0 {
					t.Errorf("seed %d; repeat it with -run TestCrashSeeds -crash.seed %[1]d -crash.seeds 1\n%s\n%s", seed, lines(v.wrong), log)
				}
				if len(all)%50 == 0 {
					t.Logf("%d of %d seeds", len(all), *crashSeeds)
				}
				mu.Unlock()
			}
		})
	}
	for seed := from; seed < from+*crashSeeds; seed++ {
		seeds <- seed
	}
	close(seeds)
	workers.Wait()
	t.Logf("seeds %d to %d\n%s", from, from+*crashSeeds-1, summary(all))
}

// try tries one seed.
func try(t *testing.T, seed uint64) (v verdict, log string) {
	began := time.Now()
	folder, err := os.MkdirTemp(t.TempDir(), "seed")
	if err != nil {
		return verdict{wrong: []error{err}}, ""
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithTimeout(t.Context(), longestTrial)
	defer cancel()
	s, err := newTrial(newPlan(seed), folder)
	if err != nil {
		return verdict{wrong: []error{err}}, ""
	}
	if err = s.run(ctx); err == nil {
		v = s.judge(ctx)
	} else {
		v = s.counts()
		v.blame("%w", err)
	}
	cancel()
	s.clients.Wait()
	if err := s.Close(); err != nil {
		v.blame("%w", err)
	}
	v.took = time.Since(began)
	log = s.output.String()
	return v, log[max(0, len(log)-loggedBytes):]
}

func lines(errs []error) string {
	const most = 20
	var text strings.Builder
	for i, err := range errs {
		if i == most {
			fmt.Fprintf(&text, "  and %d more\n", len(errs)-most)
			break
		}
		fmt.Fprintf(&text, "  %v\n", err)
	}
	return text.String()
}

// summary is what all trials come to.
func summary(all []verdict) string {
	var sum verdict
	kills, disks, wrong := map[string]int{}, map[string]int{}, 0
	var redelivered, ready, took []time.Duration
	most, flying, doubled, killed := 0, 0, 0, 0
	for _, v := range all {
		sum.starts += v.starts
		sum.torn += v.torn
		sum.accepted += v.accepted
		sum.delivered += v.delivered
		sum.failed += v.failed
		sum.lost += v.lost
		for kind, n := range v.kills {
			kills[kind] += n
			killed += n
		}
		if v.full != noDisk {
			disks[v.full]++
		}
		for i := range v.flying {
			flying += v.flying[i]
			doubled += v.doubled[i]
			most = max(most, v.doubled[i])
		}
		if len(v.wrong) > 0 {
			wrong++
		}
		redelivered, ready, took = append(redelivered, v.redelivered...), append(ready, v.ready...), append(took, v.took)
	}
	var text strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-34s "+format+"\n", append([]any{name}, args...)...)
	}
	row("seeds, of these wrong", "%d, %d", len(all), wrong)
	row("starts, kills", "%d, %d", sum.starts, killed)
	for _, kind := range slices.Sorted(maps.Keys(kills)) {
		row("  killed at "+kind, "%d", kills[kind])
	}
	row("torn logs", "%d", sum.torn)
	for _, kind := range slices.Sorted(maps.Keys(disks)) {
		row("full disks, by "+kind, "%d", disks[kind])
	}
	row("movies accepted", "%d", sum.accepted)
	row("webhooks delivered, given up", "%d, %d", sum.delivered, sum.failed)
	row("lost", "%d", sum.lost)
	row("under way at a kill", "%d", flying)
	row("doubled, most at one kill", "%d, %d", doubled, most)
	row("first redelivery, from the start", "%s", spread(redelivered))
	row("first redelivery, from serving", "%s", spread(ready))
	row("a seed took", "%s", spread(took))
	return text.String()
}

// spread is a distribution in three numbers.
func spread(times []time.Duration) string {
	if len(times) == 0 {
		return "none"
	}
	slices.Sort(times)
	at := func(share float64) time.Duration {
		return times[int(share*float64(len(times)-1))].Round(time.Millisecond)
	}
	return fmt.Sprintf("p50 %v, p99 %v, max %v (of %d)", at(0.5), at(0.99), at(1), len(times))
}
