// Package webhook is the leaf of internal/export that tells an endpoint how a
// movie ended: it makes the body once (section 24 of the contract) and sends it,
// signed by the Standard Webhooks scheme, as often as it is asked to. It must
// not know schedules, stores or queues.
package webhook

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/safehttp"
	standard "github.com/reelhook/reelhook/webhook"
)

// Event is the one reason a webhook is sent (section 24 of the contract). Its
// name is not part of the body.
const Event = "movie.completed"

// DefaultTimeout bounds one attempt when nobody asked for another.
const DefaultTimeout = 15 * time.Second

const (
	// perHost is how many idle connections to one endpoint are kept: as many as
	// the queue runs at once for one group.
	perHost = 32
	// maxRetries and maxTimeout bound what a destination may ask for.
	maxRetries = 100
	maxTimeout = 60 * time.Second
	maxURL     = 8 << 10
)

// Options are what a leaf is made of. Secrets is needed.
type Options struct {
	// Policy is where webhooks may go.
	Policy safehttp.Policy
	// Secrets returns what to sign with, one or, while a secret is changed,
	// several. It is called for every attempt.
	Secrets func() []standard.Secret
	// Version is told to endpoints in User-Agent.
	Version string
	// Timeout bounds one attempt, DefaultTimeout when zero.
	Timeout time.Duration
	// Schedule holds the delays after failed attempts, export.DefaultSchedule
	// when nil, none when empty.
	Schedule []time.Duration
	// RootCAs are trusted in place of the system's, nil for the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
}

// Leaf sends webhooks. It may be used by many goroutines.
type Leaf struct {
	Options
	// transport is used without the client around it: a client looks into
	// redirects, and a broken Location would take the answer's status with it.
	transport http.RoundTripper
}

var _ export.Leaf = (*Leaf)(nil)

// New makes a leaf.
func New(o Options) *Leaf {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Schedule == nil {
		o.Schedule = export.DefaultSchedule()
	}
	client := o.Policy.Client(safehttp.Options{RootCAs: o.RootCAs, Resolver: o.Resolver, PerHost: perHost})
	return &Leaf{o, client.Transport}
}

// Prepare makes the delivery of a webhook destination. Its keys are endpoint,
// content-type (section 24 of the contract) and, ours, payload ("strict" sends
// the eight fields of the contract alone), retries and timeout in seconds.
// Values that mean nothing are passed over, as the contract has it for
// content-type; only an endpoint that can never work is a Refusal.
func (l *Leaf) Prepare(p project.Project, o project.Outcome, dest movie.Destination, fileURL string) (export.Delivery, error) {
	u, err := l.endpoint(export.Text(dest.Fields["endpoint"]))
	if err != nil {
		return export.Delivery{}, err
	}
	doc := newDocument(p, o, fileURL)
	d := export.Delivery{
		Event: Event, Target: u.String(), Group: group(u),
		Timeout: l.timeout(dest), Schedule: l.schedule(dest),
	}
	strict := is(dest, "payload", "strict")
	if is(dest, "content-type", "urlencoded", formType) {
		d.ContentType = formType
		d.Body, err = doc.form(strict)
	} else {
		d.ContentType = jsonType
		d.Body, err = doc.json(strict)
	}
	return d, err
}

// endpoint checks what can be checked before a name is looked up.
func (l *Leaf) endpoint(raw string) (*url.URL, error) {
	switch {
	case raw == "":
		return nil, export.Refusal(`The webhook has no endpoint; set "endpoint" to an https URL`)
	case len(raw) > maxURL:
		return nil, export.Refusal("The webhook's endpoint is longer than " + strconv.Itoa(maxURL) + " characters")
	}
	u, err := l.Policy.CheckURL(raw)
	if err != nil {
		return nil, export.Refusal("The webhook's endpoint cannot be used: " + err.Error())
	}
	return u, nil
}

// group is the scheme, host and port that share a concurrency limit.
func group(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	default:
		port = "443"
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// is tells whether a field is one of some words, in any case.
func is(dest movie.Destination, key string, words ...string) bool {
	value := export.Text(dest.Fields[key])
	for _, w := range words {
		if strings.EqualFold(value, w) {
			return true
		}
	}
	return false
}

// schedule is the default one, or its first delays with the last repeated when a
// destination asks for a number of retries of its own.
func (l *Leaf) schedule(dest movie.Destination) []time.Duration {
	n, err := strconv.ParseFloat(export.Text(dest.Fields["retries"]), 64)
	if err != nil || !(n >= 0) {
		return l.Schedule
	}
	delays := l.Schedule
	if len(delays) == 0 {
		delays = export.DefaultSchedule()
	}
	schedule := make([]time.Duration, int(min(n, maxRetries)))
	for i := range schedule {
		schedule[i] = delays[min(i, len(delays)-1)]
	}
	return schedule
}

// timeout is 1 to 60 seconds when a destination asks for one.
func (l *Leaf) timeout(dest movie.Destination) time.Duration {
	n, err := strconv.ParseFloat(export.Text(dest.Fields["timeout"]), 64)
	if err != nil || !(n > 0) {
		return l.Timeout
	}
	return max(time.Second, time.Duration(min(n, maxTimeout.Seconds())*float64(time.Second)))
}
