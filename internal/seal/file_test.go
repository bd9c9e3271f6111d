package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/reelhook/reelhook/internal/seal"
)

func load(t *testing.T, file string) *seal.Keys {
	t.Helper()
	k, err := seal.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// onlyFile holds that a folder has the file of keys, for its owner alone, and
// nothing that was left over.
func onlyFile(t *testing.T, file string) {
	t.Helper()
	found, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(found) != 1 || found[0].Name() != filepath.Base(file) {
		t.Fatalf("the folder has %v, %v", found, err)
	}
	if info, err := found[0].Info(); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
}

func TestLoadMakesTheFileOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "master.key")
	first := load(t, file)
	onlyFile(t, file)
	sealed := first.Seal(seal.Signing, "key_1", []byte("x"))
	again := load(t, file)
	open(t, again, seal.Signing, "key_1", sealed, "x")
	if first.Stale() || !bytes.Equal(first.Prefix(), again.Prefix()) {
		t.Error("another key after a restart")
	}
}

func TestLoadByManyAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "master.key")
	got, start := make([]string, 64), make(chan struct{})
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			<-start
			k, err := seal.Load(file)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = string(k.Prefix())
		})
	}
	close(start)
	wg.Wait()
	for _, prefix := range got {
		if prefix != got[0] {
			t.Fatal("they have different keys")
		}
	}
	onlyFile(t, file)
}

func TestLoadRefuses(t *testing.T) {
	key := seal.New()
	for _, c := range []struct {
		name, content string
		mode          os.FileMode
		says          string
	}{
		{"others may read", key, 0o604, "take that away with: chmod 600 "},
		{"the group may write", key, 0o620, "its mode is 0620"},
		{"empty", "\n# nothing\n", 0o600, "there is no master key"},
		{"no key", key + "\nhunter2\n", 0o400, "master key 2 of 2: it does not begin with rhm_"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "master.key")
			if err := errors.Join(os.WriteFile(file, []byte(c.content), 0o600), os.Chmod(file, c.mode)); err != nil {
				t.Fatal(err)
			}
			_, err := seal.Load(file)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), file) {
				t.Fatalf("got %v, want %s", err, c.says)
			}
			if strings.Contains(err.Error(), key[4:]) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows what is in the file: %v", err)
			}
			if content, err := os.ReadFile(file); err != nil || string(content) != c.content {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
	for _, file := range []string{t.TempDir(), filepath.Join(t.TempDir(), "no", "folder")} {
		if k, err := seal.Load(file); err == nil {
			t.Errorf("%s gave %v", file, k)
		}
	}
}

func TestRotateAndRetire(t *testing.T) {
	file := filepath.Join(t.TempDir(), "master.key")
	k := load(t, file)
	before := k.Seal(seal.Project, "p", []byte("old"))
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	after := k.Seal(seal.Project, "p", []byte("new"))
	if bytes.HasPrefix(before, k.Prefix()) || !bytes.HasPrefix(after, k.Prefix()) {
		t.Error("the new key does not seal")
	}
	for _, keys := range []*seal.Keys{k, load(t, file)} {
		open(t, keys, seal.Project, "p", before, "old")
		open(t, keys, seal.Project, "p", after, "new")
		if !keys.Stale() {
			t.Error("the old key is forgotten")
		}
	}
	if err := k.Retire(); err != nil {
		t.Fatal(err)
	}
	for _, keys := range []*seal.Keys{k, load(t, file)} {
		open(t, keys, seal.Project, "p", after, "new")
		if _, err := keys.Open(seal.Project, "p", before); !errors.Is(err, seal.ErrNoKey) || keys.Stale() {
			t.Errorf("the old key is still there: %v", err)
		}
	}
	onlyFile(t, file)
}

func TestRotateRefuses(t *testing.T) {
	given := parse(t, seal.New())
	if err := given.Rotate(); err == nil || !strings.Contains(err.Error(), "put a new one before the others in --master-key") {
		t.Errorf("given keys: got %v", err)
	}
	if err := given.Retire(); err == nil || !strings.Contains(err.Error(), "take the old ones out of --master-key") {
		t.Errorf("given keys: got %v", err)
	}

	file := filepath.Join(t.TempDir(), "master.key")
	one, two := load(t, file), load(t, file)
	if err := one.Rotate(); err != nil {
		t.Fatal(err)
	}
	prefix := string(two.Prefix())
	if err := two.Rotate(); err == nil || !strings.Contains(err.Error(), "changed by somebody else") || string(two.Prefix()) != prefix {
		t.Errorf("a file that another has changed: got %v", err)
	}
	for range 14 {
		if err := one.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Rotate(); err == nil || !strings.Contains(err.Error(), "16 master keys, which is the most") {
		t.Errorf("a 17th key: got %v", err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := one.Rotate(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others read: got %v", err)
	}
}
