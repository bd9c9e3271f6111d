package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/movie"
)

// TestBench runs the program with tiny numbers, so that it does not rot.
func TestBench(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), &out, options{
		Parts: []string{"accept", "deliver"}, Clients: 2, For: 50 * time.Millisecond,
		Deliveries: 50, Endpoints: 3, Rate: 200, RateFor: 50 * time.Millisecond, Folder: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### Machine", "| fdatasync/s", "### accept", "### deliver: 50 webhooks", "| Reelhook, durable | 3", "### deliver: from render end"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestMovies holds that the documents are movies without faults.
func TestMovies(t *testing.T) {
	files, err := documents.ReadDir("movies")
	if err != nil || len(files) != len(contests)+1 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		data, _ := documents.ReadFile("movies/" + f.Name())
		m, err := movie.Parse(data)
		if err != nil || len(m.Faults)+len(m.Warnings) > 0 {
			t.Errorf("%s: %v, %+v", f.Name(), err, m)
		}
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
