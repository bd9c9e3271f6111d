// Package httpput brings files to URLs that take them by PUT, such as the
// presigned ones of S3, Google Cloud Storage and Azure. It must not know what the
// files are, who wants them, or when there is to be another try.
package httpput

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Type is the destination's type.
const Type = "http-put"

// patience is how long a server may think about the head of a request before it
// is sent the file all the same: many never say 100 (RFC 9110, section 10.1.1).
const patience = 2 * time.Second

// Options shape a carrier.
type Options struct {
	// Policy is where uploads may go; plain http only if it allows that.
	Policy safehttp.Policy
	// RootCAs are trusted in place of the system's, nil for the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// Proxy is a forward proxy, nil for none; see safehttp.ParseProxy.
	Proxy *url.URL
	// Version is told to servers in User-Agent.
	Version string
}

// Carrier is an export.Carrier.
type Carrier struct {
	policy    safehttp.Policy
	transport http.RoundTripper
	agent     string
	stall     time.Duration
}

// New returns a carrier.
func New(o Options) *Carrier {
	client := o.Policy.Client(safehttp.Options{RootCAs: o.RootCAs, ConnectTimeout: export.ConnectTimeout, Resolver: o.Resolver, Proxy: o.Proxy})
	transport := client.Transport.(*http.Transport)
	transport.ExpectContinueTimeout = patience
	return &Carrier{policy: o.Policy, transport: transport, agent: "Reelhook/" + o.Version, stall: export.Stall}
}

// Plan reads settings. Whether the address may be reached is found out when it is
// dialled.
func (c *Carrier) Plan(s export.Settings) (export.Plan, error) {
	up, err := c.read(s)
	if err != nil {
		return export.Plan{}, err
	}
	return export.Plan{Target: up.shownURL(), Group: export.Origin(up.url.String())}, nil
}

// Carry uploads a file. Nothing stands at the URL before the server has it whole:
// its length is told first, and a request that ends early is void (RFC 9112,
// section 8).
func (c *Carrier) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	up, err := c.read(p.Settings)
	if err != nil {
		return export.Receipt{}, unread(err)
	}
	if p.Open == nil {
		return export.Receipt{}, &export.Fault{Step: export.StepSettings, Class: "error", Message: "There is no file to upload", Permanent: true}
	}
	up.setType(p.Type)
	t := c.begin(ctx, up, func(string) {})
	defer t.end()
	resp, err := t.offer(func() (*body, error) {
		f, err := p.Open()
		if err != nil {
			return nil, errors.Join(errLocal, err)
		}
		return &body{file: f, size: p.Size, sent: p.Sent}, nil
	})
	if err != nil {
		return export.Receipt{}, t.failed(err)
	}
	defer resp.Body.Close()
	if f := t.answered(resp); f != nil {
		return export.Receipt{}, f
	}
	p.Sent(p.Size)
	return export.Receipt{Path: up.url.Path, URL: up.shownURL(), ID: t.etag(resp)}, nil
}

// Probe offers a file of one byte and hangs up when the server wants it, so that
// nothing is written: whoever holds a presigned URL may overwrite what is there,
// but not remove it. A server that wants all that it is offered passes too.
func (c *Carrier) Probe(ctx context.Context, s export.Settings, note func(step string)) error {
	note(export.StepSettings)
	up, err := c.read(s)
	if err != nil {
		return unread(err)
	}
	up.setType("video/mp4")
	t := c.begin(ctx, up, note)
	defer t.end()
	resp, err := t.offer(func() (*body, error) { return &body{file: nothing{}, size: 1, sent: func(int64) {}}, nil })
	if errors.Is(err, errAsked) {
		return nil
	}
	if err != nil {
		return t.failed(err)
	}
	defer resp.Body.Close()
	if f := t.answered(resp); f != nil {
		return f
	}
	return nil
}

// errAsked is that a server wants the file that a probe does not have.
var errAsked = errors.New("the server asks for the file")

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, errAsked }
func (nothing) Close() error             { return nil }

// unread is the fault of settings that cannot be read.
func unread(err error) *export.Fault {
	return &export.Fault{Step: export.StepSettings, Class: "error", Message: err.Error(), Permanent: true}
}
