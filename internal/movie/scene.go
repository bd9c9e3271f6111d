package movie

import (
	"fmt"
	"slices"
	"strings"
)

// transitionStyles are the names a transition may have (section 14 of the
// contract); they are FFmpeg's xfade names.
var transitionStyles = strings.Fields(`fade fadeblack fadewhite fadegrays wipeleft wiperight wipeup wipedown wipetl wipetr
	wipebl wipebr slideleft slideright slideup slidedown smoothleft smoothright smoothup smoothdown circlecrop rectcrop
	circleopen circleclose vertopen vertclose horzopen horzclose distance radial dissolve pixelize diagtl diagtr diagbl
	diagbr hlslice hrslice vuslice vdslice hblur squeezeh squeezev zoomin`)

func (r reader) scene(index int) Scene {
	s := Scene{
		Path: r.path, ID: r.text("id", ""),
		Duration:   r.length("duration", Intrinsic),
		Background: r.color("background-color", Color{A: 255}),
		Transition: r.transition(),
		NoCache:    !r.boolean("cache", true),
	}
	s.Elements = r.elements(func(i int) string { return fmt.Sprintf("Scene #%d, element #%d", index+1, i+1) })
	return s
}

// transitionPart is the transition's object, also where its style is written
// alone; nil when there is none.
func (r reader) transitionPart() reader {
	if style, ok := r.get("transition").(string); ok && style != "" {
		t := reader{&object{values: map[string]any{}}, r.m, r.at("transition")}
		t.set("style", style)
		return t
	}
	t, _ := r.part("transition")
	return t
}

func (r reader) transition() *Transition {
	t := r.transitionPart()
	if t.object == nil || len(t.keys) == 0 {
		return nil
	}
	style := strings.ToLower(t.text("style", "fade"))
	if !slices.Contains(transitionStyles, style) {
		t.warn("style", "Unknown transition style %q; fade was used", style)
		style = "fade"
	}
	d := t.within("duration", 1, 0, maxSeconds)
	if d == 0 {
		return nil
	}
	return &Transition{Style: style, Duration: d}
}

// maxSeconds bounds every length, so that no sum of them can overflow a count of
// frames: a day.
const maxSeconds = 86400

// length is a duration: seconds, or one of the special values. "auto" is
// Intrinsic (section 28 of the contract).
func (r reader) length(key string, otherwise float64) float64 {
	if s, ok := r.get(key).(string); ok && strings.EqualFold(strings.TrimSpace(s), "auto") {
		return Intrinsic
	}
	d := r.number(key, otherwise)
	switch {
	case d == Intrinsic || d == Container:
		return d
	case d < 0:
		r.warn(key, "%s cannot be %s; the default was used", key, trimNumber(d))
		return otherwise
	case d == 0:
		return otherwise
	}
	return r.within(key, otherwise, 0, maxSeconds)
}
