package cache_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/cache"
)

// TestMain lets a test run as another process, which begins a lease and waits to be
// killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CACHE_TEST_LEASE"); dir != "" {
		holdLease(dir)
	}
	os.Exit(m.Run())
}

func holdLease(dir string) {
	c, err := cache.Open(dir, 1000)
	if err != nil {
		panic(err)
	}
	l, err := c.Lease()
	if err != nil {
		panic(err)
	}
	l.PutBytes(cache.KeyOf("theirs"), []byte("x"))
	fmt.Println("leased")
	select {}
}

func open(t *testing.T, dir string, limit int64) *cache.Cache {
	t.Helper()
	c, err := cache.Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func lease(t *testing.T, c *cache.Cache) *cache.Lease {
	t.Helper()
	l, err := c.Lease()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestKeys(t *testing.T) {
	seen := map[cache.Key]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a", "b"}, {"ab"}, {"a", "", "b"}, {"1:a"}, {"a1:b"}} {
		k := cache.KeyOf(parts...)
		if other, ok := seen[k]; ok {
			t.Errorf("%q has the key of %s", parts, other)
		}
		seen[k] = fmt.Sprintf("%q", parts)
	}
}

func TestKeeps(t *testing.T) {
	dir := t.TempDir()
	k := cache.KeyOf("window", "1")
	l := lease(t, open(t, dir, 1000))
	if _, ok := l.Get(k); ok {
		t.Fatal("an empty cache has it")
	}
	made := filepath.Join(t.TempDir(), "made")
	write(t, made, "picture")
	path := l.Put(k, made)
	if _, err := os.Stat(made); err == nil || path == made {
		t.Error("the file was not taken over")
	}
	check(t, path, "picture")
	again, ok := lease(t, open(t, dir, 1000)).Get(k) // after a restart
	if !ok {
		t.Fatal("it was forgotten")
	}
	check(t, again, "picture")
	if data, ok := l.GetBytes(k); !ok || string(data) != "picture" {
		t.Errorf("got %q, %v", data, ok)
	}
	shared, given := filepath.Join(t.TempDir(), "shared"), filepath.Join(t.TempDir(), "given")
	write(t, shared, "movie")
	if !l.Share(cache.KeyOf("movie"), shared) || !l.Give(cache.KeyOf("movie"), given) || l.Give(cache.KeyOf("other"), given) {
		t.Error("it was not shared and given")
	}
	check(t, shared, "movie")
	check(t, given, "movie")
}

// TestNilKeepsNothing holds that whoever has no cache needs no other way.
func TestNilKeepsNothing(t *testing.T) {
	var c *cache.Cache
	l := lease(t, c)
	made := filepath.Join(t.TempDir(), "made")
	write(t, made, "x")
	if l.Put(cache.KeyOf("a"), made) != made {
		t.Error("the file went somewhere")
	}
	l.PutBytes(cache.KeyOf("a"), nil)
	if _, ok := l.Get(cache.KeyOf("a")); ok {
		t.Error("something was kept")
	}
	if err := errors.Join(c.Trim(), l.Close()); err != nil {
		t.Error(err)
	}
}

// TestBound holds that what was used last stays, and that a file in use outlives
// its place in the cache.
func TestBound(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 1000)
	l, other := lease(t, c), lease(t, c)
	key := func(i int) cache.Key { return cache.KeyOf("file", fmt.Sprint(i)) }
	content := strings.Repeat("x", 100)
	long := time.Now().Add(-time.Hour)
	for i := range 10 {
		l.PutBytes(key(i), []byte(content))
		age(t, dir, key(i), long.Add(time.Duration(i)*time.Minute))
	}
	oldest, ok := other.Get(key(1))
	if !ok {
		t.Fatal("a full cache lost a file")
	}
	age(t, dir, key(1), long.Add(time.Minute))
	if _, ok := l.Get(key(0)); !ok { // used just now
		t.Fatal("a full cache lost a file")
	}
	l.PutBytes(key(10), []byte(content))
	fresh := lease(t, c)
	for i, want := range []bool{true, false, false, true} { // a tenth is free again
		if _, ok := fresh.Get(key(i)); ok != want {
			t.Errorf("file %d is there: %v, want %v", i, ok, want)
		}
	}
	check(t, oldest, content)
	large := filepath.Join(t.TempDir(), "large")
	write(t, large, strings.Repeat("x", 126))
	if l.Put(cache.KeyOf("large"), large) != large {
		t.Error("a file larger than an eighth was kept")
	}
}

// age sets when a file was used last.
func age(t *testing.T, dir string, k cache.Key, at time.Time) {
	t.Helper()
	if err := os.Chtimes(filepath.Join(dir, "files", k.String()[:2], k.String()), at, at); err != nil {
		t.Fatal(err)
	}
}

// TestTogether has many keep and find the same few files in two caches over one
// folder that is too small for them.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	caches := []*cache.Cache{open(t, dir, 2000), open(t, dir, 2000)}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l, err := caches[i%2].Lease()
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			for n := range 200 {
				content := strings.Repeat(string(rune('a'+(n+i)%30)), 200)
				k := cache.KeyOf(content)
				if data, ok := l.GetBytes(k); ok && string(data) != content {
					t.Errorf("got %q", data)
				}
				l.PutBytes(k, []byte(content))
			}
		})
	}
	wg.Wait()
	if size := stored(t, dir); size > 2400 {
		t.Errorf("%d bytes are kept of 2000", size)
	}
}

func stored(t *testing.T, dir string) (size int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "files", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			size += info.Size()
		}
	}
	return size
}

// TestKilled holds that the lease of a killed process is swept away, that of a
// living one not, and what the dead one kept is kept.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	mine := lease(t, open(t, dir, 1000))
	mine.PutBytes(cache.KeyOf("mine"), []byte("x"))
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "CACHE_TEST_LEASE="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 1000)
	if n := leases(t, dir); n != 2 {
		t.Fatalf("%d leases while both live", n)
	}
	other.Process.Kill()
	other.Wait()
	open(t, dir, 1000)
	if n := leases(t, dir); n != 1 {
		t.Errorf("%d leases are left, want mine", n)
	}
	for _, name := range []string{"mine", "theirs"} {
		if _, ok := mine.Get(cache.KeyOf(name)); !ok {
			t.Errorf("%s is lost", name)
		}
	}
}

func leases(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(dir, "leases"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, path, want string) {
	t.Helper()
	if data, err := os.ReadFile(path); err != nil || string(data) != want {
		t.Errorf("%s holds %q, %v", path, data, err)
	}
}
