package export_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// Destinations of a depot.
const (
	ftp     = `{"type":"ftp","host":"f"}`
	sftp    = `{"type":"sftp","host":"s"}`
	email   = `{"type":"email","host":"e"}`
	webhook = `{"type":"webhook","endpoint":"w"}`
)

// fails makes the tries of one kind of destination fail, the first n of them, and
// take a second each.
func fails(host string, n int, f *export.Fault) func(context.Context, export.Parcel) (export.Receipt, error) {
	return func(_ context.Context, p export.Parcel) (export.Receipt, error) {
		<-time.After(time.Second)
		if n--; p.Text("host") == host && n >= 0 {
			return export.Receipt{}, f
		}
		return export.Receipt{}, nil
	}
}

// TestPanic holds that a carrier that panics, say at what a server answers, keeps
// nobody waiting for ever, and that the client is told nothing of it.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			if p.Text("host") == "f" {
				panic("hunter2")
			}
			return export.Receipt{}, nil
		}
		d.runs(ftp, sftp, webhook)
		want := []string{"0.0 ftp failed Gave up after 5 attempts, the time for exports was up: this server could not export it by a fault of its own; its log says more",
			"1.0 sftp uploaded", "2.0 webhook delivered"}
		if diff := cmp.Diff(want, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestStrictOrder holds that whatever stands behind an upload or an email waits
// until it has ended, retries included, and goes on then whatever became of it.
func TestStrictOrder(t *testing.T) {
	later := &export.Fault{Class: "protocol", Message: "later", RetryAfter: 7 * time.Second}
	tooLate := &export.Fault{Class: "protocol", Message: "too late", RetryAfter: time.Hour}
	for name, c := range map[string]struct {
		carry func(context.Context, export.Parcel) (export.Receipt, error)
		items []string
		want  []string
	}{
		"all is well": {fails("", 0, nil), []string{webhook + "," + ftp + "," + webhook, email, sftp + "," + webhook}, []string{
			"0s hook w: succeeded, complete", "1s ftp f: arrived", "1s hook w: succeeded, complete",
			"2s email e: arrived", "3s sftp s: arrived", "3s hook w: succeeded, complete"}},
		"retried": {fails("f", 3, fault("down")), []string{ftp, sftp, webhook}, []string{
			"1s ftp f: down", "4s ftp f: down", "10s ftp f: down", "21s ftp f: arrived", "22s sftp s: arrived", "22s hook w: succeeded, complete"}},
		"the budget ends": {fails("f", 99, fault("down")), []string{ftp + "," + webhook, sftp, webhook}, []string{
			"1s ftp f: down", "4s ftp f: down", "10s ftp f: down", "21s ftp f: down", "42s ftp f: down",
			"42s hook w: succeeded, partial", "43s sftp s: arrived", "43s hook w: succeeded, partial"}},
		"permanent": {fails("f", 99, &export.Fault{Class: "login", Message: "wrong password", Permanent: true}), []string{ftp, sftp, webhook}, []string{
			"1s ftp f: wrong password", "2s sftp s: arrived", "2s hook w: succeeded, partial"}},
		"asks for a pause":  {fails("f", 1, later), []string{ftp, webhook}, []string{"1s ftp f: later", "9s ftp f: arrived", "9s hook w: succeeded, complete"}},
		"asks for too long": {fails("f", 1, tooLate), []string{ftp, webhook}, []string{"1s ftp f: too late", "1s hook w: succeeded, partial"}},
		"in doubt": {fails("e", 1, &export.Fault{Class: "reset", Message: "cut", Unknown: true}), []string{email, webhook}, []string{
			"1s email e: cut", "4s email e: arrived", "4s hook w: succeeded, complete"}},
		// The proxy's faults do not cost a webhook anything, for a week: those behind an
		// upload cannot wait for that, and not go before it either.
		"proxy": {fails("f", 99, &export.Fault{Class: "proxy", Message: "no way"}), []string{ftp, webhook}, []string{
			"1s ftp f: no way", "4s ftp f: no way", "10s ftp f: no way", "21s ftp f: no way", "42s ftp f: no way", "42s hook w: succeeded, partial"}},
		"hangs": {func(ctx context.Context, p export.Parcel) (export.Receipt, error) {
			if p.Text("host") == "f" {
				<-ctx.Done()
				return export.Receipt{}, fault("hung")
			}
			<-time.After(time.Second)
			return export.Receipt{}, nil
		}, []string{ftp, sftp, webhook}, []string{"1m0s ftp f: hung", "1m1s sftp s: arrived", "1m1s hook w: succeeded, partial"}},
		"no fault of a carrier's": {func(context.Context, export.Parcel) (export.Receipt, error) {
			return export.Receipt{}, fmt.Errorf("plain")
		}, []string{ftp, webhook}, []string{"0s ftp f: plain", "2s ftp f: plain", "7s ftp f: plain", "17s ftp f: plain", "37s ftp f: plain", "37s hook w: succeeded, partial"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDepot(t)
				d.carry = c.carry
				d.runs(c.items...)
				if diff := cmp.Diff(c.want, d.did); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		})
	}
}

// TestGrace holds that each destination has a third of the budget, however much
// those before it took, and that one try goes on for that long.
func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = func(ctx context.Context, _ export.Parcel) (export.Receipt, error) {
			<-ctx.Done()
			return export.Receipt{}, fault("hung")
		}
		d.runs(ftp, sftp, email, webhook)
		want := []string{"1m0s ftp f: hung", "1m20s sftp s: hung", "1m40s email e: hung", "1m40s hook w: succeeded, partial"}
		if diff := cmp.Diff(want, d.did); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		want = []string{
			"0.0 ftp failed Gave up after 1 attempt, the time for exports was up: hung",
			"1.0 sftp failed Gave up after 1 attempt, the time for exports was up: hung",
			"2.0 email failed Gave up after 1 attempt, the time for exports was up: hung", "3.0 webhook delivered",
		}
		if diff := cmp.Diff(want, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestDefaultBudget holds that nobody who says nothing waits for ever, or not at
// all.
func TestDefaultBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.o.Budget = 0
		d.restart()
		d.carry = fails("f", 999, fault("down"))
		d.runs(ftp, webhook)
		last := d.m.attempts[d.main(0, 0).ID]
		took := last[len(last)-1].EndedAt.Sub(d.began)
		if took > export.DefaultBudget || took < export.DefaultBudget-time.Minute-5*time.Second || export.DefaultBudget != 15*time.Minute {
			t.Errorf("it was tried for %v", took)
		}
	})
}

