package export_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// act is something that happens at a time of the span.
type act struct {
	at time.Duration
	do func()
}

func (s *simulation) acts() (all []act) {
	some := func(n int, do func()) {
		for range n {
			all = append(all, act{time.Duration(s.dice.Int64N(int64(s.Span))), do})
		}
	}
	for i := range s.Movies {
		at := time.Duration(s.dice.Int64N(int64(s.Span)))
		all = append(all, s.movie(fmt.Sprint("p", i), at, s.source())...)
	}
	some(s.Crashes, s.crash)
	some(s.Orders, s.order)
	for range s.Full {
		at := time.Duration(s.dice.Int64N(int64(s.Span)))
		all = append(all, act{at, func() { s.broken.Store(true); s.count.broken++ }}, act{at + time.Duration(s.dice.Int64N(int64(10*time.Minute))), s.mend})
	}
	return all
}

func (s *simulation) mend() {
	s.healed.Store(time.Now().UnixNano())
	s.broken.Store(false)
}

// simRendering is how long a movie takes.
const simRendering = 40 * time.Second

// movie is begun, rendered and ended.
func (s *simulation) movie(id string, at time.Duration, source string) []act {
	pr, exports := s.m.create(id, source)
	o := project.Outcome{ID: id, Status: project.Done, Result: project.Result{File: "a.mp4"}}
	if s.dice.IntN(10) == 0 && s.Movies > 0 {
		o = project.Outcome{ID: id, Status: project.Failed, Message: "no source"}
	}
	s.count.movies++
	ctx := context.Background()
	tell := func(percent int) func() {
		return func() {
			_ = s.process.pipeline.Started(ctx, pr, exports) // again and again
			_ = s.process.pipeline.Progress(ctx, pr, exports, percent)
		}
	}
	end := func() {
		o.EndedAt = time.Now()
		for s.process.pipeline.Ended(ctx, pr, exports, o) != nil { // as the renderer does
			s.mend()
		}
	}
	return []act{{at, tell(0)}, {at + simRendering/2, tell(50)}, {at + simRendering, end}}
}

// source is a movie with a few destinations of all sorts.
func (s *simulation) source() string {
	var exports []string
	for range 1 + s.dice.IntN(2) {
		var list []string
		for range s.dice.IntN(5) {
			f := fmt.Sprintf(`{"type":%q,"endpoint":"%d"`, []string{"webhook", "webhook", "webhook", "ftp"}[s.dice.IntN(4)], s.dice.IntN(len(s.Characters)))
			switch s.dice.IntN(8) {
			case 0:
				f += `,"retries":0`
			case 1, 2, 3:
				f += fmt.Sprintf(`,"events":%q`, strings.Join(export.Events()[s.dice.IntN(3):3+s.dice.IntN(3)], ", "))
			case 4:
				f = `{"type":"carrier-pigeon"`
			case 5:
				f = `{"type":"webhook"`
			}
			if s.dice.IntN(3) == 0 {
				f = fmt.Sprintf(`{"type":%q,"host":"%d","n":%d`, []string{"sftp", "sftp", "email"}[s.dice.IntN(3)], s.dice.IntN(len(s.Characters)), len(list))
				f += []string{"", "", `,"on-failure":"stop"`, `,"on":"always"`, `,"source":"json"`, `,"file":"../x"`}[s.dice.IntN(6)]
			}
			list = append(list, f+"}")
		}
		exports = append(exports, `{"destinations":[`+strings.Join(list, ",")+`]}`)
	}
	return `{"exports":[` + strings.Join(exports, ",") + `]}`
}

// crash ends the process, mostly in the middle of an attempt, and starts another.
// Sometimes it is only stopped.
func (s *simulation) crash() {
	s.count.crashes++
	for range s.dice.IntN(600) {
		if s.process.busy() {
			<-time.After(time.Duration(s.dice.IntN(300)) * time.Millisecond)
			break
		}
		<-time.After(time.Second)
	}
	if s.dice.IntN(3) == 0 {
		s.process.stop()
	} else {
		s.process.crash()
	}
	<-time.After(time.Duration(s.dice.Int64N(int64(10 * time.Minute))))
	<-s.process.ended
	s.start()
}

// order is what an operator does.
func (s *simulation) order() {
	ctx := context.Background()
	i := s.dice.IntN(len(s.Characters))
	endpoint := export.EndpointID(s.target(i))
	ids := s.m.ids()
	if len(ids) == 0 {
		return
	}
	id := ids[s.dice.IntN(len(ids))]
	var err error
	switch s.dice.IntN(9) {
	case 0:
		_, err = s.process.pipeline.SetEndpoint(ctx, endpoint, export.Paused, "")
	case 1:
		_, err = s.process.pipeline.SetEndpoint(ctx, endpoint, export.Disabled, "")
	case 2, 3:
		_, err = s.process.pipeline.SetEndpoint(ctx, endpoint, export.Enabled, "")
		s.recover(export.Filter{Endpoint: endpoint, States: []export.State{export.Held}})
	case 4:
		_, err = s.m.Cancel(ctx, id, time.Now())
	case 5:
		if d, _ := s.m.Delivery(ctx, id); isTest(d) && d.State == export.Pending {
			return // Test is about to make it itself
		}
		_, err = s.m.Redeliver(ctx, id, time.Now())
	case 6:
		_, err = s.process.pipeline.RedeliverTo(ctx, id, s.target(i))
	case 7:
		s.recover(export.Filter{Endpoint: endpoint})
	case 8:
		p := s.process.pipeline
		s.hands.Go(func() { _, _, _ = p.Test(ctx, export.Trial{Event: export.MovieCompleted, Endpoint: s.target(i)}) })
	}
	if refusal, ok := errors.AsType[export.Refusal](err); ok && strings.HasPrefix(string(refusal), "Only webhooks can") {
		return
	}
	expected := []error{nil, export.ErrBusy, export.ErrFinal, export.ErrNotEnabled, export.ErrNoEndpoint, errDisk}
	if !slices.ContainsFunc(expected, func(e error) bool { return errors.Is(err, e) }) {
		s.Errorf("ordered: %v", err)
	}
}

func (s *simulation) recover(f export.Filter) {
	_, _ = s.m.BeginRecovery(context.Background(), export.NewRecovery(f, time.Now()))
}
