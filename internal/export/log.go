package export

import (
	"context"
	"errors"
	"time"
)

// Filter chooses deliveries. Zero fields choose all.
type Filter struct {
	// States are any of those; Running chooses what has an attempt open.
	States                   []State
	Project, Endpoint, Event string
	// Account is whose they are; "" is the default account, not all.
	Account string
	// From and To bound CreatedAt, To not included, to the millisecond.
	From, To time.Time
}

// Page asks for part of the log, newest first.
type Page struct {
	Filter
	Limit int
	// After continues behind the page that gave this cursor; "" starts.
	After string
}

// Recovery sends again what had been given up or held, in the order it was made.
type Recovery struct {
	// ID is rec_ and a ULID.
	ID string
	Filter
	// Total is how many deliveries were chosen when it began, Done how many of them
	// are on their way again.
	Total, Done        int
	CreatedAt, EndedAt time.Time
}

// Recover is the kind of job that carries out a recovery; its key is the id.
const Recover = "recover"

// What cannot be done; test for them with errors.Is.
var (
	ErrBusy       = errors.New("an attempt is under way")
	ErrFinal      = errors.New("the delivery has ended")
	ErrNotEnabled = errors.New("the endpoint is not enabled")
	ErrNoEndpoint = errors.New("endpoint not found")
	ErrNoRecovery = errors.New("recovery not found")
)

// Log is the delivery log, to be read and acted upon. Every method that changes
// something is one transaction, durable when it returns.
type Log interface {
	// Deliveries returns a page, without bodies, and the cursor of the next, "" at
	// the end. An attempt that is open shows as State=Running.
	Deliveries(ctx context.Context, page Page) (deliveries []Delivery, next string, err error)
	// Delivery returns one or ErrNoDelivery, Attempts its log, first attempt first.
	Delivery(ctx context.Context, id string) (Delivery, error)
	Attempts(ctx context.Context, id string) ([]Attempt, error)
	// Redeliver makes a delivery due at once, whatever became of it, with its
	// whole schedule before it (an ordered one's deadline is then its Timeout away),
	// and returns it. ErrBusy while an attempt is open,
	// ErrNotEnabled when its endpoint is paused or disabled.
	Redeliver(ctx context.Context, id string, at time.Time) (Delivery, error)
	// Cancel ends a delivery that is not final, else ErrFinal. While an attempt is
	// open that attempt goes on. One that others wait for in its pipeline keeps its
	// job, due at once, so that the pipeline goes on.
	Cancel(ctx context.Context, id string, at time.Time) (Delivery, error)

	// Endpoints returns a page of an account's, ordered by id, behind after, with the
	// traffic since a time; Endpoint one of them or ErrNoEndpoint.
	Endpoints(ctx context.Context, account string, since time.Time, after string, limit int) (endpoints []Endpoint, next string, err error)
	Endpoint(ctx context.Context, id string, since time.Time) (Endpoint, error)
	// SetEndpoint changes a known endpoint, or ErrNoEndpoint, and inserts the
	// deliveries that tell of it. changed is false when it was in that state.
	SetEndpoint(ctx context.Context, change EndpointChange, tell ...Delivery) (changed bool, err error)

	// BeginRecovery counts what the filter chooses, stores the recovery with that
	// Total and its job, and returns it. Without States it chooses Failed and Held.
	// Tests, of no movie and no endpoint, are not chosen.
	BeginRecovery(ctx context.Context, r Recovery) (Recovery, error)
	// Recovery returns one or ErrNoRecovery.
	Recovery(ctx context.Context, id string) (Recovery, error)
	// GoOn redelivers up to limit more of a recovery's deliveries and returns it;
	// EndedAt is set when none is left. What cannot be redelivered is passed over.
	GoOn(ctx context.Context, id string, limit int, at time.Time) (Recovery, error)
}
