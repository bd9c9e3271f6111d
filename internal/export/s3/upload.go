package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/reelhook/reelhook/internal/export"
)

const (
	// most is up to what size a file is sent with one request, if its checksum is
	// known; least if it is not, and must be made by reading it twice. Without one
	// some stores make an object of half a file when the connection is cut. Of parts
	// none does.
	most, least = 64 << 20, 5 << 20
	// mostNames is how many names are tried for the policy unique.
	mostNames = 1000
	// mark is the metadata that tells whose object it is, so that a try whose answer
	// was lost is known again by the next.
	mark = "Reelhook-Parcel"
)

var errTaken = errors.New("the key is taken")

// object is what is to be made of a file.
type object struct {
	key          string
	size         int64
	sha256, mark string
	once         bool // it must not be there
	opts         minio.PutObjectOptions
}

// carry uploads a parcel.
func (t *try) carry(p export.Parcel) (export.Receipt, error) {
	if err := t.reach(); err != nil {
		return export.Receipt{}, err
	}
	o := object{size: p.Size, sha256: p.SHA256, opts: t.put}
	if o.opts.ContentType == "" {
		o.opts.ContentType = p.Type
	}
	if t.place.IfExists != export.Overwrite {
		o.mark, o.once = p.Part, true
		o.opts.UserMetadata[metadataPrefix+mark] = p.Part
	}
	for n := 0; ; n++ {
		place := t.place
		if n > 0 {
			place = place.Another(n)
		}
		o.key = key(place)
		etag, err := t.bring(o, p)
		switch {
		case err == nil:
			return t.receipt(o.key, etag)
		case !errors.Is(err, errTaken):
			return export.Receipt{}, err
		case place.IfExists != export.Unique || n == mostNames:
			return export.Receipt{}, export.Taken(t.Step, o.key)
		}
	}
}

func (t *try) receipt(key, etag string) (export.Receipt, error) {
	r := export.Receipt{Path: key, ID: export.Tidy(etag)}
	switch {
	case t.presign > 0:
		u, err := t.client.PresignedGetObject(t.ctx, t.bucket, key, t.presign, nil)
		if err != nil {
			return r, err
		}
		r.URL = u.String()
	case t.publicURL != "":
		r.URL = t.publicURL + s3utils.EncodePath(key)
	case t.public:
		r.URL = t.url(key)
	}
	return r, nil
}

// bring makes one object, unless its key is taken and it must not be, and returns
// its ETag.
//
// Whether it is taken is asked for before, and the store holds to it with
// If-None-Match when the object is made. Where a store does not know that, two who
// come at the same moment may still overwrite each other; and one whose login may
// not look either overwrites what is there.
func (t *try) bring(o object, p export.Parcel) (string, error) {
	t.Enter(export.StepWrite)
	t.whole.Store(false)
	if o.once {
		if etag, err := t.find(o); etag != "" || err != nil {
			return etag, err
		}
	}
	etag, err := t.write(o, p)
	if o.once && answer(err).StatusCode == http.StatusNotImplemented {
		o.once = false
		etag, err = t.write(o, p)
	}
	switch {
	case answer(err).StatusCode == http.StatusPreconditionFailed:
		return "", errTaken
	case err != nil:
		return "", err
	}
	return etag, t.check(o, etag)
}

// find looks for an object: errTaken if there is one, or its ETag if an earlier try
// of the same parcel has made it.
func (t *try) find(o object) (etag string, err error) {
	info, err := t.client.StatObject(t.ctx, t.bucket, o.key, minio.StatObjectOptions{})
	switch status := answer(err).StatusCode; {
	case status == http.StatusNotFound, status == http.StatusForbidden: // it may be that only looking is forbidden
		return "", nil
	case err != nil:
		return "", err
	case o.mark != "" && info.UserMetadata[mark] == o.mark && info.Size == o.size:
		return info.ETag, nil
	}
	return "", errTaken
}

// check compares what is there with what was sent. A login that may only write is
// not let to look; the store has said then that it has all of what it was told the
// size of.
func (t *try) check(o object, etag string) error {
	t.Enter(export.StepSize)
	info, err := t.client.StatObject(t.ctx, t.bucket, o.key, minio.StatObjectOptions{})
	switch {
	case answer(err).StatusCode == http.StatusForbidden:
		return nil
	case err != nil:
		return err
	case info.Size == o.size:
		return nil
	}
	if info.ETag == etag { // and nobody else's by now
		_ = t.client.RemoveObject(t.ctx, t.bucket, o.key, minio.RemoveObjectOptions{})
	}
	return &export.Fault{Step: t.Step, Class: "size", Message: fmt.Sprintf("The file was sent, but the store has %d of its %d bytes", info.Size, o.size)}
}

// write sends the file and returns the object's ETag.
func (t *try) write(o object, p export.Parcel) (string, error) {
	t.Enter(export.StepWrite)
	t.whole.Store(o.size == 0)
	file, err := p.Open()
	if err != nil {
		return "", errors.Join(errLocal, err)
	}
	defer file.Close()
	if o.sha256 == "" && o.size <= least {
		if o.sha256, err = checksum(file, o.size); err != nil {
			return "", errors.Join(errLocal, err)
		}
	}
	sent := &progress{told: p.Sent, alive: t.alive}
	sent.add(0)
	ctx, cancel := context.WithCancel(t.ctx)
	var etag string
	if o.size <= most && o.sha256 != "" {
		etag, err = t.single(ctx, o, &stretch{from: file, left: o.size, sent: sent, last: &t.whole})
	} else {
		etag, err = t.multipart(ctx, o, file, sent)
	}
	cancel()        // of a body that was refused before its end
	t.bodies.Wait() // the transport may still be reading
	if err != nil {
		return "", errors.Join(err, sent.local)
	}
	sent.add(o.size - sent.all)
	return etag, nil
}

// checksum reads a file of a size and goes back to its start.
func checksum(file io.ReadSeeker, size int64) (string, error) {
	sum := sha256.New()
	if _, err := io.CopyN(sum, file, size); err != nil {
		return "", err
	}
	_, err := file.Seek(0, io.SeekStart)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// single makes an object with one request. The file's checksum is what is signed,
// and the store holds the file to it.
func (t *try) single(ctx context.Context, o object, body io.Reader) (string, error) {
	opts := o.opts
	opts.DisableContentSha256 = true // of its chunks
	if o.once {
		opts.SetMatchETagExcept("*")
	}
	info, err := t.client.PutObject(ctx, t.bucket, o.key, body, o.size, "", o.sha256, opts)
	if err != nil {
		return "", t.blame(ctx, o, err)
	}
	return info.ETag, nil
}

// blame finds out why a store hung up in the midst of a file. It may have said so,
// which is lost when it does not read on; so it is asked again without a file.
func (t *try) blame(ctx context.Context, o object, err error) error {
	if classify(err) != "reset" || ctx.Err() != nil {
		return err
	}
	id, refused := t.client.NewMultipartUpload(ctx, t.bucket, o.key, o.opts)
	if answer(refused).Code != "" {
		return refused
	}
	if refused == nil {
		t.abort(o.key, id)
	}
	return err
}
