// Package blobtest holds what every blob.Store must do, as tests.
package blobtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/blob"
)

// Run tests the stores that open returns, a new and empty one each time.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, blob.Store){
		"put and open":    putAndOpen,
		"replace":         replace,
		"delete":          remove,
		"no such file":    noSuchFile,
		"not keys":        notKeys,
		"no source":       noSource,
		"cancelled":       cancelled,
		"key under a key": keyUnderKey,
		"all at once":     allAtOnce,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// scratch writes a file as a renderer would leave it.
func scratch(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.mp4")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func put(t *testing.T, s blob.Store, key, content string) {
	t.Helper()
	if err := s.Put(t.Context(), key, scratch(t, content)); err != nil {
		t.Fatal(err)
	}
}

// read is the content of a key, or the error's text.
func read(t *testing.T, s blob.Store, key string) string {
	t.Helper()
	f, err := s.Open(t.Context(), key)
	if errors.Is(err, blob.ErrNotFound) {
		return "not found"
	}
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Errorf("read %s: %v", key, err)
	}
	return string(content)
}

func holds(t *testing.T, s blob.Store, key, want string) {
	t.Helper()
	if got := read(t, s, key); got != want {
		t.Errorf("%s: got %q, want %q", key, got, want)
	}
}

func putAndOpen(t *testing.T, s blob.Store) {
	path := scratch(t, "0123456789")
	before := time.Now().Add(-2 * time.Second)
	old := before.Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "a1/b-2/c_3.mp4", path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the source is still there: %v", err)
	}
	f, err := s.Open(t.Context(), "a1/b-2/c_3.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Size() != 10 || f.ModTime().Before(before) || f.ModTime().After(time.Now().Add(2*time.Second)) {
		t.Errorf("size %d, put at %v", f.Size(), f.ModTime())
	}
	if _, err := f.Seek(-3, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(f); string(rest) != "789" || err != nil {
		t.Errorf("from the third last: %q %v", rest, err)
	}
}

func replace(t *testing.T, s blob.Store) {
	put(t, s, "k", "old")
	f, err := s.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	put(t, s, "k", "new one")
	holds(t, s, "k", "new one")
	if got, err := io.ReadAll(f); string(got) != "old" || err != nil {
		t.Errorf("who reads the old file got %q %v", got, err)
	}
}

func remove(t *testing.T, s blob.Store) {
	put(t, s, "x/1", "one")
	put(t, s, "x/2", "two")
	for range 2 { // again is no error
		if err := s.Delete(t.Context(), "x/1"); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, s, "x/1", "not found")
	holds(t, s, "x/2", "two")
	if err := s.Delete(t.Context(), "x"); err != nil {
		t.Errorf("delete what is no file: %v", err)
	}
	holds(t, s, "x/2", "two")
	if err := s.Delete(t.Context(), "x/2"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"x/1", "..x", "x./.y"} {
		put(t, s, key, "again")
		holds(t, s, key, "again")
	}
}

func noSuchFile(t *testing.T, s blob.Store) {
	put(t, s, "a/b", "x")
	for _, key := range []string{"nowhere", "a", "a/c", "a/b/c", "nowhere/b"} {
		holds(t, s, key, "not found")
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %s: %v", key, err)
		}
	}
	holds(t, s, "a/b", "x")
}

func notKeys(t *testing.T, s blob.Store) {
	for _, key := range []string{
		"", ".", "..", "../x", "a/../b", "a/..", "./a", "a/.", "/a", "a/", "a//b", "a b", "a\\b", "a\x00b", "a\n", "ä", "~a", "a:b", "%2e%2e/a",
		strings.Repeat("a", 256), strings.Repeat("a/", 600) + "a",
	} {
		path := scratch(t, "x")
		if err := s.Put(t.Context(), key, path); err == nil {
			t.Errorf("put %q was taken", key)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("put %q took the source: %v", key, err)
		}
		holds(t, s, key, "not found")
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
	}
}

func noSource(t *testing.T, s blob.Store) {
	put(t, s, "k", "old")
	for _, path := range []string{filepath.Join(t.TempDir(), "nowhere"), t.TempDir()} {
		if err := s.Put(t.Context(), "k", path); err == nil || errors.Is(err, blob.ErrNotFound) {
			t.Errorf("put %s: got %v", path, err)
		}
	}
	holds(t, s, "k", "old")
}

func cancelled(t *testing.T, s blob.Store) {
	put(t, s, "k", "old")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := scratch(t, "new")
	if err := s.Put(ctx, "k", path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the source is gone: %v", err)
	}
	holds(t, s, "k", "old")
}

// keyUnderKey puts what cannot be put in a folder; elsewhere it may succeed, but
// nothing may be lost.
func keyUnderKey(t *testing.T, s blob.Store) {
	put(t, s, "a/b", "old")
	for _, key := range []string{"a", "a/b/c"} {
		path := scratch(t, "new")
		if err := s.Put(t.Context(), key, path); err == nil {
			holds(t, s, key, "new")
		} else if content, rerr := os.ReadFile(path); string(content) != "new" {
			t.Errorf("put %s failed (%v) and took the source: %v", key, err, rerr)
		}
		holds(t, s, "a/b", "old")
	}
}

// allAtOnce puts, reads and deletes in one place from many goroutines: a key
// holds one of the files, whole, or none.
func allAtOnce(t *testing.T, s blob.Store) {
	var wg sync.WaitGroup
	for i := range 8 {
		content := strings.Repeat(fmt.Sprint(i), 10_000)
		var sources []string
		for range 10 {
			sources = append(sources, scratch(t, content))
		}
		wg.Go(func() {
			for n, source := range sources {
				key := fmt.Sprintf("same/%d/file", n%2)
				if err := s.Put(t.Context(), key, source); err != nil {
					t.Errorf("put: %v", err)
				}
				if got := read(t, s, key); got != "not found" && (len(got) != 10_000 || strings.Trim(got, got[:1]) != "") {
					t.Errorf("read %d mixed bytes: %.40s", len(got), got)
				}
				if err := s.Delete(t.Context(), key); i%2 == 0 && err != nil {
					t.Errorf("delete: %v", err)
				}
			}
		})
	}
	wg.Wait()
}
