// Package queue is the contract for durable work: what a job is, what a worker
// may answer, and the dispatcher that runs jobs from memory. It knows no
// database and no kind of work; the rows live with whoever implements Store,
// written in the same transaction as the record they belong to.
//
// The contract is kept to what a Postgres queue such as River can also keep:
// insert in a transaction, unique keys, a time to run at, snooze.
package queue

import (
	"context"
	"errors"
	"time"
)

// Kind names a sort of work, such as "render".
type Kind string

// Job is one piece of durable work. It stays in the store until a worker has
// finished it, whatever happens to the process.
type Job struct {
	// ID is made by the store, unique and rising.
	ID   int64
	Kind Kind
	// Key names the record to work on. Among the unfinished jobs of a kind it is
	// unique: inserting it again changes nothing.
	Key string
	// Group is what shares a concurrency limit and takes turns, such as one
	// endpoint. Empty is a group of its own.
	Group string
	// RunAt is the earliest time it may start.
	RunAt time.Time
	// Retry tells that it is not the first try of its work. Some workers are kept
	// for first tries, and a Gate holds back retries only.
	Retry bool
	// Faults counts how often a worker returned an error for it.
	Faults int
}

// Worker does the jobs of one kind.
type Worker interface {
	// Work does the job. It may be called again for a job it already did, after
	// a crash, and must then change nothing.
	//
	// nil: the job is over and is removed. ErrRecorded: it is over, and the store
	// removed it with the record of the work. Snooze(d): again after d.
	// Any other error is our own fault, not the work's outcome: the job stays and
	// is tried again with growing pauses, so that nothing is lost while, say,
	// the disk is full. When ctx ended with cause ErrStopping the job stays too
	// and no fault is counted.
	Work(ctx context.Context, job Job) error
}

// ErrRecorded is what a worker returns when the transaction that recorded its
// work removed the job as well, so that nothing is left to write.
var ErrRecorded = errors.New("queue: recorded")

// ErrStopping is the cause of a worker's context when the process is stopping.
var ErrStopping = errors.New("queue: stopping")

// Snooze asks for the job to be run again after d, without counting a fault.
func Snooze(d time.Duration) error { return snooze(d) }

type snooze time.Duration

func (s snooze) Error() string { return "queue: snoozed for " + time.Duration(s).String() }

// Store keeps the rows of jobs. Inserting is not here: it happens inside the
// store's own transactions. When one has committed, its jobs are handed to
// Dispatcher.Add before the store makes any other change to them: the dispatcher
// could not tell a job that it has read, run and finished meanwhile from a new one.
type Store interface {
	// Jobs returns up to limit unfinished jobs of a kind, earliest RunAt first
	// (ties by ID), that come after the given job in that order; the zero Job
	// starts at the beginning. Fewer than limit means there are no others.
	Jobs(ctx context.Context, kind Kind, after Job, limit int) ([]Job, error)
	// Finish removes a job; a job already gone is no error.
	Finish(ctx context.Context, id int64) error
	// Postpone sets a job's RunAt and Faults; a job already gone is no error.
	Postpone(ctx context.Context, id int64, runAt time.Time, faults int) error
}
