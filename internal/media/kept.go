package media

import (
	"encoding/json"
	"net/http"
	"os"
	"time"

	"github.com/reelhook/reelhook/internal/cache"
	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// kept is what is remembered of a download: by what its server tells one state of
// it from another, and what it brought. The server is asked every time.
type kept struct {
	ETag, LastModified string
	SHA256             string
	Size               int64
}

func downloadKey(url string) cache.Key { return cache.KeyOf("download", url) }

func contentKey(sha256 string) cache.Key { return cache.KeyOf("content", sha256) }

// recall is what was kept of a download, when all of it is still there.
func (r *run) recall(s *source) (k kept, path string, ok bool) {
	if s.fresh {
		return k, "", false
	}
	data, ok := r.Lease.GetBytes(downloadKey(s.url))
	if !ok || json.Unmarshal(data, &k) != nil || k.ETag == "" && k.LastModified == "" {
		return k, "", false
	}
	path, ok = r.Lease.Get(contentKey(k.SHA256))
	return k, path, ok
}

// ask adds the conditions under which an answer says only that nothing changed
// (RFC 9110, 13.1).
func (k kept) ask(h http.Header) {
	if k.ETag != "" {
		h.Set("If-None-Match", k.ETag)
	}
	if k.LastModified != "" {
		h.Set("If-Modified-Since", k.LastModified)
	}
}

// keep hands a file's content over to the cache.
func (r *run) keep(file stored) stored {
	file.path = r.Lease.Put(contentKey(file.sha256), file.path)
	return file
}

// remember keeps what a download brought, and how to ask for it again.
func (r *run) remember(s *source, d *download, file stored) {
	k := kept{ETag: d.validators.Get("ETag"), LastModified: settled(d.validators), SHA256: file.sha256, Size: file.size}
	if data, err := json.Marshal(k); err == nil && (k.ETag != "" || k.LastModified != "") {
		r.Lease.PutBytes(downloadKey(s.url), data)
	}
}

// settled is when what an answer brought was changed last, "" when it may have
// changed again within the same second, which nobody could tell apart (RFC 9110,
// 8.8.2.2).
func settled(h http.Header) string {
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	sent, serr := http.ParseTime(h.Get("Date"))
	if err != nil || serr != nil || sent.Sub(modified) < time.Second {
		return ""
	}
	return h.Get("Last-Modified")
}

// known is what FFmpeg found out about some content.
type known struct {
	// Format is that of the copy, where one was made.
	Format ffmpeg.Format
	Media  ffmpeg.Media
	Copied bool
}

// probeKey names what FFmpeg finds in a content: another version may find more.
func (r *run) probeKey(what string, got *found) cache.Key {
	return cache.KeyOf(what, r.Version, r.Tools.Build, got.sha256, got.format.Demuxer, string(got.format.Kind))
}

// recognise finds what was found out before.
func (r *run) recognise(got *found) bool {
	data, ok := r.Lease.GetBytes(r.probeKey("probe", got))
	var k known
	if !ok || json.Unmarshal(data, &k) != nil {
		return false
	}
	path := got.path
	if k.Copied {
		if path, ok = r.Lease.Get(r.probeKey("copy", got)); !ok {
			return false
		}
	}
	got.path, got.format, got.media = path, k.Format, k.Media
	return true
}

// learned keeps what was found out about a content, and the copy that was made of
// it; before is how it was found.
func (r *run) learned(before, got *found) {
	k := known{Format: got.format, Media: got.media, Copied: got.path != before.path}
	if k.Copied {
		got.path = r.Lease.Put(r.probeKey("copy", before), got.path)
	}
	if data, err := json.Marshal(k); err == nil {
		r.Lease.PutBytes(r.probeKey("probe", before), data)
	}
}

// scratch is a folder for one run of FFmpeg, which can write to no other.
func (r *run) scratch() (dir string, done func(), err error) {
	dir, err = os.MkdirTemp(r.Dir, "run-")
	if err != nil {
		return "", nil, &diskError{err}
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}
