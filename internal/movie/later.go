package movie

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/reelhook/reelhook/internal/expression"
)

// timeKeys are the properties of an element that may ask when others are on.
var timeKeys = []string{"start", "duration", "extra-time", "fade-in", "fade-out"}

// Times tells when elements are on: name is <id>_start, <id>_end, <id>_duration or
// <id>_extratime, the answer is in seconds.
type Times func(name string) (float64, error)

// Later is a time that cannot be known before media are there, as {{voice_end + 1}}.
type Later struct {
	text  string
	at    *place
	scope *scope
	// settled is what it came to, nil while that is not known.
	settled any
}

// waits tells whether a text asks for what is not known yet.
func (f *filler) waits(text string, s *scope) bool {
	if !expression.Has(text) || len(f.ids) == 0 {
		return false
	}
	_, err := f.eval.Fill(text, s.lookup)
	return errors.Is(err, errLater)
}

// value is what the text comes to.
func (l *Later) value(times Times) (any, error) {
	outer := l.scope.times
	l.scope.times = times
	defer func() { l.scope.times = outer }()
	filled, err := l.scope.eval.Fill(l.text, l.scope.lookup)
	return filled.Value, err
}

// Settle sets one of the times that are Later. The error is a Fault, that of times
// where it gives one.
func (e *Element) Settle(key string, times Times) error {
	l := e.Later[key]
	v, err := l.value(times)
	if err != nil {
		if fault, ok := errors.AsType[Fault](err); ok {
			return fault
		}
		return Fault{Path: l.at.String(), Message: fmt.Sprintf("%s: '%s': %v", e.Name, key, err)}
	}
	if x, ok := v.(float64); ok {
		v = json.Number(expression.Number(x))
	}
	l.settled = v
	r := reader{&object{values: map[string]any{key: v}}, &unfinished{}, e.Path}
	r.time(e, key)
	return nil
}

// time reads one of an element's times, unless it has to wait.
func (r reader) time(e *Element, key string) {
	if l, ok := r.get(key).(*Later); ok {
		if e.Later == nil {
			e.Later = map[string]*Later{}
		}
		e.Later[key] = l
		return
	}
	switch key {
	case "start":
		e.Start = r.start()
	case "duration":
		e.Duration = r.length(key, e.ownDuration())
	case "extra-time":
		e.ExtraTime = r.within(key, 0, 0, maxSeconds)
	case "fade-in":
		e.FadeIn = r.within(key, 0, 0, maxSeconds)
	case "fade-out":
		e.FadeOut = r.within(key, 0, 0, maxSeconds)
	}
}

// ownDuration is how long an element lasts that does not say it.
func (e *Element) ownDuration() float64 {
	if e.Type == Text {
		return Container
	}
	return Intrinsic
}