// stop is a destination that stops the pipeline when it fails.
func stop(destination string) string {
	return destination[:len(destination)-1] + `,"on-failure":"Stop"}`
}

// TestOnFailure holds that "stop" skips the uploads and emails behind a failed
// destination, in later exports too, and never a webhook.
func TestOnFailure(t *testing.T) {
	never := `{"type":"webhook","endpoint":"never"}`
	skipped := " skipped A destination before it failed, and says to stop there"
	for name, c := range map[string]struct {
		items []string
		want  []string
	}{
		"an upload": {[]string{stop(ftp) + "," + sftp + "," + webhook, email, webhook}, []string{
			"0.0 ftp failed down", "0.1 sftp" + skipped, "0.2 webhook delivered", "1.0 email" + skipped, "2.0 webhook delivered"}},
		"it goes on by default": {[]string{ftp, `{"type":"ftp","host":"f","on-failure":"continue"}`, sftp}, []string{
			"0.0 ftp failed down", "1.0 ftp failed down", "2.0 sftp uploaded"}},
		"what did not fail stops nothing": {[]string{stop(sftp), email}, []string{"0.0 sftp uploaded", "1.0 email sent"}},
		"before it all went":              {[]string{sftp, stop(ftp), email}, []string{"0.0 sftp uploaded", "1.0 ftp failed down", "2.0 email" + skipped}},
		"a webhook that can never work":   {[]string{stop(never), sftp, webhook}, []string{"0.0 webhook failed The endpoint can never work", "1.0 sftp" + skipped, "2.0 webhook delivered"}},
		"a webhook that gave up at once": {[]string{stop(`{"type":"webhook","endpoint":"down","retries":0}`), sftp, webhook}, []string{
			"0.0 webhook failed Gave up after 1 attempt: answered 500", "1.0 sftp" + skipped, "2.0 webhook delivered"}},
		"a webhook that is tried again": {[]string{stop(`{"type":"webhook","endpoint":"down"}`), sftp}, []string{
			"0.0 webhook failed Gave up after 10 attempts: answered 500", "1.0 sftp uploaded"}},
		"what can never work": {[]string{stop(`{"type":"ftp","host":"never"}`), sftp, webhook}, []string{
			"0.0 ftp failed The host can never work", "1.0 sftp" + skipped, "2.0 webhook delivered"}},
		"an unknown type": {[]string{stop(`{"type":"carrier-pigeon"}`), sftp}, []string{
			"0.0 carrier-pigeon failed There are no destinations of type 'carrier-pigeon'; there are email, ftp, sftp, webhook", "1.0 sftp" + skipped}},
		"what was itself skipped": {[]string{stop(ftp), stop(sftp), email}, []string{"0.0 ftp failed down", "1.0 sftp" + skipped, "2.0 email" + skipped}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDepot(t)
				d.carry = fails("f", 99, &export.Fault{Class: "denied", Message: "down", Permanent: true})
				d.answer = func(del export.Delivery, a export.Attempt) export.Attempt {
					if del.Target == "https://x.test/s3cret/down" {
						return closed(a, 500)
					}
					return closed(a, 200)
				}
				d.runs(c.items...)
				if diff := cmp.Diff(c.want, lines(d.m.shown("p"))); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		})
	}
}

