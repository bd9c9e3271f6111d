package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/cache"
)

// openCache opens the cache in a folder, nil when it may hold nothing.
func openCache(folder string, size int64) (*cache.Cache, error) {
	if size == 0 {
		return nil, nil
	}
	return cache.Open(filepath.Join(folder, "renders"), size)
}

// program tells this program from any other that ever made something: whatever
// changes in it may change what it makes, and no number has to be thought of.
func program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find our own program: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read our own program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
