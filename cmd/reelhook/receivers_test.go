package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// The receivers of a seed. The last part of an endpoint's path is a number that
// says more.
const (
	fastReceiver  = "fast"  // answers 200 at once
	slowReceiver  = "slow"  // works for so many milliseconds, and drops the work when the sender vanishes meanwhile
	flakyReceiver = "flaky" // answers 500 so many times first
	deadReceiver  = "dead"  // answers 500 for ever
)

// seen is one request as a receiver saw it.
type seen struct {
	id      string // webhook-id
	attempt int
	project string
	event   string
	body    [sha256.Size]byte
	// life is which run of the server it came in, from 0.
	life int
	at   time.Time
	// answer is the status that was given, 0 when the work was dropped.
	answer int
}

// receivers take the webhooks of one seed, each kind on a port of its own.
type receivers struct {
	secret webhook.Secret
	urls   map[string]string
	close  []func()

	mu   sync.Mutex
	life int
	// seen are the requests that were answered or dropped, in the order of that.
	seen []seen
	// tries counts the requests of an id.
	tries  map[string]int
	forged []string
}

func newReceivers(secret webhook.Secret) *receivers {
	r := &receivers{secret: secret, urls: map[string]string{}, tries: map[string]int{}}
	for kind, work := range map[string]func(req *http.Request, number, try int) int{
		fastReceiver: func(*http.Request, int, int) int { return http.StatusOK },
		deadReceiver: func(*http.Request, int, int) int { return http.StatusInternalServerError },
		slowReceiver: func(req *http.Request, ms, _ int) int {
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
				return http.StatusOK
			case <-req.Context().Done():
				return 0
			}
		},
		flakyReceiver: func(_ *http.Request, failures, try int) int {
			if try <= failures {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		},
	} {
		s := httptest.NewServer(r.receive(work))
		r.urls[kind] = s.URL
		r.close = append(r.close, s.Close)
	}
	return r
}

func (r *receivers) Close() error {
	for _, end := range r.close {
		end()
	}
	return nil
}

// began tells that the server was started for the nth time, from 0.
func (r *receivers) began(life int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life = life
}

// receive takes requests, whose answers are work's.
func (r *receivers) receive(work func(req *http.Request, number, try int) int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the sender died before it had sent all: nothing has arrived
		}
		s, try := r.arrived(req, body)
		number, err := strconv.Atoi(req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:])
		if err != nil {
			panic(err) // the plan's own endpoint
		}
		s.answer = work(req, number, try)
		// Before the answer is given: what the sender knows, we know.
		r.mu.Lock()
		r.seen = append(r.seen, s)
		r.mu.Unlock()
		if s.answer != 0 {
			w.WriteHeader(s.answer)
		}
	})
}

// arrived looks at a request.
func (r *receivers) arrived(req *http.Request, body []byte) (s seen, try int) {
	var hook struct{ Project string }
	err := webhook.Verify(req.Header, body, r.secret)
	if err == nil {
		err = json.Unmarshal(body, &hook)
	}
	s = seen{id: req.Header.Get("webhook-id"), project: hook.Project, event: req.Header.Get("webhook-event"),
		body: sha256.Sum256(body), at: time.Now()}
	s.attempt, _ = strconv.Atoi(req.Header.Get("webhook-attempt"))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.forged = append(r.forged, fmt.Sprintf("%s: %v", s.id, err))
	}
	r.tries[s.id]++
	s.life = r.life
	return s, r.tries[s.id]
}