// TestOn holds which ends an email is sent of, and that nothing is uploaded of a
// movie that was not rendered.
func TestOn(t *testing.T) {
	const not, well = "skipped The movie was not rendered", "skipped It is for movies that are not rendered"
	for on, want := range map[string][2]string{
		"": {"sent", not}, `"success"`: {"sent", not}, `"error"`: {well, "sent"}, `"always"`: {"sent", "sent"}, `" ALWAYS "`: {"sent", "sent"},
		`null`: {"sent", not}, `7`: {"sent", not}, `"sometimes"`: {"sent", not},
	} {
		with := func(destination string) string {
			if on == "" {
				return destination
			}
			return destination[:len(destination)-1] + `,"on":` + on + `}`
		}
		for i, failing := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				d := newDepot(t)
				o, uploaded := d.rendered(), "0.1 ftp uploaded"
				if failing {
					o, uploaded = d.lost(), "0.1 ftp "+not
				}
				d.ends(exports(with(email)+","+with(ftp)+","+with(webhook)), o)
				d.m.run(d.p)
				if diff := cmp.Diff([]string{"0.0 email " + want[i], uploaded, "0.2 webhook delivered"}, lines(d.m.shown("p"))); diff != "" {
					t.Errorf("%s, failed %v: -want +got\n%s", on, failing, diff)
				}
				if failing && want[1] == "sent" && (d.parcels[0].Open != nil || d.parcels[0].Size != 0 || d.main(0, 0).Event != export.MovieFailed) {
					t.Errorf("%s: carried %+v", on, d.parcels[0])
				}
			})
		}
	}
}

