package export_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

// TestStopped stops the server in the middle of an upload: it is cut off, and goes
// on at once after the next start, as the same parcel and before anything else.
func TestStopped(t *testing.T) {
	for name, down := range map[string]time.Duration{"for a moment": time.Second, "for a day": 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d := newDepot(t)
			ctx, stop := stopping(t)
			d.carry = func(ctx context.Context, p export.Parcel) (export.Receipt, error) {
				if len(d.parcels) > 2 {
					<-time.After(15 * time.Second) // within the grace that a restart gives
					return export.Receipt{}, ctx.Err()
				}
				if len(d.parcels) == 2 {
					stop()
					<-ctx.Done()
					return export.Receipt{}, fault("cut")
				}
				return export.Receipt{}, fault("down")
			}
			d.ends(exports(webhook, ftp, webhook), d.rendered())
			d.m.step(d.p)
			d.m.step(d.p) // the first try, which is recorded
			<-time.After(2 * time.Second)
			upload := d.main(1, 0)
			if err := d.work(ctx, upload.ID); !errors.Is(err, queue.ErrStopping) {
				t.Errorf("%s: %v", name, err)
			}
			if shown := d.m.shown("p")[1]; shown.Status != "running" || d.m.attempts[upload.ID][1].Result != export.Open || len(d.m.jobs) != 1 {
				t.Errorf("%s: left as %+v", name, shown)
			}
			if err := d.work(ctx, upload.ID); !errors.Is(err, queue.ErrStopping) || len(d.parcels) != 2 {
				t.Errorf("%s: it began another: %v", name, err)
			}
			<-time.After(down)
			d.restart()
			d.m.run(d.p)
			got := d.m.attempts[upload.ID]
			if len(got) != 3 || got[1].Result != export.Unknown || got[2].Result != export.Succeeded || got[2].StartedAt.Sub(d.began) != 2*time.Second+down {
				t.Errorf("%s: %+v", name, got)
			}
			if diff := cmp.Diff([]string{"0.0 webhook delivered", "1.0 ftp uploaded", "2.0 webhook delivered"}, lines(d.m.shown("p"))); diff != "" || d.main(1, 0).Failures != 1 {
				t.Errorf("%s: %+v, -want +got\n%s", name, d.main(1, 0), diff)
			}
			for _, p := range d.parcels {
				if p.Part != d.parcels[0].Part || len(p.Part) != 12 {
					t.Errorf("%s: its mark is %s, was %s", name, p.Part, d.parcels[0].Part)
				}
			}
		})
	}
}

// TestMarks holds that no two parcels have one mark.
func TestMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.runs(ftp, ftp, email)
		marks := map[string]bool{}
		for _, p := range d.parcels {
			marks[p.Part] = true
		}
		if len(marks) != 3 {
			t.Errorf("marks are %v", marks)
		}
	})
}

// TestArrivedWhileStopping holds that what arrived is recorded all the same, and
// not brought again.
func TestArrivedWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		ctx, stop := stopping(t)
		d.carry = func(context.Context, export.Parcel) (export.Receipt, error) {
			stop()
			return export.Receipt{}, nil
		}
		d.ends(exports(ftp, webhook), d.rendered())
		if err := d.work(ctx, d.main(0, 0).ID); !errors.Is(err, queue.ErrRecorded) {
			t.Error(err)
		}
		d.restart()
		d.m.run(d.p)
		if diff := cmp.Diff([]string{"0s ftp f: arrived", "0s hook w: succeeded, complete"}, d.did); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestKilled loses the record of an upload that arrived: nobody knows, so it is
// brought again, and only that one.
func TestKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			if p.Text("host") == "s" && len(d.parcels) == 2 {
				d.m.failing = map[string]error{"Close": errors.New("killed")}
				d.m.stop(queue.ErrStopping)
			}
			return export.Receipt{}, nil
		}
		d.runs(ftp, sftp, webhook)
		if diff := cmp.Diff([]string{"0s ftp f: arrived", "0s sftp s: arrived", "1s sftp s: arrived", "1s hook w: succeeded, complete"}, d.did); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestRecordedLate holds that an upload that arrived is not brought again while
// the disk is full, and that nothing goes before it.
func TestRecordedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = func(context.Context, export.Parcel) (export.Receipt, error) {
			d.m.fails("Close")
			time.AfterFunc(time.Hour-time.Second, func() { d.m.fails("") })
			return export.Receipt{}, nil
		}
		d.runs(ftp, webhook)
		if diff := cmp.Diff([]string{"0s ftp f: arrived", "1h0m0s hook w: succeeded, complete"}, d.did); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestUnreadBehind holds that an upload is not begun when nobody can tell what
// comes behind it, and goes on as soon as that is known.
func TestUnreadBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.ends(exports(ftp, webhook), d.rendered())
		d.m.fails("Get")
		d.m.run(d.p)
		if diff := cmp.Diff([]string{"1s ftp f: arrived", "1s hook w: succeeded, complete"}, d.did); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestCancelUpload cancels an upload that others wait for: they go on.
