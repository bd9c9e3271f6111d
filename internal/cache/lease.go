package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Lease is somebody's use of the cache. The files it gives stay until it is
// closed, whatever is removed from the cache meanwhile, and must not be written
// to. They lie outside of any folder that a confined program may write to.
type Lease struct {
	cache *Cache
	dir   string
	// lock is the folder, locked for as long as our process lives.
	lock *os.File
}

// Lease begins a use. That of a nil cache finds and keeps nothing.
func (c *Cache) Lease() (*Lease, error) {
	if c == nil {
		return nil, nil
	}
	const tries = 3 // another process may sweep a folder away before it is locked
	for range tries {
		dir, err := os.MkdirTemp(filepath.Join(c.dir, leasesFolder), "")
		if err != nil {
			return nil, fmt.Errorf("cache: %w", err)
		}
		if lock := lockFolder(dir); lock != nil {
			if _, err := os.Stat(dir); err == nil {
				return &Lease{c, dir, lock}, nil
			}
			lock.Close()
		}
	}
	return nil, errors.New("cache: leases cannot be locked")
}

// lockFolder locks a folder; nil when that is not to be had.
func lockFolder(dir string) *os.File {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		f.Close()
		return nil
	}
	return f
}

// sweep removes leases whose processes are gone.
func (c *Cache) sweep() error {
	root := filepath.Join(c.dir, leasesFolder)
	leases, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, d := range leases {
		dir := filepath.Join(root, d.Name())
		if lock := lockFolder(dir); lock != nil {
			err := os.RemoveAll(dir)
			lock.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Close ends the use: its files may be removed.
func (l *Lease) Close() error {
	if l == nil {
		return nil
	}
	defer l.lock.Close()
	return os.RemoveAll(l.dir)
}

// Get finds a file.
func (l *Lease) Get(k Key) (path string, ok bool) {
	if l == nil {
		return "", false
	}
	kept := l.cache.path(k)
	path = filepath.Join(l.dir, k.String())
	if err := os.Link(kept, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false
	}
	now := time.Now()
	_ = os.Chtimes(kept, now, now) // it may have been removed, which is no loss
	return path, true
}

// Give finds a file and puts it at to, which must not be written to either.
func (l *Lease) Give(k Key, to string) (ok bool) {
	path, ok := l.Get(k)
	if !ok {
		return false
	}
	if os.Link(path, to) == nil {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return copyTo(f, to) == nil
}

// Put keeps a file, which it takes over, and returns where it is from then on.
// One that cannot be kept, or is too large, stays where it was: a cache is never a
// reason to fail.
func (l *Lease) Put(k Key, from string) (path string) {
	if !l.Share(k, from) {
		return from
	}
	os.Remove(from)
	return filepath.Join(l.dir, k.String())
}

// Share keeps a file that stays where it is and is not written to again.
func (l *Lease) Share(k Key, from string) (ok bool) { return l != nil && l.put(k, from) == nil }

var errTooLarge = errors.New("too large")

func (l *Lease) put(k Key, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("not a file")
	case info.Size() > l.cache.limit/largest:
		return errTooLarge
	}
	kept := l.cache.path(k)
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(kept), incoming+filepath.Base(l.dir)+k.String()[:8])
	defer os.Remove(temporary)
	if err := take(f, from, temporary); err != nil {
		return err
	}
	if err := os.Link(temporary, filepath.Join(l.dir, k.String())); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Rename(temporary, kept); err != nil {
		return err
	}
	return l.cache.grown(info.Size())
}

// take gives a file a second name, or copies it to another file system. What it
// holds is on the disk then: a name must never come back without it.
func take(f *os.File, from, to string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	return copyTo(f, to)
}

func copyTo(f io.Reader, to string) error {
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := io.Copy(w, f); err != nil {
		return err
	}
	return w.Sync()
}

// GetBytes is Get for what is small.
func (l *Lease) GetBytes(k Key) ([]byte, bool) {
	path, ok := l.Get(k)
	if !ok {
		return nil, false
	}
	data, err := os.ReadFile(path)
	return data, err == nil
}

// PutBytes is Put for what is small.
func (l *Lease) PutBytes(k Key, data []byte) {
	if l == nil {
		return
	}
	f, err := os.CreateTemp(l.dir, incoming)
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil && cerr == nil {
		l.Put(k, f.Name())
	}
	os.Remove(f.Name())
}
