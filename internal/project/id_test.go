package project

import (
	"regexp"
	"testing"
	"time"
)

// TestNewID holds that ids have the contract's form, differ, and sort by the
// second they were made in.
func TestNewID(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9]{16}$`)
	at, last := time.Unix(0, 0), ""
	seen := map[string]bool{}
	for range 1000 {
		id := NewID(at)
		if !form.MatchString(id) || seen[id] || id <= last {
			t.Fatalf("%s at %v, after %s", id, at, last)
		}
		seen[id], last = true, id
		at = at.Add(time.Second + at.Sub(time.Unix(0, 0))/64) // to the year 3000 and beyond
		if at.Year() > 3700 {
			break
		}
	}
	if a, b := NewID(at), NewID(at); a == b || a[:timeLength] != b[:timeLength] {
		t.Errorf("%s and %s in one second", a, b)
	}
	if id := NewID(time.Time{}); !form.MatchString(id) {
		t.Errorf("%q before 1970", id)
	}
}
