package export_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/seal"
)

// safe is a depot whose deliveries and documents are sealed.
func safe(t *testing.T) *depot {
	d := newDepot(t)
	d.o.Keys = newKeys(t)
	d.restart()
	return d
}

func newKeys(t *testing.T) *seal.Keys {
	t.Helper()
	keys, err := seal.Parse([]string{seal.New()})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// seals creates project p as it is when it is accepted: with its secrets sealed.
func (d *depot) seals(source string) (project.Project, []movie.Export) {
	d.t.Helper()
	shown, secrets := movie.Hide([]byte(source))
	pr, list := d.m.create("p", string(shown))
	pr.FileKey = "k/2026-01-02-36066.mp4"
	pr.Sealed = d.o.Keys.Seal(seal.Project, "p", secrets)
	d.m.projects["p"] = pr
	return pr, list
}

// leaks tells whether a secret is anywhere in a store.
func (m *memory) leaks(t *testing.T, secret string) {
	t.Helper()
	for what, all := range map[string]any{"deliveries": m.deliveries, "attempts": m.attempts, "projects": m.projects, "destinations": fmt.Sprint(m.destinations),
		"endpoints": m.endpoints, "jobs": m.jobs} {
		text, err := json.Marshal(all)
		if in := strings.Contains(string(text), secret) || strings.Contains(fmt.Sprintf("%s", all), secret); err != nil || in { // JSON has bytes in base64
			t.Errorf("%v, the %s hold a secret: %v", err, what, in)
		}
	}
}

// guarded is a movie with a secret wherever one may be, and one to be told of all
// that happens.
const guarded = `{"exports":[{"destinations":[
	{"type":"webhook","endpoint":"hook?key=hunter2","token":"hunter2","events":"movie.started,movie.progress,movie.completed,export.completed"},
	{"type":"ftp","host":"f","password":"hunter2","file":"__filename__"},
	{"type":"sftp","host":"s","private-key":"hunter2"},
	{"type":"webhook","endpoint":"last?key=hunter2"}]}]}`

// TestSealed holds that no secret of a movie reaches the store, and that all of
// them reach their destinations, after a restart too.
func TestSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := safe(t)
		var hooks []string
		d.answer = func(del export.Delivery, a export.Attempt) export.Attempt {
			hooks = append(hooks, del.Event+" "+strings.TrimPrefix(del.Target, "https://x.test/s3cret/")+" "+del.Headers["X-Token"])
			return closed(a, map[bool]int{true: 500, false: 200}[a.Number == 1])
		}
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			if got := p.Secret("password") + p.Secret("private-key"); got != "hunter2" {
				t.Errorf("%s has %s", p.Text("host"), got)
			}
			d.m.leaks(t, "hunter2")
			return fails("f", 2-len(d.parcels), fault("down"))(t.Context(), p)
		}
		pr, list := d.seals(guarded)
		if err := errors.Join(d.p.Started(t.Context(), pr, list), d.p.Progress(t.Context(), pr, list, 40), d.p.Ended(t.Context(), pr, list, d.rendered())); err != nil {
			t.Fatal(err)
		}
		for len(d.m.jobs) > 0 {
			d.m.leaks(t, "hunter2")
			d.m.step(d.p)
			d.restart()
		}
		d.m.leaks(t, "hunter2")
		want := map[string]int{"movie.started hook?key=hunter2 hunter2": 2, "movie.progress hook?key=hunter2 hunter2": 1, "movie.completed hook?key=hunter2 hunter2": 2,
			"export.completed hook?key=hunter2 hunter2": 2, "movie.completed last?key=hunter2 ": 2}
		got := map[string]int{}
		for _, line := range hooks {
			got[line]++
		}
		if diff := cmp.Diff(want, got); diff != "" || len(d.parcels) != 3 {
			t.Errorf("%d parcels, -want +got\n%s", len(d.parcels), diff)
		}
		if first := d.main(0, 0); first.Target != "https://x.test/s3cret/hook?…" || len(first.Headers) > 0 || len(first.Sealed) == 0 {
			t.Errorf("it is kept as %+v", first)
		}
	})
}

