package exporttest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// soon is far less than a carrier takes to notice a stall by itself, and more
// than a busy machine needs.
var soon = 20 * time.Second

// large is what takes many packets and parts, and is no round number.
const large = 5<<20 + 1

// Run holds a carrier to every rule that its server is made for.
func Run(t *testing.T, s Server) {
	for _, r := range rules(s) {
		t.Run(r.name, func(t *testing.T) {
			if err := r.check(newSuite(t, s)); err != nil {
				t.Error(err)
			}
		})
	}
}

// rule is what a carrier must keep to; the error says how it does not.
type rule struct {
	name  string
	check func(*suite) error
}

// rules are those that a server is made for.
func rules(s Server) []rule {
	all := slices.Concat(planning, unreachable, probing)
	if s.Read == nil {
		all = append(all, messages...)
	} else {
		all = append(all, arriving...)
		all = append(all, keeping(s)...)
	}
	if s.Read != nil && !s.Parallel {
		all = append(all, breaking...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Faults)) {
		all = append(all, faulty(name, s.Faults[name])...)
	}
	return all
}

// suite is one rule's hold on the server.
type suite struct {
	Server
	t   *testing.T
	ctx context.Context
}

func newSuite(t *testing.T, s Server) *suite {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return &suite{s, t, ctx}
}

// with is settings that work and some more.
func (u *suite) with(more map[string]any) map[string]any {
	all := u.Settings()
	maps.Copy(all, more)
	return all
}

// to is settings that lead to a file of this name.
func (u *suite) to(file string) map[string]any {
	if u.Fixed {
		return u.Settings()
	}
	return u.with(map[string]any{"file": file})
}

// settings is what a carrier is given.
func settings(all map[string]any) export.Settings {
	s := export.Settings{}
	for name, value := range all {
		raw, err := json.Marshal(value)
		if err != nil {
			panic(fmt.Sprintf("exporttest: the setting %q is no JSON: %v", name, err))
		}
		s[name] = raw
	}
	return s
}

var count atomic.Int64

// fresh is a name that nothing had before.
func fresh(name string) string { return strconv.FormatInt(count.Add(1), 10) + " " + name }
