// Package s3 is the leaf of internal/export that brings a movie to a bucket of an
// object store that speaks Amazon's S3: S3 itself, and with "endpoint" set
//
//   - Google Cloud Storage: https://storage.googleapis.com, with HMAC keys
//   - Cloudflare R2: https://<account>.r2.cloudflarestorage.com, region auto
//   - Backblaze B2: https://s3.<region>.backblazeb2.com, with its region
//   - Wasabi: https://s3.<region>.wasabisys.com, with its region
//   - MinIO, Ceph, versitygw and other stores of one's own.
//
// An object has no name of its own until it is complete, and nothing stands under
// its key before: there is nothing to rename. It must not know stores, queues, or
// when a try is made.
package s3

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Options are what a carrier is made of.
type Options struct {
	// Policy is where uploads may go.
	Policy safehttp.Policy
	// RootCAs are trusted in place of the system's, nil for the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// Proxy is a forward proxy that uploads go through, nil for none; see
	// safehttp.ParseProxy.
	Proxy *url.URL
	// Version is told to stores in User-Agent.
	Version string
}

// Carrier brings files to object stores. It may be used by many goroutines.
type Carrier struct {
	Options
	// transport is used without the client around it: minio-go has its own, which
	// follows no redirects either.
	transport http.RoundTripper
	stall     time.Duration
}

var _ export.Carrier = (*Carrier)(nil)

// New makes a carrier.
func New(o Options) *Carrier {
	way := safehttp.Options{
		RootCAs: o.RootCAs, Resolver: o.Resolver, Proxy: o.Proxy,
		ConnectTimeout: export.ConnectTimeout, PerHost: atOnce,
	}
	return &Carrier{Options: o, transport: o.Policy.Client(way).Transport, stall: export.Stall}
}

// Plan reads the settings of a destination; see destination for what they are.
func (c *Carrier) Plan(s export.Settings) (export.Plan, error) {
	d, err := c.read(s, "", c.transport)
	if err != nil {
		return export.Plan{}, err
	}
	if _, err := c.Policy.CheckURL(d.endpoint.String()); err != nil {
		return export.Plan{}, export.Refusal("The store cannot be used: " + err.Error())
	}
	target := url.URL{Scheme: "s3", Host: d.bucket, Path: "/" + d.target}
	return export.Plan{Target: target.String(), Group: export.Origin(d.endpoint.String())}, nil
}

// Carry uploads the parcel and compares sizes. It begins anew with every try: what
// has arrived of an upload that failed is removed, where the store can be reached.
func (c *Carrier) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	t, err := c.begin(ctx, p.Settings, p.Name, nil)
	if err != nil {
		return export.Receipt{}, err
	}
	defer t.end()
	if p.Open == nil {
		return export.Receipt{}, export.BadSettings(export.ErrNoFile)
	}
	receipt, err := t.carry(p)
	if err != nil {
		return export.Receipt{}, t.fault(err)
	}
	return receipt, nil
}

// Probe connects, logs in, writes an object of a few bytes beside where a movie
// would go, and removes it.
func (c *Carrier) Probe(ctx context.Context, s export.Settings, note func(step string)) error {
	note(export.StepSettings)
	t, err := c.begin(ctx, s, "", note)
	if err != nil {
		return err
	}
	defer t.end()
	if err := t.probe(); err != nil {
		return t.fault(err)
	}
	return nil
}

func (t *try) probe() error {
	const text = "Reelhook tried this bucket out and may remove this object.\n"
	if err := t.reach(); err != nil {
		return err
	}
	place := export.Place{Folder: t.place.Folder, Name: ".reelhook-probe-" + strings.ToLower(rand.Text())}
	t.Enter(export.StepWrite)
	sum := sha256.Sum256([]byte(text))
	o := object{key: key(place), size: int64(len(text)), sha256: hex.EncodeToString(sum[:]), opts: t.put}
	etag, err := t.single(t.ctx, o, strings.NewReader(text))
	if err == nil {
		err = t.check(o, etag)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), abortTime)
		defer cancel()
		_ = t.client.RemoveObject(ctx, t.bucket, o.key, minio.RemoveObjectOptions{}) // it may have arrived
		return err
	}
	t.Enter(export.StepRemove)
	if err := t.client.RemoveObject(t.ctx, t.bucket, o.key, minio.RemoveObjectOptions{}); err != nil {
		f := t.fault(err)
		f.Message = "The test object " + o.key + " was written but cannot be removed: " + f.Message
		return f
	}
	return nil
}
