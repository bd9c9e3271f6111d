package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// open takes a source from the folder, where it stays.
func (r *run) open(s *source) (stored, error) {
	file, err := r.read(s)
	var path *fs.PathError
	switch {
	case err == nil:
		return file, nil
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("there is no such file in the movie's folder")
	case errors.As(err, &path):
		err = path.Err
	}
	return stored{}, &Error{fmt.Sprintf("Failed to read '%s' (%v)", s.shown(), err), err}
}

func (r *run) read(s *source) (stored, error) {
	name := filepath.FromSlash(s.url)
	switch {
	case name == "":
		return stored{}, errors.New("there is no URL")
	case filepath.IsAbs(name) || strings.HasPrefix(s.url, "/"):
		return stored{}, errors.New("it is an absolute path; write it relative to the movie's folder")
	case !filepath.IsLocal(name):
		return stored{}, errors.New("it leads out of the movie's folder")
	}
	folder, err := filepath.Abs(r.Folder)
	if err != nil {
		return stored{}, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return stored{}, err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	// Before it is opened, which would wait for the other end of a pipe.
	info, err := root.Stat(name)
	switch {
	case err != nil:
		return stored{}, err
	case !info.Mode().IsRegular():
		return stored{}, errors.New("it is not a file")
	case info.Size() > r.limit(s):
		return stored{}, &tooBig{limit: r.limit(s)}
	}
	f, err := root.Open(name)
	if err != nil {
		return stored{}, err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, f)
	return stored{path: filepath.Join(folder, name), size: n, sha256: hex.EncodeToString(hash.Sum(nil))}, err
}

// decode stores the content of a data: URL.
func (r *run) decode(s *source) (stored, error) {
	sink, err := r.newSink(r.limit(s))
	if err != nil {
		return stored{}, err
	}
	content, err := dataURL(s.url)
	if err == nil {
		_, err = io.Copy(sink, bytes.NewReader(content))
	}
	var disk *diskError
	switch {
	case err == nil:
		return sink.finish()
	case !errors.As(err, &disk):
		err = &Error{fmt.Sprintf("Failed to read '%s' (%v)", s.shown(), err), err}
	}
	sink.discard()
	return stored{}, err
}

var unsafeBase64 = strings.NewReplacer("-", "+", "_", "/", "=", "", " ", "", "\n", "", "\r", "")

// dataURL is the content of one; base64 is read in all its spellings.
func dataURL(raw string) ([]byte, error) {
	meta, data, _ := strings.Cut(raw, ",")
	text, err := url.PathUnescape(data)
	if err == nil && strings.HasSuffix(strings.ToLower(strings.TrimSpace(meta)), ";base64") {
		var content []byte
		content, err = base64.RawStdEncoding.DecodeString(unsafeBase64.Replace(text))
		text = string(content)
	}
	switch {
	case err != nil:
		return nil, errors.New("the data cannot be decoded")
	case text == "":
		return nil, errors.New("there is no data")
	}
	return []byte(text), nil
}
