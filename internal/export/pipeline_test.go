package export_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// lines show destinations: place, type, status, message.
func lines(list []project.Destination) (out []string) {
	for _, d := range list {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d.%d %s %s %s", d.Export, d.Position, d.Type, d.Status, d.Message)))
	}
	return out
}

// sentTo records the order in which a leaf was asked to send.
func sentTo(order *[]string, leaf fake) fake {
	return func(d export.Delivery, a export.Attempt) export.Attempt {
		*order = append(*order, fmt.Sprintf("%d.%d %s", d.Export, d.Position, d.Body))
		return leaf(d, a)
	}
}

const several = `{"exports":[
 {"destinations":[{"type":"webhook","endpoint":"a"},{"type":"FTP","endpoint":"b"},{"type":"webhook","endpoint":"never"}]},
 {"destinations":[]},
 {"destinations":[{"type":"sftp"},{"type":" webhook ","endpoint":"c"},{"id":"my-ftp"},{},{"type":"webhook","endpoint":"d"},{"type":"email"}]}]}`

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		m := newMemory(t)
		p := pipeline(m, sentTo(&order, answers()))
		ended(m, p, several, done)
		m.run(p)
		want := []string{
			"0.0 p done a https://files.test/a.mp4", "0.1 p done b https://files.test/a.mp4",
			"2.1 p done c https://files.test/a.mp4", "2.4 p done d https://files.test/a.mp4",
		}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		want = []string{
			"0.0 webhook delivered", "0.1 ftp uploaded", "0.2 webhook failed The endpoint can never work",
			"2.0 sftp failed There are no destinations of type 'sftp'; there are ftp, webhook",
			"2.1 webhook delivered", "2.2  failed Unknown connection 'my-ftp'",
			`2.3  failed The destination has no type; set "type" to one of ftp, webhook`, "2.4 webhook delivered",
			"2.5 email failed There are no destinations of type 'email'; there are ftp, webhook",
		}
		if diff := cmp.Diff(want, lines(m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestFailedRendering holds that only webhooks hear of it.
func TestFailedRendering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		m := newMemory(t)
		p := pipeline(m, sentTo(&order, answers()))
		ended(m, p, several, failed)
		m.run(p)
		if diff := cmp.Diff([]string{"0.0 p error a ", "2.1 p error c ", "2.4 p error d "}, order); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		want := []string{
			"0.0 webhook delivered", "0.1 ftp skipped The movie was not rendered", "0.2 webhook failed The endpoint can never work",
			"2.0 sftp skipped The movie was not rendered", "2.1 webhook delivered", "2.2  failed Unknown connection 'my-ftp'",
			`2.3  failed The destination has no type; set "type" to one of ftp, webhook`, "2.4 webhook delivered", "2.5 email skipped The movie was not rendered",
		}
		if diff := cmp.Diff(want, lines(m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestPending(t *testing.T) {
	m := newMemory(t)
	m.create("p", `{"exports":[{"destinations":[{"type":"ftp"}]},{"destinations":[{"type":"Webhook"},{}]}]}`)
	if diff := cmp.Diff([]string{"0.0 ftp pending", "1.0 webhook pending", "1.1  pending"}, lines(m.shown("p"))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestSettledAtOnce holds that a movie without anything to deliver is over when
// it has ended.
func TestSettledAtOnce(t *testing.T) {
	for source, want := range map[string][]string{
		`{}`: nil,
		`{"exports":[{"destinations":[{"type":"webhook","endpoint":"never"},{"type":"` + strings.Repeat("é", 99) + `"}]}]}`: {
			"0.0 webhook failed The endpoint can never work",
			"0.1 " + strings.Repeat("é", 99) + " failed There are no destinations of type '" + strings.Repeat("é", 64) + "…'; there are ftp, webhook",
		},
	} {
		m := newMemory(t)
		ended(m, pipeline(m, answers()), source, done)
		if diff := cmp.Diff(want, lines(m.shown("p"))); diff != "" || len(m.jobs) != 0 || !m.projects["p"].Status.Ended() {
			t.Errorf("%d jobs, -want +got\n%s", len(m.jobs), diff)
		}
	}
}

func TestMaxDestinations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := `{"type":"webhook","endpoint":"a"}`
		half := `{"destinations":[` + one + strings.Repeat(","+one, export.MaxDestinations/2) + `]}`
		var order []string
		m := newMemory(t)
		p := pipeline(m, sentTo(&order, answers()))
		ended(m, p, `{"exports":[`+half+`,`+half+`]}`, done)
		m.run(p)
		got := lines(m.shown("p"))
		if len(order) != export.MaxDestinations || len(got) != export.MaxDestinations+2 {
			t.Fatalf("%d sent of %d", len(order), len(got))
		}
		want := []string{"1.48 webhook delivered", "1.49 webhook failed A movie may have at most 100 destinations", "1.50 webhook failed A movie may have at most 100 destinations"}
		if diff := cmp.Diff(want, got[len(got)-3:]); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestEndedTwice holds that a rendering ends once, whoever says so again.
func TestEndedTwice(t *testing.T) {
	m := newMemory(t)
	p := pipeline(m, answers())
	pr, exports := m.create("p", one)
	for _, o := range []project.Outcome{done, failed} {
		if err := p.Ended(context.Background(), pr, exports, o); err != nil {
			t.Fatal(err)
		}
	}
	if d, _ := m.only(); string(d.Body) != "p done a https://files.test/a.mp4" {
		t.Errorf("got %s", d.Body)
	}
}

// TestFirstAttemptMovesOn holds that a destination waits for the first attempt
// of the one before it, and not for its retries.
func TestFirstAttemptMovesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var order []string
		m := newMemory(t)
		p := pipeline(m, fake(func(d export.Delivery, a export.Attempt) export.Attempt {
			order = append(order, fmt.Sprintf("%d#%d %v", d.Position, a.Number, time.Since(began)))
			<-time.After(time.Second)
			if d.Position == 0 && a.Number < 3 {
				return closed(a, 500)
			}
			return closed(a, 200)
		}))
		ended(m, p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"},{"type":"webhook","endpoint":"b"},{"type":"webhook","endpoint":"c"}]}]}`, done)
		m.run(p)
		want := []string{"0#1 0s", "1#1 1s", "2#1 2s", "0#2 6s", "0#3 5m7s"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestPurged holds that a delivery outlives its project.
func TestPurged(t *testing.T) {
	m := newMemory(t)
	p := pipeline(m, answers())
	ended(m, p, `{"exports":[{"destinations":[{"type":"webhook","endpoint":"a"},{"type":"webhook","endpoint":"b"}]}]}`, done)
	delete(m.projects, "p")
	d, _ := m.only()
	if err := p.Work(context.Background(), queue.Job{Key: d.ID, Group: d.Group}); !errors.Is(err, queue.ErrRecorded) {
		t.Error(err)
	}
	if d, _ = m.only(); d.State != export.Delivered {
		t.Errorf("ended as %+v", d)
	}
}

// TestLostType holds that a delivery that this version cannot make is kept for
// one that can.
func TestLostType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		p := pipeline(m, answers())
		ended(m, p, one, done)
		leaf := p.Leaves["webhook"]
		delete(p.Leaves, "webhook")
		d, _ := m.only()
		if err := p.Work(context.Background(), queue.Job{Key: d.ID, Group: d.Group}); !errors.Is(err, queue.ErrRecorded) {
			t.Fatal(err)
		}
		if d, _ = m.only(); d.State != export.Retrying || d.Message != "Destinations of type 'webhook' are not supported in this version" {
			t.Errorf("is %+v", d)
		}
		p.Leaves["webhook"] = leaf
		m.run(p)
		if d, _ = m.only(); d.State != export.Delivered {
			t.Errorf("ended as %+v", d)
		}
	})
}

// TestLog holds that an attempt leaves one line, with all ids and no secret.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		m := newMemory(t)
		o := pipeline(m, answers(500)).Options
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		p := export.New(o)
		ended(m, p, one, done)
		m.run(p)
		d, _ := m.only()
		if !regexp.MustCompile(`^dlv_[0-9A-Z]{26}$`).MatchString(d.ID) || !regexp.MustCompile(`^msg_[0-9A-Z]{26}$`).MatchString(d.MessageID) {
			t.Errorf("ids %s and %s", d.ID, d.MessageID)
		}
		got := strings.NewReplacer(d.ID, "DLV", d.MessageID, "MSG").Replace(log.String())
		want := `time=2000-01-01T00:00:00.000Z level=WARN msg=attempt delivery=DLV message=MSG project=p type=webhook target=https://x.test:443 attempt=1 result=failed status=500 latency=0s state=retrying class=http error="answered 500" next=2000-01-01T00:00:05.000Z
time=2000-01-01T00:00:05.000Z level=INFO msg=attempt delivery=DLV message=MSG project=p type=webhook target=https://x.test:443 attempt=2 result=succeeded status=200 latency=0s state=delivered
`
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}
