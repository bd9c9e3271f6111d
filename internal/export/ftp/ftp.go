// Package ftp is the leaf of internal/export that brings a movie to an FTP server
// (RFC 959), plain or with TLS (RFC 4217). Where a server says that its data
// connections lead is believed as far as the port, never the host. It must not
// know stores, queues, or when a try is made.
package ftp

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Options are what a carrier is made of.
type Options struct {
	// Policy is where uploads may go.
	Policy safehttp.Policy
	// RootCAs are who may vouch for a server; nil is the system's. A destination may
	// add one of its own.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
}

// Carrier brings files to FTP servers. It may be used by many goroutines.
type Carrier struct {
	Options
	stall time.Duration
}

var _ export.Carrier = (*Carrier)(nil)

// New makes a carrier.
func New(o Options) *Carrier { return &Carrier{Options: o, stall: export.Stall} }

// Plan reads the settings of a destination: host, username and password are
// needed; port is 21, or 990 for implicit TLS. secure is false or none, true or
// explicit, or implicit; without it a destination of the type ftps has explicit
// TLS, any other none. ca is the PEM of an authority of the destination's own.
// remote-path and file are as section 23 of the contract has them.
func (c *Carrier) Plan(s export.Settings) (export.Plan, error) {
	d, err := c.read(s, "")
	if err != nil {
		return export.Plan{}, err
	}
	// What the policy checks of a URL's host holds for any protocol's.
	if _, err := c.Policy.CheckURL("https://" + d.address()); err != nil {
		return export.Plan{}, export.Refusal("The FTP server cannot be used: " + err.Error())
	}
	return export.Plan{Target: d.url(d.target), Group: d.scheme() + "://" + d.address()}, nil
}

// scheme is ftps for implicit TLS only, as curl and lftp have it.
func (d *destination) scheme() string {
	if d.secure == implicitTLS {
		return "ftps"
	}
	return "ftp"
}

// url leads to a path. One that is absolute, not below where the login leads,
// begins with %2F (RFC 1738, section 3.2.2).
func (d *destination) url(path string) string {
	u := url.URL{Scheme: d.scheme(), Host: d.address(), Path: "/" + path}
	if strings.HasPrefix(path, "/") {
		rest := url.URL{Path: path}
		u.RawPath = "/%2F" + rest.EscapedPath()[1:]
	}
	return u.String()
}

// Carry uploads the parcel under the name of Place.Part, compares sizes and
// renames. What an earlier try left is gone on with.
func (c *Carrier) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	t, err := c.begin(ctx, p.Settings, p.Name, nil)
	if err != nil {
		return export.Receipt{}, err
	}
	defer t.end()
	if p.Open == nil {
		return export.Receipt{}, export.BadSettings(export.ErrNoFile)
	}
	path, err := t.carry(p)
	if err != nil {
		return export.Receipt{}, t.fault(err)
	}
	return export.Receipt{Path: path, URL: t.url(path)}, nil
}

// Probe connects, logs in, writes a file of a few bytes to the folder, renames it
// and removes it.
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
	const text = "Reelhook tried this folder out and may remove this file.\n"
	if err := t.connect(); err != nil {
		return err
	}
	if err := t.enterFolder(); err != nil {
		return err
	}
	name := ".reelhook-probe-" + strings.ToLower(rand.Text())
	part := name + ".part"
	src := &source{ReadSeeker: strings.NewReader(text), size: int64(len(text)), sent: func(int64) {}}
	err := t.upload(part, src, 0)
	if err == nil {
		err = t.checkSize(part, src.size)
	}
	if err == nil {
		t.Enter(export.StepRename)
		err = t.conn.Rename(part, name)
	}
	if err != nil {
		t.discard(part)
		return err
	}
	t.Enter(export.StepRemove)
	return t.conn.Delete(name)
}
