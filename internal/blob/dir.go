package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Dir is a Store in a folder, one file for each key. Only one process may use a
// folder at a time.
type Dir struct {
	path string
	// root keeps every key inside the folder, symbolic links included.
	root *os.Root
	// folders is held by whoever makes or removes folders, so that Delete takes
	// away no folder that Put has just made.
	folders sync.Mutex
}

// incoming begins the name of a file on its way in; no key can hold a "~".
const incoming = "~put-"

// NewDir opens a folder, made if it is not there.
func NewDir(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("blob: make folder: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("blob: open folder: %w", err)
	}
	d := &Dir{path: path, root: root}
	if err := d.sweep(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return d, nil
}

// sweep removes what a Put left behind that did not live to its end.
func (d *Dir) sweep() error {
	list, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("blob: read folder: %w", err)
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), incoming) {
			if err := d.root.Remove(e.Name()); err != nil {
				return fmt.Errorf("blob: remove what was left behind: %w", err)
			}
		}
	}
	return nil
}

// Close lets go of the folder.
func (d *Dir) Close() error { return d.root.Close() }

// Put implements Store.
func (d *Dir) Put(ctx context.Context, key, path string) error {
	if err := d.put(ctx, key, path); err != nil {
		return fmt.Errorf("blob: put %q: %w", key, err)
	}
	return nil
}

func (d *Dir) put(ctx context.Context, key, from string) error {
	if !valid(key) {
		return errors.New("not a key")
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	// First under a name at the top, where no part of the key can lead astray;
	// then, within root, to its place, which replaces the old file at one stroke.
	temporary := incoming + rand.Text()
	moved, err := d.take(ctx, from, temporary)
	if err != nil {
		return err
	}
	now := time.Now()
	if err = d.root.Chtimes(temporary, now, now); err == nil {
		err = d.place(temporary, key)
	}
	switch {
	case err == nil && !moved:
		os.Remove(from) // a copy is in place: what is left of the original is scratch
	case err != nil && moved && os.Rename(filepath.Join(d.path, temporary), from) == nil:
	case err != nil:
		_ = d.root.Remove(temporary)
	}
	return err
}

// take brings a file into the folder, safely on the disk. It tells whether the
// file was moved, not copied.
func (d *Dir) take(ctx context.Context, from, temporary string) (moved bool, err error) {
	f, err := os.Open(from)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return false, errors.New("not a file")
	}
	if err := f.Sync(); err != nil { // quick when whoever wrote it has done so
		return false, err
	}
	if err := os.Rename(from, filepath.Join(d.path, temporary)); err == nil {
		return true, nil
	}
	if err := d.copy(ctx, f, temporary); err != nil { // another file system
		_ = d.root.Remove(temporary)
		return false, err
	}
	return false, nil
}

func (d *Dir) copy(ctx context.Context, from io.Reader, to string) error {
	f, err := d.root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, cancellable{ctx, from}); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// cancellable ends a copy when its context does.
type cancellable struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (c cancellable) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.Reader.Read(p)
}

// place renames a file within the folder to its key and makes the change
// durable.
func (d *Dir) place(temporary, key string) error {
	d.folders.Lock()
	defer d.folders.Unlock()
	if err := d.root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return err
	}
	if err := d.root.Rename(temporary, key); err != nil {
		return err
	}
	// Folders on the way may be new, and a new one is an entry of the one above.
	for dir := path.Dir(key); ; dir = path.Dir(dir) {
		if err := d.sync(dir); err != nil || dir == "." {
			return err
		}
	}
}

func (d *Dir) sync(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// file is an open file of a Dir.
type file struct {
	*os.File
	info fs.FileInfo
}

// Size implements File.
func (f file) Size() int64 { return f.info.Size() }

// ModTime implements File.
func (f file) ModTime() time.Time { return f.info.ModTime() }

// Open implements Store.
func (d *Dir) Open(_ context.Context, key string) (File, error) {
	if !valid(key) {
		return nil, ErrNotFound
	}
	f, err := d.root.Open(key)
	if missing(err) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("blob: open %q: %w", key, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("blob: open %q: %w", key, err)
	case !info.Mode().IsRegular():
		err = ErrNotFound
	default:
		return file{f, info}, nil
	}
	f.Close()
	return nil, err
}

// Delete implements Store. Folders left empty go too.
func (d *Dir) Delete(_ context.Context, key string) error {
	if !valid(key) {
		return nil
	}
	d.folders.Lock()
	defer d.folders.Unlock()
	info, err := d.root.Lstat(key)
	if missing(err) || err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		err = d.root.Remove(key)
	}
	dir := path.Dir(key)
	for err == nil && dir != "." && d.root.Remove(dir) == nil { // refused while something is in it
		dir = path.Dir(dir)
	}
	if err == nil {
		err = d.sync(dir)
	}
	if err != nil {
		return fmt.Errorf("blob: delete %q: %w", key, err)
	}
	return nil
}

// missing is also a key below another key's file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

var keyParts = regexp.MustCompile(`^[A-Za-z0-9._-]{1,255}(/[A-Za-z0-9._-]{1,255})*$`)

// valid tells whether a string is a key. Parts of one or two dots have the right
// letters, but lead elsewhere.
func valid(key string) bool {
	return len(key) <= 1024 && keyParts.MatchString(key) && fs.ValidPath(key) && key != "."
}
