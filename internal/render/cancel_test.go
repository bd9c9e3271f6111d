//go:build linux

package render

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// TestCancelEndsProcesses deletes a project in the midst of its windows and looks
// for what still runs of it: what works for nobody takes the cores of others.
func TestCancelEndsProcesses(t *testing.T) {
	d := &desk{Project: project.Project{ID: "p", FileKey: "key/movie.mp4",
		Source: []byte(`{"resolution":"full-hd","scenes":[{"duration":60,"elements":[{"type":"image","src":"red.png","zoom":3,"resize":"cover"}]}]}`)}}
	w, _ := newWorker(t, d)
	folder := filepath.Join(w.Folder, "p")
	done := make(chan error, 1)
	go func() { done <- w.Work(t.Context(), queue.Job{Key: "p"}) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for w.Progress("p") <= fetchShare || len(processes(t, folder)) == 0 {
		<-tick.C
	}
	began := time.Now()
	w.Cancel("p")
	for len(processes(t, folder)) > 0 {
		<-tick.C
	}
	gone := time.Since(began)
	if err := <-done; !errors.Is(err, queue.ErrRecorded) {
		t.Error(err)
	}
	t.Logf("processes gone after %v, the job ended after %v", gone.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 10*time.Second { // on an idle machine it is far less than one
		t.Errorf("it took %v", took)
	}
	if left := processes(t, folder); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	if left, _ := os.ReadDir(w.Folder); len(left) > 0 {
		t.Errorf("scratch was left: %v", left)
	}
}

// processes are the ids of those that were started with a file of a folder.
func processes(t *testing.T, folder string) (ids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil || id == os.Getpid() {
			continue
		}
		if line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline")); err == nil && bytes.Contains(line, []byte(folder)) {
			ids = append(ids, id)
		}
	}
	return ids
}
