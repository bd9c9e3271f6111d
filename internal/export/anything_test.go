package export_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// TestAnything runs pipelines against receivers, crashes and full disks at
// random. Whatever happens, every destination is served in its turn and under
// one id, and the schedule is walked by failed attempts only.
func TestAnything(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := newMemory(t)
		clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		m.wait = func(until time.Time) {
			if until.After(clock) {
				clock = until
			}
		}
		w := &world{T: r, m: m, ids: map[[2]int]string{}}
		o := pipeline(m, fake(w.attempt)).Options
		o.Now = func() time.Time { return clock }
		p := export.New(o)
		ended(m, p, someMovie(r), rapid.SampledFrom([]project.Outcome{done, failed}).Draw(r, "outcome"))
		m.run(p)
		w.check()
	})
}

// someMovie is one with a few destinations of all sorts.
func someMovie(r *rapid.T) string {
	sort := rapid.SampledFrom([]string{
		`{"type":"webhook"}`, `{"type":"ftp"}`, `{"type":"sftp"}`, `{"type":"webhook","retries":0}`, `{"type":"webhook","endpoint":"never"}`,
	})
	var exports []string
	for range rapid.IntRange(1, 3).Draw(r, "exports") {
		list := rapid.SliceOfN(sort, 0, 4).Draw(r, "destinations")
		exports = append(exports, `{"destinations":[`+strings.Join(list, ",")+`]}`)
	}
	return `{"exports":[` + strings.Join(exports, ",") + `]}`
}

// world is what deliveries meet, and what was seen of them.
type world struct {
	*rapid.T
	m *memory
	// ids are the message ids by export and position.
	ids   map[[2]int]string
	fates int
	// gone tells that some endpoint wants nothing more.
	gone bool
}

func (w *world) attempt(d export.Delivery, a export.Attempt) export.Attempt {
	place := [2]int{d.Export, d.Position}
	if w.ids[place] == "" {
		w.ids[place] = d.MessageID
	}
	if w.ids[place] != d.MessageID {
		w.Errorf("%v was served as %s and %s", place, w.ids[place], d.MessageID)
	}
	for _, other := range w.m.deliveries {
		behind := other.Export > d.Export || other.Export == d.Export && other.Position > d.Position
		if behind && d.Failures == 0 {
			w.Errorf("%d.%d has a delivery before %v was tried", other.Export, other.Position, place)
		}
	}
	w.fates++
	switch fate := rapid.IntRange(0, 9).Draw(w.T, "fate"); {
	case fate == 0 && w.fates < 200:
		w.m.failing["Close"] = errors.New("killed before the answer was written down")
		w.m.stop(queue.ErrStopping)
	case fate == 1:
		w.m.failing["Get"] = errors.New("disk full") // met by the next that needs it
	case fate == 2:
		a.Gone, w.gone = true, true
		return closed(a, 410)
	case fate < 6:
		return closed(a, 500)
	}
	return closed(a, 200)
}

// check looks at what is left once nothing is left to do.
func (w *world) check() {
	for _, d := range w.m.shown("p") {
		ended := d.Status == "delivered" || d.Status == "uploaded" || d.Status == "failed" || d.Status == "skipped"
		if !ended && (d.Status != "held" || !w.gone) {
			w.Errorf("%+v was left", d)
		}
	}
	for id, d := range w.m.deliveries {
		refused := 0
		for _, a := range w.m.attempts[id] {
			if a.Result == export.Refused {
				refused++
			}
		}
		if d.Failures != refused || d.Failures > len(d.Schedule)+1 || d.Attempts != len(w.m.attempts[id]) {
			w.Errorf("%d attempts, %d refused: %+v", len(w.m.attempts[id]), refused, d)
		}
	}
}