func TestCancelUpload(t *testing.T) {
	cancelled := []string{"0.0 ftp cancelled Cancelled", "1.0 sftp uploaded", "2.0 webhook delivered"}
	cancel := func(d *depot) {
		if _, err := d.m.Cancel(d.t.Context(), d.main(0, 0).ID, time.Now()); err != nil {
			d.t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		first  string
		result error
		when   string
		tries  int
		want   []string
	}{
		"before it began":             {ftp, nil, "before", 0, cancelled},
		"while it waits":              {ftp, fault("down"), "after", 1, cancelled},
		"under way, and it fails":     {ftp, fault("down"), "during", 1, cancelled},
		"under way, and it failed":    {ftp, &export.Fault{Class: "login", Message: "wrong", Permanent: true}, "during", 1, cancelled},
		"under way, and it arrives":   {ftp, nil, "during", 1, []string{"0.0 ftp uploaded", "1.0 sftp uploaded", "2.0 webhook delivered"}},
		"when it stops those behind":  {stop(ftp), fault("down"), "after", 1, []string{cancelled[0], "1.0 sftp skipped A destination before it failed, and says to stop there", cancelled[2]}},
		"when it stops, and arrives":  {stop(ftp), nil, "during", 1, []string{"0.0 ftp uploaded", "1.0 sftp uploaded", "2.0 webhook delivered"}},
		"under way, and the last one": {ftp, fault("down"), "during", 1, cancelled[:1]},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDepot(t)
			d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
				if p.Text("host") != "f" {
					return export.Receipt{}, nil
				}
				if c.when == "during" {
					cancel(d)
				}
				return export.Receipt{}, c.result
			}
			items := []string{c.first, sftp, webhook}
			d.ends(exports(items[:len(c.want)]...), d.rendered())
			if c.when == "before" {
				cancel(d)
			}
			if c.when == "after" {
				d.m.step(d.p)
				cancel(d)
			}
			d.m.run(d.p)
			id := d.main(0, 0).ID
			open := slices.ContainsFunc(d.m.attempts[id], func(a export.Attempt) bool { return a.Result == export.Open })
			if diff := cmp.Diff(c.want, lines(d.m.shown("p"))); diff != "" || len(d.m.attempts[id]) != c.tries || open {
				t.Errorf("%s: %+v, -want +got\n%s", name, d.m.attempts[id], diff)
			}
			if took := time.Since(d.began); took != 0 {
				t.Errorf("%s: those behind it waited for %v", name, took)
			}
		})
	}
}

// TestCancelLost cancels an upload that a stop left open.
func TestCancelLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		ctx, stop := stopping(t)
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			if p.Text("host") == "f" {
				stop()
			}
			return export.Receipt{}, fault("cut")
		}
		d.ends(exports(ftp, webhook), d.rendered())
		_ = d.work(ctx, d.main(0, 0).ID)
		if _, err := d.m.Cancel(t.Context(), d.main(0, 0).ID, time.Now()); err != nil {
			t.Error(err)
		}
		d.restart()
		d.m.run(d.p)
		if diff := cmp.Diff([]string{"0.0 ftp cancelled Cancelled", "1.0 webhook delivered"}, lines(d.m.shown("p"))); diff != "" || len(d.parcels) != 1 {
			t.Errorf("%d tries, -want +got\n%s", len(d.parcels), diff)
		}
	})
}

// TestRedeliverUpload brings by hand what had failed, long after: those behind it
// are not told again.
func TestRedeliverUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = fails("f", 1, &export.Fault{Class: "login", Message: "wrong password", Permanent: true})
		d.runs(ftp, webhook)
		<-time.After(48 * time.Hour)
		if _, err := d.m.Redeliver(t.Context(), d.main(0, 0).ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		d.m.run(d.p)
		want := []string{"1s ftp f: wrong password", "1s hook w: succeeded, partial", "48h0m2s ftp f: arrived"}
		if diff := cmp.Diff(want, d.did); diff != "" || d.m.shown("p")[0].Status != "uploaded" || d.parcels[0].Part != d.parcels[1].Part {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestRedeliverWaiting has an upload that waits for its next try make it at once,
// and those behind it go on waiting for it.
func TestRedeliverWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = fails("f", 3, fault("down"))
		d.ends(exports(ftp, webhook), d.rendered())
		for range 2 {
			d.m.step(d.p)
			if _, err := d.m.Redeliver(t.Context(), d.main(0, 0).ID, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		d.m.run(d.p)
		want := []string{"1s ftp f: down", "2s ftp f: down", "3s ftp f: down", "6s ftp f: arrived", "6s hook w: succeeded, complete"}
		if diff := cmp.Diff(want, d.did); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestRedeliverElsewhere holds that an upload goes to no other address, that what a
// connection keeps secret does not either, and whose endpoint that is.
func TestRedeliverElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := connected(t)
		d.runs(`{"id":"box"}`, `{"id":"hook"}`, email)
		for _, place := range []int{0, 2} {
			var refusal export.Refusal
			before := len(d.m.deliveries)
			if _, err := d.p.RedeliverTo(t.Context(), d.main(place, 0).ID, "https://y.test"); !errors.As(err, &refusal) || len(d.m.deliveries) != before {
				t.Errorf("%v", err)
			}
		}
		again, err := d.p.RedeliverTo(t.Context(), d.main(1, 0).ID, "https://y.test/x")
		if err != nil || again.Account != "a" || again.Connection != "" || again.Endpoint != export.EndpointOf("a", "https://y.test/x") {
			t.Errorf("%v, made %+v", err, again)
		}
	})
}
