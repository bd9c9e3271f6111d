package blob_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/blob/blobtest"
)

func open(t *testing.T, path string) *blob.Dir {
	t.Helper()
	d, err := blob.NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDir(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, filepath.Join(t.TempDir(), "a", "b")) })
}

// TestDirReopens finds what was put, and clears up what a crash left.
func TestDirReopens(t *testing.T) {
	path := t.TempDir()
	source := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(source, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Put(t.Context(), "a/b", source); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "~put-left"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := open(t, path).Open(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); string(got) != "kept" || err != nil {
		t.Errorf("got %q %v", got, err)
	}
	if left, err := filepath.Glob(filepath.Join(path, "~*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestDirKeepsIn plants links that lead out of the folder.
func TestDirKeepsIn(t *testing.T) {
	path, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"folder": outside, "file": secret} {
		if err := os.Symlink(to, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, path)
	source := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(source, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"folder/secret", "file"} {
		if f, err := d.Open(t.Context(), key); err == nil {
			f.Close()
			t.Errorf("%s was opened", key)
		}
	}
	if err := d.Put(t.Context(), "folder/secret", source); err == nil {
		t.Error("put led out")
	}
	if err := d.Delete(t.Context(), "folder/secret"); err == nil {
		t.Error("delete led out")
	}
	if got, err := os.ReadFile(secret); string(got) != "secret" || err != nil {
		t.Errorf("got %q %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(path, "~*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDirTidiesUp removes the folders of keys that are gone.
func TestDirTidiesUp(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	source := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(source, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "a/b/c", source); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(t.Context(), "a/b/c"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(path); len(left) > 0 || err != nil {
		t.Errorf("left: %v %v", left, err)
	}
}