// TestExported holds what a webhook is told of those before it.
func TestExported(t *testing.T) {
	with := func(destination, more string) string { return destination[:len(destination)-1] + "," + more + "}" }
	down := `{"type":"webhook","endpoint":"down"}`
	for name, c := range map[string]struct {
		before string
		failed bool
		want   string
	}{
		"nothing before":                 {``, false, export.Complete},
		"nothing before, not rendered":   {``, true, export.Complete},
		"an upload":                      {ftp, false, export.Complete},
		"an upload, not rendered":        {ftp, true, export.Partial},
		"a failed upload":                {`{"type":"ftp","host":"never"}`, false, export.Partial},
		"an email":                       {email, false, export.Complete},
		"an email for failures":          {with(email, `"on":"error"`), false, export.Complete},
		"an email, not rendered":         {email, true, export.Partial},
		"an email for both, failed":      {with(email, `"on":"always"`), true, export.Complete},
		"a webhook":                      {webhook, false, export.Complete},
		"a webhook, not rendered":        {webhook, true, export.Complete},
		"a webhook for other events":     {with(webhook, `"events":"movie.started"`), false, export.Complete},
		"a webhook that is down":         {down, false, export.Partial},
		"a webhook that can never work":  {`{"type":"webhook","endpoint":"never"}`, false, export.Partial},
		"no such connection":             {`{"id":"x"}`, false, export.Partial},
		"skipped by another":             {stop(`{"type":"ftp","host":"never"}`) + "," + sftp, false, export.Partial},
		"all of them":                    {ftp + "," + email + "," + webhook + "," + sftp, false, export.Complete},
		"all of them but one":            {ftp + "," + email + "," + down + "," + sftp, false, export.Partial},
		"an upload that is not rendered": {with(ftp, `"on":"error"`), true, export.Partial},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDepot(t)
			d.answer = func(del export.Delivery, a export.Attempt) export.Attempt {
				return closed(a, map[bool]int{true: 500, false: 200}[del.Target == "https://x.test/s3cret/down"])
			}
			o := d.rendered()
			if c.failed {
				o = d.lost()
			}
			last := `{"type":"webhook","endpoint":"last","events":"movie.completed,export.completed"}`
			if c.before != "" {
				last = "," + last
			}
			d.ends(exports(c.before+last, webhook), o)
			d.m.run(d.p)
			told := map[string]string{}
			for _, del := range d.m.deliveries {
				if del.Target == "https://x.test/s3cret/last" {
					told[del.Event] = del.Exported
				}
				if del.Type != "webhook" && del.Exported != "" {
					t.Errorf("%s: an upload is told %s", name, del.Exported)
				}
			}
			// Whether the rest arrived is known when the pipeline is through.
			want := map[string]string{export.MovieCompleted: c.want, export.ExportCompleted: c.want}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("%s: -want +got\n%s", name, diff)
			}
		})
	}
}

// TestReceipts holds that those who are told of destinations are told where it is.
func TestReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			<-time.After(1500 * time.Millisecond)
			return export.Receipt{Path: "/in/" + p.Text("file"), URL: "ftp://f/in/x", ID: "id-" + p.Text("host")}, nil
		}
		d.runs(ftp, email, webhook)
		upload := project.Receipt{Path: "/in/2026-01-02-36066.mp4", URL: "ftp://f/in/x", ID: "id-f", Bytes: 5, SHA256: "c0ffee", Seconds: 1.5}
		mail := project.Receipt{Path: upload.Path, URL: upload.URL, ID: "id-e", Seconds: 1.5}
		told := d.notices[len(d.notices)-1].Destinations
		for _, list := range [][]project.Destination{d.m.shown("p")[:2], told[:2]} {
			if diff := cmp.Diff([]project.Receipt{upload, mail}, []project.Receipt{list[0].Receipt, list[1].Receipt}); diff != "" || list[0].Status != "uploaded" || list[1].Status != "sent" {
				t.Errorf("%+v: -want +got\n%s", list, diff)
			}
		}
	})
}

// TestUploadsAreNotPutOff holds that an upload does not wait for what webhooks
// learned of its host: its budget would not.
func TestUploadsAreNotPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.answer = func(_ export.Delivery, a export.Attempt) export.Attempt { return broken(a, export.Refused, "refused") }
		d.ends(exports(webhook), d.rendered())
		for range 5 {
			d.m.step(d.p)
		}
		clear(d.m.jobs)
		clear(d.m.deliveries)
		d.ends(exports(`{"type":"ftp","host":"f","group":"https://x.test:443"}`, webhook), d.rendered())
		d.m.step(d.p)
		d.m.step(d.p)
		want := []string{"0.0 ftp uploaded", "1.0 webhook retrying Put off: its host is not answering, or asked for a pause"}
		if diff := cmp.Diff(want, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestMeanwhile holds that what is behind an upload is told how things stand when
// that has ended, not when it began.
func TestMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.answer = answers(500) // then it succeeds
		d.carry = func(context.Context, export.Parcel) (export.Receipt, error) {
			<-time.After(10 * time.Second)
			hook := d.main(0, 0).ID // its second attempt, by another worker
			if err := d.work(t.Context(), hook); !errors.Is(err, queue.ErrRecorded) {
				t.Error(err)
			}
			return export.Receipt{}, nil
		}
		d.runs(webhook, ftp, webhook)
		if diff := cmp.Diff([]string{"0.0 webhook delivered", "1.0 ftp uploaded", "2.0 webhook pending"}, lines(d.notices[1].Destinations)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if d.main(2, 0).Exported != export.Complete {
			t.Errorf("it is told %+v", d.main(2, 0))
		}
	})
}
