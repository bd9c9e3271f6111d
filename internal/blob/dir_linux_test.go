package blob_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/blob/blobtest"
)

// TestDirAcrossFileSystems has Put copy: /dev/shm is a file system of its own.
func TestDirAcrossFileSystems(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "blob-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(shm) })
	if err := os.Rename(shm, filepath.Join(t.TempDir(), "x")); err == nil {
		t.Fatal("/dev/shm is not a file system of its own")
	}
	n := 0
	blobtest.Run(t, func(t *testing.T) blob.Store {
		n++
		path := filepath.Join(shm, strings.Repeat("x", n))
		t.Cleanup(func() {
			if left, _ := filepath.Glob(filepath.Join(path, "~*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
		return open(t, path)
	})
}
