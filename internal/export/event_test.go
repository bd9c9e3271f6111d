package export_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// told takes a movie from its start to the end of all its deliveries and returns
// the events in the order they were sent.
func told(t *testing.T, source string, o project.Outcome, leaf fake) (events []string, m *memory) {
	m = newMemory(t)
	p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
		events = append(events, d.Event)
		return leaf(d, a)
	}))
	pr, exports := m.create("p", source)
	for _, tell := range []func() error{
		func() error { return p.Started(t.Context(), pr, exports) },
		func() error { return p.Progress(t.Context(), pr, exports, 40) },
		func() error { return p.Ended(t.Context(), pr, exports, o) },
	} {
		if err := tell(); err != nil {
			t.Error(err)
		}
		m.run(p)
	}
	return events, m
}

// TestEvents asks for every combination of events in every form.
func TestEvents(t *testing.T) {
	forms := map[string]func([]string) string{
		"list": func(names []string) string { return `["` + strings.Join(names, `","`) + `"]` },
		"text": func(names []string) string { return `"` + strings.Join(names, ",") + `"` },
		"loose": func(names []string) string {
			return `" ` + strings.ToUpper(strings.Join(names, " , ")) + `, movie.exploded"`
		},
		"more": func(names []string) string {
			return `["` + strings.Join(append(names, "", "x", names[0]), `"," `) + `"]`
		},
	}
	all := export.Events()
	for mask := 1; mask < 1<<len(all); mask++ {
		var asked []string
		for i, event := range all {
			if mask>>i&1 == 1 {
				asked = append(asked, event)
			}
		}
		for name, form := range forms {
			for _, o := range []project.Outcome{done, failed} {
				want := slices.DeleteFunc(slices.Clone(asked), func(event string) bool {
					return event == export.MovieFailed && o.Status == project.Done ||
						event == export.MovieCompleted && o.Status == project.Failed && slices.Contains(asked, export.MovieFailed)
				})
				synctest.Test(t, func(t *testing.T) {
					source := `{"exports":[{"destinations":[{"type":"webhook","events":` + form(slices.Clone(asked)) + `}]}]}`
					got, m := told(t, source, o, answers())
					if !slices.Equal(got, want) {
						t.Errorf("%s, %s: -want +got\n%s", name, source, cmp.Diff(want, got))
					}
					tells := slices.Contains(want, export.MovieCompleted) || slices.Contains(want, export.MovieFailed)
					if own := m.shown("p")[0]; own.Status != map[bool]string{true: "delivered", false: "skipped"}[tells] {
						t.Errorf("%s, %s: %+v", name, source, own)
					}
				})
			}
		}
	}
}

