// Package blob keeps finished files by key: a folder today, S3 later. It must
// not know what the files are.
package blob

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrNotFound is returned for a key that holds no file.
var ErrNotFound = errors.New("blob: no such file")

// File is an open finished file.
type File interface {
	io.ReadSeekCloser
	// Size in bytes, ModTime when it was put.
	Size() int64
	ModTime() time.Time
}

// Store keeps files by key. A key is one or more parts of [A-Za-z0-9._-] joined
// by slashes; anything else holds no file.
type Store interface {
	// Put moves the file at path to key, replacing what was there. When it
	// returns nil the file survives a power cut; on an error the old one, if
	// any, is still whole.
	Put(ctx context.Context, key, path string) error
	// Open returns the file or ErrNotFound.
	Open(ctx context.Context, key string) (File, error)
	// Delete removes a file; none there is no error.
	Delete(ctx context.Context, key string) error
}
