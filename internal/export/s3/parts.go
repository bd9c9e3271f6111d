package s3

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

const (
	// partSize is that of larger files' parts, and atOnce how many are sent at once.
	// They are read from the file while they are sent, and never held. There may be
	// maxParts of them ("Multipart upload limits").
	partSize, atOnce, maxParts = 16 << 20, 4, 10_000
	// abortTime is how long removing parts may take, abortPause how long it is waited
	// first until that is done again.
	abortTime, abortPause = 5 * time.Second, 200 * time.Millisecond
)

var errLocal = errors.New("the file cannot be read")

// multipart makes an object of parts, and leaves none when that fails.
func (t *try) multipart(ctx context.Context, o object, file io.Reader, sent *progress) (string, error) {
	id, err := t.client.NewMultipartUpload(ctx, t.bucket, o.key, o.opts)
	if err != nil {
		return "", err
	}
	parts, err := t.parts(ctx, o, id, file, sent)
	if err == nil {
		t.whole.Store(true)
		// Some stores copy all the parts before they answer.
		t.watch.Reset(t.carrier.stall + time.Duration(len(parts))*time.Second)
		var opts minio.PutObjectOptions // the others are the upload's already
		if o.once {
			opts.SetMatchETagExcept("*")
		}
		var info minio.UploadInfo
		if info, err = t.client.CompleteMultipartUpload(ctx, t.bucket, o.key, id, parts, opts); err == nil {
			return info.ETag, nil
		}
	}
	t.bodies.Wait() // a part that comes after would stay
	t.abort(o.key, id)
	return "", err
}

// abort removes an upload's parts, also when the try is over. A part that the store
// was still busy with may come after that, so it is asked until it knows of no such
// upload ("AbortMultipartUpload").
func (t *try) abort(key, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), abortTime)
	defer cancel()
	for pause := abortPause; ; pause *= 4 {
		err := t.client.AbortMultipartUpload(ctx, t.bucket, key, id)
		if err != nil {
			return // also when there is a fault: what is told of is the first
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// parts sends a file's parts, several at once when it can be read anywhere.
func (t *try) parts(ctx context.Context, o object, id string, file io.Reader, sent *progress) ([]minio.CompletePart, error) {
	size := max(partSize, (o.size+maxParts-1)/maxParts)
	parts := make([]minio.CompletePart, (o.size+size-1)/size)
	anywhere, ok := file.(io.ReaderAt)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(1)
	if ok {
		group.SetLimit(atOnce)
	}
	for i := range parts {
		from := int64(i) * size
		length := min(size, o.size-from)
		body := &stretch{from: file, left: length, sent: sent}
		if ok {
			body.from = io.NewSectionReader(anywhere, from, length)
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err() // of another part's fault
			}
			part, err := t.client.PutObjectPart(ctx, t.bucket, o.key, id, i+1, body, length, minio.PutObjectPartOptions{})
			parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: part.ETag}
			return err
		})
	}
	return parts, group.Wait()
}

// stretch is a part of the file on its way out.
type stretch struct {
	from io.Reader
	left int64 // bytes still to be read
	sent *progress
	last *atomic.Bool // set once all is read; nil when more is to follow
	read int          // of so many bytes nothing was told yet
}

// Read reads on. When more is asked for, the bytes before are on their way.
func (s *stretch) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.sent.add(int64(s.read))
	n, err := s.from.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	s.read = n
	switch {
	case s.left == 0:
		if s.last != nil {
			s.last.Store(true)
		}
		return n, nil
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF // the file is shorter than it was said to be
	}
	if err != nil {
		s.sent.broken(err)
	}
	return n, err
}

// progress adds up what several requests send of a file.
type progress struct {
	told  func(int64)
	alive func()

	mu    sync.Mutex
	all   int64
	local error // the file's own
}

func (p *progress) add(n int64) {
	p.alive()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all += n
	if p.told != nil {
		p.told(p.all)
	}
}

func (p *progress) broken(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.local = errors.Join(errLocal, err)
}
