// Package export runs what comes after a rendering: a movie's destinations in
// order, each as a delivery with logged attempts and durable retries. It must
// not know how any one kind of destination is reached (the leaves do), nor HTTP
// routes, nor SQL.
package export

import (
	"context"
	"errors"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

// Deliver is the kind of job that makes the next attempt of a delivery; its key
// is the delivery id, its group the delivery's Group.
const Deliver = "deliver"

// State is where a delivery stands.
type State string

// The states. Delivered and Failed are final.
const (
	Pending   State = "pending"
	Running   State = "running"
	Retrying  State = "retrying"
	Delivered State = "delivered"
	Failed    State = "failed"
)

// Delivery is one thing to be brought to one place. Its bytes are made once.
type Delivery struct {
	// ID is dlv_ and a ULID; MessageID, msg_ and a ULID, is what the receiver
	// sees on every attempt.
	ID, MessageID string
	// Project, Export and Position name the destination it belongs to.
	Project          string
	Export, Position int
	// Type is the destination's type, Event the reason it is sent.
	Type, Event string
	// Target is the address; it may hold secrets and is redacted when shown.
	Target string
	// Group is what shares a concurrency limit: the endpoint's scheme, host and port.
	Group       string
	ContentType string
	Body        []byte
	// Timeout bounds one attempt. Schedule holds the delays after each failed
	// attempt; when it is used up the delivery has failed.
	Timeout  time.Duration
	Schedule []time.Duration
	// Remaining is the number of destinations that come after it in the pipeline.
	Remaining int

	State State
	// Attempts counts attempts opened; Failures those closed as failed, which is
	// what walks the schedule: a crash does not use it up.
	Attempts, Failures int
	LastStatus         int
	Message            string
	CreatedAt          time.Time
	// NextAt is when the next attempt is due, zero when there is none.
	NextAt time.Time
}

// Result is what came of an attempt.
type Result string

// The results. Open is an attempt that has not been closed; one found open
// after a crash becomes Unknown: it may have arrived.
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
	// kind of error: dns, refused, tls, timeout, reset, blocked, http (an answer
	// other than 2xx), error for the rest, "" for none.
	Status int
	Class  string
	Error  string
	// Answer is the start of the answer's body; Cut tells it was longer.
	Answer []byte
	Cut    bool
	// RetryAfter is the wait the receiver asked for, 0 for none. Gone tells that
	// there is to be no other attempt: the receiver wants none, or its address
	// must not be reached.
	RetryAfter time.Duration
	Gone       bool
}

// Step is what one advance of a pipeline changes: destinations that were
// settled without a delivery, and at most one new delivery.
type Step struct {
	Settled  []project.Destination
	Delivery *Delivery
}

// ErrNoDelivery is returned for a delivery that does not exist.
var ErrNoDelivery = errors.New("delivery not found")

// Store keeps deliveries and their attempts. Every method is one transaction,
// durable when it returns.
type Store interface {
	// End writes how a rendering ended, removes its render job, and takes the
	// first step of its pipeline (inserting the delivery, its destination's
	// state and its deliver job). A project that had ended already is left
	// alone, and no error.
	End(ctx context.Context, o project.Outcome, step Step) error
	// OpenAttempt loads a delivery and opens its next attempt; attempts found open are
	// closed as Unknown first. A delivery in a final state is returned with a
	// zero Attempt; one that does not exist is ErrNoDelivery.
	OpenAttempt(ctx context.Context, id string, at time.Time) (Delivery, Attempt, error)
	// CloseAttempt writes a closed attempt and the delivery's new state (State,
	// Failures, LastStatus, Message, NextAt), mirrors it to the destination, and
	// takes the pipeline's next step if there is one. The finished job is
	// removed; when NextAt is set a new one is inserted for that time.
	CloseAttempt(ctx context.Context, d Delivery, a Attempt, step Step) error
}
