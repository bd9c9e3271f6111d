package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/reelhook/reelhook/internal/queue"
)

// maxGroup bounds how many changes share a commit.
const maxGroup = 1024

// always is the context of everything that is written: a context that ends
// would interrupt a statement, and with it the changes of others in the group.
var always = context.Background()

// writer owns the connection that writes. One goroutine takes every change that
// is waiting and commits them together, so one fsync serves all of them; while
// it syncs, the next group gathers.
type writer struct {
	stmts    *statements
	announce func([]queue.Job)
	Options

	// lastJob is the highest id that a job was given. shut has the endpoints that
	// are not enabled: they are few, and asked for before every attempt. Both belong
	// to the writer's goroutine.
	lastJob int64
	shut    map[string]bool

	requests chan *request
	done     chan struct{}
	// mu guards closed, and requests against being closed during a send.
	mu     sync.RWMutex
	closed bool
}

// request is one caller's change.
type request struct {
	fn     func(*transaction) error
	err    error
	answer chan error
}

// transaction is a change being made.
type transaction struct {
	*writer
	// written tells that the change has begun to write, broken that a statement
	// failed, whatever the change made of it.
	written, broken bool
	// jobs are announced once the change is durable; then hooks are called, before
	// its caller goes on.
	jobs  []queue.Job
	hooks []func()
}

// onCommit has fn called on the writer's goroutine once the change is durable.
func (tx *transaction) onCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

func newWriter(conn *sql.Conn, announce func([]queue.Job), o Options) *writer {
	w := &writer{stmts: newStatements(conn), announce: announce, Options: o, shut: map[string]bool{},
		requests: make(chan *request, maxGroup), done: make(chan struct{})}
	go w.run()
	return w
}

// do has fn run in a transaction and returns when that is durable. fn does only
// database work: everybody waits for it. It may be run a second time when
// another change of its group failed. When ctx ends first the change may
// still be made. An error of fn undoes its change alone.
func (w *writer) do(ctx context.Context, fn func(*transaction) error) error {
	if w == nil {
		return errReadOnly
	}
	r := &request{fn: fn, answer: make(chan error, 1)}
	if err := w.send(ctx, r); err != nil {
		return err
	}
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("gave up waiting, the change may still be made: %w", ctx.Err())
	}
}

func (w *writer) send(ctx context.Context, r *request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.requests <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// change is do for a change that makes something. What it made is not looked at
// unless the change is durable: until then the writer may still be at it.
func change[T any](ctx context.Context, w *writer, fn func(*transaction) (T, error)) (T, error) {
	var made, none T
	err := w.do(ctx, func(tx *transaction) (err error) {
		made, err = fn(tx)
		return err
	})
	if err != nil {
		return none, err
	}
	return made, nil
}

// Close makes the changes that wait, refuses others, and empties the log.
func (w *writer) Close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.requests)
	}
	w.mu.Unlock()
	<-w.done
	if _, err := w.stmts.exec(always, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return w.stmts.close()
}

func (w *writer) run() {
	defer close(w.done)
	for r := range w.requests {
		w.commit(w.gather(r))
	}
}

func (w *writer) gather(first *request) []*request {
	group := []*request{first}
	for len(group) < maxGroup {
		select {
		case r, ok := <-w.requests:
			if !ok {
				return group
			}
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// commit makes a group of changes durable and answers their callers.
func (w *writer) commit(group []*request) {
	// Savepoints cost as much as the changes themselves, and are needed only when
	// one fails after it has written, which is rare: then all are made anew.
	done, err := w.transact(group, false)
	if errors.Is(err, errUndo) {
		done, err = w.transact(group, true)
	}
	if err == nil {
		w.announce(done.jobs)
		for _, hook := range done.hooks {
			hook()
		}
	}
	for _, r := range group {
		if err != nil { // also for one that failed by itself: it may have seen what is gone now
			r.err = err
		}
		r.answer <- r.err
	}
}

// errUndo tells that a change failed halfway and there was no savepoint.
var errUndo = errors.New("a change failed after it had written")

// committed is what follows from the changes of a group.
type committed struct {
	jobs  []queue.Job
	hooks []func()
}

// transact runs a group in one transaction. An error means that nothing of it
// happened.
func (w *writer) transact(group []*request, savepoints bool) (done committed, err error) {
	if _, err := w.stmts.exec(always, "BEGIN IMMEDIATE"); err != nil {
		return done, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil { // SQLite may have rolled back by itself, then this fails, as it should
			_, _ = w.stmts.exec(always, "ROLLBACK")
		}
	}()
	w.Fault("store.begin")
	change := w.unprotected
	if savepoints {
		change = w.savepoint
	}
	for _, r := range group {
		tx := &transaction{writer: w}
		var lost error
		if r.err, lost = change(tx, r.fn); lost != nil {
			return done, lost
		}
		if r.err == nil {
			done.jobs = append(done.jobs, tx.jobs...)
			done.hooks = append(done.hooks, tx.hooks...)
		}
	}
	w.Fault("store.commit.before")
	if _, err := w.stmts.exec(always, "COMMIT"); err != nil {
		return done, fmt.Errorf("commit: %w", err)
	}
	w.Fault("store.commit.after")
	return done, nil
}

// unprotected runs one change. A failure that has written something cannot be
// undone alone, and after a statement that failed there may be no transaction.
func (w *writer) unprotected(tx *transaction, fn func(*transaction) error) (err, lost error) {
	err = w.safely(tx, fn)
	if tx.broken || err != nil && tx.written {
		return nil, fmt.Errorf("%w: %w", errUndo, err)
	}
	return err, nil
}

// savepoint runs one change. err is its own failure, undone. lost means that the
// whole transaction is gone: after some errors, such as a full disk, SQLite
// rolls it back by itself, and going on would write outside of it.
func (w *writer) savepoint(tx *transaction, fn func(*transaction) error) (err, lost error) {
	if _, err := w.stmts.exec(always, "SAVEPOINT change"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	if err = w.safely(tx, fn); err != nil {
		if _, undo := w.stmts.exec(always, "ROLLBACK TO change"); undo != nil {
			return nil, fmt.Errorf("transaction lost: %w", err)
		}
	}
	if _, release := w.stmts.exec(always, "RELEASE change"); release != nil {
		return nil, fmt.Errorf("release savepoint: %w", release)
	}
	return err, nil
}

// safely turns a panic into an error: a bug in one change must not take the
// others down.
func (w *writer) safely(tx *transaction, fn func(*transaction) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			w.Log.LogAttrs(always, slog.LevelError, "change panicked", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("change panicked: %v", v)
		}
	}()
	return fn(tx)
}
