// Package export runs what comes after a rendering: a movie's destinations in
// order, each as a delivery with logged attempts and durable retries. It must
// not know how any one kind of destination is reached (the leaves do), nor HTTP
// routes, nor SQL.
package export

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// Deliver and Transfer are the kinds of job that make the next attempt of a
// delivery, see Delivery.Job; the key is the delivery id, the group the delivery's
// Group. Transfers have workers of their own: they are few, and take long.
const (
	Deliver  queue.Kind = "deliver"
	Transfer queue.Kind = "transfer"
)

// State is where a delivery stands.
type State string

// The states. Delivered, Failed and Cancelled are final. Running is only shown:
// it is any state that is not final while an attempt is open. InDoubt is
// Retrying after an attempt whose outcome is Unknown. Held is kept without a next
// attempt because the endpoint is paused or disabled.
const (
	Pending   State = "pending"
	Running   State = "running"
	Retrying  State = "retrying"
	InDoubt   State = "unknown"
	Held      State = "held"
	Delivered State = "delivered"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final tells that nothing more will happen to a delivery by itself.
func (s State) Final() bool { return s == Delivered || s == Failed || s == Cancelled }

// Delivery is one thing to be brought to one place. Its bytes are made once.
type Delivery struct {
	// ID is dlv_ and a ULID, so that later ones sort behind earlier ones.
	// MessageID, msg_ and a ULID, is what the receiver sees on every attempt.
	ID, MessageID string
	// Account is whose it is. Project, Export and Position name the destination it
	// belongs to. Project is "" for what belongs to no movie: tests and operator
	// events.
	Account, Project string
	Export, Position int
	// Main tells that it is the pipeline's own step: its state is its
	// destination's. Others tell of events on the way.
	Main bool
	// Ordered tells that the destinations behind it wait until it has ended, as they
	// do for uploads and emails; else its first attempt is enough.
	Ordered bool
	// Type is the destination's type, Event the reason it is sent. Exported is how
	// the destinations before it fared, Complete or Partial; "" is not told.
	Type, Event, Exported string
	// Connection is the id of the one it uses, "" for none.
	Connection string
	// Target is the address. What is secret of it, and Headers, is in Sealed wherever
	// a delivery is stored or shown; Target is redacted there.
	Target string
	Sealed []byte
	// Group is what shares a concurrency limit and a breaker: the scheme, host and
	// port. Endpoint is the id of what is healthy or not, see EndpointID; "" is
	// neither counted nor held.
	Group, Endpoint string
	ContentType     string
	// Headers are the client's own, sent on every attempt. Their values are secret.
	Headers map[string]string
	Body    []byte
	// Timeout bounds one attempt. Schedule holds the delays after each failed
	// attempt; when it is used up the delivery has failed.
	Timeout  time.Duration
	Schedule []time.Duration
	// Deadline is when an Ordered delivery is given up, zero for never.
	Deadline time.Time
	// Droppable tells that it is worthless when late, such as progress: it is
	// cancelled rather than kept waiting.
	Droppable bool

	// Remaining is the number of destinations that come after it in the pipeline
	// and wait for its first attempt; 0 once they need not any more.
	Remaining int
	State     State
	// Attempts counts attempts opened; Failures those that walked the schedule: a
	// crash does not use it up.
	Attempts, Failures int
	LastStatus         int
	Message            string
	// Receipt is what is known of what arrived.
	Receipt   project.Receipt
	CreatedAt time.Time
	// NextAt is when the next attempt is due, zero when there is none.
	NextAt time.Time
}

// Job is the kind of job that attempts it.
func (d Delivery) Job() queue.Kind {
	if d.Ordered {
		return Transfer
	}
	return Deliver
}

// How the destinations before a webhook fared: Complete is all well.
const (
	Complete = "complete"
	Partial  = "partial"
)

// Result is what came of an attempt.
type Result string

// The results. Open is an attempt that has not been closed. Unknown may have
// arrived: the request was sent and no answer read, or the process ended between.
const (
	Open      Result = "open"
	Succeeded Result = "succeeded"
	Refused   Result = "failed"
	Unknown   Result = "unknown"
)

// Attempt is one try, logged before it is made and closed after.
type Attempt struct {
	Delivery string
	// Number counts from 1.
	Number             int
	StartedAt, EndedAt time.Time
	Result             Result
	// Status is the HTTP status or other protocol code, 0 for none. Class is the
	// kind of error: dns, refused, tls, timeout, reset, blocked, proxy, http (an
	// answer other than 2xx), error for the rest, "" for none.
	Status int
	Class  string
	Error  string
	// Peer is what was reached; Request are the headers that were sent, with the
	// client's own redacted; Headers and Answer are what came back, Answer the
	// start of the body; Cut tells it was longer.
	Peer             Peer
	Request, Headers http.Header
	Answer           []byte
	Cut              bool
	// RetryAfter is the wait the receiver asked for, 0 for none. Gone tells that
	// there is to be no other attempt: the receiver wants none, or its address
	// must not be reached.
	RetryAfter time.Duration
	Gone       bool
	// Receipt is what is known of what arrived, of one that succeeded; it is kept
	// with the delivery.
	Receipt project.Receipt
}

// Peer is the far end of an attempt's connection, and how long it took to get
// there. Durations are zero for what was not done, as on a connection used again.
type Peer struct {
	// Address is the ip:port really dialled, "" when none was.
	Address string
	// TLS is the version, such as "TLS 1.3"; Fingerprint the SHA-256 of the
	// certificate in hex. Both are "" without TLS.
	TLS, Fingerprint string
	// FirstByte is from the request being written to the answer's first byte.
	DNS, Connect, Handshake, FirstByte time.Duration
	Reused                             bool
}

// Step is what follows from an end or an attempt: destinations that were settled
// without a delivery, new deliveries, and a change of an endpoint.
type Step struct {
	Settled    []project.Destination
	Deliveries []Delivery
	Endpoint   *EndpointChange
}

// ErrNoDelivery is returned for a delivery that does not exist.
var ErrNoDelivery = errors.New("delivery not found")

// Store keeps deliveries and their attempts. Every method is one transaction,
// durable when it returns. New deliveries are inserted with a job at NextAt,
// without one when that is zero.
type Store interface {
	// End writes how a rendering ended, removes its render job, and takes the
	// first step of its pipeline. A project that had ended already is left alone,
	// and no error.
	End(ctx context.Context, o project.Outcome, step Step) error
	// Emit inserts deliveries that no pipeline waits for.
	Emit(ctx context.Context, deliveries ...Delivery) error
	// OpenAttempt loads a delivery and opens its next attempt; one found open is
	// closed as Unknown first. There is no next attempt when the delivery is final,
	// when it is Held, and when its endpoint is not enabled, which State=Held says
	// without being written. One that does not exist is ErrNoDelivery.
	OpenAttempt(ctx context.Context, id string, at time.Time) (Delivery, Attempt, error)
	// CloseAttempt writes a closed attempt and the delivery's new state (State,
	// Failures, Remaining, LastStatus, Message, NextAt, Receipt) and takes the step. The
	// job is removed; when NextAt is set a new one, marked as a retry, is inserted
	// for that time. A delivery that was cancelled meanwhile stays so unless the
	// attempt succeeded.
	CloseAttempt(ctx context.Context, d Delivery, a Attempt, step Step) error
	// Advance writes a delivery's state without an attempt, and takes the step.
	// State is Held, Cancelled, or Retrying with NextAt; its job is removed or
	// replaced accordingly. A delivery that became final meanwhile keeps its state.
	Advance(ctx context.Context, d Delivery, step Step) error
	// Delivery, Endpoint and SetEndpoint are those of Log.
	Delivery(ctx context.Context, id string) (Delivery, error)
	Endpoint(ctx context.Context, id string, since time.Time) (Endpoint, error)
	SetEndpoint(ctx context.Context, change EndpointChange, tell ...Delivery) (changed bool, err error)
	// Tally adds what was counted to the endpoints, making those not yet known.
	Tally(ctx context.Context, tallies []Tally) error
	// Failing returns the endpoints whose last attempt did not succeed.
	Failing(ctx context.Context) ([]Endpoint, error)
}