// TestSealedAdvance has those behind a delivery go on without an attempt of it.
func TestSealedAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := safe(t)
		pr, list := d.seals(guarded)
		if err := d.p.Ended(t.Context(), pr, list, d.rendered()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.m.Cancel(t.Context(), d.main(0, 0).ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		d.m.run(d.p)
		d.m.leaks(t, "hunter2")
		if got := d.m.shown("p"); got[0].Status != "cancelled" || got[3].Status != "delivered" {
			t.Errorf("ended as %s", lines(got))
		}
	})
}

// TestSealedSource holds that a movie's document is exported without its secrets.
func TestSealedSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := safe(t)
		pr, list := d.seals(`{"exports":[{"destinations":[{"type":"ftp","host":"f","password":"hunter2","source":"json"}]}]}`)
		if err := d.p.Ended(t.Context(), pr, list, d.rendered()); err != nil {
			t.Fatal(err)
		}
		d.m.run(d.p)
		if got := content(t, d.parcels[0]); strings.Contains(got, "hunter2") || !strings.Contains(got, `"host":"f"`) {
			t.Errorf("exported %s", got)
		}
	})
}

// TestSealedActs holds that what is done by hand seals what it stores, and opens
// what it reads.
func TestSealedActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := safe(t)
		var hooks []string
		d.answer = func(del export.Delivery, a export.Attempt) export.Attempt {
			hooks = append(hooks, del.Target)
			return closed(a, 500)
		}
		del, _, err := d.p.Test(t.Context(), export.Trial{Event: export.MovieCompleted, Endpoint: "https://x.test/?key=hunter2"})
		if err != nil || d.m.deliveries[del.ID].Target != "https://x.test/?…" {
			t.Errorf("%v, kept %+v", err, d.m.deliveries[del.ID])
		}
		d.ends(exports(`{"type":"webhook","endpoint":"a","token":"0xtoken","retries":0}`), d.rendered())
		d.m.run(d.p)
		again, err := d.p.RedeliverTo(t.Context(), d.main(0, 0).ID, "https://y.test/?key=hunter2")
		if err != nil {
			t.Fatal(err)
		}
		kept := d.m.deliveries[again.ID]
		if kept.Target != "https://y.test/?…" || string(kept.Sealed) == string(d.main(0, 0).Sealed) {
			t.Errorf("kept %+v", kept)
		}
		for len(d.m.deliveries[again.ID].State) > 0 && d.m.deliveries[again.ID].Attempts == 0 {
			d.m.step(d.p)
		}
		want := []string{"https://x.test/?key=hunter2", "https://x.test/s3cret/a", "https://y.test/?key=hunter2"}
		if diff := cmp.Diff(want, hooks); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		id := d.main(0, 0).Endpoint
		d.m.endpoints[id] = export.Endpoint{ID: id, State: export.Enabled}
		d.o.Tell = func(export.OperatorEvent) (export.Delivery, error) {
			return export.Delivery{Type: "webhook", Target: "https://operator.test/?key=hunter2", Timeout: time.Second}, nil
		}
		d.restart()
		if _, err := d.p.SetEndpoint(t.Context(), id, export.Paused, ""); err != nil {
			t.Error(err)
		}
		d.m.run(d.p)
		if last := hooks[len(hooks)-1]; last != "https://operator.test/?key=hunter2" && !strings.HasPrefix(last, "https://y.test") {
			t.Errorf("the operator is told at %s", last)
		}
		d.m.leaks(t, "hunter2")
	})
}

// TestWrongKeys holds that nothing is sent with the keys of another, and no word of
// what is sealed said.
func TestWrongKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := safe(t)
		pr, list := d.seals(guarded)
		good := d.o.Keys
		d.o.Keys = newKeys(t)
		d.restart()
		if err := d.p.Ended(t.Context(), pr, list, d.rendered()); !errors.Is(err, seal.ErrNoKey) || d.m.projects["p"].Status.Ended() {
			t.Errorf("ended: %v", err)
		}
		d.o.Keys = good
		d.restart()
		if err := d.p.Ended(t.Context(), pr, list, d.rendered()); err != nil {
			t.Fatal(err)
		}
		d.o.Keys = newKeys(t)
		d.restart()
		if err := d.work(t.Context(), d.main(0, 0).ID); !errors.Is(err, seal.ErrNoKey) || len(d.did) > 0 {
			t.Errorf("%v, did %s", err, d.did)
		}
		if _, err := d.p.RedeliverTo(t.Context(), d.main(0, 0).ID, "https://y.test"); !errors.Is(err, seal.ErrNoKey) {
			t.Error(err)
		}
	})
}