// TestNoEvents holds that who asks for nothing that there is, or is no webhook,
// is told what it always was.
func TestNoEvents(t *testing.T) {
	for _, field := range []string{`[]`, `""`, `null`, `7`, `{}`, `true`, `["movie.exploded"]`, `"started"`, `[1]`, `","`} {
		for _, o := range []project.Outcome{done, failed} {
			synctest.Test(t, func(t *testing.T) {
				if got, _ := told(t, `{"exports":[{"destinations":[{"type":"webhook","events":`+field+`}]}]}`, o, answers()); !slices.Equal(got, []string{export.MovieCompleted}) {
					t.Errorf("%s: %s", field, got)
				}
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		source := `{"exports":[{"destinations":[{"type":"ftp","events":"movie.started,movie.progress,movie.failed,export.completed"}]}]}`
		if got, _ := told(t, source, done, answers()); !slices.Equal(got, []string{export.MovieCompleted}) {
			t.Errorf("an FTP server was told %s", got)
		}
		if got, m := told(t, source, failed, answers()); len(got) > 0 || m.shown("p")[0].Status != "skipped" {
			t.Errorf("an FTP server was told %s of a failed movie", got)
		}
	})
}

// TestRefusedEvents holds that a webhook that can never work says so, whatever it
// asks for.
func TestRefusedEvents(t *testing.T) {
	for _, event := range export.Events() {
		synctest.Test(t, func(t *testing.T) {
			got, m := told(t, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"never","events":"`+event+`"}]}]}`, done, answers())
			if diff := cmp.Diff([]string{"0.0 webhook failed The endpoint can never work"}, lines(m.shown("p"))); diff != "" || len(got) > 0 {
				t.Errorf("%s: sent %s, -want +got\n%s", event, got, diff)
			}
		})
	}
}

// TestStartedOnce holds that a movie that is rendered again after a crash is no
// news, and that what differs is.
func TestStartedOnce(t *testing.T) {
	m := newMemory(t)
	pr, exports := m.create("p", `{"exports":[{"destinations":[{"type":"webhook","events":"movie.started,movie.progress"},
		{"type":"webhook","events":"movie.started"},{"type":"webhook"}]}]}`)
	for range 3 {
		p := pipeline(m, answers())
		for _, percent := range []int{0, 10, 10, 20} {
			if err := errors.Join(p.Started(t.Context(), pr, exports), p.Progress(t.Context(), pr, exports, percent)); err != nil {
				t.Fatal(err)
			}
		}
	}
	count, ids := map[string]int{}, map[string]bool{}
	for _, d := range m.deliveries {
		count[d.Event]++
		ids[d.MessageID] = true
		if d.Droppable != (d.Event == export.MovieProgress) || d.Main || d.Remaining != 0 || d.MessageID != "msg_"+d.ID[4:] {
			t.Errorf("made %+v", d)
		}
	}
	if diff := cmp.Diff(map[string]int{export.MovieStarted: 2, export.MovieProgress: 3}, count); diff != "" || len(ids) != 5 {
		t.Errorf("%d ids, -want +got\n%s", len(ids), diff)
	}
	other, exports := m.create("q", `{"exports":[{"destinations":[{"type":"webhook","events":"movie.started"}]}]}`)
	if err := pipeline(m, answers()).Started(t.Context(), other, exports); err != nil || len(m.deliveries) != 6 {
		t.Errorf("%v, %d deliveries", err, len(m.deliveries))
	}
	m.failing["Emit"] = errors.New("disk full")
	if err := pipeline(m, answers()).Started(t.Context(), other, exports); err == nil {
		t.Error("started on a full disk")
	}
}

// TestProgressOnce holds that progress is not retried, even after a proxy's fault,
// and that nobody is alarmed when it is lost.
func TestProgressOnce(t *testing.T) {
	for _, class := range []string{"http", "proxy", "timeout"} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t)
			o := pipeline(m, fake(func(_ export.Delivery, a export.Attempt) export.Attempt {
				a.Result, a.Class, a.Error = export.Refused, class, "no"
				return a
			})).Options
			o.Count = func(event string) { t.Errorf("the operator was told of %s", event) }
			p := export.New(o)
			pr, exports := m.create("p", `{"exports":[{"destinations":[{"type":"webhook","events":"movie.progress"}]}]}`)
			if err := p.Progress(t.Context(), pr, exports, 10); err != nil {
				t.Fatal(err)
			}
			m.run(p)
			if d, attempts := m.only(); len(attempts) != 1 || d.State != export.Failed {
				t.Errorf("%d attempts: %+v", len(attempts), d)
			}
		})
	}
}

// TestExportCompleted holds that it comes when every destination had its first
// attempt, and says how each of them fared.
func TestExportCompleted(t *testing.T) {
	const asks = `{"type":"webhook","endpoint":"z","events":"export.completed"}`
	for _, c := range []struct {
		what, source string
		outcome      project.Outcome
		want         []string // the destinations as it tells them, at the places of those who asked
		sent         int
	}{
		{"all well", `[` + asks + `,{"type":"webhook","endpoint":"a"},{"type":"ftp","endpoint":"b"}]`, done,
			[]string{`["0.0 webhook skipped It asks for no event of this end" "0.1 webhook delivered" "0.2 ftp uploaded"]`}, 2},
		{"retries still running", `[{"type":"webhook","endpoint":"bad"},` + asks + `]`, done,
			[]string{`["0.0 webhook retrying answered 500" "0.1 webhook skipped It asks for no event of this end"]`}, 1},
		{"given up", `[{"type":"webhook","endpoint":"bad","retries":0},` + asks + `]`, done,
			[]string{`["0.0 webhook failed Gave up after 1 attempt: answered 500" "0.1 webhook skipped It asks for no event of this end"]`}, 1},
		{"the last one fails", `[` + asks + `,{"type":"webhook","endpoint":"bad"}]`, done,
			[]string{`["0.0 webhook skipped It asks for no event of this end" "0.1 webhook retrying answered 500"]`}, 1},
		{"nothing needs a delivery", `[` + asks + `,{"type":"webhook","endpoint":"never"}]`, done,
			[]string{`["0.0 webhook skipped It asks for no event of this end" "0.1 webhook failed The endpoint can never work"]`}, 0},
		{"alone", `[` + asks + `]`, done, []string{`["0.0 webhook skipped It asks for no event of this end"]`}, 0},
		{"the movie failed", `[{"type":"ftp"},{"type":"webhook","endpoint":"a"},` + asks + `]`, failed,
			[]string{`["0.0 ftp skipped The movie was not rendered" "0.1 webhook delivered" "0.2 webhook skipped It asks for no event of this end"]`}, 1},
		{"two ask, one also for its own", `[` + asks + `,{"type":"webhook","endpoint":"y","events":["export.completed","movie.completed"]}]`, done,
			[]string{`["0.0 webhook skipped It asks for no event of this end" "0.1 webhook delivered"]`,
				`["0.0 webhook skipped It asks for no event of this end" "0.1 webhook delivered"]`}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			var order []string
			_, m := told(t, `{"exports":[{"destinations":`+c.source+`}]}`, c.outcome, func(d export.Delivery, a export.Attempt) export.Attempt {
				if d.Event == export.ExportCompleted {
					order = append(order, string(d.Body))
				} else if a.Number == 1 {
					if len(order) > 0 {
						t.Errorf("%s: export.completed came before %s", c.what, d.Body)
					}
					c.sent--
				}
				return closed(a, map[bool]int{true: 500, false: 200}[strings.HasSuffix(d.Target, "bad")])
			})
			if diff := cmp.Diff(c.want, order); diff != "" || c.sent != 0 {
				t.Errorf("%s: %d not sent, -want +got\n%s", c.what, c.sent, diff)
			}
			for _, d := range m.deliveries {
				if d.Event == export.ExportCompleted && d.Main {
					t.Errorf("%s: it is a destination's own", c.what)
				}
			}
		})
	}
}

// TestExportCompletedRetries holds that it is retried by itself.
func TestExportCompletedRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, _ := told(t, `{"exports":[{"destinations":[{"type":"webhook","events":"export.completed"}]}]}`, done, answers(500, 500))
		if want := fmt.Sprint([]string{export.ExportCompleted, export.ExportCompleted, export.ExportCompleted}); fmt.Sprint(got) != want {
			t.Errorf("sent %s", got)
		}
	})
}

// TestPurgedWhileReported holds that a movie that is purged meanwhile ends its
// pipeline quietly.
func TestPurgedWhileReported(t *testing.T) {
	m := newMemory(t)
	p := pipeline(m, answers())
	ended(m, p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"},{"type":"webhook","events":"export.completed"}]}]}`, done)
	delete(m.projects, "p")
	m.run(p)
	if d, _ := m.only(); d.State != export.Delivered {
		t.Errorf("ended as %+v", d)
	}
	if err := p.Started(context.Background(), project.Project{}, nil); err != nil {
		t.Error(err)
	}
}
