// Package webhook is the leaf of internal/export that tells an endpoint what
// became of a movie: it makes the body once (section 24 of the contract) and
// sends it, signed by the Standard Webhooks scheme, as often as it is asked to.
// It must not know stores, queues, or when an attempt is made.
package webhook

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
	standard "github.com/reelhook/reelhook/webhook"
)

// DefaultTimeout bounds one attempt when nobody asked for another.
const DefaultTimeout = 15 * time.Second

const (
	// connectTimeout is how much of an attempt's time connecting may take.
	connectTimeout = 5 * time.Second
	// defaultPerHost is how many idle connections to one endpoint are kept.
	defaultPerHost = 32
	maxURL         = 8 << 10
)

// Options are what a leaf is made of. Keys is needed.
type Options struct {
	// Policy is where webhooks may go.
	Policy safehttp.Policy
	// Keys returns what to sign an account's webhooks with, one or, while a key is
	// changed, several. It is called for every attempt.
	Keys func(ctx context.Context, account string) ([]standard.Signer, error)
	// Identity is what an account's connection adds to every attempt of a webhook
	// that names it; nil when there are no connections.
	Identity func(ctx context.Context, account, connection string) (Identity, error)
	// Version is told to endpoints in User-Agent.
	Version string
	// Timeout bounds one attempt, DefaultTimeout when zero.
	Timeout time.Duration
	// Schedule holds the delays after failed attempts, export.DefaultSchedule
	// when nil, none when empty.
	Schedule []time.Duration
	// PerHost is how many idle connections to one endpoint are kept, best as many
	// as attempts are made at once; 0 is 32.
	PerHost int
	// RootCAs are trusted in place of the system's, nil for the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// Proxy is a forward proxy that webhooks go through, nil for none; see
	// safehttp.ParseProxy.
	Proxy *url.URL
}

// Leaf sends webhooks. It may be used by many goroutines.
type Leaf struct {
	Options
	agent string
	way   safehttp.Options
	// transport is used without the client around it: a client looks into
	// redirects, and a broken Location would take the answer's status with it.
	transport http.RoundTripper
	// own are the transports of connections that have a certificate or an authority
	// of their own.
	own transports
}

var (
	_ export.Leaf   = (*Leaf)(nil)
	_ export.Tester = (*Leaf)(nil)
)

// New makes a leaf.
func New(o Options) *Leaf {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Schedule == nil {
		o.Schedule = export.DefaultSchedule()
	}
	if o.PerHost == 0 {
		o.PerHost = defaultPerHost
	}
	way := safehttp.Options{
		RootCAs: o.RootCAs, Resolver: o.Resolver, Proxy: o.Proxy, PerHost: o.PerHost, ConnectTimeout: connectTimeout,
	}
	return &Leaf{Options: o, agent: "Reelhook/" + o.Version, way: way, transport: o.Policy.Client(way).Transport}
}

// Prepare makes the delivery of a webhook destination. Its keys are endpoint,
// content-type (section 24 of the contract) and, ours, payload, headers, retries
// and timeout; a connection may add more, see Identity. Values that mean nothing
// are passed over, as the contract has it for content-type; what can never work,
// an endpoint or a header, is a Refusal.
func (l *Leaf) Prepare(n export.Notice, dest export.Destination) (export.Delivery, error) {
	d, err := l.delivery(dest.Text("endpoint"))
	if err != nil {
		return d, err
	}
	d.Event, d.Timeout, d.Schedule = n.Event, l.timeout(dest), l.schedule(dest)
	if !dest.Stored["headers"] { // a connection's are added at every attempt, as they are then
		if d.Headers, err = ownHeaders(dest.Settings["headers"]); err != nil {
			return export.Delivery{}, err
		}
	}
	body := payload(n, dest)
	if is(dest, "content-type", "urlencoded", formType) {
		d.ContentType = formType
		d.Body, err = body.form()
	} else {
		d.Body, err = body.MarshalJSON()
	}
	return d, err
}

// Operator makes the delivery that tells the operator's own webhook of an event,
// in the shape that the Standard Webhooks specification recommends ("Payload
// structure").
func (l *Leaf) Operator(target string, e export.OperatorEvent) (export.Delivery, error) {
	d, err := l.delivery(target)
	if err != nil {
		return d, err
	}
	d.Event = e.Type
	d.Body, err = operatorBody(e).MarshalJSON()
	return d, err
}

// delivery is one to an address, with the defaults and without a body.
func (l *Leaf) delivery(target string) (export.Delivery, error) {
	return l.address(export.Delivery{Type: export.Webhook, ContentType: jsonType, Timeout: l.Timeout, Schedule: l.Schedule}, target)
}

// address gives a delivery an address, once everything is checked that can be
// before a name is looked up.
func (l *Leaf) address(d export.Delivery, target string) (export.Delivery, error) {
	switch {
	case target == "":
		return export.Delivery{}, export.Refusal(`The webhook has no endpoint; set "endpoint" to an https URL`)
	case len(target) > maxURL:
		return export.Delivery{}, export.Refusal("The webhook's endpoint is longer than " + strconv.Itoa(maxURL) + " characters")
	}
	u, err := l.Policy.CheckURL(target)
	if err != nil {
		return export.Delivery{}, export.Refusal("The webhook's endpoint cannot be used: " + err.Error())
	}
	d.Target = u.String()
	d.Group, d.Endpoint = export.Origin(d.Target), export.EndpointID(d.Target)
	return d, nil
}
