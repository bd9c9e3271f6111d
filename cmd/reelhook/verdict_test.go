package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/reelhook/reelhook/internal/api"
)

// verdict is what became of a trial.
type verdict struct {
	starts, torn int
	kills        map[string]int
	full         string
	// accepted counts movies, delivered, failed and lost their webhooks.
	accepted, delivered, failed, lost int
	// flying and doubled are, for each kill, requests that were under way and
	// those of them that had arrived and arrived again.
	flying, doubled []int
	// redelivered is for each start with something under way before it how long the
	// first of that took from there; ready counts from when the process serves.
	redelivered, ready []time.Duration
	took               time.Duration

	wrong []error
}

func (v *verdict) blame(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Errorf(format, args...))
}

// list asks for all movies there are.
func (t *trial) list(ctx context.Context) ([]api.Movie, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.client("").BaseURL+"/v2/movies?format=simple", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("x-api-key", crashKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var reply api.MovieList
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || resp.StatusCode != http.StatusOK || reply.HasNext {
		return nil, fmt.Errorf("list movies: %s, %w", resp.Status, err)
	}
	return reply.Movies, nil
}

// deliveries asks for all deliveries there are, with their attempts, by message id.
func (t *trial) deliveries(ctx context.Context) (map[string]api.DeliveryDetail, error) {
	all := map[string]api.DeliveryDetail{}
	for q := (api.Query{Limit: maxList}); ; {
		page, err := t.client("").Deliveries(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Deliveries {
			if all[d.MessageID], err = t.client("").Delivery(ctx, d.ID); err != nil {
				return nil, err
			}
		}
		if page.NextCursor == nil {
			return all, nil
		}
		q.Cursor = *page.NextCursor
	}
}

// counts is a verdict before anything was looked at.
func (t *trial) counts() verdict {
	return verdict{starts: len(t.started), torn: t.torn, kills: t.kills, full: t.full,
		flying: make([]int, len(t.started)), doubled: make([]int, len(t.started))}
}

// judge compares what was accepted, what the API says and what receivers saw.
func (t *trial) judge(ctx context.Context) verdict {
	v := t.counts()
	movies, err := t.list(ctx)
	deliveries, err2 := t.deliveries(ctx)
	if err := errors.Join(err, err2); err != nil {
		v.blame("%w", err)
		return v
	}
	t.receivers.mu.Lock()
	defer t.receivers.mu.Unlock()
	for _, forged := range t.forged {
		v.blame("forged: %s", forged)
	}
	if want := len(t.movies) + t.probes; len(movies) != want {
		v.blame("%d movies were accepted, there are %d", want, len(movies))
	}
	v.movies(t, movies, deliveries)
	v.requests(t, deliveries)
	return v
}

// movies holds that each movie has exactly the deliveries that it asked for, in
// their final states, and that the API shows both alike.
func (v *verdict) movies(t *trial, movies []api.Movie, deliveries map[string]api.DeliveryDetail) {
	shown := map[string]api.Movie{}
	for _, m := range movies {
		shown[m.Project] = m
	}
	made := map[string]map[expected]api.DeliveryDetail{}
	for _, d := range deliveries {
		key := expected{d.Position, d.Event}
		if made[d.Project] == nil {
			made[d.Project] = map[expected]api.DeliveryDetail{}
		}
		if twin, twice := made[d.Project][key]; twice {
			v.blame("movie %s has %s and %s for one event", d.Project, twin.ID, d.ID)
		}
		made[d.Project][key] = d
	}
	for i, o := range t.movies {
		id := t.accepted[i]
		m, known := shown[id]
		if !known {
			v.blame("movie %d, accepted as %q, is gone", i, id)
			continue
		}
		v.accepted++
		v.movie(o, m, made[id])
		delete(made, id)
	}
	for id, unasked := range made {
		v.blame("movie %s, which nobody submitted, has %d deliveries", id, len(unasked))
	}
}

// movie compares the deliveries that were made with those that were to be.
func (v *verdict) movie(o order, m api.Movie, made map[expected]api.DeliveryDetail) {
	want := o.expect()
	for key, state := range want {
		d, ok := made[key]
		switch {
		case !ok && key.event == "movie.started" && v.full != noDisk:
			// No movie is held up because nobody could be told that it began.
		case !ok:
			v.lost++
			v.blame("movie %s (%s): lost %s of destination %d", m.Project, m.Status, key.event, key.position)
		case d.Status != state:
			v.blame("movie %s: delivery %s is %s, want %s: %s", m.Project, d.ID, d.Status, state, d.Message)
		}
		delete(made, key)
	}
	for key, d := range made {
		v.blame("movie %s: nobody asked for %s, %s of destination %d", m.Project, d.ID, key.event, key.position)
	}
	for i, h := range o.hooks {
		shown := m.Exports[0].Destinations[i]
		state := "skipped" // has no delivery of its own
		for _, event := range []string{"movie.completed", "movie.failed"} {
			if s, ok := want[expected{i, event}]; ok {
				state = s
			}
		}
		if shown.Status != state {
			v.blame("movie %s: destination %d (%s) is shown as %s, want %s", m.Project, i, h.receiver, shown.Status, state)
		}
	}
}

// requests compares the log of attempts with the requests that receivers saw.
func (v *verdict) requests(t *trial, deliveries map[string]api.DeliveryDetail) {
	arrived := map[string]map[int]seen{}
	for _, s := range t.seen {
		d, known := deliveries[s.id]
		switch twice := arrived[s.id][s.attempt]; {
		case !known:
			v.blame("a receiver saw %s, which is no delivery", s.id)
			continue
		case twice.attempt != 0:
			v.blame("attempt %d of %s was sent twice", s.attempt, d.ID)
		case hex.EncodeToString(s.body[:]) != d.BodySHA256 || s.project != d.Project || s.event != d.Event:
			v.blame("attempt %d of %s sent another body, of %s for movie %s", s.attempt, d.ID, s.event, s.project)
		}
		if arrived[s.id] == nil {
			arrived[s.id] = map[int]seen{}
		}
		arrived[s.id][s.attempt] = s
	}
	first := map[int]time.Time{}
	for id, d := range deliveries {
		v.delivery(d, arrived[id], first)
	}
	for n, at := range first {
		v.redelivered = append(v.redelivered, at.Sub(t.started[n]))
		if !t.served[n].IsZero() {
			v.ready = append(v.ready, max(0, at.Sub(t.served[n])))
		}
	}
}

// delivery holds that every attempt is logged as the receiver saw it, and that
// none was answered 200 twice unless a kill came in between. first has, for each
// life, when the first was repeated that the kill before had cut off.
func (v *verdict) delivery(d api.DeliveryDetail, arrived map[int]seen, first map[int]time.Time) {
	taken := 0
	for i, a := range d.Log {
		s, came := arrived[a.Number]
		delete(arrived, a.Number)
		if a.Number != i+1 {
			v.blame("attempt %d of %s has the number %d", i+1, d.ID, a.Number)
		}
		if status := statusOf(a); a.Result != "unknown" && (!came || status != s.answer || (a.Result == "succeeded") != (status == http.StatusOK)) {
			v.blame("attempt %d of %s is logged as %s %d (%s); the receiver saw it: %v, and answered %d", a.Number, d.ID, a.Result, status, a.Error, came, s.answer)
		}
		if a.Result == "unknown" && came {
			v.flying[s.life]++
			if s.answer == http.StatusOK && d.Status == "delivered" {
				v.doubled[s.life]++
			}
		}
		if came && s.answer == http.StatusOK {
			taken++
		}
		if came && i > 0 && d.Log[i-1].Result == "unknown" && (first[s.life].IsZero() || s.at.Before(first[s.life])) {
			first[s.life] = s.at
		}
	}
	for number := range arrived {
		v.blame("attempt %d of %s was sent and is not logged", number, d.ID)
	}
	switch {
	case d.Status == "delivered" && taken > 0:
		v.delivered++
	case d.Status == "delivered":
		v.lost++
		v.blame("%s is logged as delivered, and no receiver took it", d.ID)
	case d.Status == "failed" && d.Failures == len(d.Schedule)+1:
		v.failed++
	default:
		v.blame("%s ended as %s after %d failures: %s", d.ID, d.Status, d.Failures, d.Message)
	}
}

func statusOf(a api.Attempt) int {
	if a.Status == nil {
		return 0
	}
	return *a.Status
}
