package export_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
)

// stored are connections by account and id.
type stored struct {
	by  map[string]export.Destination
	err error
}

func (s *stored) Resolve(_ context.Context, account string, d movie.Destination) (export.Destination, error) {
	own := export.Settings(d.Fields)
	id := own.Text("id")
	kept, ok := s.by[account+"/"+id]
	switch {
	case s.err != nil:
		return export.Destination{}, s.err
	case !ok:
		return export.Destination{}, export.Refusal("Unknown connection '" + id + "'")
	}
	all := maps.Clone(kept.Settings)
	maps.Copy(all, own)
	return export.Destination{Type: kept.Type, Settings: all, Connection: id}, nil
}

// connected is a depot with connections of account a.
func connected(t *testing.T) (*depot, *stored) {
	d := newDepot(t)
	s := &stored{by: map[string]export.Destination{
		"a/box":   {Type: "ftp", Settings: set(t, `{"host":"f","password":"hunter2","remote-path":"/in/__yyyy__"}`)},
		"a/hook":  {Type: "webhook", Settings: set(t, `{"endpoint":"kept","token":"hunter2"}`)},
		"a/never": {Type: "ftp", Settings: set(t, `{"host":"never"}`)},
	}}
	d.o.Connections, d.m.account = s, "a"
	d.restart()
	return d, s
}

// TestConnections holds that what a destination names is put under it, and what is
// not there fails that one and no other.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := connected(t)
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			if len(d.parcels) == 1 { // corrected meanwhile
				s.by["a/box"].Settings["password"] = []byte(`"corrected"`)
				return export.Receipt{}, fault("wrong password")
			}
			return export.Receipt{}, nil
		}
		d.runs(`{"id":"box","file":"own.mp4"},{"id":"nobody's"},{"type":"ftp","id":"x"},{"id":"hook"},` + webhook)
		want := []string{"0.0 ftp uploaded", "0.1  failed Unknown connection 'nobody's'", "0.2 ftp failed Unknown connection 'x'", "0.3 webhook delivered", "0.4 webhook delivered"}
		if diff := cmp.Diff(want, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		last := d.parcels[1]
		if last.Text("file") != "own.mp4" || last.Text("remote-path") != "/in/2000" || last.Secret("password") != "corrected" {
			t.Errorf("carried with %s", last.Settings)
		}
		for place, connection := range map[int]string{0: "box", 3: "hook", 4: ""} {
			del := d.main(0, place)
			if del.Connection != connection || del.Account != "a" || place > 0 && del.Endpoint != export.EndpointOf("a", del.Target) {
				t.Errorf("made %+v", del)
			}
		}
		if other := export.EndpointOf("b", d.main(0, 4).Target); other == d.main(0, 4).Endpoint || other == export.EndpointID(d.main(0, 4).Target) {
			t.Error("accounts share an endpoint")
		}
	})
}

