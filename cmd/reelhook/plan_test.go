package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// randomKill is the kind of kill that comes from outside at a random instant.
const randomKill = "random"

// Kinds of full disk that a seed may meet.
const (
	noDisk    = ""
	limitDisk = "limit" // the process may write to no file any more
	tmpfsDisk = "tmpfs" // its data folder is a small file system, and full
)

// plan is what happens in a seed. It follows from the seed alone, but for the
// scheduling of two processes.
type plan struct {
	seed uint64
	// lives are the runs that are killed. One more follows them.
	lives  []life
	movies []order
	// full is how its disk gets full in the first life.
	full string
}

// life is one run of the server and how it is ended.
type life struct {
	// kill is a point of the process that kills itself, at the nth time it is
	// passed, or randomKill: then it is killed after a time, counted from its start
	// when early and else from when it serves.
	kill  string
	nth   int
	after time.Duration
	early bool
	// torn tells to put garbage behind the end of the log once it is dead.
	torn bool
}

// order is one movie: its document and what is to come of it.
type order struct {
	// wave is the life in which it is first submitted.
	wave  int
	hooks []hook
}

// hook is one destination of a movie.
type hook struct {
	receiver string
	number   int
	events   []string // nil when none are asked for
	retries  []any    // nil for the server's schedule
}

func newPlan(seed uint64) plan {
	chance := rand.New(rand.NewPCG(seed, 0))
	p := plan{seed: seed}
	switch seed % 20 { // two in twenty, for a disk's recovery takes seconds
	case 5:
		p.full = limitDisk
	case 6:
		p.full = tmpfsDisk
	}
	kinds := append([]string{randomKill}, faultPoints...)
	for i := range 1 + chance.IntN(3) {
		l := life{kill: kinds[chance.IntN(len(kinds))], torn: chance.IntN(3) == 0}
		if i == 0 { // so that a few seeds in a row have every kind
			l.kill = kinds[seed%uint64(len(kinds))]
		}
		l.nth = 1 + chance.IntN(40)
		l.early = l.kill == randomKill && chance.IntN(5) == 0
		l.after = time.Duration(chance.IntN(300)) * time.Millisecond
		if l.early {
			l.after *= 3 // a start takes that long on a busy machine
		}
		if i == 0 && p.full != noDisk { // killed when full, or a while later
			l.kill, l.early = randomKill, chance.IntN(2) == 0
		}
		p.lives = append(p.lives, l)
	}
	for range 20 + chance.IntN(21) {
		o := order{wave: chance.IntN(len(p.lives))}
		for range 1 + chance.IntN(3) {
			o.hooks = append(o.hooks, newHook(chance))
		}
		p.movies = append(p.movies, o)
	}
	return p
}

func newHook(chance *rand.Rand) hook {
	h := hook{receiver: fastReceiver}
	switch chance.IntN(10) {
	case 0, 1, 2:
		h.receiver, h.number = slowReceiver, 20+chance.IntN(100)
	case 3, 4, 5:
		h.receiver, h.number = flakyReceiver, 1+chance.IntN(3)
		if chance.IntN(2) == 0 {
			h.retries = []any{0.02, "50ms", 0.1, "20ms"}
		}
	case 6:
		h.receiver, h.retries = deadReceiver, []any{"20ms", 0.05}
	}
	h.events = [][]string{nil, nil, nil, {"movie.completed"}, {"export.completed"}, {"movie.failed", "export.completed"},
		{"movie.started", "movie.completed"}}[chance.IntN(7)]
	return h
}

// document is the movie's JSON. It has a fault, so that it ends as soon as it is
// taken up, on the same way as a movie that was rendered for an hour.
func (o order) document(number int, urls map[string]string) []byte {
	type object = map[string]any
	var destinations []any
	for i, h := range o.hooks {
		d := object{"type": "webhook", "endpoint": fmt.Sprintf("%s/%d/%d/%d", urls[h.receiver], number, i, h.number)}
		if h.events != nil {
			d["events"] = h.events
		}
		if h.retries != nil {
			d["retries"] = h.retries
		}
		destinations = append(destinations, d)
	}
	doc, err := json.Marshal(object{"id": fmt.Sprint("movie-", number), "scenes": []any{object{"elements": []any{object{"type": "image"}}}},
		"exports": []any{object{"destinations": destinations}}})
	if err != nil {
		panic(err)
	}
	return doc
}

// expected is one delivery that must come of a movie, and its state in the end.
type expected struct {
	position int
	event    string
}

// expect lists the deliveries of a movie with the states they must end in.
func (o order) expect() map[expected]string {
	all := map[expected]string{}
	for i, h := range o.hooks {
		events := h.events
		if events == nil {
			events = []string{"movie.completed"}
		}
		for _, event := range events {
			all[expected{i, event}] = "delivered"
			if h.receiver == deadReceiver {
				all[expected{i, event}] = "failed"
			}
		}
	}
	return all
}
