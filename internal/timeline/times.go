package timeline

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/movie"
)

// settle sets the times of elements that need those of others (section 22 of the
// contract). Each time is found when it is asked for, in whatever order the elements
// stand; only for itself it may not ask. The error has all faults, joined.
func (b *builder) settle(m *movie.Movie) error {
	waits := func(e movie.Element) bool { return len(e.Later) > 0 }
	if !slices.ContainsFunc(m.Elements, waits) && !slices.ContainsFunc(m.Scenes, func(s movie.Scene) bool { return slices.ContainsFunc(s.Elements, waits) }) {
		return nil
	}
	t := &times{builder: b, homes: map[*movie.Element]*home{}, all: map[string]*movie.Element{}, known: map[question]float64{}, failed: map[question]error{}}
	waiting := t.add(&home{elements: m.Elements, open: true})
	for i := range m.Scenes {
		s := &m.Scenes[i]
		waiting = append(waiting, t.add(&home{elements: s.Elements, whole: max(0, s.Duration)})...)
	}
	var faults []error
	for _, e := range waiting {
		for _, key := range slices.Sorted(maps.Keys(e.Later)) {
			if err := t.need(e, key); err != nil && !slices.Contains(faults, err) {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

// times answers when elements are on, in seconds from the start of what holds them.
type times struct {
	*builder
	homes map[*movie.Element]*home
	all   map[string]*movie.Element // by id, the movie's own before those of scenes
	known map[question]float64
	// failed are those that have no answer, and why: what needs one of them fails
	// with the same fault, which is told once.
	failed map[question]error
	asked  []question // each for the one before
}

// home is the movie or a scene, with its elements by id.
type home struct {
	elements []movie.Element
	ids      map[string]*movie.Element
	// whole is its exact length, 0 when its elements make it; open says that it is
	// the movie, whose scenes have a say too.
	whole float64
	open  bool
}

// question is a time of an element: a property, or what a variable's name ends in.
type question struct {
	element *movie.Element
	what    string
}

func (q question) String() string {
	what, variable := strings.CutPrefix(q.what, "_")
	switch {
	case what == sceneLength:
		return "the length of the scene"
	case variable && q.element.ID != "":
		return strings.TrimSpace(q.element.ID) + q.what
	}
	return "the " + what + " of " + q.element.Name
}

// sceneLength is asked of a scene's first element.
const sceneLength = "length"

// add notes the elements of a home and returns those that wait for others.
func (t *times) add(h *home) []*movie.Element {
	h.ids = map[string]*movie.Element{}
	var waiting []*movie.Element
	for i := range h.elements {
		e := &h.elements[i]
		t.homes[e] = h
		id := strings.TrimSpace(e.ID)
		if h.ids[id] == nil {
			h.ids[id] = e
		}
		if t.all[id] == nil {
			t.all[id] = e
		}
		if len(e.Later) > 0 {
			waiting = append(waiting, e)
		}
	}
	return waiting
}

// maxAsked is how many times may each need the next.
const maxAsked = 1000

// once answers a question with what find finds, the first time.
func (t *times) once(q question, find func() (float64, error)) (float64, error) {
	if x, ok := t.known[q]; ok {
		return x, nil
	}
	if err := t.failed[q]; err != nil {
		return 0, err
	}
	if i := slices.Index(t.asked, q); i >= 0 {
		return 0, t.circle(append(slices.Clone(t.asked[i:]), q))
	}
	if len(t.asked) >= maxAsked {
		return 0, movie.Fault{Path: q.element.Path, Message: fmt.Sprintf("%s: more than %d times need one another in a row", q.element.Name, maxAsked)}
	}
	t.asked = append(t.asked, q)
	x, err := find()
	t.asked = t.asked[:len(t.asked)-1]
	if err != nil {
		t.failed[q] = err
		return 0, err
	}
	t.known[q] = x
	return x, nil
}

// circle is the fault of times that need one another: a property is in every round,
// for what is written waits for nothing.
func (t *times) circle(round []question) error {
	first := slices.IndexFunc(round, func(q question) bool { return q.element.Later[q.what] != nil })
	q := round[max(0, first)]
	var names []string
	for _, q := range round[:min(len(round), 10)] {
		names = append(names, q.String())
	}
	return movie.Fault{
		Path:    q.element.Path + "." + q.what,
		Message: fmt.Sprintf("%s: times need one another: %s", q.element.Name, strings.Join(names, " needs ")),
	}
}

// need sets a property of an element that waits for others.
func (t *times) need(e *movie.Element, key string) error {
	if e.Later[key] == nil {
		return nil
	}
	_, err := t.once(question{e, key}, func() (float64, error) {
		return 0, e.Settle(key, func(name string) (float64, error) { return t.ask(t.homes[e], name) })
	})
	return err
}

// ask is a movie.Times: the element is one of the same scene before one of the
// movie, and that before one of another scene.
func (t *times) ask(h *home, name string) (float64, error) {
	end := strings.LastIndexByte(name, '_')
	id, what := name[:end], name[end:]
	e := h.ids[id]
	if e == nil {
		e = t.all[id]
	}
	if e == nil {
		return 0, fmt.Errorf("no element has the id '%.60s'", id)
	}
	return t.once(question{e, what}, func() (float64, error) {
		switch what {
		case "_start":
			return t.start(e)
		case "_end":
			return t.end(e)
		case "_duration":
			return t.lasts(e)
		}
		return e.ExtraTime, t.need(e, "extra-time")
	})
}

func (t *times) start(e *movie.Element) (float64, error) {
	if err := t.need(e, "start"); err != nil {
		return 0, err
	}
	if e.Start != movie.AtEnd {
		return e.Start, nil
	}
	h := t.homes[e]
	i := 0
	for e != &h.elements[i] {
		i++
	}
	return t.last(h.elements[:i])
}

// last is when the last of some elements ends that have an end of their own.
func (t *times) last(elements []movie.Element) (float64, error) {
	var last float64
	for i := range elements {
		e := &elements[i]
		stretch, err := t.stretches(e)
		if err != nil {
			return 0, err
		}
		if !stretch {
			end, err := t.once(question{e, "_end"}, func() (float64, error) { return t.end(e) })
			if err != nil {
				return 0, err
			}
			last = max(last, end)
		}
	}
	return last, nil
}

// stretches tells whether an element lasts as long as what holds it.
func (t *times) stretches(e *movie.Element) (bool, error) {
	err := t.need(e, "duration")
	return t.duration(e) == movie.Container, err
}

// lasts is an element's duration.
func (t *times) lasts(e *movie.Element) (float64, error) {
	stretch, err := t.stretches(e)
	if err != nil || !stretch {
		return t.duration(e), err
	}
	start, err := t.start(e)
	if err != nil {
		return 0, err
	}
	end, err := t.whole(e)
	return max(0, end-start), err
}

// end is when an element is gone, its extra-time over.
func (t *times) end(e *movie.Element) (float64, error) {
	stretch, err := t.stretches(e)
	if err != nil {
		return 0, err
	}
	if stretch {
		return t.whole(e)
	}
	start, err := t.start(e)
	if err != nil {
		return 0, err
	}
	err = t.need(e, "extra-time")
	return start + t.duration(e) + e.ExtraTime, err
}

// whole is how long the scene of an element lasts.
func (t *times) whole(e *movie.Element) (float64, error) {
	h := t.homes[e]
	switch {
	case h.open:
		return 0, fmt.Errorf("the element '%.60s' lasts as long as the movie, which is not known yet; give it a duration", e.ID)
	case h.whole > 0:
		return h.whole, nil
	}
	return t.once(question{&h.elements[0], sceneLength}, func() (float64, error) { return t.last(h.elements) })
}