// TestNoConnections holds what becomes of an id where there are none.
func TestNoConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.runs(`{"id":"box"},{"type":"ftp","id":"mine"},` + webhook)
		want := []string{"0.0  failed Unknown connection 'box'", "0.1 ftp uploaded", "0.2 webhook delivered"}
		if diff := cmp.Diff(want, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestConnectionsUnread holds that a store that cannot be read settles nothing: the
// end of the rendering, and whatever comes behind a destination, is tried again.
func TestConnectionsUnread(t *testing.T) {
	full := errors.New("disk full")
	synctest.Test(t, func(t *testing.T) {
		d, s := connected(t)
		s.err = full
		pr, list := d.m.create("p", exports(webhook, `{"id":"box"}`, webhook))
		for _, told := range []error{d.p.Ended(t.Context(), pr, list, d.rendered()), d.p.Started(t.Context(), pr, list)} {
			if !errors.Is(told, full) || d.m.projects["p"].Status.Ended() || len(d.m.deliveries) > 0 {
				t.Errorf("%v, %+v", told, d.m.projects["p"])
			}
		}
		s.err = nil
		if err := d.p.Ended(t.Context(), pr, list, d.rendered()); err != nil {
			t.Fatal(err)
		}
		s.err = full
		if err := d.work(t.Context(), d.main(0, 0).ID); !errors.Is(err, full) || len(d.did) > 0 {
			t.Errorf("%v, did %s", err, d.did)
		}
		if diff := cmp.Diff([]string{"0.0 webhook running", "1.0  pending", "2.0 webhook pending"}, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		s.err = nil
		d.m.run(d.p)
		if diff := cmp.Diff([]string{"0.0 webhook delivered", "1.0 ftp uploaded", "2.0 webhook delivered"}, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestConnectionChanged changes and removes connections while others are served:
// each destination has its turn, once.
func TestConnectionChanged(t *testing.T) {
	reports := `{"endpoint":"kept","events":"movie.completed,export.completed"}`
	for name, change := range map[string]func(t *testing.T, s *stored){
		"removed": func(_ *testing.T, s *stored) { delete(s.by, "a/hook") },
		"wants to hear of the end": func(t *testing.T, s *stored) {
			s.by["a/hook"] = export.Destination{Type: "webhook", Settings: set(t, reports)}
		},
		"wants it no more": func(t *testing.T, s *stored) {
			s.by["a/hook"] = export.Destination{Type: "webhook", Settings: set(t, `{"endpoint":"kept"}`)}
		},
	} {
		for _, before := range []string{`{"endpoint":"kept"}`, reports} {
			synctest.Test(t, func(t *testing.T) {
				d, s := connected(t)
				s.by["a/hook"] = export.Destination{Type: "webhook", Settings: set(t, before)}
				d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
					if p.Text("host") == "f" {
						change(t, s)
					}
					return export.Receipt{}, nil
				}
				d.runs(ftp, sftp, `{"id":"hook"}`, email)
				got := d.did
				got = slices.DeleteFunc(slices.Clone(got), func(line string) bool { return strings.Contains(line, "hook kept") })
				if diff := cmp.Diff([]string{"0s ftp f: arrived", "0s sftp s: arrived", "0s email e: arrived"}, got); diff != "" {
					t.Errorf("%s: -want +got\n%s", name, diff)
				}
				for _, dest := range d.m.shown("p") {
					if dest.Status == "pending" || dest.Status == "failed" && name != "removed" {
						t.Errorf("%s: %+v", name, dest)
					}
				}
			})
		}
	}
}

// TestConnectionRemoved removes the connection of an upload that waits.
func TestConnectionRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := connected(t)
		d.carry = fails("f", 1, fault("down"))
		d.ends(exports(`{"id":"box"}`, webhook), d.rendered())
		d.m.step(d.p)
		delete(s.by, "a/box")
		d.m.run(d.p)
		if diff := cmp.Diff([]string{"0.0 ftp failed Unknown connection 'box'", "1.0 webhook delivered"}, lines(d.m.shown("p"))); diff != "" || len(d.parcels) != 1 {
			t.Errorf("%d tries, -want +got\n%s", len(d.parcels), diff)
		}
	})
}

// TestTrialOfConnection tries a webhook connection out.
func TestTrialOfConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := connected(t)
		trial := export.Trial{Account: "a", Connection: "hook", Event: export.MovieCompleted}
		del, a, err := d.p.Test(t.Context(), trial)
		if err != nil || a.Result != export.Succeeded || del.Target != "kept" || del.Account != "a" || del.Connection != "hook" || del.Endpoint != "" {
			t.Errorf("%v, %+v, %+v", err, del, a)
		}
		for id, want := range map[string]string{
			"nobody's": "Unknown connection 'nobody's'",
			"box":      "Connection 'box' is no webhook but of type ftp; POST /v2/connections/box/test tries it out",
		} {
			trial.Connection = id
			var refusal export.Refusal
			if _, _, err := d.p.Test(t.Context(), trial); !errors.As(err, &refusal) || err.Error() != want {
				t.Errorf("%s: %v", id, err)
			}
		}
		trial.Connection, trial.Account = "hook", "b"
		if _, _, err := d.p.Test(t.Context(), trial); err == nil {
			t.Error("another account's")
		}
		trial.Account, s.err = "a", errors.New("disk full")
		if _, _, err := d.p.Test(t.Context(), trial); !errors.Is(err, s.err) {
			t.Error(err)
		}
	})
}

// TestProbeConnection really uses a connection, and leaves no trace of it here.
func TestProbeConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := connected(t)
		steps := []string{export.StepConnect, export.StepWrite}
		var seen export.Settings
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			seen = p.Settings
			<-time.After(3 * time.Second)
			return export.Receipt{}, nil
		}
		got, err := d.p.Probe(t.Context(), "a", "box")
		if diff := cmp.Diff(export.Probed{Type: "ftp", Target: "ftp://f/2000-01-01-00000.mp4", Steps: steps, Took: 3 * time.Second}, got); diff != "" || err != nil {
			t.Errorf("%v, -want +got\n%s", err, diff)
		}
		if seen.Text("remote-path") != "/in/2000" || seen.Secret("password") != "hunter2" {
			t.Errorf("probed with %s", seen)
		}
		want := &export.Fault{Step: export.StepLogin, Class: "login", Message: "wrong", Permanent: true}
		d.carry = func(context.Context, export.Parcel) (export.Receipt, error) { return export.Receipt{}, want }
		if got, err = d.p.Probe(t.Context(), "a", "box"); got.Fault != want || err != nil {
			t.Errorf("%v, %+v", err, got)
		}
		d.carry = func(ctx context.Context, _ export.Parcel) (export.Receipt, error) {
			<-ctx.Done()
			return export.Receipt{}, fault("hung")
		}
		if got, err = d.p.Probe(t.Context(), "a", "box"); got.Took != time.Minute || got.Fault.Message != "hung" || err != nil {
			t.Errorf("%v, %+v", err, got)
		}
		want = &export.Fault{Step: export.StepSettings, Class: "error", Message: "The host can never work", Permanent: true}
		if got, err = d.p.Probe(t.Context(), "a", "never"); cmp.Diff(want, got.Fault) != "" || got.Target != "" || err != nil {
			t.Errorf("%v, %+v", err, got)
		}
		for id, want := range map[string]string{
			"x":    "Unknown connection 'x'",
			"hook": "Connection 'hook' is a webhook; POST /v2/webhooks/test tries it out",
		} {
			if _, err := d.p.Probe(t.Context(), "a", id); err == nil || err.Error() != want {
				t.Errorf("%s: %v", id, err)
			}
		}
		s.err = errors.New("disk full")
		if _, err := d.p.Probe(t.Context(), "a", "box"); !errors.Is(err, s.err) {
			t.Error(err)
		}
		if len(d.m.deliveries)+len(d.m.jobs)+len(d.m.projects) > 0 {
			t.Errorf("it left %v", d.m.deliveries)
		}
	})
}
