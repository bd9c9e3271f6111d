package api

import (
	"net/http"
	"sync"
)

// How many connections and webhooks are tried out at once, and how many of them by
// one account: each holds a connection to somebody's server for up to a minute.
const (
	maxTrials   = 16
	maxTrialsOf = 4
)

// trialAgain is in how many seconds a trial that was refused is worth another try.
const trialAgain = "5"

// trials counts what is being tried out.
type trials struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by account
}

// begin takes a place, false when none is free.
func (t *trials) begin(account string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all >= maxTrials || t.of[account] >= maxTrialsOf {
		return false
	}
	t.all++
	t.of[account]++
	return true
}

func (t *trials) end(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.of[account]--; t.of[account] == 0 {
		delete(t.of, account)
	}
}

// trial is an endpoint that tries something out, for as many callers as may at once.
func (s *server) trial(e endpoint) endpoint {
	return func(c *call) (any, error) {
		account := c.caller.Account
		if !s.trials.begin(account) {
			c.out.Header().Set("Retry-After", trialAgain)
			return nil, refuse(http.StatusTooManyRequests, "Too many connections and webhooks are being tried out at once; try again in %s seconds", trialAgain)
		}
		defer s.trials.end(account)
		return e(c)
	}
}
