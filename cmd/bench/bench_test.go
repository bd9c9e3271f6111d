package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// TestMain lets the test's own binary be the receiver.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == receiveCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

// tiny measures everything but rendering, with numbers that mean nothing.
func tiny(folder string) options {
	return options{
		Parts: []string{"accept", "deliver", "growth", "neighbours", "memory"}, Clients: 2, For: 50 * time.Millisecond,
		Deliveries: 50, Endpoints: 3, Rate: 200, RateFor: 50 * time.Millisecond, Old: 2000, Turns: 1,
		NeighbourRate: 200, NeighboursFor: 100 * time.Millisecond, Movies: 5, Folder: folder,
	}
}

// TestBench runs the program, so that it does not rot.
func TestBench(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out, tiny(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### Machine", "| fdatasync/s", "### accept", "### deliver: 50 webhooks", "| Reelhook, durable | 3         | 5ms",
		"### deliver: from render end", "### growth: 50 webhooks to 3", "### growth: pages", "### neighbours: 3 endpoints", "| all webhooks received"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestFill holds that old deliveries are as many as were asked for, and such as
// the log can show: of the receiver's endpoints, delivered or failed, with their
// attempts and movies, none of them too old to be kept.
func TestFill(t *testing.T) {
	b := &bench{options: tiny(""), dir: t.TempDir(), log: slog.New(slog.DiscardHandler)}
	r, err := b.receiver(t.Context(), Receiving{Endpoints: b.Endpoints})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := b.fill(t.Context(), r, "old", b.Old); err != nil {
		t.Fatal(err)
	}
	db, err := b.database(t.Context(), "old.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	found, _, err := db.Deliveries(t.Context(), export.Page{Limit: 2 * b.Old})
	if err != nil || len(found) != b.Old+b.Endpoints {
		t.Fatalf("%d deliveries, %v", len(found), err)
	}
	counts := map[export.State]int{}
	for _, d := range found[b.Endpoints:] { // the newest were made to be copied
		counts[d.State]++
		if age := time.Since(d.CreatedAt); age < 0 || age > logAge || d.Endpoint != export.EndpointID(d.Target) {
			t.Fatalf("%+v", d)
		}
		attempts, err := db.Attempts(t.Context(), d.ID)
		if err != nil || len(attempts) != 1 || !attempts[0].StartedAt.Equal(d.CreatedAt) || string(attempts[0].Answer) != answer {
			t.Fatalf("%+v: %+v, %v", d, attempts, err)
		}
		all, err := db.Destinations(t.Context(), d.Project)
		if got := all[d.Project]; err != nil || len(got) != 1 || got[0].Delivery != d.ID {
			t.Fatalf("%+v: %+v, %v", d, got, err)
		}
	}
	if failed := (b.Old-1)/failedEach + 1; counts[export.Failed] != failed || counts[export.Delivered] != b.Old-failed {
		t.Error(counts)
	}
}

// TestReceiver holds that the receiver tells what came twice, when it came, and
// ends with the pipe.
func TestReceiver(t *testing.T) {
	b := &bench{options: tiny("")}
	r, err := b.receiver(t.Context(), Receiving{Endpoints: 2, Hanging: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		// A call that waits for what never comes must not keep the process.
		if err := r.expect(t.Context(), 1); err != nil {
			t.Error(err)
		}
		waiting := r.client.Go("Receiver.Wait", false, new(bool), nil)
		r.close()
		if <-waiting.Done; waiting.Error == nil {
			t.Error("what never came was received")
		}
	}()
	post := func(ctx context.Context, url, body string) error {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := r.expect(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if err := errors.Join(post(t.Context(), r.urls[1], `{"project":"one"}`), r.wait(t.Context())); err != nil {
		t.Fatal(err)
	}
	at, err := r.arrivals(t.Context())
	if err != nil || len(at) != 1 || at["one"].Before(before.Round(0)) {
		t.Errorf("%v, %v", at, err)
	}
	if err := r.expect(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	twice := errors.Join(post(t.Context(), r.urls[1], `{"project":"two"}`), post(t.Context(), r.urls[1], `{"project":"two"}`))
	if err := r.wait(t.Context()); twice != nil || err == nil || !strings.Contains(err.Error(), "two came twice") {
		t.Error(twice, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := post(ctx, r.urls[0], `{"project":"three"}`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("what hangs answered: %v", err)
	}
}

// TestRun measures a process that starts another.
func TestRun(t *testing.T) {
	g, err := newGroup()
	if err != nil {
		t.Log("without a control group:", err)
	}
	defer g.close()
	b := &bench{dir: t.TempDir()}
	used, err := b.run(t.Context(), g, []string{"sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"})
	if err != nil || used.cpu <= 0 || used.wall <= 0 {
		t.Errorf("used %+v, %v", used, err)
	}
	if _, err := b.run(t.Context(), g, []string{"sh", "-c", "echo why >&2; exit 3"}); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("got %v", err)
	}
}

func TestFigures(t *testing.T) {
	times := []time.Duration{5, 1, 4, 2, 3}
	if quantile(times, 0.5) != 3 || quantile(times, 0) != 1 || quantile(times, 1) != 5 || quantile(nil, 0.5) != 0 {
		t.Error("quantiles are wrong")
	}
	if median([]float64{4, 1}) != 2.5 || median([]float64{3, 1, 2}) != 2 || median(nil) != 0 {
		t.Error("medians are wrong")
	}
}
