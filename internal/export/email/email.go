// Package email is the leaf of internal/export that sends a mail about a movie
// (RFC 5321, RFC 5322), through the connection's own server or the operator's. It
// must not know stores, queues, or when a try is made.
//
// Through the operator's server nobody writes in a stranger's name: the sender is
// the operator's, of which a destination may choose the name that is shown, or the
// whole address when it is of the operator's domain. With a server of its own a
// destination is free.
package email

import (
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Options are what a carrier is made of.
type Options struct {
	// Policy is where the servers of connections may be. It does not apply to Server.
	Policy safehttp.Policy
	// RootCAs are trusted in place of the system's, nil for the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// Server is the operator's, nil for none; see ParseServer. From is its sender,
	// such as "Videos <videos@example.org>".
	Server *url.URL
	From   string
	// Version is told in the mail's User-Agent.
	Version string
}

// Carrier sends mails. It may be used by many goroutines.
type Carrier struct {
	Options
	stall time.Duration
}

var _ export.Carrier = (*Carrier)(nil)

// New makes a carrier.
func New(o Options) *Carrier { return &Carrier{o, export.Stall} }

// Plan reads the settings of a destination: to, subject and message are needed
// (section 23 of the contract); cc, bcc, reply-to, from, html and attach may be
// there, and host, port, username, password, secure and ca for a server of its own.
func (c *Carrier) Plan(s export.Settings) (export.Plan, error) {
	d, err := c.read(s)
	if err != nil {
		return export.Plan{}, err
	}
	if !d.operators {
		// What the policy checks of a URL's host holds for any protocol's.
		if _, err := c.Policy.CheckURL("https://" + d.address()); err != nil {
			return export.Plan{}, export.Refusal("The mail server cannot be used: " + err.Error())
		}
	}
	return export.Plan{Target: d.target(), Group: "smtp://" + d.address()}, nil
}

// Carry sends the mail. Its Message-ID follows from the parcel's mark, so that one
// that is sent again can be known by that.
func (c *Carrier) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	d, err := c.read(p.Settings)
	if err != nil {
		return export.Receipt{}, unreadable(err)
	}
	t := c.begin(ctx, d, nil)
	id, err := t.carry(p)
	if t.end(err); err != nil {
		return export.Receipt{}, t.fault(err)
	}
	return export.Receipt{ID: "<" + id + ">"}, nil
}

// Probe connects and logs in, and sends a test mail to the recipients, if the
// settings name any.
func (c *Carrier) Probe(ctx context.Context, s export.Settings, note func(step string)) error {
	note(export.StepSettings)
	d, err := c.readEnvelope(s)
	if err != nil {
		return unreadable(err)
	}
	t := c.begin(ctx, d, note)
	err = t.probe()
	if t.end(err); err != nil {
		return t.fault(err)
	}
	return nil
}
