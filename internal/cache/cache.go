// Package cache keeps files that could be made again, each under a key that
// names all it was made of: what is found is right, and nothing ever has to be
// invalidated. It is bounded in size, and several processes may use one folder,
// whatever instant one of them is killed at.
//
// It must not know what the files are: not movies, not media, not FFmpeg.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Key names a file by all it was made of.
type Key [sha256.Size]byte

// KeyOf is the key of some parts, the first of which says what kind of thing it
// is. Parts do not run into one another.
func KeyOf(parts ...string) Key {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		_, _ = io.WriteString(h, p) // a hash takes anything
	}
	return Key(h.Sum(nil))
}

// String is the key in hex.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Cache is a folder of files. A nil one keeps nothing.
type Cache struct {
	dir   string
	limit int64

	mu sync.Mutex
	// size is about how many bytes are kept: what other processes keep is counted
	// when files are removed.
	size int64
}

// The folders of a cache: the files, two hex digits deep; those that are on their
// way in; and the leases, where files stay for as long as somebody uses them.
const (
	filesFolder  = "files"
	leasesFolder = "leases"
	incoming     = "~"
)

// largest is the part of a cache that one file may take.
const largest = 8

// Open takes a folder, which it makes, and limit, the bytes it may hold. What
// processes that are gone have left behind is removed.
func Open(dir string, limit int64) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	c := &Cache{dir: dir, limit: limit}
	for _, folder := range []string{filesFolder, leasesFolder} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			return nil, fmt.Errorf("cache: make folder: %w", err)
		}
	}
	if err := c.sweep(); err != nil {
		return nil, fmt.Errorf("cache: remove what was left behind: %w", err)
	}
	return c, c.Trim()
}

func (c *Cache) path(k Key) string {
	name := k.String()
	return filepath.Join(c.dir, filesFolder, name[:2], name)
}

// entry is a file that is kept.
type entry struct {
	path string
	size int64
	used time.Time
}

// Trim removes what was not used for longest, until a tenth of the room is free
// if there was too little.
func (c *Cache) Trim() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, err := c.entries()
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	c.size = 0
	for _, e := range entries {
		c.size += e.size
	}
	if c.size <= c.limit {
		return nil
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if c.size <= c.limit-c.limit/10 {
			break
		}
		if err := os.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cache: %w", err)
		}
		c.size -= e.size
	}
	return nil
}

// entries lists the files, and removes those that were on their way in for so
// long that nobody is writing them any more.
func (c *Cache) entries() (list []entry, err error) {
	const abandoned = time.Hour
	root := filepath.Join(c.dir, filesFolder)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		if strings.HasPrefix(d.Name(), incoming) {
			if time.Since(info.ModTime()) > abandoned {
				return ignoreMissing(os.Remove(path))
			}
			return nil
		}
		list = append(list, entry{path, info.Size(), info.ModTime()})
		return nil
	})
	return list, err
}

// ignoreMissing: another process may remove files at any time.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// grown counts a file that came in, and makes room when there is too little.
func (c *Cache) grown(size int64) error {
	c.mu.Lock()
	c.size += size
	full := c.size > c.limit
	c.mu.Unlock()
	if full {
		return c.Trim()
	}
	return nil
}
